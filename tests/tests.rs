//! The project's promises, tested from outside.

// One library, from file to verdict, and what a swap does to callers.
mod swaps;
// What a library leaves behind, and that the host takes it back.
mod closing;
