//! hot-lib-reloader: watches cargo's output, and loads it when it has rested. Who builds is left to its user: here cargo is
//! started at the moment of the edit, which a watcher could not be faster at.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use hot_lib_reloader::LibReloader;

use super::{DEADLINE, Subject};
use crate::crates::Crate;
use crate::measure::Times;

pub(crate) struct HotLibReloader {
    plugin: Crate,
    reloader: LibReloader,
    changed: Receiver<()>,
    name: &'static str,
}

impl HotLibReloader {
    /// The shortest debounce that is no busy loop: it is set in whole milliseconds.
    pub(crate) const SHORTEST: Duration = Duration::from_millis(1);

    pub(crate) fn start(place: (PathBuf, PathBuf), debounce: Option<Duration>) -> Self {
        let plugin = Crate::new(place, "", source);
        let reloader = LibReloader::new(plugin.built(), plugin.stem(), debounce, None);
        let mut reloader = reloader.expect("the library can be loaded");
        // What its own macro waits for.
        let changed = reloader.subscribe_to_file_changes();
        let name = match debounce {
            None => "hot-lib-reloader, default (500 ms)",
            Some(_) => "hot-lib-reloader, shortest (1 ms)",
        };
        Self { plugin, reloader, changed, name }
    }

    fn answer(&self) -> Option<u64> {
        // SAFETY: this is how `source` declares it.
        let answer = unsafe { self.reloader.get_symbol::<extern "C" fn() -> u64>(b"answer\0") };
        answer.ok().map(|answer| answer())
    }
}

impl Subject for HotLibReloader {
    fn name(&self) -> &'static str {
        self.name
    }

    fn edit(&mut self, number: u64) -> Times {
        let began = Instant::now();
        self.plugin.edit(number);
        let cargo = self.plugin.build();
        while self.answer() != Some(number) {
            self.changed.recv_timeout(DEADLINE).expect("it notices the new library");
            self.reloader.update().expect("it loads the new library");
        }
        Times { whole: began.elapsed(), cargo }
    }
}

fn source(number: u64) -> String {
    format!("#[unsafe(no_mangle)]\npub extern \"C\" fn answer() -> u64 {{\n    {number}\n}}\n")
}
