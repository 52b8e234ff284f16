//! A host in a process of its own, for what a test can not do in the process that it shares with others: end it, handle
//! its signals, count its mappings.
//!
//! The first argument names what is done, the rest is read by that. What comes out goes to standard output as JSON,
//! in the last line; what is not as it should be ends this in a panic.

mod cycles;
mod endings;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    match (arguments.first().map(String::as_str), rest.as_slice()) {
        (Some("cycles"), rest) => cycles::run(rest),
        (Some("handler"), [library]) => endings::handler(library),
        (Some("quick-exit"), [library]) => endings::quick_exit(library),
        (Some("hang"), [library]) => endings::hang(library),
        (Some("destructor-panic"), [library]) => endings::destructor_panic(library),
        (Some("retained"), [library, release]) => endings::retained(library, release),
        (Some("forks"), [library, other]) => endings::forks(library, other),
        other => panic!("not understood: {other:?}"),
    }
}
