//! Retained generations: counted, listed with their reasons, bounded, and collected when they come free.

use object::read::elf::{ElfFile64, FileHeader, SectionHeader, Sym};
use object::{Endianness, elf};
use reactor_host::{Event, EventKind, Host, Subscription, Value, Verdict};
use reactor_tests::folder::Folder;
use reactor_tests::{corpus, tell, trusted, wait};

/// The variable that `unique-symbol` exports.
const UNIQUE: &str = "REACTOR_TESTS_UNIQUE";

/// The library, with that variable bound as C++ compilers bind what must be one in the whole process.
fn with_a_unique_symbol(mut bytes: Vec<u8>) -> Vec<u8> {
    let at = {
        let file = ElfFile64::<Endianness>::parse(&*bytes).expect("it was just linked");
        let header = file.elf_header();
        let sections = header.sections(file.endian(), &*bytes).expect("it has sections");
        let symbols = sections.symbols(file.endian(), &*bytes, elf::SHT_DYNSYM).expect("it has symbols");
        let is_it = |symbol: &elf::Sym64<Endianness>| {
            symbol.name(file.endian(), symbols.strings()).is_ok_and(|name| name == UNIQUE.as_bytes())
        };
        let index = symbols.iter().position(is_it).expect("it exports the variable");
        let section = sections.section(symbols.section()).expect("the section of its symbols");
        let table = usize::try_from(section.sh_offset(file.endian())).expect("it fits");
        // `st_info` follows the four bytes of `st_name`.
        table + index * size_of::<elf::Sym64<Endianness>>() + 4
    };
    bytes[at] = (elf::STB_GNU_UNIQUE.0 << 4) | (bytes[at] & 0xf);
    bytes
}

fn host(folder: &Folder, budget: usize) -> Host {
    let builder = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder.path());
    let host = trusted(builder.retained_budget(budget)).build().expect("a host");
    let report = host.start().expect("the host starts");
    assert!(report.is_ok(), "{report:?}");
    host
}

/// The code and the message of the next warning about `plugin`.
#[track_caller]
fn warning(events: &Subscription, plugin: &str) -> (String, String) {
    wait::event(events, |event: &Event| match &event.kind {
        EventKind::Warned { code, message } if tell::is_about(event, plugin) => {
            Some((code.clone(), message.clone()))
        }
        _ => None,
    })
}

fn swap_is_done(host: &Host, plugin: &str) -> bool {
    tell::swapped(&host.swap(plugin).expect("the host runs"), plugin)
}

#[test]
fn at_the_budget_a_library_that_stays_is_not_swapped_and_all_others_are() {
    let folder = Folder::new();
    folder.put("libno_delete.so", &corpus::bytes("no-delete"));
    folder.put("libanswer.so", &corpus::bytes("answer-one"));
    let host = host(&folder, 4);
    let events = host.events();
    for _ in 0..3 {
        assert!(swap_is_done(&host, "no-delete"), "it swaps as well as any other");
    }
    let (code, message) = warning(&events, "no-delete");
    assert_eq!(code, "RE0315");
    assert!(message.contains("3 generations are retained, of a budget of 4"), "{message}");
    assert!(swap_is_done(&host, "no-delete"));
    let (code, message) = warning(&events, "no-delete");
    assert_eq!(code, "RE0316");
    assert!(message.contains("4 generations are retained"), "{message}");
    let listed = host.retained();
    assert_eq!(listed.len(), 4);
    assert!(listed.iter().all(|one| one.is_final && one.plugin.as_str() == "no-delete"), "{listed:?}");
    assert!(listed.is_sorted_by_key(|one| (one.generation, one.since_us)));
    assert!(listed[0].reasons[0].contains("-z nodelete"), "{listed:?}");

    let serving = host.plugin("no-delete").expect("an id");
    let generation = serving.generation().expect("it serves");
    let report = host.swap("no-delete").expect("the host runs");
    let (code, message, still) = tell::failure(&report, "no-delete");
    assert_eq!((code.as_str(), still), ("RE0317", Some(generation)));
    assert!(message.contains("the budget is 4") && message.contains("-z nodelete"), "{message}");
    assert_eq!(serving.generation().expect("it serves"), generation);
    assert_eq!(serving.invoke("go", &Value::from(1_u64)).expect("it answers"), Value::from(1_u64));
    assert!(swap_is_done(&host, "answer"), "what can be closed is swapped as ever");

    host.set_retained_budget(5);
    assert!(swap_is_done(&host, "no-delete"), "there is room again");
}

#[test]
fn a_generation_that_comes_free_leaves_the_list_and_makes_room() {
    let (folder, signal) = (Folder::new(), Folder::new());
    folder.put("libthread_running.so", &corpus::bytes("thread-running"));
    let host = host(&folder, 1);
    let events = host.events();
    let end = signal.path().join("end");
    let path = Value::from(end.to_str().expect("a path in UTF-8"));
    host.invoke("thread-running", "go", &path).expect("the thread starts");
    assert!(swap_is_done(&host, "thread-running"));
    let (_, verdict, reasons) = wait::retired(&events);
    assert_eq!(verdict, Verdict::Retained);
    // The thread by its name and its number in the system.
    let named = |reason: &String| {
        reason
            .strip_prefix("thread `worker` (")
            .and_then(|rest| rest.strip_suffix(") of its own still runs"))
            .is_some_and(|number| number.parse::<u32>().is_ok())
    };
    assert!(reasons.iter().any(named), "{reasons:?}");
    assert_eq!(warning(&events, "thread-running").0, "RE0316");
    let listed = host.retained();
    assert_eq!(listed.len(), 1);
    assert!(!listed[0].is_final, "it waits for a thread: {listed:?}");
    assert_eq!(listed[0].reasons, reasons);
    let refused = host.swap("thread-running").expect("the host runs");
    assert_eq!(tell::failure(&refused, "thread-running").0, "RE0317");
    // Nothing else happens in this host: the end of the thread alone must be enough.
    std::fs::write(&end, "").expect("the folder is writable");
    let (_, verdict, reasons) = wait::retired(&events);
    assert_eq!(verdict, Verdict::Unloaded, "{reasons:?}");
    assert_eq!(host.retained(), []);
    assert!(swap_is_done(&host, "thread-running"), "there is room again");
}

#[test]
fn a_budget_of_none_refuses_what_is_known_to_stay_before_the_first_is_retained() {
    let folder = Folder::new();
    folder.put("libno_delete.so", &corpus::bytes("no-delete"));
    folder.put("libanswer.so", &corpus::bytes("answer-one"));
    let host = host(&folder, 0);
    let report = host.swap("no-delete").expect("the host runs");
    let (code, message, _) = tell::failure(&report, "no-delete");
    assert_eq!(code, "RE0317");
    assert!(message.contains("the generation that serves would be another"), "{message}");
    assert!(swap_is_done(&host, "answer"));
    assert_eq!(host.retained(), []);
}

#[test]
fn at_the_budget_the_way_back_is_open() {
    let folder = Folder::new();
    let manifest = "schema = 1\nid = \"no-delete\"\nversion = \"1.0.0\"\napi = \"^1\"\n";
    folder.put("no_delete.toml", manifest.as_bytes());
    folder.put("libno_delete.so", &corpus::bytes("no-delete"));
    let host = host(&folder, 1);
    let events = host.events();
    // The first is kept to go back to; the second takes that place, and the first is retired.
    assert!(swap_is_done(&host, "no-delete"));
    assert_eq!(host.retained(), []);
    assert!(swap_is_done(&host, "no-delete"));
    assert_eq!(warning(&events, "no-delete").0, "RE0316");
    let refused = host.swap("no-delete").expect("the host runs");
    assert_eq!(tell::failure(&refused, "no-delete").0, "RE0317");
    let report = host.rollback("no-delete").expect("the host runs");
    assert_eq!(host.plugin("no-delete").expect("an id").generation().expect("it serves"), 2, "{report:?}");
}

#[test]
fn an_event_says_whether_what_is_retained_stays_for_good() {
    let folder = Folder::new();
    folder.put("libno_delete.so", &corpus::bytes("no-delete"));
    let host = host(&folder, 64);
    let events = host.events();
    assert!(swap_is_done(&host, "no-delete"));
    let json = wait::event(&events, |event| {
        matches!(event.kind, EventKind::Retired { .. })
            .then(|| serde_json::to_value(event).expect("events are data"))
    });
    assert_eq!(json["verdict"], "retained");
    assert_eq!(json["final"], true);
    let listed = serde_json::to_value(host.retained()).expect("they are data");
    assert_eq!(listed[0]["final"], true);
    assert_eq!(listed[0]["plugin"], "no-delete");
}

/// Such a symbol is one in the whole process: later generations use the first one's, which therefore stays, and they
/// themselves are closed.
#[test]
fn a_library_with_unique_symbols_is_retained_and_they_are_named() {
    let folder = Folder::new();
    folder.put("libunique_symbol.so", &with_a_unique_symbol(corpus::bytes("unique-symbol")));
    let host = host(&folder, 64);
    let events = host.events();
    let count = || host.invoke("unique-symbol", "go", &Value::Null).expect("it serves").as_u64();
    assert_eq!(count(), Some(1));
    assert!(swap_is_done(&host, "unique-symbol"));
    let (_, verdict, reasons) = wait::retired(&events);
    assert_eq!(verdict, Verdict::Retained);
    assert_eq!(reasons, [format!("the loader keeps it for its unique symbols, as C++ has them: `{UNIQUE}`")]);
    assert!(host.retained()[0].is_final);
    assert_eq!(count(), Some(2), "the first generation's variable");
    assert!(swap_is_done(&host, "unique-symbol"));
    let (_, verdict, reasons) = wait::retired(&events);
    assert_eq!(verdict, Verdict::Unloaded, "{reasons:?}");
    assert_eq!(count(), Some(3));
}
