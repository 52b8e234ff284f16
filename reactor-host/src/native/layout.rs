//! Checking the layout of a library's root, and saying in a few lines what does not fit.

use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::{CheckingGlobals, check_layout_compatibility_with_globals};
use abi_stable::type_layout::TypeLayout;
use reactor_abi::ffi::PluginRootRef;

/// What does not fit: the innermost disagreement that `abi_stable` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutMismatch {
    /// The type whose layout was compared.
    pub type_name: String,
    /// The fields on the way to the disagreement, outermost first, joined by dots; empty for the type itself.
    pub field: String,
    /// What kind of disagreement it is, in `abi_stable`'s words.
    pub what: String,
    /// What this host has.
    pub expected: String,
    /// What the library has.
    pub found: String,
}

impl std::fmt::Display for LayoutMismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { type_name, field, what, expected, found } = self;
        let dot = if field.is_empty() { "" } else { "." };
        write!(f, "`{type_name}{dot}{field}` ({what}): the host has {expected}, the library has {found}")
    }
}

/// Compares `found` with this host's root.
///
/// The checker's state is made anew each time: the one that `abi_stable` keeps for the process holds pointers into
/// libraries that may be gone by the next check.
pub(super) fn check(found: &'static TypeLayout) -> Result<(), LayoutMismatch> {
    compare(<PluginRootRef as StableAbi>::LAYOUT, found)
}

fn compare(expected: &'static TypeLayout, found: &'static TypeLayout) -> Result<(), LayoutMismatch> {
    let globals = CheckingGlobals::new();
    let outcome = check_layout_compatibility_with_globals(expected, found, &globals);
    outcome.map_err(|errors| distil(&errors.to_string()))
}

/// The longest excerpt of a report that is passed on, in characters.
const LONGEST: usize = 200;

/// The checker prints some 290 lines. What matters is where its last block of errors stands and what it says: the
/// way there is given by `field_name:` lines, the error by the lines after `Error:`, `Expected:` and `Found:`.
fn distil(report: &str) -> LayoutMismatch {
    let lines: Vec<&str> = report.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let excerpt = |text: &str| text.chars().take(LONGEST).collect::<String>();
    let value = |line: &str, label: &str| line.strip_prefix(label).map(excerpt);
    let error = lines.iter().rposition(|line| line.starts_with("Error:")).unwrap_or_default();
    let after = |label: &str| {
        let at = lines.iter().skip(error).position(|line| *line == label)?;
        lines.get(error + at + 1).map(|line| excerpt(line))
    };
    let block = lines.iter().rposition(|line| line.contains("error(s)inside:")).unwrap_or_default();
    let way = lines.iter().skip(block).take_while(|line| !line.starts_with("Layout of"));
    LayoutMismatch {
        type_name: lines
            .iter()
            .find_map(|line| value(line, "type:"))
            .unwrap_or_else(|| "the root".to_owned()),
        field: way.filter_map(|line| value(line, "field_name:")).collect::<Vec<_>>().join("."),
        what: lines.get(error).and_then(|line| value(line, "Error:")).unwrap_or_default(),
        expected: after("Expected:").unwrap_or_else(|| "another layout".to_owned()),
        found: after("Found:").unwrap_or_else(|| "one that can not be told".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    mod ours {
        #[repr(C)]
        #[derive(abi_stable::StableAbi)]
        pub(super) struct Table {
            pub(super) first: u32,
            pub(super) second: u64,
        }
    }

    mod theirs {
        #[repr(C)]
        #[derive(abi_stable::StableAbi)]
        pub(super) struct Table {
            pub(super) first: u32,
            pub(super) second: u32,
        }
    }

    #[test]
    fn the_root_of_this_build_fits_itself() {
        assert_eq!(check(<PluginRootRef as StableAbi>::LAYOUT), Ok(()));
    }

    #[test]
    fn a_difference_names_the_type_and_both_sides() {
        let mismatch = compare(<ours::Table as StableAbi>::LAYOUT, <theirs::Table as StableAbi>::LAYOUT);
        assert_eq!(
            mismatch.expect_err("a field differs").to_string(),
            "`Table.second` (mismatched type): the host has u64, the library has u32"
        );
    }
}
