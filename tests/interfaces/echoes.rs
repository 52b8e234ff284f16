//! Random values of nested types, and those at the edges, come back over every road as they were sent.

use echo_api::{Echo, EchoHandle, comes_back, edges, samples};
use proptest::prelude::*;
use reactor_tests::on_every_road;
use reactor_tests::roads::{Cast, Part, ROADS, Road};

on_every_road! {
    whatever_is_sent_comes_back
    whatever_a_plugin_passes_on_comes_back_from_every_road
}

/// What a relay on each road and their providers are called.
const RELAYS: [&str; 3] = ["link", "lib", "apart"];

#[track_caller]
fn come_back(echo: &EchoHandle, cases: u32) {
    for sample in edges() {
        if let Err(error) = comes_back(echo, &sample) {
            panic!("{}", error.to_string().chars().take(2_000).collect::<String>());
        }
    }
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(sample in samples())| { comes_back(echo, &sample)? });
}

fn whatever_is_sent_comes_back(road: Road) {
    let cast = Cast::on(road, &[Part::echo("echo")]);
    let echo = cast.host.interface::<dyn Echo>("^1").expect("a handle");
    come_back(&echo, 64);
}

fn whatever_a_plugin_passes_on_comes_back_from_every_road(road: Road) {
    // The relays come first: who they pass on to is not there yet.
    let relays = ROADS.into_iter().zip(RELAYS.map(|id| Part::relay(id, "echo")));
    let (cast, report) = Cast::of(&relays.chain([(road, Part::echo("echo"))]).collect::<Vec<_>>());
    assert!(report.is_ok(), "{report:#?}");
    for relay in RELAYS {
        let echo = cast.host.interface_of::<dyn Echo>(relay, "^1").expect("a handle");
        come_back(&echo, 16);
    }
}

#[test]
fn whatever_goes_back_and_forth_between_all_roads_comes_back() {
    let way = [
        Road::InProcess,
        Road::Subprocess,
        Road::InProcess,
        Road::Subprocess,
        Road::Linked,
        Road::Subprocess,
    ];
    let relays = way
        .into_iter()
        .enumerate()
        .map(|(at, road)| (road, Part::relay(&format!("way-{at}"), &format!("way-{}", at + 1))));
    let end = (Road::InProcess, Part::echo(&format!("way-{}", way.len())));
    let (cast, report) = Cast::of(&relays.chain([end]).collect::<Vec<_>>());
    assert!(report.is_ok(), "{report:#?}");
    let echo = cast.host.interface_of::<dyn Echo>("way-0", "^1").expect("a handle");
    come_back(&echo, 8);
}
