//! `hemet completions`: what a shell needs to complete commands and options.

use clap::Command;

use crate::error::Error;

/// Print the completions of a shell
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet completions bash > ~/.local/share/bash-completion/completions/hemet\n  \
    hemet completions zsh > ~/.zfunc/_hemet\n  hemet completions fish > ~/.config/fish/completions/hemet.fish"
)]
pub struct Args {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Runs the command, for a program.
pub fn run(args: &Args, mut program: Command) -> Result<(), Error> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut program, "hemet", &mut text);
    print!("{}", String::from_utf8_lossy(&text));
    Ok(())
}
