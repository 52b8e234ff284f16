//! Work of its own: a task that ticks until the host cancels it, and says so in the log.
//!
//! A task runs on a thread of the host's, which cancels and joins it before the plugin is suspended or stopped. So a
//! task looks for its cancellation where it waits: [`Task::sleep`] answers `false` as soon as it is time to end. A
//! thread of the plugin's own would keep the library from being closed.
//!
//! Change the text `tick` in `start` while `reactor dev` runs, and save: the lines that follow have the new one.
//!
//! `interval-ms` in `[config]` is the time between two ticks. At most one line a second is logged, however fast it
//! ticks. Action `ticks` answers how often this generation has ticked, a number.

#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reactor_abi::prelude::*;

/// At least one, so that a tick is never without a pause.
fn interval_ms(config: &Value) -> Result<u64> {
    match config.get("interval-ms") {
        None => Ok(1000),
        Some(value) => value.as_u64().filter(|ms| *ms > 0).with_context(|| {
            format!("`interval-ms` in [config] is `{value}`: give a whole number of milliseconds, 1 or more")
        }),
    }
}

struct Clock {
    interval_ms: u64,
    ticks: Arc<AtomicU64>,
}

impl Clock {
    fn new(config: &Value) -> Result<Self> {
        Ok(Self { interval_ms: interval_ms(config)?, ticks: Arc::default() })
    }

    /// Whether tick number `tick` is logged: the first, and then one in as many as fit into a second.
    fn is_logged(tick: u64, interval_ms: u64) -> bool {
        (tick - 1).is_multiple_of(1000_u64.div_ceil(interval_ms))
    }
}

impl Plugin for Clock {
    fn init(cx: &mut Init<'_>) -> Result<Self> {
        Self::new(cx.config())
    }

    /// Here and not in `init`: during a swap both generations exist, but only one is started.
    fn start(&self, cx: &mut Start<'_>) -> Result<()> {
        let services = cx.services();
        let ticks = Arc::clone(&self.ticks);
        let interval_ms = self.interval_ms;
        cx.spawn("clock", move |task| {
            while task.sleep(Duration::from_millis(interval_ms)) {
                let tick = ticks.fetch_add(1, Ordering::Relaxed) + 1;
                if Self::is_logged(tick, interval_ms) {
                    services.log(Level::Info, "tick").with("tick", tick).emit();
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    fn invoke(&self, action: &str, _: Value) -> Result<Value> {
        match action {
            "ticks" => Ok(self.ticks.load(Ordering::Relaxed).into()),
            _ => Err(Error::unknown_action(action)),
        }
    }
}

export_plugin!(Clock);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_how_often_it_has_ticked() {
        let clock = Clock::new(&value!({})).unwrap();
        assert_eq!(clock.interval_ms, 1000);
        assert_eq!(clock.invoke("ticks", Value::Null).unwrap(), value!(0));
        clock.ticks.store(7, Ordering::Relaxed);
        assert_eq!(clock.invoke("ticks", Value::Null).unwrap(), value!(7));
        assert_eq!(clock.invoke("tock", Value::Null).unwrap_err().code(), "RE0602");
    }

    #[test]
    fn the_interval_is_a_positive_number() {
        assert_eq!(interval_ms(&value!({ "interval-ms": 250 })).unwrap(), 250);
        for wrong in [value!(0), value!(-1), value!("1s"), value!(0.5)] {
            let error = interval_ms(&value!({ "interval-ms": (wrong) })).unwrap_err();
            assert!(error.message().contains("`interval-ms` in [config]"), "{error}");
        }
    }

    #[test]
    fn logs_at_most_one_line_a_second() {
        // Interval, and the ticks of the first five that are logged.
        for (interval_ms, logged) in [
            (1, vec![1]),
            (400, vec![1, 4]),
            (500, vec![1, 3, 5]),
            (1000, vec![1, 2, 3, 4, 5]),
            (9999, vec![1, 2, 3, 4, 5]),
        ] {
            let ticks: Vec<_> = (1..=5).filter(|tick| Clock::is_logged(*tick, interval_ms)).collect();
            assert_eq!(ticks, logged, "{interval_ms} ms");
        }
    }
}
