//! Guarantees: dropping the host returns, whatever its plugins do, and what outlives it is harmless.

mod dropping;
mod leftovers;
mod seams;
