//! Provider and caller, each built with one of three minor versions or with the next major one.

use expect_test::expect;
use reactor_abi::prelude::*;
use reactor_host::Host;
use reactor_tests::puppet::{Script, started};

mod v1_0 {
    use super::*;
    #[interface(name = "tests.evolves", version = "1.0.0")]
    pub(crate) trait Evolves {
        fn base(&self) -> u64;
    }
}

mod v1_1 {
    use super::*;
    #[interface(name = "tests.evolves", version = "1.1.0")]
    pub(crate) trait Evolves {
        /// Against an older provider: twice the base.
        #[since("1.1")]
        fn twice(&self) -> u64 {
            2 * self.base()
        }
        fn base(&self) -> u64;
    }
}

mod v1_2 {
    use super::*;
    #[interface(name = "tests.evolves", version = "1.2.0")]
    pub(crate) trait Evolves {
        fn base(&self) -> u64;
        /// No answer against an older provider.
        #[since("1.2")]
        fn named(&self) -> String;
        #[since("1.1")]
        fn twice(&self) -> u64 {
            2 * self.base()
        }
    }
}

mod v2_0 {
    use super::*;
    #[interface(name = "tests.evolves", version = "2.0.0")]
    pub(crate) trait Evolves {
        fn base(&self) -> Option<u64>;
    }
}

struct Provides;

impl v1_0::Evolves for Provides {
    fn base(&self) -> u64 {
        10
    }
}

impl v1_1::Evolves for Provides {
    fn base(&self) -> u64 {
        11
    }
    fn twice(&self) -> u64 {
        1_100
    }
}

impl v1_2::Evolves for Provides {
    fn base(&self) -> u64 {
        12
    }
    fn twice(&self) -> u64 {
        1_200
    }
    fn named(&self) -> String {
        "twelve".to_owned()
    }
}

impl v2_0::Evolves for Provides {
    fn base(&self) -> Option<u64> {
        Some(20)
    }
}

fn provider(version: &str) -> Script {
    let script = Script::new("acme.evolves").version(version);
    let register = match version {
        "1.0.0" => |cx: &mut Register<'_>| cx.provide::<dyn v1_0::Evolves>(Provides),
        "1.1.0" => |cx: &mut Register<'_>| cx.provide::<dyn v1_1::Evolves>(Provides),
        "1.2.0" => |cx: &mut Register<'_>| cx.provide::<dyn v1_2::Evolves>(Provides),
        _ => |cx: &mut Register<'_>| cx.provide::<dyn v2_0::Evolves>(Provides),
    };
    script.provides("tests.evolves", version, register)
}

/// What a caller of this version gets of each of its methods, or why it gets nothing.
fn call(host: &Host, version: &str, range: &str) -> String {
    fn answer<T: std::fmt::Debug>(answer: Result<T, reactor_abi::interface::CallError>) -> String {
        answer.map_or_else(|error| error.code().to_owned(), |answer| format!("{answer:?}"))
    }
    let called = match version {
        "1.0" => host.interface::<dyn v1_0::Evolves>(range).map(|of| vec![answer(of.base())]),
        "1.1" => {
            host.interface::<dyn v1_1::Evolves>(range).map(|of| vec![answer(of.base()), answer(of.twice())])
        }
        "1.2" => host
            .interface::<dyn v1_2::Evolves>(range)
            .map(|of| vec![answer(of.base()), answer(of.twice()), answer(of.named())]),
        _ => host.interface::<dyn v2_0::Evolves>(range).map(|of| vec![answer(of.base())]),
    };
    called.map_or_else(|error| error.code().to_owned(), |answers| answers.join(" "))
}

#[test]
fn every_pair_of_versions_does_what_the_rules_of_evolution_say() {
    let callers =
        [("1.0", "^1"), ("1.1", "^1"), ("1.1", "^1.1"), ("1.2", "^1"), ("1.2", "^1.2"), ("2.0", "^2")];
    let mut table = String::new();
    for version in ["1.0.0", "1.1.0", "1.2.0", "2.0.0"] {
        let host = started([provider(version)]);
        for (caller, range) in callers {
            let answer = call(&host, caller, range);
            table.push_str(&format!("provider {version}, caller {caller} {range}: {answer}\n"));
        }
    }
    expect![[r#"
        provider 1.0.0, caller 1.0 ^1: 10
        provider 1.0.0, caller 1.1 ^1: 10 20
        provider 1.0.0, caller 1.1 ^1.1: RE0748
        provider 1.0.0, caller 1.2 ^1: 10 20 RE0721
        provider 1.0.0, caller 1.2 ^1.2: RE0748
        provider 1.0.0, caller 2.0 ^2: RE0748
        provider 1.1.0, caller 1.0 ^1: 11
        provider 1.1.0, caller 1.1 ^1: 11 1100
        provider 1.1.0, caller 1.1 ^1.1: 11 1100
        provider 1.1.0, caller 1.2 ^1: 11 1100 RE0721
        provider 1.1.0, caller 1.2 ^1.2: RE0748
        provider 1.1.0, caller 2.0 ^2: RE0748
        provider 1.2.0, caller 1.0 ^1: 12
        provider 1.2.0, caller 1.1 ^1: 12 1200
        provider 1.2.0, caller 1.1 ^1.1: 12 1200
        provider 1.2.0, caller 1.2 ^1: 12 1200 "twelve"
        provider 1.2.0, caller 1.2 ^1.2: 12 1200 "twelve"
        provider 1.2.0, caller 2.0 ^2: RE0748
        provider 2.0.0, caller 1.0 ^1: RE0748
        provider 2.0.0, caller 1.1 ^1: RE0748
        provider 2.0.0, caller 1.1 ^1.1: RE0748
        provider 2.0.0, caller 1.2 ^1: RE0748
        provider 2.0.0, caller 1.2 ^1.2: RE0748
        provider 2.0.0, caller 2.0 ^2: Some(20)
    "#]]
    .assert_eq(&table);
}

#[test]
fn a_handle_follows_its_provider_from_version_to_version_as_far_as_its_range_goes() {
    let host = started([provider("1.0.0")]);
    let handle = host.interface::<dyn v1_1::Evolves>("^1").expect("a handle");
    let mut answers = Vec::new();
    for version in ["1.0.0", "1.1.0", "1.2.0", "2.0.0", "1.1.0"] {
        assert!(provider(version).install(&host).is_ok());
        answers.push(handle.twice().map_err(|error| error.code().to_owned()));
    }
    let gone = Err("RE0748".to_owned());
    assert_eq!(answers, [Ok(20), Ok(1_100), Ok(1_200), gone, Ok(1_100)]);
}
