//! Orders through the application's own host.

use std::sync::{Arc, Mutex, mpsc};

use reactor_host::{PluginStatus, Value, Verdict};
use reactor_tests::puppet::{Script, host, started};
use reactor_tests::{orders, tell, wait};

use super::{Shelf, found};

const PHASES: [&str; 10] = [
    "init",
    "build",
    "register",
    "after_registration",
    "start",
    "suspend",
    "save",
    "restore",
    "stop",
    "drop",
];

#[test]
fn an_order_in_any_phase_is_refused_and_the_phase_goes_on() {
    for keys in ["pause-deadline = \"20s\"", "handoff = \"snapshot\""] {
        let shelf = Shelf::default();
        let (send, told) = mpsc::channel();
        let one = || {
            PHASES.into_iter().fold(Script::new("one").state(1, keys), |script, phase| {
                let (send, shelf) = (send.clone(), Arc::clone(&shelf));
                script.on(phase, move |_| {
                    if let Some(host) = found(&shelf) {
                        send.send((phase, orders::tried(&host))).expect("the test listens");
                    }
                    Ok(())
                })
            })
        };
        let host = Arc::new(host([one(), Script::new("neighbour")]));
        *shelf.lock().expect("nobody panicked") = Some(Arc::clone(&host));
        let events = host.events();
        assert!(host.start().expect("the host starts").is_ok());
        assert!(tell::swapped(&one().install(&host), "one"));
        assert_eq!(wait::retired(&events).1, Verdict::Linked);
        host.disable("one").expect("from outside it is done");
        assert_eq!(wait::retired(&events).1, Verdict::Linked);
        assert_eq!(tell::mark(&host, "neighbour"), "neighbour");
        shelf.lock().expect("nobody panicked").take();
        let all: Vec<_> = told.try_iter().collect();
        for phase in PHASES {
            let answers: Vec<_> =
                all.iter().filter(|(at, _)| *at == phase).map(|(_, answers)| answers).collect();
            assert!(!answers.is_empty(), "{phase} was run");
            assert!(answers.iter().all(|answers| **answers == vec!["RE0807"; 8]), "{phase}: {answers:?}");
        }
    }
}

#[test]
fn an_order_on_a_thread_of_the_plugins_own_is_carried_out_also_the_one_that_stops_it() {
    let shelf = Shelf::default();
    let (send, told) = mpsc::channel();
    let (bell, inbox) = mpsc::channel::<()>();
    let (inbox, by_thread) = (Arc::new(Mutex::new(inbox)), Arc::clone(&shelf));
    let host = Arc::new(started([Script::new("one").on("start", move |_| {
        let (send, inbox, shelf) = (send.clone(), Arc::clone(&inbox), Arc::clone(&by_thread));
        std::thread::spawn(move || {
            if inbox.lock().expect("nobody panicked").recv_timeout(wait::DEADLINE).is_ok() {
                let host = found(&shelf).expect("it is on the shelf");
                drop(send.send(orders::tried(&host)));
            }
        });
        Ok(())
    })]));
    *shelf.lock().expect("nobody panicked") = Some(Arc::clone(&host));
    bell.send(()).expect("the thread waits");
    assert_eq!(told.recv_timeout(wait::DEADLINE).expect("it asks, and is answered"), vec!["done"; 8]);
    shelf.lock().expect("nobody panicked").take();
    drop(bell);
    assert_eq!(tell::status(&host, "one"), PluginStatus::Disabled);
}

#[test]
fn a_thread_that_waits_for_the_stop_that_waits_for_it_is_let_go_by_the_stops_deadline() {
    let shelf = Shelf::default();
    let (send, told) = mpsc::channel();
    let thread: Arc<Mutex<Option<std::thread::JoinHandle<()>>>> = Arc::default();
    let (bell, inbox) = mpsc::channel::<()>();
    let (inbox, by_thread) = (Arc::new(Mutex::new(inbox)), Arc::clone(&shelf));
    let (keeps, joins) = (Arc::clone(&thread), thread);
    let one = Script::new("one")
        .tables("[run]\nstop-deadline = \"50ms\"")
        .on("start", move |_| {
            let (send, inbox, shelf) = (send.clone(), Arc::clone(&inbox), Arc::clone(&by_thread));
            let asks = move || {
                if inbox.lock().expect("nobody panicked").recv_timeout(wait::DEADLINE).is_ok() {
                    let host = found(&shelf).expect("it is on the shelf");
                    drop(send.send(host.disable("one").map(|report| tell::stopped(&report))));
                }
            };
            *keeps.lock().expect("nobody panicked") = Some(std::thread::spawn(asks));
            Ok(())
        })
        .on("stop", move |_| {
            let thread = joins.lock().expect("nobody panicked").take();
            thread.map_or(Ok(()), |thread| thread.join().map_err(|_| reactor_abi::Error::msg("it panicked")))
        });
    let host = Arc::new(started([one]));
    *shelf.lock().expect("nobody panicked") = Some(Arc::clone(&host));
    let events = host.events();
    bell.send(()).expect("the thread waits");
    let answer = told.recv_timeout(wait::DEADLINE).expect("nobody waits for ever");
    assert_eq!(answer.expect("it is carried out"), ["one"]);
    shelf.lock().expect("nobody panicked").take();
    let (phase, code, _) = tell::failed_phase(&events, "one");
    assert_eq!((phase.as_str(), code.as_str()), ("stop", "RE0420"));
    // The thread has its answer and ends, `stop` returns, and the generation is done with.
    wait::event(&events, |event| match &event.kind {
        reactor_host::EventKind::Retired { verdict: Verdict::Linked, .. } => Some(()),
        _ => None,
    });
}

#[test]
fn a_library_asks_for_everything_from_inside_its_calls_and_it_is_done() {
    use reactor_host::value;
    use reactor_tests::{corpus, folder::Folder};

    let folder = Folder::new();
    folder.put("libany_fault.so", &corpus::bytes("any-fault"));
    folder.put("libanswer.so", &corpus::bytes("answer-one"));
    let host = reactor_tests::host(folder.path());
    assert!(host.start().expect("the host starts").is_ok());
    let events = host.events();
    let ask = |kind: &str, target: &str| {
        let answer = host.invoke("any-fault", "ask", &value!([kind, target, 1])).expect("it is queued");
        assert_eq!(answer, Value::List(Vec::new()), "{kind} {target}");
        host.rescan().expect("an order of our own comes after it");
    };
    let generation = |plugin: &str| host.plugin(plugin).expect("an id").generation().expect("it serves");
    for plugin in ["any-fault", "answer"] {
        let before = generation(plugin);
        ask("swap", plugin);
        assert!(generation(plugin) > before, "{plugin}");
        let (retired, verdict, reasons) = wait::retired(&events);
        assert_eq!((retired.as_str(), verdict), (plugin, Verdict::Unloaded), "{reasons:?}");
    }
    ask("stop", "answer");
    assert_eq!(tell::status(&host, "answer"), PluginStatus::Stopped);
    ask("disable", "answer");
    assert_eq!(tell::status(&host, "answer"), PluginStatus::Disabled);
    ask("stop", "any-fault");
    assert_eq!(tell::status(&host, "any-fault"), PluginStatus::Stopped);
    for _ in 0..2 {
        let (_, verdict, reasons) = wait::retired(&events);
        assert_eq!(verdict, Verdict::Unloaded, "{reasons:?}");
    }
}
