//! Damaged libraries: every cut, thousands of mutants, each section emptied. What passes the checks is loaded in a
//! process of its own, since it may be poison for the system's loader.
//!
//! `REACTOR_TEST_SEED` takes other mutants, `REACTOR_TEST_ROUNDS` another number of them. The figures are printed:
//! `cargo test -p reactor-tests -- --nocapture poison::`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use object::{Object as _, ObjectSection as _};
use reactor_host::discover::read_one;
use reactor_tests::folder::Folder;
use reactor_tests::{corpus, wait};

/// Draws numbers, the same for the same seed: xorshift (Marsaglia, 2003).
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).expect("small")).expect("small")
    }
}

pub(super) fn number(variable: &str, unless_set: u64) -> u64 {
    std::env::var(variable).map_or(unless_set, |text| text.parse().expect("a number"))
}

/// A process that loads what it is told to.
struct Taster {
    child: Child,
    words: Receiver<String>,
}

impl Taster {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_reactor-taster"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the taster starts");
        let out = child.stdout.take().expect("its output");
        let (sender, words) = channel();
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).try_for_each(|word| sender.send(word))
        });
        Self { child, words }
    }

    /// What became of one: the word, or how it died of it.
    fn taste(&mut self, folder: &Folder) -> Result<String, String> {
        let stdin = self.child.stdin.as_mut().expect("its input");
        let told = writeln!(stdin, "{}", folder.path().display());
        if let Ok(Ok(word)) = told.map(|()| self.words.recv_timeout(wait::DEADLINE)) {
            return Ok(word);
        }
        // It hangs, unless it is dead.
        let _ = self.child.kill();
        let status = self.child.wait().expect("it is this test's child");
        *self = Self::start();
        Err(status.signal().map_or_else(|| status.to_string(), |signal| format!("signal {signal}")))
    }
}

impl Drop for Taster {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What became of a number of damaged libraries.
#[derive(Default)]
struct Tally {
    /// By code: refused by what the file says.
    refused: BTreeMap<String, usize>,
    /// By code: refused once it was opened, or by facts in it.
    refused_later: BTreeMap<String, usize>,
    /// Loaded, and it answers as it should.
    serves: usize,
    /// Loaded, and it does not.
    wrong: Vec<String>,
    /// The process died of it.
    died: Vec<String>,
}

impl Tally {
    fn total(&self) -> usize {
        let sum = |codes: &BTreeMap<String, usize>| codes.values().sum::<usize>();
        sum(&self.refused) + sum(&self.refused_later) + self.serves + self.wrong.len() + self.died.len()
    }

    fn poison(&self) -> usize {
        self.wrong.len() + self.died.len()
    }

    /// Checks one library, and has it tasted if it passes.
    fn take(&mut self, what: &str, bytes: &[u8], taster: &mut Taster) {
        let folder = Folder::new();
        let path = folder.put("libanswer.so", bytes);
        if let Err(error) = read_one(&path) {
            assert!(error.code().starts_with("RE01"), "{what}: {error}");
            assert!(error.to_string().contains("libanswer.so"), "{what}: {error}");
            *self.refused.entry(error.code().to_owned()).or_default() += 1;
            return;
        }
        match taster.taste(&folder) {
            Ok(word) if word.starts_with("serves") => self.serves += 1,
            // The loader never returned, and holds its lock: nothing can be opened in that process any more.
            Ok(word) if word == "refused RE0205" => {
                *taster = Taster::start();
                self.died.push(format!("{what}: hangs"));
            }
            Ok(word) => match word.strip_prefix("refused ") {
                Some(code) => *self.refused_later.entry(code.to_owned()).or_default() += 1,
                None => self.wrong.push(format!("{what}: {word}")),
            },
            Err(how) => self.died.push(format!("{what}: {how}")),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} damaged: refused by what the file says {:?}, later {:?}, serves {}, wrong {}, died {}",
            self.total(),
            self.refused,
            self.refused_later,
            self.serves,
            self.wrong.len(),
            self.died.len()
        )?;
        self.wrong.iter().chain(&self.died).try_for_each(|what| writeln!(f, "  {what}"))
    }
}

/// The parts of the file that the system's loader goes by, with their names.
fn tables(bytes: &[u8]) -> Vec<(String, std::ops::Range<usize>)> {
    let file = object::read::elf::ElfFile64::<object::Endianness>::parse(bytes).expect("a library");
    let place = |start: u64, size: u64| {
        let at = |number| usize::try_from(number).expect("it is in memory");
        at(start)..at(start + size)
    };
    let headers = 56 * file.elf_program_headers().len();
    let mut parts = vec![("header".to_owned(), 0..64), ("program headers".to_owned(), 64..64 + headers)];
    for section in file.sections() {
        let name = section.name().expect("a name").to_owned();
        if let Some((start, size)) = section.file_range().filter(|(_, size)| *size > 0) {
            parts.push((name, place(start, size)));
        }
    }
    parts
}

/// Tables of the loader's, as opposed to code and data.
const LOADERS: [&str; 13] = [
    "header",
    "program headers",
    ".dynamic",
    ".dynsym",
    ".dynstr",
    ".gnu.hash",
    ".hash",
    ".gnu.version",
    ".gnu.version_r",
    ".rela.dyn",
    ".rela.plt",
    ".init_array",
    ".fini_array",
];

#[test]
fn a_library_cut_at_every_percent_is_refused() {
    let whole = corpus::bytes("answer-one");
    let (mut tally, mut taster) = (Tally::default(), Taster::start());
    for percent in 0..100 {
        tally.take(&format!("{percent} %"), &whole[..whole.len() * percent / 100], &mut taster);
    }
    println!("cut: {tally}");
    assert_eq!(tally.refused.values().sum::<usize>(), 100, "{tally}");
}

#[test]
fn two_thousand_damaged_headers_and_tables_are_refused_or_loaded_and_the_host_is_unharmed() {
    let whole = corpus::bytes("answer-one");
    let rounds = number("REACTOR_TEST_ROUNDS", 2_000);
    let mut draw = Draw::new(number("REACTOR_TEST_SEED", 1));
    let tables: Vec<_> =
        tables(&whole).into_iter().filter(|(name, _)| LOADERS.contains(&name.as_str())).collect();
    let (mut tally, mut taster) = (Tally::default(), Taster::start());
    for round in 0..rounds {
        // Half of them in the headers alone, which every part of the loader believes.
        let (name, range) = &tables[if round % 2 == 0 { draw.below(2) } else { draw.below(tables.len()) }];
        let mut bytes = whole.clone();
        let at = range.start + draw.below(range.len());
        bytes[at] ^= u8::try_from(1 + draw.below(255)).expect("a byte");
        let what = format!("{name}+{:#x} {:02x}→{:02x}", at - range.start, whole[at], bytes[at]);
        tally.take(&what, &bytes, &mut taster);
    }
    println!("mutants: {tally}");
    assert_eq!(tally.total(), usize::try_from(rounds).expect("small"));
    // What SAFETY.md says of it. Without the checks it is one in fourteen.
    assert!(tally.poison() * 100 <= tally.total(), "more than one in a hundred is poison: {tally}");
}

#[test]
fn each_section_emptied_is_refused_or_loaded_and_the_host_is_unharmed() {
    let whole = corpus::bytes("answer-one");
    let (mut tally, mut taster) = (Tally::default(), Taster::start());
    for (name, range) in tables(&whole) {
        let mut bytes = whole.clone();
        bytes[range].fill(0);
        tally.take(&name, &bytes, &mut taster);
    }
    println!("emptied: {tally}");
    // A table of calls, and pointers in data: both look like any other bytes.
    assert!(tally.poison() <= 2, "{tally}");
}
