//! Guarantees: what happens to a file happens to its plugin, and never to the host.

mod dropped_in;
mod private;
mod refused;
mod removed;

use std::path::Path;

use reactor_host::discover::Settings;
use reactor_host::{Event, EventKind, Host, Subscription, Value, Watch, value};
use reactor_tests::folder::Folder;
use reactor_tests::{tell, trusted, wait};

/// A host that follows a folder.
struct Watched {
    folder: Folder,
    host: Host,
    events: Subscription,
    watch: Option<Watch>,
}

impl Watched {
    /// Over an empty folder. `delete_grace`: `None` leaves it to the manifests.
    fn new(delete_grace: Option<std::time::Duration>) -> Self {
        let folder = Folder::new();
        let builder = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder.path());
        let settings = Settings { delete_grace, ..Settings::default() };
        let host = trusted(builder).watching(settings).build().expect("a host");
        assert!(host.start().expect("the host starts").is_ok());
        let events = host.events();
        let watch = Some(host.watch().expect("the folder is watched"));
        Self { folder, host, events, watch }
    }

    /// Waits for something about a plugin.
    #[track_caller]
    fn wait<T>(&self, plugin: &str, wanted: impl Fn(&Event) -> Option<T>) -> T {
        wait::event(&self.events, |event| tell::is_about(event, plugin).then(|| wanted(event)).flatten())
    }

    #[track_caller]
    fn loaded(&self, plugin: &str) -> u64 {
        self.wait(plugin, |event| {
            matches!(event.kind, EventKind::Loaded { .. }).then_some(event.generation)?
        })
    }

    #[track_caller]
    fn swapped(&self, plugin: &str) -> u64 {
        self.wait(plugin, |event| {
            matches!(event.kind, EventKind::Swapped { .. }).then_some(event.generation)?
        })
    }

    #[track_caller]
    fn stopped(&self, plugin: &str) -> String {
        self.wait(plugin, |event| match &event.kind {
            EventKind::Stopped { reason, .. } => Some(reason.clone()),
            _ => None,
        })
    }

    /// The code and the message with which a file was refused.
    #[track_caller]
    fn refused(&self, file: &Path) -> (String, String) {
        wait::event(&self.events, |event| match &event.kind {
            EventKind::Refused { code, message, path: Some(path) } if path == file => {
                Some((code.clone(), message.clone()))
            }
            _ => None,
        })
    }

    /// Which build and generation of `answer` answers.
    #[track_caller]
    fn which(&self) -> (u64, u64) {
        self.host.invoke("answer", "which", &Value::Null).expect("it serves").read().expect("two numbers")
    }
}

/// A list of `value`s that `echo` must give back.
fn echoes(host: &Host, plugin: &str) {
    let value = value!({ "a": [1, null, "x"] });
    assert_eq!(host.invoke(plugin, "echo", &value).expect("it serves"), value);
}
