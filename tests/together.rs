//! Guarantees: plugins that change together take over in one step or not at all; a call, with all that it calls among
//! them, stays in one set of generations; an outsider can pin several at one moment.

mod pins;
mod sets;

use reactor_abi::prelude::*;
use reactor_host::Host;
use reactor_tests::puppet::Script;

/// `front` depends on `back`. `front` answers `pair` with its own generation, then that of `back`, asked through its own
/// handle after `between`.
fn front(between: impl Fn() + Send + Sync + 'static) -> Script {
    Script::new("front").needs(&["back"]).answer(move |cue| {
        if cue.action != "pair" {
            return Ok(Value::Null);
        }
        let own = cue.services.generation();
        between();
        let other = cue.services.peer("back")?.invoke("generation", &Value::Null)?;
        Value::of(&(own, other.as_u64())).map_err(Into::into)
    })
}

fn back() -> Script {
    Script::new("back").answer(|cue| match cue.action {
        "generation" => Ok(cue.services.generation().into()),
        _ => Ok(Value::Null),
    })
}

fn pair(host: &Host) -> (u64, u64) {
    host.invoke("front", "pair", &Value::Null).expect("both serve").read().expect("two numbers")
}
