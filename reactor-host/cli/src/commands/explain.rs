//! `reactor explain`: what an error code means, from the host's catalogue.

use std::fmt::Write as _;

use reactor_host::codes::{self, Code, Seam};
use serde::Serialize;

use crate::args::ExplainArgs;
use crate::error::CliError;
use crate::output::{FAINT, GOOD, Output, filled, unlinked};
use crate::status::ExitStatus;

/// One code, as programs read it.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    code: &'static Code,
    seam: &'static str,
    about: &'static str,
}

impl Row {
    fn new(code: &'static Code, seam: &'static Seam) -> Self {
        Self { code, seam: seam.title, about: seam.about }
    }
}

/// See the module.
pub(super) fn explain(args: &ExplainArgs) -> Result<ExitStatus, CliError> {
    let output = Output::new(args.format);
    let Some(text) = &args.code else {
        for seam in codes::seams() {
            if !output.is_json() {
                output.put(seam, listed)?;
                continue;
            }
            for code in seam.codes {
                output.put(&Row::new(code, seam), |_| String::new())?;
            }
        }
        return Ok(ExitStatus::Done);
    };
    let found = codes::find(text).and_then(|code| Some(Row::new(code, codes::seam_of(code)?)));
    let row = found.ok_or_else(|| CliError::NoSuchCode { text: text.clone(), near: names(text) })?;
    output.put(&row, explained)?;
    Ok(ExitStatus::Done)
}

fn names(text: &str) -> Vec<&'static str> {
    codes::near(text).iter().map(|code| code.code).collect()
}

/// Everything about one code, for people.
fn explained(row: &Row) -> String {
    let Code { code, title, detail, remedy, .. } = row.code;
    let mut text = format!("{GOOD}{code}{GOOD:#}  {title}\n\n");
    if !detail.is_empty() {
        let _ = writeln!(text, "{}\n", filled(&unlinked(detail), 2));
    }
    let todo = filled(&format!("What to do: {}", unlinked(remedy)), 2);
    let about = filled(&format!("{}. {}", row.seam, unlinked(row.about)), 2);
    let _ = write!(text, "{todo}\n\n{FAINT}{about}{FAINT:#}");
    text
}

/// A seam with its codes, a line each.
fn listed(seam: &Seam) -> String {
    let mut text = format!("{FAINT}{}{FAINT:#}\n", seam.title);
    for code in seam.codes {
        let _ = writeln!(text, "  {GOOD}{}{GOOD:#}  {}", code.code, code.title);
    }
    text
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use expect_test::expect;

    use super::*;

    #[test]
    fn no_explanation_shows_the_marks_of_a_link() {
        for seam in codes::seams() {
            for code in seam.codes {
                let text = explained(&Row::new(code, seam));
                assert!(!text.contains("]("), "{text}");
            }
        }
    }

    #[test]
    fn a_code_is_explained_with_what_to_do_and_what_goes_on() {
        let code = codes::find("RE0109").expect("it is in the catalogue");
        let row = Row::new(code, codes::seam_of(code).expect("every code has a seam"));
        expect![[r#"
            RE0109  not a plugin id

              An id names a plugin for ever: `word-count`, `acme.tools.spell`. At most 128 bytes.

              What to do: use dot-separated segments of lower-case letters, digits and single hyphens

              Manifests. Nothing of a build with such a manifest is opened. The build that runs goes on; the
              file is read again when it changes."#]]
        .assert_eq(&strip_str(&explained(&row)).to_string());
        let json = serde_json::to_value(&row).expect("JSON");
        assert_eq!((&json["code"], &json["seam"]), (&"RE0109".into(), &"Manifests".into()));
    }
}
