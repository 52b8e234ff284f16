//! Guarantees of plugins in processes of their own: what happens to such a process happens to nobody else.

mod interfaces;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use reactor_abi::prelude::CallError;
use reactor_host::{EventKind, Host, PluginStatus, Value, Verdict, value};
use reactor_tests::folder::Folder;
use reactor_tests::roads::{Acts, Cast, Part, Road, builder, embedder};
use reactor_tests::{corpus, tell, trusted, wait};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

const APART: Road = Road::Subprocess;

fn pid(cast: &Cast, plugin: &str) -> Pid {
    pid_of(&cast.ask(plugin, "pid", &Value::Null))
}

fn pid_of(number: &Value) -> Pid {
    let number = number.as_u64().and_then(|number| i32::try_from(number).ok());
    number.and_then(Pid::from_raw).expect("the number of a process")
}

/// Whether there is such a process. One that nobody has waited for counts.
fn lives(pid: Pid) -> bool {
    test_kill_process(pid).is_ok()
}

/// The event that a process has ended, as its message.
fn died(cast: &Cast) -> String {
    wait::event(&cast.events, |event| match &event.kind {
        EventKind::Failed { phase, code, message } if phase == "process" => {
            assert_eq!(code, "RE0640");
            Some(message.clone())
        }
        _ => None,
    })
}

#[test]
fn each_plugin_has_a_process_of_its_own_which_ends_with_it() {
    let cast = Cast::on(APART, &[Part::new("a"), Part::new("b")]);
    let pids = [pid(&cast, "a"), pid(&cast, "b")];
    assert!(pids[0] != pids[1] && pids.iter().all(|pid| *pid != rustix::process::getpid()));
    cast.host.disable("a").expect("the host runs");
    assert_eq!(wait::retired(&cast.events).1, Verdict::Unloaded);
    assert!(!lives(pids[0]), "the verdict comes when it has ended");
    assert!(lives(pids[1]));
    drop(cast);
    assert!(!lives(pids[1]), "no process outlives the host");
}

#[test]
fn a_plugin_finds_nothing_of_the_conversation_and_no_file_of_the_hosts() {
    let folder = Folder::new();
    let file = std::fs::File::open(folder.path()).expect("it is there");
    // As a careless C library does: not marked to be closed when another program starts.
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).expect("a descriptor");
    let (cast, _) = Cast::by(builder(&folder), folder, &[(APART, Part::new("a"))]);
    let fds = format!("/proc/{}/fd", pid(&cast, "a").as_raw_nonzero());
    let open = std::fs::read_dir(fds).expect("it is this user's").flatten();
    let open: Vec<_> = open.filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect();
    assert!(!open.iter().any(|path| path == cast.folder.path()), "{open:?}");
    drop(file);
}

#[test]
fn the_same_plugin_calls_across_every_border() {
    let parts = [
        (Road::Linked, Part::new("a")),
        (Road::InProcess, Part::new("b").state("pause")),
        (APART, Part::new("c").state("pause")),
        (APART, Part::new("d")),
    ];
    let (cast, report) = Cast::of(&parts);
    assert!(report.is_ok(), "{report:#?}");
    for first in ["a", "b", "c", "d"] {
        let others = value!([["b", "c", "d", "c", "a", "d"], 40_u64]);
        assert_eq!(cast.ask(first, "deep", &others), value!(40_u64));
    }
}

#[test]
fn a_swap_may_lead_into_a_process_and_out_of_it_with_the_state() {
    let cast = Cast::on(Road::InProcess, &[Part::new("a").state("pause")]);
    let mut total = 0_u64;
    for road in [APART, Road::InProcess, APART] {
        total += 1;
        assert_eq!(cast.ask("a", "add", &Value::Null), value!(total));
        let report = cast.replace(road, &Part::new("a").state("pause"));
        assert!(tell::swapped(&report, "a"), "{report:#?}");
        let inside = pid(&cast, "a") == rustix::process::getpid();
        assert_eq!(inside, road == Road::InProcess);
        assert_eq!(cast.ask("a", "total", &Value::Null), value!(total));
    }
}

#[test]
fn a_process_that_is_killed_fails_the_calls_inside_and_its_plugin_and_nobody_else() {
    let cast = Cast::on(
        APART,
        &[Part::new("a"), Part::new("b"), Part::new("c").tables("[dependencies]\na = \"*\"")],
    );
    let victim = pid(&cast, "a");
    let (direct, beyond) = std::thread::scope(|scope| {
        let direct = scope.spawn(|| cast.host.invoke("a", "hang", &Value::Null));
        let beyond = scope.spawn(|| cast.host.invoke("b", "call", &value!(["a", "hang", null])));
        let inside =
            || cast.host.accounts().iter().find(|one| one.plugin.as_str() == "a").map(|one| one.inside);
        wait::until("both are inside", || inside() == Some(2));
        kill_process(victim, Signal::KILL).expect("it lives");
        (direct.join().expect("no panic"), beyond.join().expect("no panic"))
    });
    for answer in [direct, beyond] {
        let (code, message) = tell::error(answer);
        assert_eq!(code, "RE0640");
        assert!(message.contains("a (generation 1)") && message.contains("signal 9 (SIGKILL)"), "{message}");
    }
    let message = died(&cast);
    assert!(message.ends_with("it was ended by signal 9 (SIGKILL)"), "{message}");
    wait::until("c, which needs it, is down", || {
        matches!(tell::status(&cast.host, "c"), PluginStatus::Refused(_))
    });
    let PluginStatus::Failed(reason) = tell::status(&cast.host, "a") else {
        panic!("{:?}", cast.host.list())
    };
    assert!(reason.code == "RE0640" && reason.message == message, "{reason:?}");
    let (code, message) = tell::error(cast.host.invoke("b", "call", &value!(["a", "mark", null])));
    assert!(code == "RE0601" && message.contains("signal 9 (SIGKILL)"), "{message}");
    assert_eq!(cast.ask("b", "mark", &Value::Null), value!("b"));
    // Somebody has it started again, and what needs it with it.
    cast.host.swap("a").expect("the host runs");
    assert_eq!(cast.ask("a", "mark", &Value::Null), value!("a"));
    assert_eq!(cast.ask("c", "mark", &Value::Null), value!("c"));
}

#[test]
fn a_typed_call_inside_a_process_that_ends_is_told_so() {
    let cast = Cast::on(APART, &[Part::new("a"), Part::new("b")]);
    let acts = cast.host.interface_of::<dyn Acts>("a", "^1").expect("a handle");
    let victim = pid(&cast, "a");
    let answer = std::thread::scope(|scope| {
        let caller = scope.spawn(|| acts.hang());
        let inside =
            || cast.host.accounts().iter().find(|one| one.plugin.as_str() == "a").map(|one| one.inside);
        wait::until("it is inside", || inside() == Some(1));
        kill_process(victim, Signal::KILL).expect("it lives");
        caller.join().expect("no panic")
    });
    let Err(CallError::Gone(error)) = answer else { panic!("{answer:?}") };
    assert!(error.code() == "RE0640" && error.to_string().contains("SIGKILL"), "{error}");
    died(&cast);
    wait::until(
        "nobody provides it",
        || matches!(acts.mark(), Err(CallError::Unavailable(error)) if error.code() != "RE0641"),
    );
}

#[test]
fn interfaces_are_called_across_every_border() {
    let parts = [
        (Road::Linked, Part::new("a")),
        (Road::InProcess, Part::new("b")),
        (APART, Part::new("c")),
        (APART, Part::new("d")),
    ];
    let (cast, report) = Cast::of(&parts);
    assert!(report.is_ok(), "{report:#?}");
    for user in ["a", "b", "c", "d"] {
        for provider in ["a", "b", "c", "d"] {
            assert_eq!(cast.ask(user, "use", &value!([provider, "mark"])), value!(provider));
            assert_eq!(cast.ask(user, "use", &value!([provider, "work"])), value!(3_u64));
        }
    }
}

#[test]
fn how_a_process_ended_is_told() {
    for (how, told) in [("exit", "it ended by itself with exit code 3"), ("abort", "signal 6 (SIGABRT)")] {
        let cast = Cast::on(APART, &[Part::new("a")]);
        let (code, message) = tell::error(cast.host.invoke("a", "end", &value!(how)));
        assert!(code == "RE0640" && message.contains(told), "{message}");
        assert!(died(&cast).contains(told));
    }
}

#[test]
fn a_process_that_ends_on_trial_has_its_swap_taken_back() {
    let cast = Cast::on(APART, &[Part::new("a").state("pause")]);
    cast.ask("a", "add", &Value::Null);
    let report = cast.replace(APART, &Part::new("a").state("pause").mark("two").health("trial = \"1min\""));
    assert!(tell::swapped(&report, "a"), "{report:#?}");
    kill_process(pid(&cast, "a"), Signal::KILL).expect("it lives");
    wait::event(&cast.events, |event| match &event.kind {
        EventKind::RolledBack { code, .. } => Some(code.clone()),
        _ => None,
    });
    let serves = || cast.host.invoke("a", "mark", &Value::Null).ok() == Some(value!("a"));
    wait::until("the old build serves", serves);
    assert_eq!(cast.ask("a", "total", &Value::Null), value!(1_u64));
}

#[test]
fn what_does_not_end_in_time_is_ended_by_force() {
    for hangs in ["stop", "start"] {
        let part = Part::new("a").stop_deadline("100ms").config(&format!("hang = {hangs:?}"));
        let folder = Folder::new();
        let builder = builder(&folder).phase_deadline(Duration::from_millis(if hangs == "start" {
            300
        } else {
            30_000
        }));
        let (cast, _) = Cast::by(builder, folder, &[(APART, part)]);
        cast.host.disable("a").expect("the host runs");
        assert_eq!(wait::retired(&cast.events).1, Verdict::Unloaded, "{hangs}");
    }
    let cast = Cast::on(APART, &[Part::new("a").stop_deadline("100ms")]);
    let process = pid(&cast, "a");
    cast.ask("a", "task-for-ever", &Value::Null);
    cast.host.disable("a").expect("the host runs");
    assert_eq!(wait::retired(&cast.events).1, Verdict::Unloaded);
    assert!(!lives(process));
}

#[test]
fn an_init_that_hangs_costs_its_process() {
    let folder = Folder::new();
    let builder = builder(&folder).phase_deadline(Duration::from_millis(500));
    let (cast, report) = Cast::by(builder, folder, &[(APART, Part::new("a").config("hang = \"init\""))]);
    assert_eq!(tell::failure(&report, "a").0, "RE0205");
    assert_eq!(wait::retired(&cast.events).1, Verdict::Unloaded);
}

#[test]
fn a_call_that_hangs_is_ended_with_the_host() {
    let cast = Cast::on(APART, &[Part::new("a").stop_deadline("100ms")]);
    let process = pid(&cast, "a");
    let handle = cast.host.plugin("a").expect("an id");
    let caller = std::thread::spawn(move || handle.invoke("hang", &Value::Null));
    wait::until("it is inside", || cast.host.accounts()[0].inside == 1);
    drop(cast);
    let (code, message) = tell::error(caller.join().expect("no panic"));
    assert!(code == "RE0640" && message.contains("it was killed"), "{message}");
    wait::until("its process has ended", || !lives(process));
}

#[test]
fn what_is_too_large_for_one_message_is_refused_and_nothing_else_is_harmed() {
    let cast = Cast::on(APART, &[Part::new("a")]);
    let large = (128_u64 << 20) + 1;
    let (code, _) = tell::error(cast.host.invoke("a", "answer", &value!(large)));
    assert_eq!(code, "RE0642");
    let input = Value::bytes(vec![0; usize::try_from(large).expect("it fits")]);
    let (code, message) = tell::error(cast.host.invoke("a", "echo", &input));
    assert!(code == "RE0642" && message.contains("134217728"), "{message}");
    assert_eq!(cast.ask("a", "mark", &Value::Null), value!("a"));
}

/// An embedder that runs in a process of its own: what it says of its plugins.
fn embedding(folder: &Folder, command: &mut Command) -> (std::process::Child, Vec<String>) {
    command.arg(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it was built");
    // Byte by byte: what comes after that is for the test.
    let mut out = BufReader::with_capacity(1, child.stdout.take().expect("a pipe"));
    let lines = out.by_ref().lines().map(|line| line.expect("text")).take_while(|line| line != "ready");
    let lines = lines.collect();
    child.stdout = Some(out.into_inner());
    (child, lines)
}

fn put(folder: &Folder) {
    let manifest =
        concat!(include_str!("corpus/actor-plain/plugin.toml"), "[run]\nisolation = \"subprocess\"\n");
    folder.put("actor_plain.toml", manifest.as_bytes());
    folder.put("libactor_plain.so", &corpus::bytes("actor-plain"));
}

#[test]
fn a_program_that_makes_the_call_is_its_own_runner_and_its_plugins_end_with_it_however_it_ends() {
    for kill in [false, true] {
        let folder = Folder::new();
        put(&folder);
        let (mut child, lines) = embedding(&folder, &mut Command::new(embedder()));
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        let pid = line.strip_prefix("actor ").and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw);
        let pid = pid.unwrap_or_else(|| panic!("{line}"));
        assert!(lives(pid));
        if kill {
            child.kill().expect("it runs");
        } else {
            drop(child.stdin.take());
        }
        child.wait().expect("it ends");
        wait::until("its plugin's process has ended", || !lives(pid) || is_zombie(pid));
    }
}

/// Whether a process has ended and only waits to be looked at. Who that is up to when its parent has gone is the system's
/// choice, and some containers have nobody.
fn is_zombie(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
}

/// What a host says of a plugin that wants a process, by this builder's doing.
fn refused(make: impl FnOnce(reactor_host::HostBuilder) -> reactor_host::HostBuilder) -> (String, String) {
    let folder = Folder::new();
    put(&folder);
    let builder = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder.path());
    let host = make(trusted(builder)).build().expect("a host");
    let (code, message, _) = tell::failure(&host.start().expect("it starts"), "actor");
    (code, message)
}

#[test]
fn a_host_that_finds_nothing_to_start_says_what_to_do() {
    // The tests make no such call, and nothing stands beside them.
    let (code, message) = refused(|builder| builder);
    assert!(
        code == "RE0320" && message.contains("serve_if_runner") && message.contains("/reactor-runner"),
        "{message}"
    );
    let (code, message) = refused(|builder| builder.runner("/no/such/program"));
    assert!(code == "RE0321" && message.contains("/no/such/program"), "{message}");
}

/// A runner of a shell's making, which says these bytes on its socket and then nothing more.
fn says(folder: &Folder, bytes: &[u8]) -> std::path::PathBuf {
    use std::fmt::Write as _;
    let mut octal = String::new();
    for byte in bytes {
        write!(octal, "\\{byte:03o}").expect("memory");
    }
    runner(folder, &format!("#!/bin/sh\nprintf '{octal}' >&0\nexec sleep 1000\n"))
}

fn runner(folder: &Folder, text: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.put("runner", text.as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("it is ours");
    path
}

/// A greeting, as version 1 of the protocol and every other one has it.
fn greeting(protocol: u32, version: &str) -> Vec<u8> {
    let fingerprint = reactor_abi::facts::FINGERPRINT.to_le_bytes();
    let body = [b"reactor\n", protocol.to_le_bytes().as_slice(), &fingerprint, version.as_bytes()].concat();
    [u32::try_from(body.len()).expect("short").to_le_bytes().as_slice(), &body].concat()
}

#[test]
fn a_program_that_is_no_runner_is_told_from_one() {
    let (code, message) = refused(|builder| builder.runner("/bin/false"));
    assert!(code == "RE0322" && message.contains("exit code 1"), "{message}");
    let folder = Folder::new();
    let cases: [(&[u8], _, _); 4] = [
        (b"\x05\0\0\0hello", "RE0322", "no greeting"),
        (b"\xff\xff\xff\xff", "RE0322", "4294967295 bytes"),
        (&greeting(99, "9.9.9"), "RE0323", "protocol 1 here, 99 there"),
        (&greeting(1, "9.9.9"), "RE0323", "9.9.9 there"),
    ];
    for (bytes, expected, told) in cases {
        let (code, message) = refused(|builder| builder.runner(says(&folder, bytes)));
        assert!(code == expected && message.contains(told), "{code} {message}");
    }
}

#[test]
fn garbage_from_a_process_ends_it_and_says_so() {
    let folder = Folder::new();
    let greeting = greeting(1, env!("CARGO_PKG_VERSION"));
    let garbage: [(&[u8], _); 3] = [
        (b"\x03\0\0\0\xc8\xc8\xc8", "a frame of 3 bytes can not be read"),
        (b"\xff\xff\xff\x7f", "2147483647 bytes is announced"),
        // An answer to question 7.
        (b"\x04\0\0\0\x01\x07\0\0", "question 7, which nobody asked"),
    ];
    for (bytes, told) in garbage {
        let runner = says(&folder, &[&greeting, bytes].concat());
        let (code, message) = refused(|builder| builder.runner(runner));
        // Before the host asks for anything, or while it waits.
        assert!(["RE0640", "RE0641"].contains(&code.as_str()), "{code} {message}");
        assert!(message.contains("it was killed: it sent what it must not"), "{message}");
        assert!(message.contains(told), "{message}");
    }
}

#[test]
fn a_terminals_interrupt_does_not_reach_the_processes() {
    let folder = Folder::new();
    put(&folder);
    // The host takes the interrupt for itself, as an application does that ends in good order.
    let mut command = Command::new(embedder());
    let (mut child, lines) = embedding(&folder, command.env("ENDS_AT_INTERRUPT", "1").process_group(0));
    let pid = lines[0].strip_prefix("actor ").and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw);
    let pid = pid.expect("a number");
    rustix::process::kill_process_group(Pid::from_child(&child), Signal::INT).expect("it lives");
    let mut rest = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut rest).expect("text");
    // It asked its plugin after the interrupt, which answered.
    assert!(child.wait().expect("it ends").success() && rest == format!("actor {pid}\n"), "{rest}");
}

#[test]
fn a_runner_that_has_threads_before_the_call_serves_nothing() {
    let folder = Folder::new();
    let text = format!("#!/bin/sh\nTHREADS_FIRST=1 exec '{}' \"$@\"\n", embedder().display());
    let (code, message) = refused(|builder| builder.runner(runner(&folder, &text)));
    assert!(code == "RE0322" && message.contains("exit code 2"), "{code} {message}");
}

#[test]
fn a_library_is_found_by_a_path_that_is_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let (folder, data) = (Folder::new(), tempfile::tempdir().expect("a folder"));
    let builder = builder(&folder).data_dir(data.path().join(std::ffi::OsStr::from_bytes(b"\xff")));
    let (cast, report) = Cast::by(builder, folder, &[(APART, Part::new("a"))]);
    assert!(report.is_ok(), "{report:#?}");
    assert_eq!(cast.ask("a", "mark", &Value::Null), value!("a"));
}

#[test]
fn a_plugin_that_calls_itself_without_end_is_told_so_and_the_host_lives() {
    let cast = Cast::on(APART, &[Part::new("a"), Part::new("b")]);
    for others in [vec!["a"], vec!["b", "a"]] {
        let (code, _) = tell::error(cast.host.invoke("a", "deep", &value!([(others), 2_000_u64])));
        assert_eq!(code, "RE0644");
    }
    for plugin in ["a", "b"] {
        assert_eq!(cast.ask(plugin, "mark", &Value::Null), value!(plugin));
    }
}

#[test]
fn a_process_whose_library_can_not_be_closed_runs_nothing_of_it_at_its_end() {
    // A function for the library's end is called when it is closed; one for the process's end keeps it open.
    for (action, told) in [("atexit", "called\n"), ("process-exit", "")] {
        let (folder, beside) = (Folder::new(), Folder::new());
        let manifest = include_str!("corpus/exit-handlers/plugin.toml");
        folder.put("exit_handlers.toml", format!("{manifest}[run]\nisolation = \"subprocess\"\n").as_bytes());
        folder.put("libexit_handlers.so", &corpus::bytes("exit-handlers"));
        let said = beside.put("said", b"");
        let text =
            format!("#!/bin/sh\nexec 2>'{}'\nexec '{}' \"$@\"\n", said.display(), embedder().display());
        let host = builder(&folder).runner(runner(&beside, &text)).build().expect("a host");
        assert!(host.start().expect("it starts").is_ok());
        host.invoke("exit-handlers", action, &Value::Null).expect("it registers");
        drop(host);
        assert_eq!(std::fs::read_to_string(said).expect("text"), told, "{action}");
    }
}
