//! The `reactor` command as a person runs it, and as a program reads it.

// Plugin crates outside the workspace, and the folder that `reactor build` makes of them.
mod fixture;
// A command that runs until it is told to end, and the events that it prints.
mod live;
// A command on a terminal, and what is seen there.
#[cfg(unix)]
mod pty;

// Commands that concern a running host, found by its plugin folder.
mod control;
// Plugins in a debugger, while they are swapped.
#[cfg(target_os = "linux")]
mod debugger;
// `dev`: what is edited is built and swapped.
mod dev;
// The first two pages of the book, done to the letter.
#[cfg(unix)]
mod first_hour;
// `new`: what is made compiles, and nothing is left half made.
mod new;
// `list`, `inspect`, `build`: what is read and written, and that nothing is run for it.
mod files;
// `call`, `run`: plugins that run.
mod run;
// The application that `new` makes, running: what it tells, and what it follows.
mod application;
// What the command says of itself: help, manual pages, completions, error codes; and what `doctor` says of the system.
mod about;
// The command line itself, and its exit codes.
mod usage;
// The live view, on a real terminal.
#[cfg(unix)]
mod terminal;
