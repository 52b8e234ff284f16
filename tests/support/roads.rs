//! One plugin on every road: linked into the test program, as a library in it, as a library in a process of its own.
//!
//! A rule that holds on all of them is written once, as a function of the road, and made into one test for each by
//! `on_every_road!`.

use std::path::{Path, PathBuf};

use reactor_host::{Entry, Event, EventKind, Host, HostBuilder, Report, Subscription, Value};

use crate::folder::Folder;
use crate::{corpus, trusted, wait};

use self::actor::Actor;
pub use self::actor::{Acts, ActsHandle, Hears, HearsHandle, Summary, told};
use self::echoer::Echoer;
use self::evolver::Evolver;

#[expect(
    clippy::missing_errors_doc,
    reason = "a plugin of the corpus, whose errors are those that it is told to make"
)]
mod actor {
    //! The source that the corpus's plugin is made of, too.
    include!("../corpus/actor.rs");
}

#[expect(clippy::many_single_char_names, reason = "one argument of each kind")]
mod echoer {
    //! The same.
    include!("../corpus/echoer.rs");
}

pub mod evolver {
    //! The same: one interface in each of its versions.
    include!("../corpus/evolver.rs");
}

/// Where a plugin runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// It is part of the test program.
    Linked,
    /// It is a library in the test program.
    InProcess,
    /// It is a library in a process of its own.
    Subprocess,
}

/// All of them.
pub const ROADS: [Road; 3] = [Road::Linked, Road::InProcess, Road::Subprocess];

/// Makes a test of each function for each road: `linked::NAME`, `in_process::NAME`, `subprocess::NAME`.
#[macro_export]
macro_rules! on_every_road {
    ($($name:ident)*) => {
        mod linked {
            $(#[test] fn $name() { super::$name($crate::roads::Road::Linked); })*
        }
        mod in_process {
            $(#[test] fn $name() { super::$name($crate::roads::Road::InProcess); })*
        }
        #[cfg(unix)]
        mod subprocess {
            $(#[test] fn $name() { super::$name($crate::roads::Road::Subprocess); })*
        }
    };
}

/// Which plugin it is. Each is told what to do by its source, which is named here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `tests/corpus/actor.rs`
    Actor,
    /// `tests/corpus/echoer.rs`
    Echoer,
    /// `tests/corpus/evolver.rs`
    Evolver,
}

impl Kind {
    /// The id that its library was built with.
    fn id(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Echoer => "echoer",
            Self::Evolver => "evolver",
        }
    }

    fn library(self) -> Vec<u8> {
        corpus::bytes(match self {
            Self::Actor => "actor-plain",
            Self::Echoer => "echo-plain",
            Self::Evolver => "evolve-plain",
        })
    }

    fn entry(self) -> Entry {
        match self {
            Self::Actor => Entry::of::<Actor>(),
            Self::Echoer => Entry::of::<Echoer>(),
            Self::Evolver => Entry::of::<Evolver>(),
        }
    }

    /// What is provided, in this version.
    fn provides(self, version: &str) -> String {
        let interface = match self {
            Self::Actor => "tests.acts",
            Self::Echoer => "test.echo",
            Self::Evolver => "tests.evolves",
        };
        format!("{interface:?} = {version:?}")
    }
}

/// The version in which libraries were built to provide what they provide.
const PROVIDED: &str = "1.0.0";

/// One build of a plugin, an actor unless it is said to be another one.
#[derive(Clone)]
pub struct Part {
    kind: Kind,
    provides: String,
    id: String,
    version: String,
    tables: String,
    run: String,
    health: String,
    config: String,
}

impl Part {
    /// An actor of this id, which is its mark too. At most as long as `actor`.
    pub fn new(id: &str) -> Self {
        Self::of(Kind::Actor, id)
    }

    /// What gives back what it is given. The id: at most as long as `echoer`.
    pub fn echo(id: &str) -> Self {
        Self::of(Kind::Echoer, id)
    }

    /// What has that given back by the plugin `to`.
    pub fn relay(id: &str, to: &str) -> Self {
        Self::echo(id).config(&format!("to = {to:?}"))
    }

    /// What calls an interface in each of its versions. The id: at most as long as `evolver`.
    pub fn evolver(id: &str) -> Self {
        Self::of(Kind::Evolver, id)
    }

    /// What provides it in this one.
    pub fn evolved(id: &str, version: &str) -> Self {
        let part = Self::evolver(id).config(&format!("provides = {version:?}"));
        Self { provides: version.to_owned(), ..part }
    }

    fn of(kind: Kind, id: &str) -> Self {
        Self {
            kind,
            provides: PROVIDED.to_owned(),
            id: id.to_owned(),
            version: "1.0.0".to_owned(),
            tables: String::new(),
            run: "stop-deadline = \"10s\"\n".to_owned(),
            health: "trial = \"0s\"".to_owned(),
            config: String::new(),
        }
        .config(&format!("mark = {id:?}"))
    }

    /// Sets the mark: which build it is.
    #[must_use]
    pub fn mark(mut self, mark: &str) -> Self {
        self.config = self.config.replace(&format!("mark = {:?}", self.id), &format!("mark = {mark:?}"));
        self
    }

    /// Adds a line to `[config]`.
    #[must_use]
    pub fn config(mut self, line: &str) -> Self {
        self.config.push_str(line);
        self.config.push('\n');
        self
    }

    /// Adds tables to the manifest.
    #[must_use]
    pub fn tables(mut self, text: &str) -> Self {
        self.tables.push_str(text);
        self.tables.push('\n');
        self
    }

    /// Sets the deadline of `stop` and what belongs to it, in place of a long one.
    #[must_use]
    pub fn stop_deadline(mut self, deadline: &str) -> Self {
        self.run = format!("stop-deadline = {deadline:?}\n");
        self
    }

    /// Sets the keys of the `[health]` table, in place of a trial that is over at once.
    #[must_use]
    pub fn health(mut self, keys: &str) -> Self {
        keys.clone_into(&mut self.health);
        self
    }

    /// Has state, with this kind of hand-over.
    #[must_use]
    pub fn state(self, handoff: &str) -> Self {
        self.tables(&format!("[state]\nschema = 1\nhandoff = {handoff:?}"))
    }

    fn manifest(&self, road: Road) -> String {
        let Self { id, version, tables, run, health, config, .. } = self;
        let provides = self.kind.provides(&self.provides);
        let isolation = match road {
            Road::Subprocess => "isolation = \"subprocess\"\n",
            Road::Linked | Road::InProcess => "",
        };
        // The interfaces are those of the library's own manifest.
        format!(
            "schema = 1\nid = {id:?}\nversion = {version:?}\napi = \"^1\"\n[run]\n{isolation}{run}{tables}\
             [provides]\n{provides}\n[health]\n{health}\n[config]\n{config}"
        )
    }
}

/// The program that plugins' processes are started from: it calls `serve_if_runner`.
///
/// # Panics
///
/// When cargo did not build it beside the tests.
pub fn embedder() -> PathBuf {
    let tests = std::env::current_exe().expect("a test binary has a path");
    let profile = tests.parent().and_then(Path::parent).expect("it is in `deps`");
    let embedder = profile.join("embedder");
    assert!(embedder.is_file(), "{} is built with the tests", embedder.display());
    embedder
}

/// A host with plugins on one road or several.
pub struct Cast {
    /// The host. Dropped before its folder.
    pub host: Host,
    /// What happened since it was built.
    pub events: Subscription,
    /// Its plugin folder.
    pub folder: Folder,
}

/// A builder for a host whose plugins' processes are started from the [`embedder`].
pub fn builder(folder: &Folder) -> HostBuilder {
    let builder = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder.path());
    trusted(builder).runner(embedder())
}

impl Cast {
    /// A host with these actors, started; each is on the road beside it.
    ///
    /// # Panics
    ///
    /// When it can not be built.
    pub fn of(parts: &[(Road, Part)]) -> (Self, Report) {
        let folder = Folder::new();
        Self::by(builder(&folder), folder, parts)
    }

    /// The same by a builder of the test's own.
    ///
    /// # Panics
    ///
    /// When it can not be built.
    pub fn by(mut builder: HostBuilder, folder: Folder, parts: &[(Road, Part)]) -> (Self, Report) {
        for (road, part) in parts {
            match road {
                Road::Linked => builder = builder.plugin(part.manifest(*road), part.kind.entry()),
                Road::InProcess | Road::Subprocess => put(&folder, part, *road),
            }
        }
        let host = builder.build().expect("a host");
        let events = host.events();
        let report = host.start().expect("the host starts");
        (Self { host, events, folder }, report)
    }

    /// A host with these actors on one road, all of which run.
    ///
    /// # Panics
    ///
    /// When one does not.
    #[track_caller]
    pub fn on(road: Road, parts: &[Part]) -> Self {
        let parts: Vec<_> = parts.iter().map(|part| (road, part.clone())).collect();
        let (cast, report) = Self::of(&parts);
        assert!(report.is_ok(), "{road:?}: {report:#?}");
        cast
    }

    /// Offers another build of an actor.
    ///
    /// # Panics
    ///
    /// When the host does not take the order.
    pub fn replace(&self, road: Road, part: &Part) -> Report {
        match road {
            Road::Linked => self.host.install(&part.manifest(road), part.kind.entry()).expect("it runs"),
            Road::InProcess | Road::Subprocess => {
                put(&self.folder, part, road);
                self.host.rescan().expect("it runs")
            }
        }
    }

    /// Runs an action.
    ///
    /// # Panics
    ///
    /// When it fails.
    #[track_caller]
    pub fn ask(&self, plugin: &str, action: &str, value: &Value) -> Value {
        self.host.invoke(plugin, action, value).unwrap_or_else(|error| panic!("{plugin} {action}: {error}"))
    }

    /// Waits for a line of the log.
    ///
    /// # Panics
    ///
    /// When it does not come.
    #[track_caller]
    pub fn hear(&self, line: &str) {
        wait::event(&self.events, |event| (logged(event)? == line).then_some(()));
    }

    /// The lines that were logged up to this one, it being the last.
    ///
    /// # Panics
    ///
    /// When it does not come.
    #[track_caller]
    pub fn lines_until(&self, line: &str) -> Vec<String> {
        let mut lines = Vec::new();
        wait::event(&self.events, |event| {
            lines.push(logged(event)?.to_owned());
            (lines.last()? == line).then_some(())
        });
        lines
    }
}

impl evolver::Source for Host {
    fn handle<I: reactor_abi::interface::Interface + ?Sized>(
        &self,
        range: &str,
    ) -> Result<I::Handle, reactor_abi::Error> {
        self.interface::<I>(range)
    }
}

fn logged(event: &Event) -> Option<&str> {
    match &event.kind {
        EventKind::Log { message, .. } => Some(message),
        _ => None,
    }
}

/// Puts a build into the folder, library and manifest, in two steps: looked at by `rescan` only.
fn put(folder: &Folder, part: &Part, road: Road) {
    let name = part.id.replace('-', "_");
    folder.put(&format!("{name}.toml"), part.manifest(road).as_bytes());
    // The id that the library was built with has to be the same, and what it provides.
    let (built, id) = (format!("id = {:?}", part.kind.id()), format!("id = {:?}", part.id));
    let library = corpus::patched(&part.kind.library(), &built, &format!("{id:<0$}", built.len()));
    let (built, provides) = (part.kind.provides(PROVIDED), part.kind.provides(&part.provides));
    folder.put(&format!("lib{name}.so"), &corpus::patched(&library, &built, &provides));
}
