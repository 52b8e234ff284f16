//! Hours in minutes: swaps, storms of files, calls and faults over a real folder, and what the process holds meanwhile.
//!
//! The bench `soak` runs it for as long as one likes, the tests for a few seconds.

mod figures;
mod work;

use std::time::{Duration, Instant};

pub use figures::{Bounds, Figures};
use work::Work;

/// How to soak.
#[derive(Clone, Debug)]
pub struct Plan {
    /// For how long.
    pub duration: Duration,
    /// How long between two looks at what the process holds.
    pub sample: Duration,
    /// Which steps follow each other: the same number, the same steps.
    pub seed: u64,
    /// Libraries as they are shipped, in place of those of the tests.
    pub release: bool,
}

/// Soaks. Steps are chosen by chance; between them the process is looked at.
///
/// # Panics
///
/// When anything goes otherwise than it should: a call fails, an update is lost, a fault is not told, a file is not
/// taken up.
pub fn run(plan: &Plan, mut progress: impl FnMut(&Figures)) -> Figures {
    let mut work = Work::begin(plan);
    let (begun, mut figures) = (Instant::now(), Figures::default());
    let mut looked = begun;
    while begun.elapsed() < plan.duration {
        work.step();
        if looked.elapsed() >= plan.sample {
            // What is being closed at the moment is waited for: it belongs to nobody's drift.
            work.settle();
            figures.look(begun.elapsed(), work.counts());
            progress(&figures);
            looked = Instant::now();
        }
    }
    work.settle();
    figures.look(begun.elapsed(), work.counts());
    work.end();
    figures
}
