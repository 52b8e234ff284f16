//! The control socket, with plugins behind it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use reactor_abi::log::Level;
use reactor_abi::{Value, value};
use reactor_host::control::{Client, Control, End, Feed, News, Request};
use reactor_host::{Event, EventKind, Host, OutcomeStatus, PluginStatus};
use reactor_tests::gate::Gate;
use reactor_tests::puppet::Script;
use reactor_tests::{tell, wait};

/// A host that runs these puppets and serves.
struct Served {
    host: Host,
    control: Control,
    data: tempfile::TempDir,
}

impl Served {
    fn new(scripts: impl IntoIterator<Item = Script>) -> Self {
        let mode = std::fs::Permissions::from_mode(0o700);
        let data = tempfile::Builder::new().permissions(mode).tempdir().expect("a temporary folder");
        let builder = Host::builder("dev.reactor.tests", "1.0.0").data_dir(data.path());
        let linked = scripts.into_iter().map(Script::build);
        let builder = linked.fold(builder, |builder, (manifest, entry)| builder.plugin(manifest, entry));
        let host = builder.build().expect("a host");
        let control = host.serve_control().expect("served");
        let report = host.start().expect("the host starts");
        assert!(report.is_ok(), "{report:?}");
        Self { host, control, data }
    }

    fn client(&self) -> Client {
        Client::connect(self.data.path()).expect("it serves")
    }

    fn mark(&self) -> Value {
        self.client().call("one", "mark", &Value::Null).expect("it answers")
    }
}

/// A connection of somebody who speaks as it likes.
fn raw(data: &Path) -> BufReader<UnixStream> {
    let stream = UnixStream::connect(data.join("control.sock")).expect("it serves");
    stream.set_read_timeout(Some(wait::DEADLINE)).expect("a timeout");
    BufReader::new(stream)
}

/// Logs as often as the value says.
fn noisy() -> Script {
    Script::new("one").answer(|cue| {
        if cue.action == "log" {
            let line = "x".repeat(200);
            for _ in 0..cue.value.as_u64().unwrap_or(0) {
                cue.services.log(Level::Info, line.as_str()).emit();
            }
            return Ok(value!("logged"));
        }
        Ok(Value::Null)
    })
}

fn events(feed: &mut Feed) -> Vec<Event> {
    feed.map(|news| match news.expect("it goes on") {
        News::Event(event) => *event,
        other => panic!("no event: {other:?}"),
    })
    .collect()
}

#[test]
fn a_client_calls_lists_swaps_and_switches_and_is_told_errors_by_code() {
    let served = Served::new([Script::new("one").state(1, "reads = [1]"), Script::new("two")]);
    let mut client = served.client();
    let mut call = |plugin: &str, action: &str| client.call(plugin, action, &value!({"deep": [1.5, null]}));
    assert_eq!(call("one", "add").expect("it answers"), value!(1_u64));
    for (plugin, action, code) in
        [("one", "wave", "RE0602"), ("three", "mark", "RE0601"), ("no id", "mark", "RE0804")]
    {
        assert_eq!(call(plugin, action).expect_err("an error").code(), code, "{plugin} {action}");
    }
    let report = client.swap("one").expect("it is asked");
    assert!(tell::swapped(&report, "one"), "{report:?}");
    assert_eq!(client.call("one", "total", &Value::Null).expect("it answers"), value!(1_u64));
    let list = client.list().expect("it answers");
    let names: Vec<_> = list.iter().map(|info| info.plugin.as_ref().expect("a plugin").as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(list[0].status, PluginStatus::Running { generation: 3 });
    let retained = client.retained().expect("it answers");
    assert_eq!((retained.budget, retained.generations.len()), (64, 0));
    assert_eq!(tell::failure(&client.swap("three").expect("it is asked"), "three").0, "RE0416");

    let off = client.disable("two").expect("it is asked");
    assert_eq!(tell::stopped(&off), ["two"]);
    assert_eq!(tell::status(&served.host, "two"), PluginStatus::Disabled);
    let on = client.enable("two").expect("it is asked");
    assert!(matches!(on.get("two").expect("an outcome").status, OutcomeStatus::Loaded { .. }));
    let nothing = client.rescan().expect("it is asked");
    assert!(nothing.outcomes.is_empty(), "{nothing:?}");
}

#[test]
fn a_slow_call_delays_no_other_client_and_not_the_end_of_the_host() {
    let gate = Gate::new();
    let slow = gate.clone();
    let served = Served::new([Script::new("one").answer(move |cue| {
        if cue.action == "slow" {
            slow.pass();
        }
        Ok(Value::Null)
    })]);
    let mut client = served.client();
    let caller = std::thread::spawn(move || client.call("one", "slow", &Value::Null));
    gate.arrived(1);
    assert_eq!(served.mark(), value!("one"));
    let report = served.client().swap("one").expect("a swap waits for no call");
    assert!(tell::swapped(&report, "one"), "{report:?}");
    // A second one goes away while its call is inside.
    let mut gone = raw(served.data.path());
    gone.get_mut()
        .write_all(b"{\"do\":\"call\",\"plugin\":\"one\",\"action\":\"slow\"}\n")
        .expect("it listens");
    gate.arrived(2);
    drop(gone);
    let Served { host, control, data } = served;
    std::thread::scope(|scope| {
        scope.spawn(|| drop(host));
        wait::until("the socket is removed", || !data.path().join("control.sock").exists());
    });
    // The calls are inside still, and keep the data folder from nobody.
    let next = Host::builder("dev.reactor.tests", "1.0.0").data_dir(data.path()).build().expect("a host");
    let _serves = next.serve_control().expect("served");
    assert!(Client::connect(data.path()).expect("it serves").list().expect("it answers").is_empty());
    gate.open();
    let _ = caller.join().expect("it ended");
    wait::until("everybody has left", || control.connections() == 0);
}

#[test]
fn a_follower_that_reads_nothing_delays_nobody_and_is_told_what_it_missed() {
    const LINES: u64 = 60_000;
    let served = Served::new([noisy()]);
    let mut follower = raw(served.data.path());
    follower.get_mut().write_all(b"{\"do\":\"logs\",\"follow\":true}\n").expect("it listens");
    // It follows from here on.
    let mut line = String::new();
    follower.read_line(&mut line).expect("the host's name");
    served.client().call("one", "log", &value!(1_u64)).expect("it answers");
    line.clear();
    follower.read_line(&mut line).expect("a line");
    assert!(line.starts_with("{\"event\":"), "{line}");

    served.client().call("one", "log", &value!(LINES)).expect("nobody waits for the follower");
    assert_eq!(served.mark(), value!("one"));
    let report = served.host.swap("one").expect("it is asked");
    assert!(tell::swapped(&report, "one"), "{report:?}");

    let (mut told, mut lost) = (0, 0);
    while told + lost < LINES {
        line.clear();
        follower.read_line(&mut line).expect("a line");
        let news: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        if news["event"]["event"] == "log" {
            told += 1;
        } else {
            lost += news["lost"].as_u64().unwrap_or_else(|| panic!("{line}"));
        }
    }
    assert!(lost > 0, "the host keeps no more than a client may be behind");
    assert!(told > 0);
}

#[test]
fn a_feed_has_what_was_before_it_and_begins_where_another_ended() {
    let served = Served::new([noisy()]);
    let kept = events(&mut served.client().feed(&Request::events(false, 0)).expect("it is asked"));
    assert_eq!(kept[0].seq, 1);
    assert!(kept.iter().any(|event| matches!(event.kind, EventKind::Loaded { .. })), "{kept:#?}");
    served.client().call("one", "log", &value!(10_u64)).expect("it answers");
    let since = kept.last().expect("some").seq;
    let mut feed = served.client().feed(&Request::events(false, since)).expect("it is asked");
    let more = events(&mut feed);
    assert_eq!(feed.end(), Some(End::CaughtUp));
    let numbers: Vec<_> = more.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (since + 1..=since + 10).collect::<Vec<_>>(), "without a gap");

    let logs = |plugin: Option<&str>| Request::logs(false, 0, plugin.map(str::to_owned));
    for (request, count) in [(logs(None), 10), (logs(Some("one")), 10), (logs(Some("two")), 0)] {
        assert_eq!(events(&mut served.client().feed(&request).expect("it is asked")).len(), count);
    }
}

#[test]
fn a_feed_that_is_followed_ends_with_the_host_and_has_told_all() {
    let served = Served::new([Script::new("one")]);
    let mut feed = served.client().feed(&Request::events(true, 0)).expect("it is asked");
    let first = feed.next().expect("it goes on").expect("an event");
    assert!(matches!(first, News::Event(event) if event.seq == 1));
    drop(served.host);
    let rest = events(&mut feed);
    assert!(rest.iter().any(|event| matches!(event.kind, EventKind::Stopped { .. })), "{rest:#?}");
    assert_eq!(feed.end(), Some(End::Host));
}

#[test]
fn a_follower_that_goes_away_leaves_its_place() {
    let served = Served::new([Script::new("one")]);
    let mut feed = served.client().feed(&Request::events(true, 0)).expect("it is asked");
    feed.next().expect("it goes on").expect("an event");
    assert_eq!(served.control.connections(), 1);
    drop(feed);
    wait::until("its place is free", || served.control.connections() == 0);
}

#[test]
fn a_value_of_126_levels_crosses_and_comes_back() {
    let served = Served::new([Script::new("one")
        .answer(|cue| Ok(if cue.action == "echo" { cue.value.clone() } else { Value::Null }))]);
    let nested =
        |levels: usize| (1..levels).fold(Value::List(Vec::new()), |inner, _| Value::List(vec![inner]));
    let deepest = nested(126);
    assert_eq!(served.client().call("one", "echo", &deepest).expect("it answers"), deepest);
    assert_eq!(
        served.client().call("one", "echo", &nested(128)).expect_err("it is too deep").code(),
        "RE1007"
    );
}

#[test]
fn a_client_reads_what_was_counted_quarantined_and_retained() {
    let served = Served::new([Script::new("one")]);
    served.mark();
    let mut client = served.client();
    let accounts = client.accounts().expect("it answers");
    assert_eq!((accounts.len(), accounts[0].calls), (1, served.host.accounts()[0].calls));
    assert_eq!(accounts, served.host.accounts());
    assert!(accounts[0].calls > 0);

    Script::new("one").mark("next").version("1.1.0").install(&served.host);
    assert_eq!(served.mark(), value!("next"));
    let report = client.rollback("one").expect("it is asked");
    assert_eq!(tell::rolled_back(&report, "one").2, "1.0.0");
    assert_eq!(served.mark(), value!("one"));
    let held = client.quarantined().expect("it answers");
    assert_eq!((held.len(), held[0].version.to_string().as_str()), (1, "1.1.0"));
    let report = client.lift_quarantine("one").expect("it is asked");
    assert!(client.quarantined().expect("it answers").is_empty(), "{report:?}");
    assert_eq!(client.retained().expect("it answers"), served.host.retained_list());
}
