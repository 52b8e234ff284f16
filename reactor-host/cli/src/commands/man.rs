//! `reactor man`: manual pages, from the definition of the command line.

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::args::{Cli, ManArgs};
use crate::error::CliError;
use crate::output;
use crate::status::ExitStatus;

/// See the module.
pub(super) fn man(args: &ManArgs) -> Result<ExitStatus, CliError> {
    let mut command = Cli::command().disable_help_subcommand(true);
    // Subcommands get their full names, `reactor-dev`, and the flags that hold everywhere.
    command.build();
    match &args.out {
        None => output::whole(&page(command)?)?,
        Some(folder) => {
            fs::create_dir_all(folder).map_err(CliError::writing(folder))?;
            for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
                write(folder, subcommand.clone())?;
            }
            write(folder, command)?;
        }
    }
    Ok(ExitStatus::Done)
}

fn write(folder: &Path, command: Command) -> Result<(), CliError> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let path = folder.join(format!("{name}.1"));
    fs::write(&path, page(command)?).map_err(CliError::writing(path))
}

fn page(command: Command) -> Result<Vec<u8>, CliError> {
    let mut page = Vec::new();
    Man::new(command).section("1").render(&mut page)?;
    Ok(page)
}
