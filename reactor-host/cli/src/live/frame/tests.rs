use anstream::adapter::strip_str;
use expect_test::{Expect, expect};

use super::*;
use crate::live::model::Last;

fn row(name: &str, state: State) -> Row {
    let last = Last { text: "loaded, 0.9 ms".to_owned(), is_bad: false };
    Row {
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        generation: matches!(state, State::Running | State::Trial).then_some(1),
        state,
        calls_per_second: None,
        p99_ns: None,
        last,
    }
}

fn model() -> Model {
    let mut model = Model::new("reactor run plugins".to_owned());
    let bad = |text: &str| Last { text: text.to_owned(), is_bad: true };
    model.rows = vec![
        Row { calls_per_second: Some(2.0), p99_ns: Some(850), ..row("clock", State::Running) },
        Row {
            last: bad("refused [RE0404]"),
            version: "1.0.0-rc.1+build.77".to_owned(),
            ..row("notes", State::Refused)
        },
        row("status-banner", State::Off),
        Row {
            generation: Some(12),
            calls_per_second: Some(12_340.0),
            p99_ns: Some(1_234_000),
            last: bad("rolled back from 13"),
            ..row("word-count", State::Trial)
        },
    ];
    model.say("+ clock 0.1.0  generation 1  0.9 ms\n! notes 1.0.0  refused [RE0404]: notes depends on acme.base ^2, which is not here; install it");
    model.say("clock │ info  tick tick=3");
    model
}

#[track_caller]
fn check(model: &Model, columns: usize, rows: usize, text: &Expect) {
    let size = Size { columns, rows };
    let lines = frame(model, size);
    assert_eq!(lines.len(), rows);
    for line in &lines {
        assert!(super::columns(line) <= columns, "{line:?} in {columns}");
    }
    let lines = lines.iter().map(|line| strip_str(line).to_string());
    let lines: Vec<_> = lines.map(|line| line.trim_end().to_owned()).collect();
    text.assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn a_table_stands_above_the_last_lines() {
    check(
        &model(),
        100,
        14,
        &expect![[r#"
            reactor run plugins  4 plugins: 1 refused, 1 trial, 1 running, 1 off                     Ctrl-C ends
            PLUGIN         VERSION           GEN  STATE    CALLS/S     P99  LAST EVENT
            clock          0.1.0               1  running      2.0  850 ns  loaded, 0.9 ms
            notes          1.0.0-rc.1+buil…       refused                   refused [RE0404]
            status-banner  0.1.0                  off                       loaded, 0.9 ms
            word-count     0.1.0              12  trial        12k  1.2 ms  rolled back from 13
            ────────────────────────────────────────────────────────────────────────────────────────────────────
            + clock 0.1.0  generation 1  0.9 ms
            ! notes 1.0.0  refused [RE0404]: notes depends on acme.base ^2, which is not here; install it
            clock │ info  tick tick=3




        "#]],
    );
}

#[test]
fn a_narrow_terminal_does_without_columns() {
    check(
        &model(),
        64,
        12,
        &expect![[r#"
            reactor run plugins  4 plugins: 1 refused, 1 trial, 1 running, …
            PLUGIN         GEN  STATE    CALLS/S     P99  LAST EVENT
            clock            1  running      2.0  850 ns  loaded, 0.9 ms
            notes               refused                   refused [RE0404]
            status-banner       off                       loaded, 0.9 ms
            word-count      12  trial        12k  1.2 ms  rolled back from …
            ────────────────────────────────────────────────────────────────
            + clock 0.1.0  generation 1  0.9 ms
            ! notes 1.0.0  refused [RE0404]: notes depends on acme.base ^2,
                which is not here; install it
            clock │ info  tick tick=3

        "#]],
    );
    check(
        &model(),
        40,
        12,
        &expect![[r#"
            reactor run plugins  4 plugins: 1 refus…
            PLUGIN         STATE    LAST EVENT
            clock          running  loaded, 0.9 ms
            notes          refused  refused [RE0404]
            status-banner  off      loaded, 0.9 ms
            word-count     trial    rolled back fro…
            ────────────────────────────────────────
            + clock 0.1.0  generation 1  0.9 ms
            ! notes 1.0.0  refused [RE0404]: notes
                depends on acme.base ^2, which is
                not here; install it
            clock │ info  tick tick=3
        "#]],
    );
}

#[test]
fn of_more_plugins_than_rows_those_in_trouble_are_shown_and_the_rest_is_counted() {
    let mut many = model();
    many.rows = (0..40).map(|number| row(&format!("plugin-{number:02}"), State::Running)).collect();
    many.rows[31].state = State::Failed;
    many.rows[35].state = State::Off;
    check(
        &many,
        80,
        16,
        &expect![[r#"
            reactor run plugins  40 plugins: 1 failed, 38 running, 1 off         Ctrl-C ends
            PLUGIN     VERSION  GEN  STATE    CALLS/S  P99  LAST EVENT
            plugin-00  0.1.0      1  running                loaded, 0.9 ms
            plugin-01  0.1.0      1  running                loaded, 0.9 ms
            plugin-02  0.1.0      1  running                loaded, 0.9 ms
            plugin-03  0.1.0      1  running                loaded, 0.9 ms
            plugin-04  0.1.0      1  running                loaded, 0.9 ms
            plugin-31  0.1.0      1  failed                 loaded, 0.9 ms
            … and 34 more: 33 running, 1 off
            ────────────────────────────────────────────────────────────────────────────────
            + clock 0.1.0  generation 1  0.9 ms
            ! notes 1.0.0  refused [RE0404]: notes depends on acme.base ^2, which is not
                here; install it
            clock │ info  tick tick=3


        "#]],
    );
}

#[test]
#[expect(clippy::unicode_not_nfc, reason = "a letter of two characters is what the test is about")]
fn long_and_wide_names_keep_the_columns_in_line() {
    let mut wide = model();
    wide.rows = vec![
        row(&"acme.".repeat(30), State::Running),
        row("/plugins/漢字漢字漢字漢字漢字漢字漢字漢字.so", State::Refused),
        row("e\u{301}", State::Running),
    ];
    check(
        &wide,
        72,
        8,
        &expect![[r#"
            reactor run plugins  3 plugins: 1 refused, 2 running         Ctrl-C ends
            PLUGIN                    GEN  STATE    CALLS/S  P99  LAST EVENT
            acme.acme.acme.acme.acm…    1  running                loaded, 0.9 ms
            /plugins/漢字漢字漢字漢…       refused                loaded, 0.9 ms
            é                           1  running                loaded, 0.9 ms
            ────────────────────────────────────────────────────────────────────────
                is not here; install it
            clock │ info  tick tick=3
        "#]],
    );
}

#[test]
fn nothing_is_too_small() {
    let model = model();
    for columns in 0..30 {
        for rows in 0..12 {
            let lines = frame(&model, Size { columns, rows });
            assert_eq!(lines.len(), rows);
            assert!(lines.iter().all(|line| super::columns(line) <= columns), "{columns}x{rows}: {lines:#?}");
        }
    }
    check(
        &model,
        30,
        3,
        &expect![[r#"
            reactor run plugins  4 plugin…
            PLUGIN  STATE  LAST EVENT
            … and 4 more: 1 refused, 1 tr…
        "#]],
    );
}

#[test]
fn before_there_is_a_plugin_the_lines_are_shown() {
    let mut empty = Model::new("reactor dev".to_owned());
    empty.say("   Compiling greeting v0.1.0");
    check(
        &empty,
        60,
        5,
        &expect![[r#"
        reactor dev  0 plugins                           Ctrl-C ends
        ────────────────────────────────────────────────────────────
           Compiling greeting v0.1.0


    "#]],
    );
}

#[test]
fn errors_of_the_compiler_stay_while_a_plugin_does_not_compile() {
    let mut model = Model::new("reactor dev".to_owned());
    model.rows = vec![row("greeting", State::Running)];
    model.print("warning: of the build before");
    model.build();
    for line in [
        "warning: unused",
        "error[E0046]: missing: `invoke`",
        "  --> greeting/src/lib.rs:13:1",
        "error: could not compile",
    ] {
        model.print(line);
    }
    model.mark("greeting", Some("did not compile"));
    for number in 0..20 {
        model.say(&format!("clock │ info  tick tick={number}"));
    }
    check(
        &model,
        60,
        12,
        &expect![[r#"
        reactor dev  1 plugin: 1 running                 Ctrl-C ends
        PLUGIN    GEN  STATE    CALLS/S  P99  LAST EVENT
        greeting    1  running                loaded, 0.9 ms
        ────────────────────────────────────────────────────────────
        error[E0046]: missing: `invoke`
          --> greeting/src/lib.rs:13:1
        error: could not compile
        ────────────────────────────────────────────────────────────
        clock │ info  tick tick=16
        clock │ info  tick tick=17
        clock │ info  tick tick=18
        clock │ info  tick tick=19
    "#]],
    );
    model.mark("greeting", None);
    check(
        &model,
        60,
        6,
        &expect![[r#"
        reactor dev  1 plugin: 1 running                 Ctrl-C ends
        PLUGIN    GEN  STATE    CALLS/S  P99  LAST EVENT
        greeting    1  running                loaded, 0.9 ms
        ────────────────────────────────────────────────────────────
        clock │ info  tick tick=18
        clock │ info  tick tick=19
    "#]],
    );
}

#[test]
fn numbers_take_few_columns() {
    for (calls, text) in [
        (0.0, "0"),
        (0.2, "0.2"),
        (9.96, "10"),
        (999.4, "999"),
        (1_234.0, "1.2k"),
        (999_499.0, "999k"),
        (5_700_000.0, "5.7M"),
        (123_000_000.0, "123M"),
    ] {
        assert_eq!(rate(calls), text);
    }
    for (ns, text) in [
        (0, "0 ns"),
        (85, "85 ns"),
        (1_234, "1.2 µs"),
        (99_950, "100 µs"),
        (2_500_000, "2.5 ms"),
        (1_500_000_000, "1.5 s"),
    ] {
        assert_eq!(time(ns), text);
    }
}
