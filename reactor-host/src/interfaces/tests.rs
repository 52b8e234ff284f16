use expect_test::{Expect, expect};
use reactor_abi::interface::{Descriptor, Method, Want};

use super::*;

fn descriptor(version: &str, methods: &[(&str, &str, Option<&str>)]) -> Descriptor {
    let method = |(name, signature, since): &(&str, &str, Option<&str>)| Method {
        name: (*name).to_owned(),
        signature: (*signature).to_owned(),
        since: since.map(str::to_owned),
    };
    Descriptor {
        name: "text.stats".to_owned(),
        version: version.to_owned(),
        methods: methods.iter().map(method).collect(),
    }
}

fn want(range: &str, descriptor: Descriptor) -> Wanted {
    Wanted::new(Want { descriptor, range: range.to_owned(), provider: None }).expect("a question")
}

const WORDS: (&str, &str, Option<&str>) = ("words", "fn words(&self, &str) -> u64", None);
const LINES: (&str, &str, Option<&str>) = ("lines", "fn lines(&self, &str) -> u64", Some("1.1"));

#[track_caller]
fn check(range: &str, caller: Descriptor, provider: Descriptor, expected: &Expect) {
    let offered = Offered::new(provider).expect("an offer");
    let told = match want(range, caller).fit(&offered) {
        Ok(places) => format!("{places:?}"),
        Err(misfit) => format!("{} {}", misfit.code(), misfit.told(&"acme.count 2.0.0")),
    };
    expected.assert_eq(&told);
}

#[test]
fn methods_are_found_by_name_whatever_their_order() {
    let provider = descriptor("1.1.0", &[LINES, WORDS]);
    check("^1", descriptor("1.1.0", &[WORDS, LINES]), provider.clone(), &expect!["[Some(1), Some(0)]"]);
    check("^1", descriptor("1.0.0", &[WORDS]), provider, &expect!["[Some(1)]"]);
}

#[test]
fn a_provider_may_be_older_than_a_method_that_says_since_when_it_is_there() {
    let provider = descriptor("1.0.3", &[WORDS]);
    check("^1", descriptor("1.1.0", &[WORDS, LINES]), provider.clone(), &expect!["[Some(0), None]"]);
    let caller = descriptor("1.1.0", &[WORDS, LINES]);
    check(
        "^1.1",
        caller,
        provider,
        &expect![
            "RE0748 acme.count 2.0.0 provides 1.0.3, and ^1.1 is asked for by a caller that was built with 1.1.0; \
             install a version of it that provides ^1.1, or rebuild the caller with the interface's 1.0.3"
        ],
    );
}

#[test]
fn a_difference_is_told_with_both_sides_both_versions_and_what_to_do() {
    let other = ("words", "fn words(&self, &str) -> Result<u32, {code: u32}>", None);
    check(
        "*",
        descriptor("1.0.0", &[WORDS]),
        descriptor("1.2.0", &[other]),
        &expect![[r#"
        RE0749 method `words`: acme.count 2.0.0, built with 1.2.0, has `fn words(&self, &str) -> Result<u32, {code: u32}>`, and the caller, built with 1.0.0, expects `fn words(&self, &str) -> u64` (`Result<u32, {code: u32}>` against `u64`); rebuild both with the same version of the interface, and give a changed method a new major version"#]],
    );
    check(
        "*",
        descriptor("1.1.0", &[WORDS, LINES]),
        descriptor("1.1.0", &[WORDS]),
        &expect![
            "RE0750 acme.count 2.0.0, built with 1.1.0, has no method `lines`; the caller, built with 1.1.0, has `fn \
             lines(&self, &str) -> u64` since 1.1, which 1.1.0 should have; rebuild the provider"
        ],
    );
    check(
        "*",
        descriptor("1.1.0", &[WORDS]),
        descriptor("1.1.0", &[]),
        &expect![[r#"
        RE0750 acme.count 2.0.0, built with 1.1.0, has no method `words`; the caller, built with 1.1.0, expects `fn words(&self, &str) -> u64`; rebuild the provider, or mark the method with the minor version that brought it (`#[since("…")]`)"#]],
    );
}

#[test]
fn a_descriptor_that_is_none_is_refused() {
    let refused = |descriptor: Descriptor| Offered::new(descriptor).expect_err("refused").code();
    assert_eq!(refused(descriptor("1.0", &[])), "RE0740");
    assert_eq!(refused(descriptor("1.0.0", &[WORDS, WORDS])), "RE0740");
    assert_eq!(refused(descriptor("1.0.0", &[("a", "fn a(&self)", Some("1.x"))])), "RE0740");
    assert_eq!(refused(Descriptor { name: "a b".to_owned(), ..descriptor("1.0.0", &[]) }), "RE0740");
    let many: Vec<_> = (0..2_000).map(|at| format!("m{at}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "", None)).collect();
    assert_eq!(refused(descriptor("1.0.0", &many)), "RE0740");
    let want = Want { descriptor: descriptor("1.0.0", &[]), range: "one".to_owned(), provider: None };
    assert_eq!(Wanted::new(want.clone()).expect_err("no range").code(), "RE0745");
    let want = Want { range: "^1".to_owned(), provider: Some("A b".to_owned()), ..want };
    assert_eq!(Wanted::new(want).expect_err("no id").code(), "RE0746");
}
