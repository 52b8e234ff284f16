//! What may be provided, and when.

use reactor_abi::prelude::*;
use reactor_host::{EventKind, Host};
use reactor_tests::puppet::{Script, host, started};
use reactor_tests::wait;

use super::{Named, Teller, teller};

#[track_caller]
fn fails(script: Script, code: &str) {
    let host = host([script]);
    let events = host.events();
    let report = host.start().expect("started");
    assert!(!report.is_ok());
    let told = wait::event(&events, |event| match &event.kind {
        EventKind::Failed { code, phase, .. } => Some((phase.clone(), code.clone())),
        _ => None,
    });
    assert_eq!(told, ("register".to_owned(), code.to_owned()));
}

fn provide(cx: &mut Register<'_>) -> Result<()> {
    cx.provide::<dyn Teller>(Named("x"))
}

#[test]
fn what_the_manifest_does_not_list_is_refused_as_is_another_version_of_it() {
    fails(Script::new("acme.one").registers(provide), "RE0741");
    fails(Script::new("acme.one").provides("tests.teller", "1.0.0", provide), "RE0742");
}

#[test]
fn one_object_provides_an_interface_for_the_whole_plugin() {
    fails(Script::new("acme.one").provides("tests.teller", "1.1.0", provide).registers(provide), "RE0743");
}

#[test]
fn what_had_been_provided_when_register_fails_is_taken_back() {
    let fails = teller("acme.one", "one").registers(|_| Err(Error::msg("no more")));
    let host = host([fails]);
    assert!(!host.start().expect("started").is_ok());
    let tell = host.interface::<dyn Teller>("^1").expect("a handle");
    assert_eq!(tell.name().expect_err("nobody").code(), "RE0747");
}

#[test]
fn what_the_manifest_lists_and_nobody_provides_is_told() {
    let host = host([Script::new("acme.one").tables("[provides]\n\"tests.teller\" = \"1.1.0\"")]);
    let events = host.events();
    assert!(host.start().expect("started").is_ok());
    let told = wait::event(&events, |event| match &event.kind {
        EventKind::Warned { code, message } => Some((code.clone(), message.clone())),
        _ => None,
    });
    assert_eq!(told.0, "RE0754");
    assert!(told.1.contains("tests.teller 1.1.0"), "{}", told.1);
}

#[test]
fn the_application_can_not_provide_an_interface_twice() {
    let builder = Host::builder("dev.reactor.tests", "1.0.0");
    let builder = builder.provide::<dyn Teller>(Named("a")).provide::<dyn Teller>(Named("b"));
    assert_eq!(builder.build().err().expect("refused").code(), "RE0743");
}

#[test]
fn an_object_lives_until_its_generation_has_ended() {
    struct Told(std::sync::mpsc::Sender<&'static str>);
    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.send("dropped");
        }
    }
    impl Teller for Told {
        fn name(&self) -> String {
            "told".to_owned()
        }
        fn add(&self, one: u64, _: u64) -> u64 {
            one
        }
        fn fall(&self) {}
    }
    let (sender, dropped) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let script = Script::new("acme.one").provides("tests.teller", "1.1.0", move |cx| {
        let sender = sender.lock().expect("no panic").clone();
        cx.provide::<dyn Teller>(Told(sender))
    });
    let host = started([script]);
    let tell = host.interface::<dyn Teller>("^1").expect("a handle");
    assert_eq!(tell.name().expect("answered"), "told");
    assert!(dropped.try_recv().is_err());
    host.disable("acme.one").expect("disabled");
    assert_eq!(dropped.recv_timeout(wait::DEADLINE), Ok("dropped"));
}
