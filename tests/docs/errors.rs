use std::fmt::Write as _;

use expect_test::expect_file;
use reactor_host::codes;
use reactor_tests::source;

const PAGE: &str = "book/src/errors.md";

const HEAD: &str = "\
# Errors

<!-- Made from reactor-host/src/codes/catalogue.rs; CONTRIBUTING.md says how. -->

Each error has a stable code, which the library, the command and JSON share. A code keeps its meaning for ever. The
message of an error names the path, the plugin or the values that differ; this page says what the code means and what to
do. `reactor explain RE0103` says the same in a terminal.

A plugin's own errors have codes of the plugin's choosing; `plugin.error` where it chose none.
";

/// The page as the catalogue has it.
fn page() -> String {
    let mut page = HEAD.to_owned();
    for seam in codes::seams() {
        let _ = write!(page, "\n## {}\n\n{}\n\n", seam.title, wrapped(seam.about, ""));
        page.push_str("| code | meaning | what to do |\n|---|---|---|\n");
        for code in seam.codes {
            let _ = writeln!(page, "| {} | {} | {} |", code.code, code.title, code.remedy);
        }
        let details = seam.codes.iter().filter(|code| !code.detail.is_empty());
        let mut gap = "\n";
        for code in details {
            let _ = writeln!(page, "{gap}- {}", wrapped(&format!("`{}`: {}", code.code, code.detail), "  "));
            gap = "";
        }
    }
    page
}

/// Lines of at most 120 characters, those after the first behind `indent`.
fn wrapped(text: &str, indent: &str) -> String {
    let (mut lines, mut width) = (String::new(), 0);
    for word in text.split(' ') {
        // The first line of a list has a dash of the same width before it.
        if width > 0 && indent.len() + width + 1 + word.len() > 120 {
            lines.push('\n');
            lines.push_str(indent);
            width = 0;
        }
        if width > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += word.len();
    }
    lines
}

/// Rows of `page` as the catalogue writes them, of codes that it does not have.
fn rows_to_take_over(page: &str) -> Vec<String> {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let row = |line: &str| {
        let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let mut cells = cells.splitn(3, " | ");
        let (code, title, remedy) = (cells.next()?, cells.next()?, cells.next()?);
        let new = code.starts_with("RE") && codes::find(code).is_none();
        new.then(|| format!("        {code}: \"{}\" => \"{}\";", quoted(title), quoted(remedy)))
    };
    page.lines().filter_map(row).collect()
}

#[test]
fn the_page_of_errors_is_made_from_the_catalogue() {
    let written = std::fs::read_to_string(source::path(PAGE)).expect("the book has a page of errors");
    let new = rows_to_take_over(&written).join("\n");
    assert!(
        new.is_empty(),
        "{PAGE} has rows of its own; put them into reactor-host/src/codes/catalogue.rs:\n{new}"
    );
    expect_file!["../../book/src/errors.md"].assert_eq(&page());
}

#[test]
fn a_row_of_the_page_is_told_as_the_catalogue_writes_it() {
    let page = "| code | meaning | what to do |\n|---|---|---|\n| RE0101 | known | no |\n\
                | RE9999 | it says \"no\" | say `a | b` |\n";
    assert_eq!(rows_to_take_over(page), [r#"        RE9999: "it says \"no\"" => "say `a | b`";"#]);
}
