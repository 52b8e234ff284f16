//! The user's file is read once and never run.

use std::path::{Path, PathBuf};

use reactor_host::{Host, Value, Verdict};
use reactor_tests::folder::Folder;
use reactor_tests::{corpus, tell, trusted, wait};

use super::echoes;

/// The private copies below a data folder.
pub(super) fn staged(data: &Path) -> Vec<PathBuf> {
    let list = |dir: &Path| -> Vec<PathBuf> {
        dir.read_dir().expect("the folder is there").map(|entry| entry.expect("an entry").path()).collect()
    };
    let private =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("reactor-"));
    let files = list(data).into_iter().filter(private).flat_map(|private| list(&private));
    files.filter(|path| path.extension().is_some_and(|extension| extension == "so")).collect()
}

/// Whether something below a folder is mapped into this process.
fn is_mapped(folder: &Path) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux tells");
    maps.contains(folder.to_str().expect("a plain path"))
}

fn over(plugins: &Folder, data: &Folder) -> Host {
    let builder =
        Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(plugins.path()).data_dir(data.path());
    let host = trusted(builder).build().expect("a host");
    let report = host.start().expect("the host starts");
    assert!(report.is_ok(), "{report:?}");
    host
}

#[test]
fn a_library_overwritten_or_truncated_in_place_does_not_disturb_what_runs() {
    let (plugins, data) = (Folder::new(), Folder::new());
    let path = plugins.put("libanswer.so", &corpus::bytes("answer-one"));
    let host = over(&plugins, &data);
    assert!(!is_mapped(plugins.path()), "the user's file is never mapped");
    let bytes = corpus::bytes("answer-one");
    for contents in [vec![0; bytes.len()], vec![0xcc; bytes.len()], Vec::new()] {
        std::fs::write(&path, contents).expect("it is writable");
        echoes(&host, "answer");
    }
}

#[test]
fn two_hosts_in_one_process_run_the_same_file_each_with_its_own_state() {
    let (plugins, data) = (Folder::new(), [Folder::new(), Folder::new()]);
    plugins.put("libtally.so", &corpus::bytes("tally-one"));
    let hosts = data.each_ref().map(|data| over(&plugins, data));
    let ask =
        |host: &Host, action: &str| host.invoke("tally", action, &Value::Null).expect("it serves").as_u64();
    for (host, times) in hosts.iter().zip([2, 5]) {
        for _ in 0..times {
            ask(host, "add");
        }
    }
    assert_eq!((ask(&hosts[0], "total"), ask(&hosts[1], "total")), (Some(2), Some(5)));
    let [first, second] = hosts;
    drop(first);
    assert_eq!(ask(&second, "total"), Some(5), "the end of one is nothing to the other");
}

#[test]
fn dropping_the_host_unloads_everything_and_removes_the_private_folder() {
    let (plugins, data) = (Folder::new(), Folder::new());
    plugins.put("libanswer.so", &corpus::bytes("answer-one"));
    plugins.put("libtally.so", &corpus::bytes("tally-one"));
    plugins.put("libspawn_join.so", &corpus::bytes("spawn-join"));
    let host = over(&plugins, &data);
    host.invoke("spawn-join", "go", &Value::from("text")).expect("it serves");
    assert_eq!(staged(data.path()).len(), 3);
    assert!(is_mapped(data.path()));
    let events = host.events();
    drop(host);
    let verdicts = events.filter_map(|event| match event.kind {
        reactor_host::EventKind::Retired { verdict, .. } => Some(verdict),
        _ => None,
    });
    assert_eq!(verdicts.collect::<Vec<_>>(), [Verdict::Unloaded; 3]);
    assert!(!is_mapped(data.path()));
    let mut left: Vec<_> = data
        .path()
        .read_dir()
        .expect("the data folder stays")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["builds", "store.lock", "store.redb"], "what lasts, and nothing else");
}

#[cfg(unix)]
#[test]
fn the_private_folder_is_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (plugins, data) = (Folder::new(), Folder::new());
    plugins.put("libanswer.so", &corpus::bytes("answer-one"));
    let _host = over(&plugins, &data);
    let copy = staged(data.path()).remove(0);
    let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(copy.parent().expect("a folder")), mode(&copy)), (0o700, 0o500));
}

#[test]
fn a_manifest_may_keep_its_library_open_for_good() {
    let (plugins, data) = (Folder::new(), Folder::new());
    let head = "schema = 1\nid = \"answer\"\nversion = \"1.0.0\"\napi = \"^1\"";
    plugins.put(
        "answer.toml",
        format!("{head}\n[run]\nunload = \"never\"\n[health]\ntrial = \"0s\"\n").as_bytes(),
    );
    plugins.put("libanswer.so", &corpus::bytes("answer-one"));
    let host = over(&plugins, &data);
    let events = host.events();
    assert!(tell::swapped(&host.swap("answer").expect("the host runs"), "answer"));
    let (_, verdict, reasons) = wait::retired(&events);
    assert_eq!(verdict, Verdict::Retained);
    assert!(reasons.iter().any(|reason| reason.contains("unload = \"never\"")), "{reasons:?}");
}
