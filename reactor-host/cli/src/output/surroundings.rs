//! Where the command runs: whether a person watches a terminal that can show more than lines.

use std::io::{self, IsTerminal as _};

use super::Weight;

/// What there is to see of it.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    /// Whether standard output is a terminal.
    terminal: bool,
    /// The variable `TERM`.
    term: Option<String>,
    /// The variable `CI`.
    ci: Option<String>,
    /// Whether the usual is told: who wants to hear less, wants no table.
    news: bool,
}

impl Surroundings {
    /// Those of this process.
    pub(super) fn here() -> Self {
        let variable = |name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self {
            terminal: io::stdout().is_terminal(),
            term: variable("TERM"),
            ci: variable("CI"),
            news: Weight::News.is_told(),
        }
    }

    /// Whether the live view has a place here.
    pub(super) fn have_a_view(&self) -> bool {
        let able = self.term.as_deref().is_some_and(|term| !term.is_empty() && term != "dumb");
        let watched = self.ci.as_deref().is_none_or(|ci| ci.is_empty() || ci == "false" || ci == "0");
        self.terminal && able && watched && self.news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_view_only_where_a_person_watches_an_able_terminal() {
        let good = Surroundings { terminal: true, term: Some("xterm".to_owned()), ci: None, news: true };
        let some = |text: &str| Some(text.to_owned());
        for (surroundings, has) in [
            (good.clone(), true),
            (Surroundings { terminal: false, ..good.clone() }, false),
            (Surroundings { term: some("dumb"), ..good.clone() }, false),
            (Surroundings { term: some(""), ..good.clone() }, false),
            (Surroundings { term: None, ..good.clone() }, false),
            (Surroundings { ci: some("true"), ..good.clone() }, false),
            (Surroundings { ci: some("false"), ..good.clone() }, true),
            (Surroundings { news: false, ..good.clone() }, false),
        ] {
            assert_eq!(surroundings.have_a_view(), has, "{surroundings:?}");
        }
    }
}
