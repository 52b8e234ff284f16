//! What the macros refuse, and that they say what to write instead.

#[test]
fn what_can_not_cross_is_refused_with_what_to_write_instead() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/everything.rs");
    cases.compile_fail("tests/ui/refused/*.rs");
}
