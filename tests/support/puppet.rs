//! A plugin that does what a test tells it to, linked into the test program.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use reactor_abi::prelude::*;
use reactor_host::{Entry, Host, HostBuilder, Report};

type Act = Box<dyn Fn(&Cue<'_>) -> Result<()> + Send + Sync>;
type Answer = Box<dyn Fn(&Cue<'_>) -> Result<Value> + Send + Sync>;
type Offer = Box<dyn Fn(&mut Register<'_>) -> Result<()> + Send + Sync>;

/// What an act is given.
pub struct Cue<'a> {
    /// The services of the generation that acts.
    pub services: &'a Services,
    /// The action of a call; else empty.
    pub action: &'a str,
    /// The value of a call; else null.
    pub value: &'a Value,
    /// The puppet's state.
    pub state: &'a AtomicU64,
}

/// What happened, in order. Clones are the same journal.
#[derive(Clone, Default)]
pub struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a line.
    pub fn note(&self, line: impl Into<String>) {
        self.lines().push(line.into());
    }

    /// What was written since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines())
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One build of a puppet: its manifest, and what it does in each phase. Without acts every phase does nothing.
///
/// It answers the actions `mark` (which build it is), `add` and `total` (its state), `call` (the answer of
/// `[plugin, action]`), and those that [`answer`](Self::answer) knows.
pub struct Script {
    id: String,
    mark: String,
    version: String,
    api: String,
    tables: String,
    config: String,
    schema: u32,
    health: String,
    output: Value,
    journal: Option<Journal>,
    acts: HashMap<&'static str, Act>,
    answer: Option<Answer>,
    offers: Vec<Offer>,
}

impl Script {
    /// A puppet of this id.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            mark: id.to_owned(),
            version: "1.0.0".to_owned(),
            api: "^1".to_owned(),
            tables: String::new(),
            config: String::new(),
            schema: 0,
            health: "trial = \"0s\"".to_owned(),
            output: Value::Null,
            journal: None,
            acts: HashMap::new(),
            answer: None,
            offers: Vec::new(),
        }
    }

    /// Names this build in the journal, in place of the id.
    #[must_use]
    pub fn mark(mut self, mark: &str) -> Self {
        mark.clone_into(&mut self.mark);
        self
    }

    /// Sets the version.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// Sets the range of the plugin API.
    #[must_use]
    pub fn api(mut self, range: &str) -> Self {
        range.clone_into(&mut self.api);
        self
    }

    /// Adds tables to the manifest.
    #[must_use]
    pub fn tables(mut self, text: &str) -> Self {
        self.tables.push_str(text);
        self.tables.push('\n');
        self
    }

    /// Adds lines to the manifest's `[config]`.
    #[must_use]
    pub fn config(mut self, text: &str) -> Self {
        self.config.push_str(text);
        self
    }

    /// Depends on other puppets, in any version.
    #[must_use]
    pub fn needs(self, plugins: &[&str]) -> Self {
        let mut table = "[dependencies]\n".to_owned();
        for plugin in plugins {
            writeln!(table, "{plugin:?} = \"*\"").expect("memory");
        }
        self.tables(&table)
    }

    /// Can not run beside other plugins.
    #[must_use]
    pub fn conflicts(mut self, with: &[&str]) -> Self {
        self.tables = format!("conflicts-with = {with:?}\n{}", self.tables);
        self
    }

    /// Has state under a schema; `keys` are further lines of the `[state]` table.
    #[must_use]
    pub fn state(mut self, schema: u32, keys: &str) -> Self {
        self.schema = schema;
        self.tables(&format!("[state]\nschema = {schema}\n{keys}"))
    }

    /// Sets the keys of the `[health]` table, in place of a trial that is over at once.
    #[must_use]
    pub fn health(mut self, keys: &str) -> Self {
        keys.clone_into(&mut self.health);
        self
    }

    /// Answers this to dependants.
    #[must_use]
    pub fn output(mut self, output: Value) -> Self {
        self.output = output;
        self
    }

    /// Notes every phase, as `mark phase`.
    #[must_use]
    pub fn journal(mut self, journal: &Journal) -> Self {
        self.journal = Some(journal.clone());
        self
    }

    /// Does something in a phase, which is named as its method, or `drop`.
    #[must_use]
    pub fn on(
        mut self,
        phase: &'static str,
        act: impl Fn(&Cue<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.acts.insert(phase, Box::new(act));
        self
    }

    /// Answers calls, before the actions that every puppet has; null leaves the call to them.
    #[must_use]
    pub fn answer(mut self, answer: impl Fn(&Cue<'_>) -> Result<Value> + Send + Sync + 'static) -> Self {
        self.answer = Some(Box::new(answer));
        self
    }

    /// Lists an interface in the manifest, and has `offer` provide it in `register`.
    #[must_use]
    pub fn provides(
        mut self,
        interface: &str,
        version: &str,
        offer: impl Fn(&mut Register<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.offers.push(Box::new(offer));
        self.tables(&format!("[provides]\n{interface:?} = {version:?}"))
    }

    /// Does something with the context of `register`.
    #[must_use]
    pub fn registers(
        mut self,
        offer: impl Fn(&mut Register<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.offers.push(Box::new(offer));
        self
    }

    /// The manifest's text, and the entry that belongs to it.
    pub fn build(self) -> (String, Entry) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let text = format!(
            "schema = 1\nid = {:?}\nversion = {:?}\napi = {:?}\n{}[health]\n{}\n[config]\nscript = {number}\n{}\n",
            self.id, self.version, self.api, self.tables, self.health, self.config
        );
        scripts().insert(number, Arc::new(self));
        (text, Entry::of::<Puppet>())
    }

    /// Gives this build to a running host.
    ///
    /// # Panics
    ///
    /// When the host does not take the order.
    #[track_caller]
    pub fn install(self, host: &Host) -> Report {
        let (manifest, entry) = self.build();
        host.install(&manifest, entry).expect("the host runs")
    }

    fn play(&self, phase: &'static str, services: &Services, state: &AtomicU64) -> Result<()> {
        if let Some(journal) = &self.journal {
            journal.note(format!("{} {phase}", self.mark));
        }
        let cue = Cue { services, action: "", value: &Value::Null, state };
        self.acts.get(phase).map_or(Ok(()), |act| act(&cue))
    }
}

fn scripts() -> MutexGuard<'static, HashMap<u64, Arc<Script>>> {
    static SCRIPTS: LazyLock<Mutex<HashMap<u64, Arc<Script>>>> = LazyLock::new(Mutex::default);
    SCRIPTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A host with these puppets linked in, not started.
///
/// # Panics
///
/// When it can not be built.
#[track_caller]
pub fn host(scripts: impl IntoIterator<Item = Script>) -> Host {
    host_of(Host::builder("dev.reactor.tests", "1.0.0"), scripts)
}

/// A host of a test's own making with these puppets linked in, not started.
///
/// # Panics
///
/// When it can not be built.
#[track_caller]
pub fn host_of(builder: HostBuilder, scripts: impl IntoIterator<Item = Script>) -> Host {
    let linked = scripts.into_iter().map(Script::build);
    linked
        .fold(builder, |builder, (manifest, entry)| builder.plugin(manifest, entry))
        .build()
        .expect("a host")
}

/// A host with these puppets, which all run.
///
/// # Panics
///
/// When one does not.
#[track_caller]
pub fn started(scripts: impl IntoIterator<Item = Script>) -> Host {
    running(host(scripts))
}

/// Starts a host of which everything must run.
#[track_caller]
pub(crate) fn running(host: Host) -> Host {
    let report = host.start().expect("the host starts");
    assert!(report.is_ok(), "{report:?}");
    host
}

struct Puppet {
    script: Arc<Script>,
    services: Services,
    state: AtomicU64,
}

impl Puppet {
    fn play(&self, phase: &'static str) -> Result<()> {
        self.script.play(phase, &self.services, &self.state)
    }
}

impl Plugin for Puppet {
    fn init(cx: &mut Init<'_>) -> Result<Self> {
        let number =
            cx.config().get("script").and_then(Value::as_u64).context("no script in the configuration")?;
        let script = scripts().get(&number).cloned().context("an unknown script")?;
        let state = AtomicU64::new(0);
        script.play("init", cx, &state)?;
        Ok(Self { script, services: cx.services(), state })
    }

    fn build(&self, _: &mut Build<'_>) -> Result<Value> {
        self.play("build")?;
        Ok(self.script.output.clone())
    }

    fn register(&self, cx: &mut Register<'_>) -> Result<()> {
        self.play("register")?;
        self.script.offers.iter().try_for_each(|offer| offer(cx))
    }

    fn after_registration(&self, _: &mut Registered<'_>) -> Result<()> {
        self.play("after_registration")
    }

    fn start(&self, _: &mut Start<'_>) -> Result<()> {
        self.play("start")
    }

    fn suspend(&self) -> Result<()> {
        self.play("suspend")
    }

    fn resume(&self, _: &mut Start<'_>) -> Result<()> {
        self.play("resume")
    }

    fn stop(&self) -> Result<()> {
        self.play("stop")
    }

    fn health(&self) -> Result<()> {
        self.play("health")
    }

    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        if let Some(answer) = &self.script.answer {
            let cue = Cue { services: &self.services, action, value: &value, state: &self.state };
            match answer(&cue)? {
                Value::Null => {}
                answer => return Ok(answer),
            }
        }
        match action {
            "mark" => Ok(self.script.mark.as_str().into()),
            "add" => Ok((self.state.fetch_add(1, Ordering::SeqCst) + 1).into()),
            "total" => Ok(self.state.load(Ordering::SeqCst).into()),
            "call" => {
                let (plugin, action): (String, String) = value.read()?;
                self.services.peer(&plugin)?.invoke(&action, &Value::Null)
            }
            _ => Err(Error::unknown_action(action)),
        }
    }

    fn save(&self) -> Result<State> {
        self.play("save")?;
        State::of(self.script.schema, &self.state.load(Ordering::SeqCst))
    }

    fn restore(&mut self, old: State) -> Result<()> {
        self.play("restore")?;
        self.state = AtomicU64::new(old.read()?);
        Ok(())
    }

    /// One schema up or down changes nothing about what is saved.
    fn migrations() -> Migrations {
        Migrations::to(2).step(1, |total: u64| Ok(total)).down(2, |total: u64| Ok(total))
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        let played = self.play("drop");
        if let Err(error) = played {
            panic!("{error}");
        }
    }
}
