//! What the documents say of the repository is so.

// The book's page of errors, which is made from the host's catalogue.
mod errors;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use reactor_tests::source::{self, SourceFile};

/// Links, headings and code of a document.
#[derive(Default)]
struct Document {
    links: Vec<String>,
    anchors: BTreeSet<String>,
    code: Vec<String>,
}

impl Document {
    fn read(text: &str) -> Self {
        let mut document = Self::default();
        let mut headings: BTreeMap<String, usize> = BTreeMap::new();
        let mut heading: Option<String> = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let slug = slug(&heading.take().unwrap_or_default());
                    let seen = headings.entry(slug.clone()).or_default();
                    document.anchors.insert(if *seen == 0 { slug } else { format!("{slug}-{seen}") });
                    *seen += 1;
                }
                Event::Text(text) => heading = heading.map(|heading| heading + &text),
                Event::Code(code) => {
                    heading = heading.map(|heading| heading + &code);
                    document.code.push(code.into_string());
                }
                _ => {}
            }
        }
        document
    }
}

/// The anchor that a heading gets.
fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// `path` without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

fn is_elsewhere(link: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| link.starts_with(scheme))
}

fn documents() -> Vec<SourceFile> {
    source::files("md")
}

#[test]
fn links_lead_somewhere() {
    let documents = documents();
    let read: BTreeMap<&str, Document> =
        documents.iter().map(|file| (file.path.as_str(), Document::read(&file.text))).collect();
    let mut broken = Vec::new();
    for (path, document) in &read {
        for link in document.links.iter().filter(|link| !is_elsewhere(link)) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(path).parent().unwrap_or_else(|| Path::new(""));
            let target = if file.is_empty() { PathBuf::from(path) } else { plain(&folder.join(file)) };
            let target = target.to_string_lossy().into_owned();
            let whole = anchor.is_empty() || anchor.starts_with('L');
            let found = match read.get(target.as_str()) {
                Some(document) => whole || document.anchors.contains(anchor),
                None => source::path(&target).exists() && whole,
            };
            if !found {
                broken.push(format!("{path}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn paths_that_documents_name_exist() {
    let mut missing = Vec::new();
    for name in ["README.md", "ARCHITECTURE.md", "SAFETY.md", "CONTRIBUTING.md"] {
        let text = std::fs::read_to_string(source::path(name)).expect("a document of the repository");
        for code in Document::read(&text).code {
            let ours = ["reactor-abi/", "reactor-host/", "example-plugins/", "tests/", "book/", ".ci/"];
            let is_path = ours.iter().any(|folder| code.starts_with(folder))
                && !code.contains(['*', '{', '<', ' ', '…']);
            let file = code.split(['#', ':']).next().unwrap_or(&code);
            if is_path && !source::path(file).exists() {
                missing.push(format!("{name}: {code}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_chapter_of_the_book_is_in_its_contents() {
    let summary =
        std::fs::read_to_string(source::path("book/src/SUMMARY.md")).expect("the book has contents");
    let listed: BTreeSet<String> =
        Document::read(&summary).links.into_iter().map(|link| format!("book/src/{link}")).collect();
    let chapters = documents().into_iter().map(|file| file.path);
    let chapters: BTreeSet<String> =
        chapters.filter(|path| path.starts_with("book/src/") && path != "book/src/SUMMARY.md").collect();
    assert_eq!(chapters, listed);
}

#[test]
fn tests_that_documents_name_exist() {
    let tests: String = source::files("rs").into_iter().map(|file| file.text).collect();
    let mut missing = Vec::new();
    for file in documents() {
        for code in Document::read(&file.text).code {
            let name = code.rsplit("::").next().unwrap_or(&code);
            let is_test = code.contains("::") && name.matches('_').count() > 3;
            if is_test && !tests.contains(&format!("fn {name}(")) {
                missing.push(format!("{}: {code}", file.path));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
