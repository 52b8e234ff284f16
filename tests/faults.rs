//! Guarantees: whatever a plugin does short of corrupting memory or ending the process is told by event and code, and
//! harms nobody else: neighbours answer all the while, dependants come back when the fault is gone.

mod asking;
mod builds;
mod calling;
mod ending_the_process;
mod scene;
mod state;
mod table;

/// `most`, or fewer when `REACTOR_TEST_ROUNDS` says so, because everything takes longer.
pub(crate) fn rounds(most: usize) -> usize {
    let asked = std::env::var("REACTOR_TEST_ROUNDS").ok();
    asked.map_or(most, |text| most.min(text.parse().expect("REACTOR_TEST_ROUNDS is a number")))
}
