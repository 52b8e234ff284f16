use reactor_abi::prelude::*;

struct Answer(Services);

impl Plugin for Answer {
    fn init(cx: &mut Init<'_>) -> Result<Self> {
        Ok(Self(cx.services()))
    }

    /// `which`: the build and the generation that answers; `echo`: the value.
    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        match action {
            "which" => Ok(value!([(BUILD), (self.0.generation())])),
            "echo" => Ok(value),
            _ => Err(Error::unknown_action(action)),
        }
    }
}

export_plugin!(Answer);
