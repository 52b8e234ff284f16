//! Guarantees: phases run in order, a failure stays with its plugin, and what a plugin contributed goes with it.

mod failures;
mod order;
mod resolving;
mod stopping;
mod switching;
