//! Who is called, and what is said when nobody is.

use reactor_abi::prelude::*;
use reactor_host::{EventKind, Host};
use reactor_tests::puppet::{self, Script, host, host_of, started};
use reactor_tests::wait;

use super::{Named, Teller, teller};

/// The same name with another shape.
mod other {
    use reactor_abi::prelude::*;

    #[interface(name = "tests.teller", version = "1.1.0")]
    pub(crate) trait Teller {
        fn name(&self) -> String;
        fn add(&self, one: u64, other: u32) -> u64;
    }

    pub(crate) struct Other;

    impl Teller for Other {
        fn name(&self) -> String {
            "other".to_owned()
        }

        fn add(&self, one: u64, _: u32) -> u64 {
            one
        }
    }
}

fn misshapen(id: &str) -> Script {
    Script::new(id).provides("tests.teller", "1.1.0", |cx| cx.provide::<dyn other::Teller>(other::Other))
}

#[test]
fn a_handle_reaches_who_provides_the_interface_and_may_be_taken_before_anybody_does() {
    let host = host([teller("acme.one", "one")]);
    let tell = host.interface::<dyn Teller>("^1").expect("a handle");
    let error = tell.name().expect_err("nobody runs yet");
    assert_eq!(error.code(), "RE0747", "{error}");
    assert!(host.start().expect("started").is_ok());
    assert_eq!(tell.name().expect("answered"), "one");
    assert_eq!(tell.add(2, 3).expect("answered"), 5);
    let provider = tell.provider().expect("somebody");
    assert_eq!((provider.plugin.as_str(), provider.version.as_str()), ("acme.one", "1.1.0"));
    host.disable("acme.one").expect("disabled");
    assert_eq!(tell.add(2, 3).expect_err("gone").code(), "RE0747");
    host.enable("acme.one").expect("enabled");
    assert_eq!(tell.add(2, 3).expect("answered"), 5);
}

#[test]
fn of_several_providers_the_first_that_serves_is_called_and_one_can_be_asked_for_by_id() {
    let host = started([teller("acme.one", "one"), teller("acme.two", "two")]);
    let any = host.interface::<dyn Teller>("^1").expect("a handle");
    let two = host.interface_of::<dyn Teller>("acme.two", "^1").expect("a handle");
    let names = || [&any, &two].map(|handle| handle.name().map_err(|error| error.code().to_owned()));
    assert_eq!(names(), [Ok("one".to_owned()), Ok("two".to_owned())]);
    let all = host.providers::<dyn Teller>("^1").expect("a range");
    let all: Vec<_> = all.iter().map(|provider| provider.plugin.as_str()).collect();
    assert_eq!(all, ["acme.one", "acme.two"]);
    host.disable("acme.one").expect("disabled");
    assert_eq!(names(), [Ok("two".to_owned()), Ok("two".to_owned())]);
    host.enable("acme.one").expect("enabled");
    host.disable("acme.two").expect("disabled");
    assert_eq!(names(), [Ok("one".to_owned()), Err("RE0747".to_owned())]);
}

#[test]
fn what_does_not_fit_is_told_with_both_sides_when_it_is_asked_for_and_when_it_is_called() {
    let host = started([misshapen("acme.odd")]);
    let error = host.interface::<dyn Teller>("^1").expect_err("it does not fit");
    assert_eq!(error.code(), "RE0749");
    let text = error.to_string();
    for part in ["tests.teller", "`add`", "acme.odd 1.0.0", "u32", "u64", "1.1.0"] {
        assert!(text.contains(part), "`{part}` in: {text}");
    }
    let error = host.interface::<dyn Teller>("^2").expect_err("another version");
    assert_eq!(error.code(), "RE0748", "{error}");
    let error = host.interface::<dyn Teller>("one").expect_err("no range");
    assert_eq!(error.code(), "RE0745", "{error}");
    let error = host.interface_of::<dyn Teller>("Acme!", "^1").expect_err("no id");
    assert_eq!(error.code(), "RE0746", "{error}");

    let host = started([teller("acme.one", "one")]);
    let tell = host.interface::<dyn Teller>("^1").expect("a handle");
    assert_eq!(tell.add(1, 1).expect("answered"), 2);
    assert!(misshapen("acme.one").install(&host).is_ok());
    assert_eq!(tell.add(1, 1).expect_err("the new build does not fit").code(), "RE0749");
    assert!(teller("acme.one", "two").install(&host).is_ok());
    assert_eq!(tell.name().expect("it fits again"), "two");
}

#[test]
fn who_does_not_fit_is_passed_over_for_the_next_who_does() {
    let host = started([misshapen("acme.odd"), teller("acme.one", "one")]);
    let tell = host.interface::<dyn Teller>("^1").expect("a handle");
    assert_eq!(tell.name().expect("answered"), "one");
}

#[test]
fn plugins_call_each_other_and_the_application_and_a_manifest_may_require_it() {
    let ask = |cue: &puppet::Cue<'_>| {
        let tell = cue.services.interface::<dyn Teller>("^1")?;
        Ok(Value::from(format!("{} {}", tell.name()?, tell.add(20, 22)?)))
    };
    let asks = || Script::new("acme.asks").tables("[requires]\n\"tests.teller\" = \"^1\"").answer(ask);
    // Found before its provider, started after it.
    let host = started([asks(), teller("acme.zed", "zed")]);
    let answer = host.invoke("acme.asks", "", &Value::Null).expect("answered");
    assert_eq!(answer.as_str(), Some("zed 42"));

    let builder = Host::builder("dev.reactor.tests", "1.0.0").provide::<dyn Teller>(Named("the application"));
    let host = puppet_host(builder, [asks()]);
    let answer = host.invoke("acme.asks", "", &Value::Null).expect("answered");
    assert_eq!(answer.as_str(), Some("the application 42"));
    let tell = host.interface::<dyn Teller>("^1").expect("a handle");
    assert_eq!(tell.provider().expect("itself").plugin, "dev.reactor.tests");

    let report = self::host([asks()]).start().expect("started");
    assert!(!report.is_ok(), "nobody provides what it requires");
}

#[track_caller]
fn puppet_host(builder: reactor_host::HostBuilder, scripts: impl IntoIterator<Item = Script>) -> Host {
    let host = host_of(builder, scripts);
    let report = host.start().expect("started");
    assert!(report.is_ok(), "{report:?}");
    host
}

#[test]
fn an_event_tells_when_a_provider_comes_changes_and_goes() {
    let host = host([teller("acme.one", "one")]);
    let events = host.events();
    let next = || {
        wait::event(&events, |event| match &event.kind {
            EventKind::InterfaceProvided { interface, version } => {
                Some(format!("came {interface} {version}"))
            }
            EventKind::InterfaceChanged { interface, before, version } => {
                Some(format!("changed {interface} {before} {version}"))
            }
            EventKind::InterfaceWithdrawn { interface, version } => {
                Some(format!("went {interface} {version}"))
            }
            _ => None,
        })
    };
    assert!(host.start().expect("started").is_ok());
    assert_eq!(next(), "came tests.teller 1.1.0");
    assert!(teller("acme.one", "two").install(&host).is_ok());
    assert_eq!(next(), "changed tests.teller 1.1.0 1.1.0");
    host.disable("acme.one").expect("disabled");
    assert_eq!(next(), "went tests.teller 1.1.0");
}

#[test]
fn a_handle_outlives_its_host_and_says_so() {
    let builder = Host::builder("dev.reactor.tests", "1.0.0").provide::<dyn Teller>(Named("the application"));
    let host = host_of(builder, [teller("acme.one", "one")]);
    let own = host.interface::<dyn Teller>("^1").expect("a handle");
    let one = host.interface_of::<dyn Teller>("acme.one", "^1").expect("a handle");
    assert!(host.start().expect("started").is_ok());
    assert_eq!(one.name().expect("answered"), "one");
    drop(host);
    for handle in [own, one.clone(), one] {
        let error = handle.name().expect_err("the host has gone");
        assert!(["RE0605", "RE0747"].contains(&error.code()), "{error}");
    }
}

#[test]
fn what_a_call_does_is_in_the_account_of_the_plugin() {
    let host = started([teller("acme.one", "one")]);
    let tell = host.interface::<dyn Teller>("^1").expect("a handle");
    for _ in 0..100 {
        tell.name().expect("answered");
    }
    tell.fall().expect_err("it panics");
    let account = host.accounts().into_iter().find(|account| account.plugin.as_str() == "acme.one");
    let account = account.expect("it has one");
    assert_eq!((account.calls, account.panics), (101, 1));
    assert!(account.bytes_out >= 300, "{account:?}");
    assert!(account.latency.samples > 0, "{account:?}");
}
