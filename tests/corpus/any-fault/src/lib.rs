//! Goes wrong where its configuration says (`in`: a phase, `task`, `thread`, `drop`) and how (`how`), and where and how
//! a call says.
#![forbid(unsafe_code)]
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reactor_abi::prelude::*;

/// A panic's payload that panics when it is dropped, with a payload that does so too.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::panic_any(Bomb);
    }
}

/// Goes wrong. `until`: what hangs goes on when this file is there.
fn go_wrong(how: &str, until: &str) -> Result<()> {
    match how {
        "error" => Err(Error::new("acme.broken", "it went wrong").context("reading the index")),
        "panic" => panic!("it went wrong"),
        "panic-with-bomb" => std::panic::panic_any(Bomb),
        "hang" => {
            while !Path::new(until).exists() {
                std::thread::park_timeout(Duration::from_millis(2));
            }
            Ok(())
        }
        "hang-and-tell" => {
            std::fs::write(format!("{until}-begun"), "")?;
            go_wrong("hang", until)
        }
        _ => Err(Error::msg(format!("nobody knows how to go wrong by `{how}`"))),
    }
}

/// What the configuration says under `key`.
fn text<'a>(services: &'a Services, key: &str) -> &'a str {
    services.config().get(key).and_then(Value::as_str).unwrap_or_default()
}

fn number(services: &Services, key: &str) -> u64 {
    services.config().get(key).and_then(Value::as_u64).unwrap_or_default()
}

/// Goes wrong if the configuration says that it is to here.
fn at(services: &Services, place: &str) -> Result<()> {
    if text(services, "in") == place { go_wrong(text(services, "how"), text(services, "until")) } else { Ok(()) }
}

struct AnyFault {
    services: Services,
    total: AtomicU64,
    /// What makes the state as large as it is.
    padding: Vec<u8>,
}

impl Plugin for AnyFault {
    fn init(cx: &mut Init<'_>) -> Result<Self> {
        at(cx, "init")?;
        let padding = vec![7; usize::try_from(number(cx, "padding"))?];
        Ok(Self { services: cx.services(), total: AtomicU64::new(0), padding })
    }

    fn build(&self, cx: &mut Build<'_>) -> Result<Value> {
        at(cx, "build")?;
        Ok(Value::Null)
    }

    fn register(&self, cx: &mut Register<'_>) -> Result<()> {
        at(cx, "register")
    }

    fn after_registration(&self, cx: &mut Registered<'_>) -> Result<()> {
        at(cx, "after_registration")
    }

    fn start(&self, cx: &mut Start<'_>) -> Result<()> {
        let services = cx.services();
        match text(cx, "in") {
            "task" => drop(cx.spawn("faulty", move |_| at(&services, "task"))?),
            "thread" => drop(std::thread::spawn(move || at(&services, "thread"))),
            "ask" => cx.request_swap(cx.id())?,
            _ => {}
        }
        at(cx, "start")
    }

    fn suspend(&self) -> Result<()> {
        at(&self.services, "suspend")
    }

    fn resume(&self, cx: &mut Start<'_>) -> Result<()> {
        at(cx, "resume")
    }

    fn stop(&self) -> Result<()> {
        at(&self.services, "stop")
    }

    fn health(&self) -> Result<()> {
        at(&self.services, "health")
    }

    /// `echo`; `call`: the answer of `[plugin, action, value]`; `fault`: `[how, until]`; `deep`: `[plugins, levels]`, a
    /// call of the first of them, which calls the next, as many levels deep, and answers how many there were; `add`
    /// and `total`: the state; `log`: `[lines, bytes each, bytes of a field]`; `ask`: `[kind, id, times]`, what came of
    /// it by code; `answer`: as many bytes; `outlive`: `[until, told]`, a thread that goes on asking.
    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        let services = &self.services;
        match action {
            "echo" => Ok(value),
            "call" => {
                let (plugin, action, value): (String, String, Value) = value.read()?;
                services.peer(&plugin)?.invoke(&action, &value)
            }
            "fault" => {
                let (how, until): (String, String) = value.read()?;
                go_wrong(&how, &until).map(|()| Value::Null)
            }
            "deep" => deeper(services, value),
            "add" => Ok((self.total.fetch_add(1, Ordering::SeqCst) + 1).into()),
            "total" => Ok(self.total.load(Ordering::SeqCst).into()),
            "log" => {
                let (lines, bytes, field): (u64, usize, usize) = value.read()?;
                for _ in 0..lines {
                    services.log(Level::Info, "x".repeat(bytes)).with("long", "y".repeat(field)).emit();
                }
                Ok(Value::Null)
            }
            "ask" => ask(services, value),
            "answer" => Ok(Value::bytes(vec![7; value.read()?])),
            "outlive" => {
                let (until, told): (String, String) = value.read()?;
                let services = services.clone();
                std::thread::spawn(move || outlive(&services, &until, &told));
                Ok(Value::Null)
            }
            _ => Err(Error::unknown_action(action)),
        }
    }

    fn save(&self) -> Result<State> {
        at(&self.services, "save")?;
        let schema = u32::try_from(number(&self.services, "schema"))?.max(1);
        State::of(schema, &(self.total.load(Ordering::SeqCst), self.padding.as_slice()))
    }

    fn restore(&mut self, old: State) -> Result<()> {
        at(&self.services, "restore")?;
        let (total, padding): (u64, Vec<u8>) = old.read()?;
        (self.total, self.padding) = (AtomicU64::new(total), padding);
        Ok(())
    }
}

impl Drop for AnyFault {
    fn drop(&mut self) {
        if let Err(error) = at(&self.services, "drop") {
            panic!("{error}");
        }
    }
}


fn deeper(services: &Services, value: Value) -> Result<Value> {
    let (plugins, levels): (Vec<String>, u64) = value.read()?;
    if levels == 0 {
        return Ok(0.into());
    }
    let next = plugins.first().context("nobody to call")?.clone();
    let rest: Vec<_> = plugins.iter().skip(1).chain([&next]).map(String::as_str).collect();
    let below: u64 = services.peer(&next)?.invoke("deep", &value!([(rest), (levels - 1)]))?.read()?;
    Ok((below + 1).into())
}

fn ask(services: &Services, value: Value) -> Result<Value> {
    let (kind, target, times): (String, String, u64) = value.read()?;
    let mut refused = Vec::new();
    for number in 0..times {
        let target = target.replace("{n}", &number.to_string());
        let asked = match kind.as_str() {
            "swap" => services.request_swap(&target),
            "disable" => services.request_disable(&target),
            _ => services.request_stop(&target),
        };
        refused.extend(asked.err().map(|error| Value::from(error.code())));
    }
    Ok(Value::List(refused))
}

/// Asks for everything until everything is refused and `until` is there; writes into `told` what it was told then.
fn outlive(services: &Services, until: &str, told: &str) {
    let code = |answer: Result<()>| answer.err().map_or_else(|| "granted".to_owned(), |error| error.code().to_owned());
    let ask = || {
        [
            code(services.peer("neighbour").map(drop)),
            code(services.spawn("late", |_| Ok(())).map(drop)),
            code(services.request_swap("neighbour")),
            code(services.output("neighbour").map(drop)),
        ]
        .join(" ")
    };
    while !Path::new(until).exists() {
        ask();
        services.info("still here");
        std::thread::park_timeout(Duration::from_millis(1));
    }
    let _ = std::fs::write(told, ask());
}

export_plugin!(AnyFault);
