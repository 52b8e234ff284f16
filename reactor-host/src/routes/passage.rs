//! What becomes of a caller that finds no address in its cell, and of one that pins several plugins at one moment.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use reactor_abi::Error;

use super::Routes;
use super::table::Leads;
use crate::manifest::PluginId;
use crate::native::pool::{Pinned, Word};
use crate::native::{Lease, Life, Target, inside_plugin_code};

/// A caller waits no longer than this, whatever becomes of the one that paused the route.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What a caller may do whose cell holds no address.
pub(crate) enum Passage {
    /// Load again: there is an address by now.
    Open,
    /// The caller is inside what hands over, and was counted into the binding of this word: on share 0.
    Inside(Word),
    /// Go away.
    Refused(Error),
}

impl Routes {
    /// Pins what serves `leases`, all of one moment: no switch falls in between. Waits while one of them hands over.
    ///
    /// # Errors
    ///
    /// One of them is not there, with the reason, or has been handing over for too long.
    pub(crate) fn pin(&self, leases: &[Arc<Lease>]) -> Result<Vec<Pinned>, Error> {
        let deadline = Instant::now() + LONGEST_WAIT;
        let mut counted = false;
        loop {
            let seen = self.signal.count();
            let waits_for = {
                let table = self.lock();
                let mut paused = None;
                for lease in leases {
                    match table.leads(lease.target(), lease.importer()) {
                        Leads::To(..) => {}
                        Leads::Sealed(life) | Leads::Paused(_, life, _) => paused = Some(life.plugin.clone()),
                        Leads::Nowhere => return Err(table.why(lease.target(), lease.importer())),
                    }
                }
                match paused {
                    // Each cell holds an address and keeps it while the lock is held: no pin asks the host back.
                    None => return leases.iter().map(Pinned::new).collect(),
                    Some(plugin) => plugin,
                }
            };
            // Who is inside a plugin, or holds pins, may be what the hand-over waits for.
            if inside_plugin_code() {
                return Err(busy(&waits_for));
            }
            if !std::mem::replace(&mut counted, true) {
                self.waits.fetch_add(1, Ordering::Relaxed);
            }
            if Instant::now() >= deadline {
                return Err(too_long(&waits_for));
            }
            self.signal.park(seen, Some(deadline));
        }
    }

    /// Decides for a caller whose cell holds no address; may wait. `inside` tells whether the calling thread is
    /// inside a generation.
    pub(crate) fn passage(
        &self,
        target: &Target,
        importer: Option<u64>,
        paused: bool,
        inside: impl Fn(&Life) -> bool,
    ) -> Passage {
        let deadline = Instant::now() + LONGEST_WAIT;
        let mut counted = !paused;
        loop {
            let seen = self.signal.count();
            let waits_for = {
                let table = self.lock();
                match table.leads(target, importer) {
                    Leads::To(..) => return Passage::Open,
                    // It would wait for itself.
                    Leads::Sealed(life) if inside(life) => return Passage::Refused(busy(&life.plugin)),
                    Leads::Sealed(life) => life.plugin.clone(),
                    Leads::Paused(set, life, word) => {
                        if set.iter().any(|other| importer == Some(other.number) || inside(other)) {
                            // Under the lock: until it is let go, nobody switches, let alone closes.
                            word.enter();
                            return Passage::Inside(word);
                        }
                        life.plugin.clone()
                    }
                    Leads::Nowhere => return Passage::Refused(table.why(target, importer)),
                }
            };
            if !counted {
                self.waits.fetch_add(1, Ordering::Relaxed);
                counted = true;
            }
            if Instant::now() >= deadline {
                return Passage::Refused(too_long(&waits_for));
            }
            self.signal.park(seen, Some(deadline));
        }
    }
}

fn busy(target: &PluginId) -> Error {
    Error::new(
        "RE0616",
        format!("{target} is handing its state over, and this thread must not wait for it: ask again later"),
    )
}

fn too_long(target: &PluginId) -> Error {
    Error::new("RE0604", format!("{target} has been handing its state over for {LONGEST_WAIT:?}"))
}
