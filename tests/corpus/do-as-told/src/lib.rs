//! Panics in the phase that its configuration names, and does what its actions say.
#![forbid(unsafe_code)]
use reactor_abi::prelude::*;

struct DoAsTold(Services);

impl DoAsTold {
    fn phase(&self, phase: &str) -> Result<()> {
        if self.0.config().get("panic").and_then(Value::as_str) == Some(phase) {
            panic!("told to panic in {phase}");
        }
        Ok(())
    }
}

impl Plugin for DoAsTold {
    fn init(cx: &mut Init<'_>) -> Result<Self> {
        let this = Self(cx.services());
        this.phase("init")?;
        Ok(this)
    }

    fn register(&self, _: &mut Register<'_>) -> Result<()> {
        self.phase("register")
    }

    fn start(&self, _: &mut Start<'_>) -> Result<()> {
        self.phase("start")
    }

    /// `call`: the answer of `[plugin, action, value]`; `log`: writes a line with a field; `panic`; `fail`; `echo`.
    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        match action {
            "echo" => Ok(value),
            "call" => {
                let (plugin, action, value): (String, String, Value) = value.read()?;
                self.0.peer(&plugin)?.invoke(&action, &value)
            }
            "log" => {
                self.0.log(Level::Warn, "disk is filling").with("percent", 93).with("path", "/var").emit();
                Ok(Value::Null)
            }
            "panic" => panic!("told to panic"),
            "panic-with-number" => std::panic::panic_any(7),
            "fail" => Err(Error::new("acme.full", "no space").context("writing").context("saving")),
            _ => Err(Error::unknown_action(action)),
        }
    }
}

export_plugin!(DoAsTold);
