//! Provider and caller, each built with one of three minor versions or with the next major one, on every road.

use std::fmt::Write as _;

use expect_test::expect;
use reactor_host::value;
use reactor_tests::on_every_road;
use reactor_tests::roads::evolver::{answers, v1_1};
use reactor_tests::roads::{Cast, Part, ROADS, Road};

on_every_road! {
    every_pair_of_versions_does_what_the_rules_of_evolution_say
    a_handle_follows_its_provider_from_version_to_version_as_far_as_its_range_goes
    what_does_not_fit_is_told_to_callers_on_every_road_with_both_sides
}

/// Who calls, one on each road.
const CALLERS: [&str; 3] = ["link", "lib", "apart"];

/// A provider on a road, and the callers.
fn cast(road: Road, version: &str) -> Cast {
    let callers = ROADS.into_iter().zip(CALLERS.map(Part::evolver));
    let provider = (road, Part::evolved("evolve", version));
    let (cast, report) = Cast::of(&callers.chain([provider]).collect::<Vec<_>>());
    assert!(report.is_ok(), "{report:#?}");
    cast
}

/// What the application gets, which is what every plugin gets.
fn answer(cast: &Cast, version: &str, range: &str) -> Result<String, reactor_host::Error> {
    let host = answers(&cast.host, version, range);
    for caller in CALLERS {
        let plugin = cast.host.invoke(caller, "answers", &value!([version, range]));
        assert_eq!(plugin, host.clone().map(Into::into), "{caller} {version} {range}");
    }
    host
}

fn every_pair_of_versions_does_what_the_rules_of_evolution_say(road: Road) {
    let callers =
        [("1.0", "^1"), ("1.1", "^1"), ("1.1", "^1.1"), ("1.2", "^1"), ("1.2", "^1.2"), ("2.0", "^2")];
    let mut table = String::new();
    for version in ["1.0.0", "1.1.0", "1.2.0", "2.0.0"] {
        let cast = cast(road, version);
        for (caller, range) in callers {
            let answer = answer(&cast, caller, range).unwrap_or_else(|error| error.code().to_owned());
            writeln!(table, "provider {version}, caller {caller} {range}: {answer}").expect("memory");
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

fn a_handle_follows_its_provider_from_version_to_version_as_far_as_its_range_goes(road: Road) {
    let cast = Cast::on(road, &[Part::evolved("evolve", "1.0.0")]);
    let handle = cast.host.interface::<dyn v1_1::Evolves>("^1").expect("a handle");
    let mut answers = vec![handle.twice().map_err(|error| error.code().to_owned())];
    for version in ["1.1.0", "1.2.0", "2.0.0", "1.3.0", "1.1.0"] {
        assert!(cast.replace(road, &Part::evolved("evolve", version)).is_ok());
        answers.push(handle.twice().map_err(|error| error.code().to_owned()));
    }
    let gone = |code: &str| Err(code.to_owned());
    assert_eq!(answers, [Ok(20), Ok(1_100), Ok(1_200), gone("RE0748"), gone("RE0750"), Ok(1_100)]);
}

fn what_does_not_fit_is_told_to_callers_on_every_road_with_both_sides(road: Road) {
    let cast = cast(road, "1.3.0");
    for (range, code) in [("^1", "RE0749"), ("^2", "RE0748"), ("one", "RE0745")] {
        let error = answer(&cast, "1.0", range).expect_err("it does not fit");
        assert_eq!(error.code(), code, "{error}");
    }
    let text = answer(&cast, "1.0", "^1").expect_err("it does not fit").to_string();
    for part in ["tests.evolves", "`base`", "evolve 1.0.0", "u32", "u64", "1.3.0"] {
        assert!(text.contains(part), "`{part}` in: {text}");
    }
}
