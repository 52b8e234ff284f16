//! What a host finds again that is started anew on the same data folder.

use reactor_host::{Host, OutcomeStatus, Value};
use reactor_tests::clock::clocked;
use reactor_tests::folder::Folder;
use reactor_tests::puppet::Script;
use reactor_tests::{corpus, tell, trusted};

use super::build;

fn over(plugins: &Folder, data: &Folder) -> Host {
    let builder = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(plugins.path());
    trusted(builder.data_dir(data.path())).build().expect("a host over folders of the test's own")
}

fn which(host: &Host) -> u64 {
    let answer = host.invoke("answer", "which", &Value::Null).expect("it serves");
    answer.read::<(u64, u64)>().expect("two numbers").0
}

#[test]
fn a_quarantine_and_the_build_to_go_back_to_survive_the_host() {
    let (plugins, data) = (Folder::new(), Folder::new());
    plugins.put("libanswer.so", &corpus::bytes("answer-one"));
    {
        let host = over(&plugins, &data);
        assert!(host.start().expect("it starts").is_ok());
        plugins.put("libanswer.so", &corpus::bytes("answer-two"));
        assert!(tell::swapped(&host.rescan().expect("it runs"), "answer"));
        assert_eq!(which(&host), 2);
        tell::rolled_back(&host.rollback("answer").expect("it runs"), "answer");
        assert_eq!(which(&host), 1);
    }
    // The file still holds the quarantined build: what was good before runs in its place, from the store.
    let host = over(&plugins, &data);
    let report = host.start().expect("it starts");
    assert_eq!(tell::failure(&report, "answer").0, "RE0520");
    assert_eq!(which(&host), 1);
    let info = host.list().remove(0);
    assert_eq!(info.refused_build.expect("the reason is listed").code, "RE0520");
    assert_eq!(host.quarantined().len(), 1);
    assert!(tell::swapped(&host.lift_quarantine("answer").expect("it runs"), "answer"));
    assert_eq!(which(&host), 2);
    drop(host);
    let host = over(&plugins, &data);
    assert!(host.start().expect("it starts").is_ok());
    assert_eq!(which(&host), 2);
}

#[test]
fn a_state_survives_a_stop_and_the_host_and_is_saved_when_somebody_asks() {
    let (plugins, data) = (Folder::new(), Folder::new());
    plugins.put("libtally.so", &corpus::bytes("tally-one"));
    let total = |host: &Host| host.invoke("tally", "total", &Value::Null).expect("it serves").as_u64();
    {
        let host = over(&plugins, &data);
        assert!(host.start().expect("it starts").is_ok());
        for _ in 0..7 {
            host.invoke("tally", "add", &Value::Null).expect("it serves");
        }
        host.stop().expect("it runs");
        assert!(host.start().expect("it runs").is_ok());
        assert_eq!(total(&host), Some(7), "over stop and start");
        host.invoke("tally", "add", &Value::Null).expect("it serves");
        let report = host.save("tally").expect("it runs");
        let saved =
            |one: &reactor_host::Outcome| matches!(one.status, OutcomeStatus::Saved { schema: 1, .. });
        assert!(report.outcomes.iter().any(saved), "{report:?}");
        host.invoke("tally", "add", &Value::Null).expect("it serves");
    }
    let host = over(&plugins, &data);
    assert!(host.start().expect("it starts").is_ok());
    assert_eq!(total(&host), Some(9), "a host that ends saves once more");
}

#[test]
fn a_state_that_a_build_can_not_read_is_kept_and_the_build_does_not_start() {
    let (host, _clock) = clocked([build("old").state(2, "")]);
    host.invoke("one", "add", &Value::Null).expect("it serves");
    host.stop().expect("it runs");
    Script::new("one").mark("older").state(1, "").install(&host);
    let (code, message, _) = tell::failure(&host.start().expect("it runs"), "one");
    assert_eq!(code, "RE0504");
    assert!(message.contains("schema 2") && message.contains("[1]"), "{message}");
    let report = build("newer").state(2, "reads = [1, 2]").install(&host);
    assert!(report.is_ok(), "{report:?}");
    assert_eq!(host.invoke("one", "total", &Value::Null).expect("it serves").as_u64(), Some(1));
}

#[test]
fn a_second_host_on_a_data_folder_is_told_who_holds_it() {
    let (plugins, data) = (Folder::new(), Folder::new());
    let first = over(&plugins, &data);
    let builder = Host::builder("dev.reactor.other", "2.0.0").plugins_dir(plugins.path());
    let error = trusted(builder.data_dir(data.path())).build().err().expect("the folder is held");
    let text = error.to_string();
    assert!(text.contains("dev.reactor.tests") && text.contains(&std::process::id().to_string()), "{text}");
    drop(first);
    drop(over(&plugins, &data));
}
