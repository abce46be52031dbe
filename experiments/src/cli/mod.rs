//! The command line: one subcommand a task, each with an example in its help.

pub mod date;
pub mod fetch;
pub mod image;
pub mod progress;
pub mod search_progress;

use clap::{Parser, Subcommand};

use crate::commands;

/// Neural architecture search and compiler for networks on encrypted data.
#[derive(Parser, Debug)]
#[command(name = "hemet", version, about, max_term_width = 100)]
pub struct Cli {
    /// The task.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Search a space of networks, compile the best and classify encrypted test images with it
    Search(commands::search::Args),
    /// Draw the plots and tables of a run folder again
    Report(commands::report::Args),
    /// Train trials of searches that hand them out, on this machine or many
    Worker(commands::worker::Args),
    /// List searches with their trials by state
    Studies(commands::studies::Args),
    /// Train a network that a search found to the end
    Train(commands::train::Args),
    /// Show the size of a space, the extremes of its networks and a sample
    Space(commands::space::Args),
    /// List data sets, fetch published ones, check files
    Data(commands::data::Args),
    /// Compile a trial of a run to an artifact
    Compile(commands::compile::Args),
    /// Show what is in an artifact: parameters, layers, costs
    Inspect(commands::inspect::Args),
    /// Client: make a secret key and the evaluation keys for an artifact
    Keygen(commands::keygen::Args),
    /// Client: encrypt an image for an artifact
    Encrypt(commands::encrypt::Args),
    /// Server: run an artifact on an encrypted image, blindly
    Predict(commands::predict::Args),
    /// Client: decrypt the server's answer
    Decrypt(commands::decrypt::Args),
    /// Accuracy of an artifact on a data set, encrypted and in the clear, side by side
    Evaluate(commands::evaluate::Args),
    /// Latency, sizes and error of an artifact on this machine
    Bench(commands::bench::Args),
    /// Measure the cost table of this machine
    Calibrate(commands::calibrate::Args),
    /// For developers: run named passes on a graph or schedule file and print the result
    Opt(commands::opt::Args),
    /// Check a schedule or an artifact and list every fault
    Verify(commands::verify::Args),
}
