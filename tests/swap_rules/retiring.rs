//! Closing generations, each by itself.

use reactor_host::{EventKind, Host, Subscription, Value, Verdict, value};
use reactor_tests::folder::Folder;
use reactor_tests::gate::Gate;
use reactor_tests::puppet::Script;
use reactor_tests::{corpus, tell, trusted, wait};

/// Waits for this verdict about a generation, and answers its reasons.
fn verdict(events: &Subscription, generation: u64, wanted: Verdict) -> Vec<String> {
    wait::event(events, |event| match &event.kind {
        EventKind::Retired { verdict, reasons, .. }
            if tell::is_about(event, "do-as-told")
                && event.generation == Some(generation)
                && *verdict == wanted =>
        {
            Some(reasons.clone())
        }
        _ => None,
    })
}

#[test]
fn an_endless_call_retains_its_generation_and_delays_no_other_and_is_unloaded_once_it_ends() {
    let (folder, gate) = (Folder::new(), Gate::new());
    folder.put("libdo_as_told.so", &corpus::bytes("do-as-told"));
    let inside = gate.clone();
    let (manifest, entry) = Script::new("gatekeeper")
        .answer(move |cue| {
            if cue.action == "hold" {
                inside.pass();
            }
            Ok(true.into())
        })
        .build();
    let builder = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder.path());
    let host = trusted(builder).plugin(manifest, entry).build().expect("a host");
    assert!(host.start().expect("the host starts").is_ok());
    let endless = host.plugin("do-as-told").expect("an id").generation().expect("it serves");
    let events = host.events();
    std::thread::scope(|threads| {
        let call = threads.spawn(|| host.invoke("do-as-told", "call", &value!(["gatekeeper", "hold", null])));
        gate.arrived(1);
        let swap = || assert!(tell::swapped(&host.swap("do-as-told").expect("the host runs"), "do-as-told"));
        swap();
        assert_eq!(
            verdict(&events, endless, Verdict::Retained),
            ["1 call is inside"],
            "said at its stop-deadline"
        );
        for _ in 0..5 {
            let serving = host.plugin("do-as-told").expect("an id").generation().expect("it serves");
            swap();
            verdict(&events, serving, Verdict::Unloaded);
        }
        gate.open();
        assert_eq!(call.join().expect("no panic").expect("no error"), Value::from(true));
    });
    assert_eq!(verdict(&events, endless, Verdict::Unloaded), [""; 0]);
}
