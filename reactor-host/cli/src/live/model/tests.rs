use std::time::Duration;

use super::*;

fn count(plugin: &str, calls: u64, p99_ns: Option<u64>) -> Count {
    Count { plugin: plugin.to_owned(), calls, p99_ns }
}

#[test]
fn calls_are_counted_over_the_time_between_two_looks() {
    let (mut model, start) = (Model::default(), Instant::now());
    model.count(start, vec![count("clock", 1_000_000, Some(80)), count("quiet", 5, None)]);
    assert!(model.rates.is_empty(), "one look tells no rate");
    let now = start + Duration::from_millis(500);
    model.count(
        now,
        vec![count("clock", 1_000_100, Some(90)), count("quiet", 5, None), count("new", 7, None)],
    );
    assert!((model.rates["clock"] - 200.0).abs() < 0.5);
    assert!((model.rates["quiet"] - 0.0).abs() < 0.5);
    assert!((model.rates["new"] - 14.0).abs() < 0.5);
    assert_eq!((model.p99s.get("clock"), model.p99s.get("quiet")), (Some(&90), None));
    model.count(now, vec![count("clock", 1_000_200, None)]);
    assert!(model.rates.is_empty(), "no time has passed");
}

#[test]
fn lines_are_bounded_in_number_and_length() {
    let mut model = Model::default();
    for number in 0..3 * LINES {
        model.say(&format!("{number}\nsecond"));
    }
    assert_eq!(model.lines.len(), LINES);
    assert_eq!(model.lines[LINES - 2], (3 * LINES - 1).to_string());
    model.say(&"\u{e9}".repeat(LINE_BYTES));
    let last = model.lines.back().expect("a line");
    assert!(last.len() < LINE_BYTES + 16 && last.starts_with('\u{e9}') && last.contains('\u{2026}'));
}

#[test]
fn what_is_printed_can_not_move_the_cursor() {
    let mut model = Model::default();
    model.print("a\u{1b}[2Jb\u{7}");
    assert_eq!(model.lines, ["a\\u{1b}[2Jb\\u{7}"]);
}
