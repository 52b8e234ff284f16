//! The `reactor` command: runs, inspects, calls, builds and live-reloads plugins.
//!
//! Every command is one file under `commands`; what they share is beside it. Nothing here is a library: programs that
//! load plugins link `reactor-host`.

mod args;
mod cargo_build;
mod commands;
mod data_folder;
mod error;
mod interrupt;
mod live;
mod output;
mod packages;
mod private_host;
mod running_host;
mod shelf;
mod status;
mod verdict;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Plugins in processes of their own are served by this very program.
    reactor_host::serve_if_runner();
    commands::main().into()
}
