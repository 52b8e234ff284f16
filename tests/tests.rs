//! The project's promises, tested from outside.

// One library, from file to verdict, and what a swap does to callers.
mod swaps;
// What a library leaves behind, and that the host takes it back.
mod closing;
// What the repository itself must be like: its crates, its sources, its error codes.
mod architecture;
// The documents: what they link to and what they list.
mod docs;
// What a library tells before any of its code runs.
mod inspect;
// Why not 100 lines over libloading.
mod naive;
// The closing hazards again, with every access to memory watched.
mod valgrind;
// Phases in order, failures contained, plugins switched.
mod lifecycle;
// What a swap runs, in which order, and what happens when it fails.
mod swap_rules;
// What happens to a file happens to its plugin.
mod files;
// What a call brings back.
mod calls;
// After a swap: what is watched, how it is taken back, what is not tried again, what is kept.
mod trials;
// Several plugins in one step, and calls that stay in one set of generations.
mod together;
// A running host that other processes ask, and what they can not do to it.
#[cfg(unix)]
mod control;
// What outlives the host, and who may have the folder that it is kept in.
mod lasting;
// A folder that works against the host: damaged files, races, storms, rights.
mod hostile;
// What plugins do wrong, one table and what does not fit into it, and that nobody else is harmed.
mod faults;
// What holds wherever a plugin runs: linked, as a library, in a process of its own.
mod roads;
// What holds of a plugin in a process of its own, and of no other.
#[cfg(unix)]
mod apart;
// Orders given from inside a plugin, by whatever road.
mod reentrant;
// The host's end, and what outlives it.
mod exit;
// Hours in seconds.
mod soak;
// A host that is killed at any moment.
mod killed;
// Sequences of swaps, failures and switches that are hard to keep straight.
mod sequences;
// One trait on both sides: who is called, what fits, what a swap does to it.
mod interfaces;
