//! Guarantees: nothing that lands in the folder, and nothing that is done to it, hurts the host.

mod attack;
mod crowd;
mod folders;
mod poison;
