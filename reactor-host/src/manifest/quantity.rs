//! Durations (`50ms`) and sizes (`256MiB`): whole numbers with a unit.
//!
//! The two grammars are a dozen lines; crates that read them also take forms (`1h 3min`, `1.5 k`) that a
//! manifest should not have two spellings for.

use std::time::Duration;

use serde::Serializer;

/// The longest duration that a manifest may ask for: 30 days.
pub(super) const MAX_DURATION: Duration = Duration::from_hours(30 * 24);

const TIME_UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000)];
const SIZE_UNITS: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

fn read(text: &str, units: &[(&str, u64)], example: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
    let (false, Some(factor)) = (number.is_empty(), factor) else {
        let names: Vec<_> = units.iter().map(|(name, _)| *name).collect();
        return Err(format!("write a whole number and a unit ({}), as in `{example}`", names.join(", ")));
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "the number is too large".to_owned())
}

/// Reads a duration between `least` and [`MAX_DURATION`].
pub(super) fn duration(text: &str, least: Duration) -> Result<Duration, String> {
    let value = Duration::from_millis(read(text, &TIME_UNITS, "50ms")?);
    if value < least {
        return Err(format!("it must be at least {}", show_duration(least)));
    }
    if value > MAX_DURATION {
        return Err("it must be at most 30 days".to_owned());
    }
    Ok(value)
}

/// Reads a size in bytes, which may not be 0.
pub(super) fn size(text: &str) -> Result<u64, String> {
    match read(text, &SIZE_UNITS, "256MiB")? {
        0 => Err("it must be more than 0".to_owned()),
        bytes => Ok(bytes),
    }
}

/// The text that [`duration`] reads back as `value` (whole milliseconds).
pub(super) fn show_duration(value: Duration) -> String {
    if value.subsec_nanos() == 0 {
        format!("{}s", value.as_secs())
    } else {
        format!("{}ms", value.as_millis())
    }
}

/// The text that [`size`] reads back as `bytes`.
pub(super) fn show_size(bytes: u64) -> String {
    let unit = SIZE_UNITS.iter().rev().find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor));
    let (name, factor) = unit.unwrap_or(&SIZE_UNITS[0]);
    format!("{}{name}", bytes / factor)
}

pub(super) fn serialize_duration<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&show_duration(*value))
}

#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
pub(super) fn serialize_duration_option<S: Serializer>(
    value: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serialize_duration(value, serializer),
        None => serializer.serialize_none(),
    }
}

#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
pub(super) fn serialize_size<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(bytes) => serializer.serialize_str(&show_size(*bytes)),
        None => serializer.serialize_none(),
    }
}
