//! Guarantees: a new build takes over beside the old one, with its state, in one step; or the old one goes on.

mod beside;
mod failing;
mod pausing;
mod requests;
mod retiring;
mod rolling_back;
mod suspending;
