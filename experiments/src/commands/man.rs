//! `hemet man`: manual pages, a file a command.

use std::path::{Path, PathBuf};

use clap::Command;

use crate::error::Error;
use crate::reference;

/// Write the manual pages, one file a command
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet man --out ~/.local/share/man/man1\n  hemet man --markdown"
)]
pub struct Args {
    /// Folder for the pages
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "markdown",
        conflicts_with = "markdown"
    )]
    pub out: Option<PathBuf>,
    /// Print one page of Markdown with every command instead
    #[arg(long)]
    pub markdown: bool,
}

/// Runs the command, for a program.
pub fn run(args: &Args, program: Command) -> Result<(), Error> {
    let Some(folder) = &args.out else {
        print!("{}", reference::commands_page(&program));
        return Ok(());
    };
    std::fs::create_dir_all(folder).map_err(|e| Error::file(folder, e))?;
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let count = write(&program, folder)?;
    println!("{count} pages in {}", folder.display());
    Ok(())
}

/// Writes the page of a command and those below it; gives their number.
fn write(command: &Command, folder: &Path) -> Result<usize, Error> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let path = folder.join(format!("{name}.1"));
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(command.clone());
    man.render(&mut page).map_err(|e| Error::file(&path, e))?;
    hemet_files::write_atomically(&path, &page)?;
    let mut count = 1;
    for below in command.get_subcommands() {
        count += write(below, folder)?;
    }
    Ok(count)
}
