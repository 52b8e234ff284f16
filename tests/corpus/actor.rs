use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reactor_abi::prelude::*;

/// What is found in a text.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, Schema)]
pub struct Summary {
    /// How many words.
    pub words: u64,
    /// The longest, if there is one.
    pub longest: Option<String>,
}

/// Hears of each part of a work.
#[interface(name = "tests.hears", version = "1.0.0")]
pub trait Hears {
    /// Whether to go on.
    fn heard(&self, part: u64) -> Result<bool, Error>;
}

/// What an actor provides.
#[interface(name = "tests.acts", version = "1.0.0")]
pub trait Acts {
    /// Which build answers.
    fn mark(&self) -> String;
    /// The sum of two.
    fn add(&self, one: u64, other: u64) -> u64;
    /// Looks a text over; an empty one is an error.
    fn look(&self, text: &str) -> Result<Summary, Error>;
    /// The bytes, backwards.
    fn turn(&self, bytes: &[u8]) -> Vec<u8>;
    /// Says part by part what it does, until told to stop. How far it came.
    fn work(&self, parts: u64, hears: &dyn Hears) -> Result<u64, Error>;
    /// The same by another actor, which is passed what hears.
    fn pass(&self, to: &str, parts: u64, hears: &dyn Hears) -> Result<u64, Error>;
    /// The numbers from one on.
    fn count(&self, upto: u64) -> Result<Stream<u64>, Error>;
    /// The same, and then an error.
    fn break_off(&self, after: u64) -> Result<Stream<u64>, Error>;
    /// One more than before: the state.
    fn more(&self) -> u64;
    /// A call of the first of these, which calls the next, as many levels deep. How many there were.
    fn chain(&self, others: &[String], levels: u64) -> Result<u64, Error>;
    /// Asks the host for something to be done with a plugin.
    fn ask(&self, kind: &str, plugin: &str) -> Result<(), Error>;
    /// Panics.
    fn fall(&self);
    /// Never answers.
    fn hang(&self);
}

struct Acting(Services, Arc<AtomicU64>);

impl Acts for Acting {
    fn mark(&self) -> String {
        text(&self.0, "mark").to_owned()
    }

    fn add(&self, one: u64, other: u64) -> u64 {
        one + other
    }

    fn look(&self, text: &str) -> Result<Summary, Error> {
        if text.is_empty() {
            return Err(Error::new("acme.empty", "nothing to look at"));
        }
        let words = text.split_whitespace();
        let longest = words.clone().max_by_key(|word| word.len()).map(str::to_owned);
        Ok(Summary { words: words.count() as u64, longest })
    }

    fn turn(&self, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().rev().copied().collect()
    }

    fn work(&self, parts: u64, hears: &dyn Hears) -> Result<u64, Error> {
        for part in 1..=parts {
            if !hears.heard(part)? {
                return Ok(part);
            }
        }
        Ok(parts)
    }

    fn pass(&self, to: &str, parts: u64, hears: &dyn Hears) -> Result<u64, Error> {
        self.0.interface_of::<dyn Acts>(to, "^1")?.work(parts, hears)?
    }

    fn count(&self, upto: u64) -> Result<Stream<u64>, Error> {
        let (sender, stream) = self.0.stream::<u64>(4)?;
        self.0.spawn("count", move |task| {
            for number in 1..=upto {
                if task.is_cancelled() || sender.send(&number).is_err() {
                    break;
                }
            }
            Ok(())
        })?;
        Ok(stream)
    }

    fn break_off(&self, after: u64) -> Result<Stream<u64>, Error> {
        let (sender, stream) = self.0.stream::<u64>(4)?;
        self.0.spawn("break off", move |_| {
            let sent = (1..=after).try_for_each(|number| sender.send(&number));
            sender.fail(Error::new("acme.broken", "no more of it"));
            Ok(sent?)
        })?;
        Ok(stream)
    }

    fn more(&self) -> u64 {
        self.1.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn chain(&self, others: &[String], levels: u64) -> Result<u64, Error> {
        let Some((next, rest)) = others.split_first().filter(|_| levels > 0) else { return Ok(0) };
        let rest: Vec<_> = rest.iter().chain([next]).cloned().collect();
        Ok(self.0.interface_of::<dyn Acts>(next, "^1")?.chain(&rest, levels - 1)?? + 1)
    }

    fn ask(&self, kind: &str, plugin: &str) -> Result<(), Error> {
        ask(&self.0, kind, plugin)
    }

    fn fall(&self) {
        panic!("told to fall");
    }

    fn hang(&self) {
        hang()
    }
}

/// Hears up to a part.
struct Until(std::cell::Cell<u64>, u64);

impl Hears for Until {
    fn heard(&self, part: u64) -> Result<bool, Error> {
        self.0.set(part);
        Ok(part < self.1)
    }
}

/// What a call without an answer says: of which kind it is, and its code.
pub fn told(error: &CallError) -> String {
    let kind = match error {
        CallError::Unavailable(_) => "unavailable",
        CallError::Ended(_) => "ended",
        CallError::Panicked(_) => "panicked",
        CallError::Failed(_) => "failed",
        CallError::Gone(_) => "gone",
        _ => "unsupported",
    };
    format!("{kind} {}", error.code())
}

fn ask(services: &Services, kind: &str, plugin: &str) -> Result<()> {
    match kind {
        "swap" => services.request_swap(plugin),
        "disable" => services.request_disable(plugin),
        _ => services.request_stop(plugin),
    }
}

/// What an actor does with another's interface; with that of whoever provides it first, if no plugin is named.
fn use_interface(services: &Services, value: &Value) -> Result<Value> {
    let (plugin, what): (String, String) = value.read()?;
    let other = match plugin.as_str() {
        "" => services.interface::<dyn Acts>("^1")?,
        plugin => services.interface_of::<dyn Acts>(plugin, "^1")?,
    };
    match what.as_str() {
        "mark" => Ok(other.mark()?.into()),
        "more" => Ok(other.more()?.into()),
        "swap" => Ok(other.ask("swap", &plugin)??.into()),
        "hang" => Ok(other.hang().map_or_else(|error| told(&error), |()| String::new()).into()),
        "fall" => Ok(other.fall().map_or_else(|error| told(&error), |()| String::new()).into()),
        "break-off" => {
            let items: Vec<_> = other.break_off(9)??.collect();
            let (ends, numbers): (Vec<_>, Vec<_>) = items.into_iter().partition(Result::is_err);
            Ok(value!([(numbers.len()), (ends.iter().filter_map(|end| end.as_ref().err()).map(told).collect::<Vec<_>>())]))
        }
        "drain" => {
            let mut numbers = other.count(u64::MAX)??;
            numbers.next().context("no first")??;
            services.info("draining");
            let end = numbers.find_map(Result::err).map_or_else(String::new, |error| told(&error));
            Ok(value!([end, (numbers.count())]))
        }
        "work" => {
            let until = Until(std::cell::Cell::new(0), 3);
            let came: u64 = other.work(9, &until)??;
            Ok((came == until.0.get()).then_some(came).into())
        }
        "count" => {
            let numbers = other.count(1_000)??;
            Ok(numbers.collect::<Result<Vec<u64>, _>>()?.iter().sum::<u64>().into())
        }
        _ => Ok(other.provider()?.plugin.into()),
    }
}

/// Does what its configuration and its actions say: the same code as a library and linked into the tests.
///
/// It logs `mark phase` in each phase. `fail` and `panic` in the configuration name the phase in which it does that, and
/// `hang` one in which it never returns.
pub(crate) struct Actor {
    services: Services,
    total: Arc<AtomicU64>,
}

fn text<'a>(services: &'a Services, key: &str) -> &'a str {
    services.config().get(key).and_then(Value::as_str).unwrap_or_default()
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

fn phase(services: &Services, phase: &str) -> Result<()> {
    services.info(format!("{} {phase}", text(services, "mark")));
    assert!(text(services, "panic") != phase, "told to panic in {phase}");
    if text(services, "hang") == phase {
        hang();
    }
    if text(services, "fail") == phase { Err(Error::new("acme.told", "told to fail")) } else { Ok(()) }
}

impl Plugin for Actor {
    fn init(cx: &mut Init<'_>) -> Result<Self> {
        phase(cx, "init")?;
        Ok(Self { services: cx.services(), total: Arc::default() })
    }

    fn build(&self, cx: &mut Build<'_>) -> Result<Value> {
        phase(cx, "build")?;
        Ok(text(cx, "mark").into())
    }

    fn register(&self, cx: &mut Register<'_>) -> Result<()> {
        cx.provide::<dyn Acts>(Acting(cx.services(), Arc::clone(&self.total)))?;
        phase(cx, "register")
    }

    fn after_registration(&self, cx: &mut Registered<'_>) -> Result<()> {
        phase(cx, "after_registration")
    }

    fn start(&self, cx: &mut Start<'_>) -> Result<()> {
        phase(cx, "start")
    }

    fn suspend(&self) -> Result<()> {
        phase(&self.services, "suspend")
    }

    fn resume(&self, cx: &mut Start<'_>) -> Result<()> {
        phase(cx, "resume")
    }

    fn stop(&self) -> Result<()> {
        phase(&self.services, "stop")
    }

    fn health(&self) -> Result<()> {
        phase(&self.services, "health")
    }

    /// `echo`; `mark`; `add` and `total`: the state; `fail`, `panic`, `hang`; `log`: a line with a field; `call`: the
    /// answer of `[plugin, action, value]`; `call-from-thread`: the same from a thread of its own; `deep`: `[plugins,
    /// levels]`, a call of the first of them, which calls the next, as many levels deep; `use`: `[plugin, what]` of its interface; `task`: one
    /// that waits to be cancelled and then logs; `task-panics`; `task-for-ever`; `ask`: `[kind, plugin]`; `output` of a plugin; `time`;
    /// `pid`; `answer`: as many bytes; `end`: the process, by `how`.
    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        let services = &self.services;
        match action {
            "echo" => Ok(value),
            "mark" => Ok(text(services, "mark").into()),
            "add" => Ok((self.total.fetch_add(1, Ordering::SeqCst) + 1).into()),
            "total" => Ok(self.total.load(Ordering::SeqCst).into()),
            "fail" => Err(Error::new("acme.full", "no space").context("writing").context("saving")),
            "panic" => panic!("told to panic"),
            "hang" => hang(),
            "log" => {
                services.log(Level::Warn, "disk is filling").with("percent", 93).emit();
                Ok(Value::Null)
            }
            "call" => call(services, &value),
            "call-from-thread" => {
                let services = services.clone();
                std::thread::spawn(move || call(&services, &value)).join().expect("it does not panic")
            }
            "deep" => deeper(services, &value),
            "use" => use_interface(services, &value),
            "task" => self.task(|task| {
                while task.sleep(Duration::from_hours(1)) {}
                Ok(())
            }),
            "task-panics" => self.task(|_| panic!("told to panic")),
            "task-for-ever" => self.task(|_| hang()),
            "ask" => {
                let (kind, target): (String, String) = value.read()?;
                ask(services, &kind, &target).map(|()| Value::Null)
            }
            "output" => services.output(&value.read::<String>()?),
            "time" => Ok(u64::try_from(services.monotonic().as_millis())?.into()),
            "pid" => Ok(std::process::id().into()),
            "answer" => Ok(Value::bytes(vec![7; value.read()?])),
            "end" => match value.read::<String>()?.as_str() {
                "abort" => std::process::abort(),
                _ => std::process::exit(3),
            },
            _ => Err(Error::unknown_action(action)),
        }
    }

    fn save(&self) -> Result<State> {
        phase(&self.services, "save")?;
        State::of(1, &self.total.load(Ordering::SeqCst))
    }

    fn restore(&mut self, old: State) -> Result<()> {
        phase(&self.services, "restore")?;
        self.total.store(old.read()?, Ordering::SeqCst);
        Ok(())
    }
}

impl Actor {
    fn task(&self, body: impl FnOnce(&Task) -> Result<()> + Send + 'static) -> Result<Value> {
        let services = self.services.clone();
        self.services.spawn("told", move |task| {
            services.info("task begins");
            body(task)?;
            services.info("task ends");
            Ok(())
        })?;
        Ok(Value::Null)
    }
}

fn call(services: &Services, value: &Value) -> Result<Value> {
    let (plugin, action, value): (String, String, Value) = value.read()?;
    services.peer(&plugin)?.invoke(&action, &value)
}

fn deeper(services: &Services, value: &Value) -> Result<Value> {
    let (plugins, levels): (Vec<String>, u64) = value.read()?;
    if levels == 0 {
        return Ok(0.into());
    }
    let next = plugins.first().context("nobody to call")?.clone();
    let rest: Vec<_> = plugins.iter().skip(1).chain([&next]).map(String::as_str).collect();
    let below: u64 = services.peer(&next)?.invoke("deep", &value!([(rest), (levels - 1)]))?.read()?;
    Ok((below + 1).into())
}
