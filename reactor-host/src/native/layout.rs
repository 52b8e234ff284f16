//! Checking the layout of a library's root, and saying in a few lines what does not fit.

use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::{CheckingGlobals, check_layout_compatibility_with_globals};
use abi_stable::type_layout::TypeLayout;
use reactor_abi::ffi::PluginRootRef;

/// What does not fit: the first disagreement that `abi_stable` found, as PostgreSQL would put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutMismatch {
    /// The type, and where it is reached from.
    pub type_name: String,
    /// What this host expects.
    pub expected: String,
    /// What the library has.
    pub found: String,
}

impl std::fmt::Display for LayoutMismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`: the host has {}, the library has {}", self.type_name, self.expected, self.found)
    }
}

/// Compares `found` with this host's root.
///
/// The checker's state is made anew each time: the one that `abi_stable` keeps for the process holds pointers into
/// libraries that may be gone by the next check.
pub(super) fn check(found: &'static TypeLayout) -> Result<(), LayoutMismatch> {
    let globals = CheckingGlobals::new();
    let outcome =
        check_layout_compatibility_with_globals(<PluginRootRef as StableAbi>::LAYOUT, found, &globals);
    outcome.map_err(|errors| distil(&errors.to_string()))
}

/// The checker prints some 290 lines, of which the last block matters: the type, what was expected, what was found.
fn distil(report: &str) -> LayoutMismatch {
    let lines: Vec<&str> = report.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let after = |label: &str| {
        let at = lines.iter().rposition(|line| line.to_lowercase().starts_with(label))?;
        let same_line =
            lines[at].split_once(':').map(|(_, rest)| rest.trim()).filter(|rest| !rest.is_empty());
        same_line
            .or_else(|| lines.get(at + 1).copied())
            .map(|text| text.chars().take(300).collect::<String>())
    };
    LayoutMismatch {
        type_name: after("type").or_else(|| after("in type")).unwrap_or_else(|| "PluginRoot".to_owned()),
        expected: after("expected").unwrap_or_else(|| "another layout".to_owned()),
        found: after("found")
            .unwrap_or_else(|| lines.last().map_or_else(String::new, |line| (*line).to_owned())),
    }
}
