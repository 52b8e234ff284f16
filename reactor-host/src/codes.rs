//! Every error code that programs and people can meet: what it means, and what to do.
//!
//! Owns the catalogue, also of the codes that `reactor-abi` and the command give; the book's page of errors is made of
//! it, and `reactor explain` prints from it. It knows none of the errors themselves: those carry the path, the plugin or
//! the values that differ.
//!
//! ```
//! use reactor_host::codes;
//!
//! let code = codes::find("RE0103").expect("an unknown key in a manifest");
//! println!("{}: {}; {}", code.code, code.title, code.remedy);
//! ```

mod catalogue;
#[cfg(test)]
mod tests;

use serde::Serialize;

/// One error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Code {
    /// `RE` and four digits.
    pub code: &'static str,
    /// What it means, in a phrase.
    pub title: &'static str,
    /// What is good to know beside that; empty where the phrase says it all.
    pub detail: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// Codes that belong together, since the same part tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Seam {
    /// Its name, which is a heading in the book.
    pub title: &'static str,
    /// What becomes of the plugin, or of the call, in all of them.
    pub about: &'static str,
    /// Its codes, rising.
    pub codes: &'static [Code],
}

/// Every code, by seam.
pub fn seams() -> &'static [Seam] {
    catalogue::SEAMS
}

/// The code that `text` names, if there is one: `RE0103`, `re0103`, `0103`.
pub fn find(text: &str) -> Option<&'static Code> {
    let code = normal(text)?;
    all().find(|known| known.code == code)
}

/// The seam that a code belongs to.
pub fn seam_of(code: &Code) -> Option<&'static Seam> {
    seams().iter().find(|seam| seam.codes.iter().any(|known| known.code == code.code))
}

/// At most three codes that may have been meant by `text`, the likeliest first: those with one digit wrong, two digits
/// swapped, one missing or one too many. None for what does not look like a code.
pub fn near(text: &str) -> Vec<&'static Code> {
    let Some(digits) = digits(text) else { return Vec::new() };
    let number = |digits: &str| digits.parse::<u32>().unwrap_or(u32::MAX);
    let rank = |known: &Code| {
        let meant = &known.code[2..];
        let swapped = sorted(digits) == sorted(meant);
        let same_seam = digits.get(..2) == meant.get(..2);
        (!swapped, !same_seam, number(meant).abs_diff(number(digits)))
    };
    let mut near: Vec<_> = all().filter(|known| is_slip(digits, &known.code[2..])).collect();
    near.sort_by_key(|known| rank(known));
    near.truncate(3);
    near
}

fn sorted(digits: &str) -> Vec<u8> {
    let mut digits = digits.as_bytes().to_vec();
    digits.sort_unstable();
    digits
}

fn all() -> impl Iterator<Item = &'static Code> {
    seams().iter().flat_map(|seam| seam.codes)
}

/// What follows `RE`, if nothing but digits does.
fn digits(text: &str) -> Option<&str> {
    let text = text.trim();
    let digits = match text.get(..2) {
        Some(start) if start.eq_ignore_ascii_case("RE") => &text[2..],
        _ => text,
    };
    let some = (1..=8).contains(&digits.len());
    (some && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

fn normal(text: &str) -> Option<String> {
    digits(text).map(|digits| format!("RE{digits}"))
}

/// Whether one slip of the hand makes `written` of `meant`.
fn is_slip(written: &str, meant: &str) -> bool {
    let (written, meant) = (written.as_bytes(), meant.as_bytes());
    let same = written.iter().zip(meant).take_while(|(a, b)| a == b).count();
    let (found, wanted) = (&written[same..], &meant[same..]);
    match (found, wanted) {
        ([], [] | [_]) | ([_], []) => true,
        // Two that changed places.
        ([first, second, rest @ ..], [.., _])
            if wanted.starts_with(&[*second, *first]) && rest == &wanted[2..] =>
        {
            true
        }
        ([_, rest @ ..], [_, after @ ..]) => rest == after || found == after || rest == wanted,
        _ => false,
    }
}
