//! What the repository itself must be like. A rule that stands here needs no reviewer to remember it.

/// The error codes.
mod codes;
/// Which crate may know which.
mod crates;
/// What stands in the files.
mod sources;
