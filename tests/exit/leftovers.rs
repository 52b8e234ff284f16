//! What outlives a host, and what hosts leave behind.

use std::time::Duration;

use reactor_host::{Host, Value, value};
use reactor_tests::folder::Folder;
use reactor_tests::puppet::{Script, host, started};
use reactor_tests::{child, corpus, memory, tell, trusted, wait};

use super::super::faults::rounds;

#[test]
fn handles_subscriptions_and_watches_outlive_their_host() {
    let folder = Folder::new();
    folder.put("libanswer.so", &corpus::bytes("answer-one"));
    let host = reactor_tests::host(folder.path());
    assert!(host.start().expect("the host starts").is_ok());
    let (handle, never) = (host.plugin("answer").expect("an id"), host.plugin("nobody").expect("an id"));
    let (mut events, watch) = (host.events(), host.watch().expect("the folder is watched"));
    assert!(handle.invoke("which", &Value::Null).is_ok());
    drop(host);
    for handle in [handle.clone(), handle, never] {
        for answer in
            [handle.invoke("which", &Value::Null).map(drop), handle.health(), handle.generation().map(drop)]
        {
            let (code, message) = tell::error(answer);
            assert!(["RE0601", "RE0605"].contains(&code.as_str()), "{code} {message}");
        }
    }
    // Whatever happens in the folder now, nobody is there to hear of it.
    folder.put("libanswer.so", &corpus::bytes("answer-two"));
    folder.remove("libanswer.so");
    drop(watch);
    assert!(events.by_ref().count() > 0, "what happened can still be read");
    assert!(
        events.next().is_none() && events.next_timeout(Duration::from_mins(1)).is_none(),
        "and then it ends"
    );
    assert_eq!(events.lost(), 0);
}

#[test]
fn hosts_on_one_folder_follow_it_each_for_itself() {
    let folder = Folder::new();
    let builds = [corpus::bytes("tally-one"), corpus::bytes("tally-two")];
    folder.put("libtally.so", &builds[0]);
    let hosts: Vec<_> = (0..2).map(|_| reactor_tests::host(folder.path())).collect();
    let watches: Vec<_> = hosts
        .iter()
        .map(|host| {
            assert!(host.start().expect("the host starts").is_ok());
            (host.events(), host.watch().expect("the folder is watched"))
        })
        .collect();
    let ask =
        |host: &Host, action: &str| host.invoke("tally", action, &Value::Null).expect("it serves").as_u64();
    for round in 1..=rounds(20) as u64 {
        folder.put("libtally.so", &builds[usize::try_from(round % 2).expect("a bit")]);
        for (host, (events, _)) in hosts.iter().zip(&watches) {
            wait::event(events, |event| {
                matches!(event.kind, reactor_host::EventKind::Swapped { .. }).then_some(())
            });
            assert_eq!((ask(host, "which"), ask(host, "add")), (Some(1 + round % 2), Some(round)));
        }
    }
    let mut hosts = hosts.into_iter();
    drop(hosts.next());
    let left = hosts.next().expect("the other one");
    assert!(ask(&left, "total") > Some(0), "one goes, the other goes on");
}

#[test]
fn a_thousand_hosts_leave_no_file_thread_or_mapping_behind() {
    child::alone("exit::leftovers::a_thousand_hosts_leave_no_file_thread_or_mapping_behind", || {
        let (folder, data) = (Folder::new(), Folder::new());
        folder.put("libanswer.so", &corpus::bytes("answer-one"));
        let round = |number: usize| {
            if number.is_multiple_of(10) {
                let builder = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder.path());
                let host = trusted(builder.data_dir(data.path())).build().expect("a host");
                assert!(host.start().expect("the host starts").is_ok());
                let _watch = host.watch().expect("the folder is watched");
                assert_eq!(host.invoke("answer", "which", &Value::Null).expect("it serves"), value!([1, 1]));
            } else if number % 10 == 1 {
                drop(host([Script::new("never-started")]));
            } else {
                let host = started([Script::new("one").on("start", |cue| {
                    cue.services.spawn("waits", |task| {
                        while task.sleep(Duration::from_hours(1)) {}
                        Ok(())
                    })?;
                    Ok(())
                })]);
                assert_eq!(tell::mark(&host, "one"), "one");
            }
        };
        let before = memory::handles();
        (0..100).for_each(round);
        let settled = memory::handles();
        (0..rounds(1_000)).for_each(round);
        // Whoever watched for file events ends a moment after its watch.
        wait::until("files, pipes and threads are as before the first host", || {
            let now = memory::handles();
            now[0] <= before[0] && now[1] <= before[1]
        });
        let left = memory::handles();
        // The allocator gives each new thread room of its own at times, and keeps it.
        assert!(left[2] <= settled[2] + 16, "mappings: {} became {}", settled[2], left[2]);
        assert_eq!(data.path().read_dir().expect("the data folder").count(), 0, "private folders");
        println!("files and pipes, threads, mappings: {before:?}, {settled:?}, {left:?}");
    });
}
