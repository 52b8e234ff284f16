use serde::{Deserialize, Serialize};

use super::{Migrations, State};
use crate::error::Error;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Two {
    words: Vec<String>,
    total: u64,
}

fn chain() -> Migrations {
    Migrations::to(3)
        .step(1, |words: Vec<String>| Ok(Two { total: words.len().try_into()?, words }))
        .step(2, |old: Two| Ok((old.total, old.words)))
        .down(3, |(total, words): (u64, Vec<String>)| Ok(Two { words, total }))
        .down(2, |new: Two| Ok(new.words))
}

fn words() -> Vec<String> {
    vec!["one".to_owned(), "two".to_owned()]
}

#[test]
fn reads_what_was_saved_and_nothing_longer_or_shorter() {
    let state = State::of(4, &(1_u8, "text")).unwrap();
    assert_eq!(state.read::<(u8, String)>().unwrap(), (1, "text".to_owned()));
    let longer = state.read::<u8>().unwrap_err();
    assert_eq!(longer.code(), "RE0623");
    assert!(longer.message().contains("schema 4 has 5 bytes more"), "{longer}");
    let shorter = state.read::<(u8, String, u64)>().unwrap_err();
    assert_eq!(shorter.code(), "RE0623");
    assert!(shorter.message().contains("schema 4 (6 bytes)"), "{shorter}");
}

#[test]
fn nothing_saved_is_its_own_case() {
    let empty = State::empty();
    assert!(empty.is_empty());
    assert_eq!((empty.schema(), empty.bytes()), (0, &[][..]));
    assert_eq!(empty.read::<()>().unwrap_err().code(), "RE0623");
    assert_eq!(State::of(0, &1).unwrap_err().code(), "RE0621");
    assert!(!State::of(1, &()).unwrap().is_empty());
    assert_eq!(Migrations::none().apply(State::empty(), 5).unwrap(), State::empty());
}

#[test]
fn a_state_crosses_encoded() {
    let state = State::of(3, &words()).unwrap();
    let bytes = postcard::to_stdvec(&state).unwrap();
    assert_eq!(postcard::from_bytes::<State>(&bytes).unwrap(), state);
    let json = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<State>(&json).unwrap(), state);
}

#[test]
fn walks_up_and_down() {
    let old = State::of(1, &words()).unwrap();
    let new = chain().apply(old.clone(), 3).unwrap();
    assert_eq!((new.schema(), new.read().unwrap()), (3, (2_u64, words())));
    assert_eq!(chain().apply(new.clone(), 3).unwrap(), new);
    assert_eq!(chain().apply(new, 1).unwrap(), old);
}

#[test]
fn lists_the_schemas_that_lead_to_the_target() {
    let nop = |migrations: Migrations, from| migrations.step(from, |old: u8| Ok(old));
    assert_eq!(chain().reads(), [1, 2, 3]);
    assert_eq!(Migrations::none().reads(), [0; 0]);
    assert_eq!(Migrations::to(2).reads(), [2]);
    assert_eq!(nop(nop(Migrations::to(4), 3), 1).reads(), [3, 4]);
    assert_eq!(Migrations::to(4).down(5, |new: u8| Ok(new)).reads(), [4, 5]);
    assert_eq!(nop(Migrations::to(0), u32::MAX).down(0, |new: u8| Ok(new)).reads(), [0]);
    assert_eq!(nop(Migrations::to(u32::MAX), u32::MAX).reads(), [u32::MAX]);
}

#[test]
fn a_missing_step_is_named_before_any_runs() {
    let migrations = Migrations::to(4)
        .step(1, |_: u8| -> Result<u8, Error> { panic!("ran although the way is not whole") })
        .down(2, |new: u8| Ok(new));
    let error = migrations.apply(State::of(1, &1_u8).unwrap(), 4).unwrap_err();
    assert_eq!(error.to_string(), "no migration from schema 2 to 3; known: 1→2, 2→1");
    assert_eq!(error.code(), "RE0624");
    let error = Migrations::none().apply(State::of(u32::MAX, &1_u8).unwrap(), 1).unwrap_err();
    assert_eq!(error.to_string(), "no migration from schema 4294967295 to 4294967294; known: none");
}

#[test]
fn a_failing_step_is_the_context_of_its_error() {
    let migrations = Migrations::to(2).step(1, |_: u8| Err::<u8, _>(Error::new("app.bad", "negative total")));
    let error = migrations.apply(State::of(1, &1_u8).unwrap(), 2).unwrap_err();
    assert_eq!(format!("{error:#}"), "migrating the state from schema 1 to 2: negative total [app.bad]");
    let unreadable = chain().apply(State::of(2, &1_u8).unwrap(), 3).unwrap_err();
    assert_eq!(unreadable.code(), "RE0623");
    assert_eq!(unreadable.contexts(), ["migrating the state from schema 2 to 3"]);
}

#[test]
fn debug_shows_the_chain() {
    assert_eq!(
        format!("{:?}", chain()),
        r#"Migrations { target: Some(3), steps: ["1→2", "2→3", "2→1", "3→2"], .. }"#
    );
}
