//! The command line: one subcommand a task and a file, each with an example in its help. A command parses, calls and
//! prints.

pub mod adapt;
pub mod audit;
pub mod bench;
pub mod calibrate;
pub mod client;
pub mod client_spec;
pub mod compile;
pub mod completions;
pub mod data;
pub mod decrypt;
pub mod encrypt;
pub mod evaluate;
pub mod init;
pub mod inspect;
pub mod keygen;
pub mod keys;
pub mod man;
pub mod opt;
pub mod predict;
pub mod prepare;
pub mod report;
pub mod schema;
pub mod search;
pub mod serve;
pub mod sign;
pub mod space;
pub mod studies;
pub mod train;
pub mod verify;
pub mod watch;
pub mod worker;

use clap::{CommandFactory, Parser, Subcommand};

use crate::error::Error;

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
    Search(search::Args),
    /// Draw the plots and tables of a run folder again
    Report(report::Args),
    /// Serve the report of a run folder while its search runs
    Watch(watch::Args),
    /// Train trials of searches that hand them out, on this machine or many
    Worker(worker::Args),
    /// List searches with their trials by state
    Studies(studies::Args),
    /// Train a network that a search found to the end
    Train(train::Args),
    /// Adapt a network to images of another kind, of which few have labels
    Adapt(adapt::Args),
    /// Show the size of a space, the extremes of its networks and a sample
    Space(space::Args),
    /// Write an experiment for a folder of images or a table, after looking at it
    Init(init::Args),
    /// List data sets, fetch published ones, check files
    Data(data::Args),
    /// Compile a trial of a run to an artifact
    Compile(compile::Args),
    /// Show what is in an artifact: parameters, layers, costs
    Inspect(inspect::Args),
    /// Sign an artifact, so that clients and servers can tell it from others
    Sign(sign::Args),
    /// Server: write what clients need of an artifact, without its weights
    ClientSpec(client_spec::Args),
    /// Client: make a secret key and the evaluation keys for an artifact
    Keygen(keygen::Args),
    /// List, rotate and forget key pairs; make the keys that sign artifacts
    Keys(keys::Args),
    /// Client: encrypt an image for an artifact
    Encrypt(encrypt::Args),
    /// Server: prepare an artifact or a client's keys once, so that predictions start sooner
    Prepare(prepare::Args),
    /// Server: run an artifact on an encrypted image, blindly
    Predict(predict::Args),
    /// Client: decrypt the server's answer
    Decrypt(decrypt::Args),
    /// Server: answer encrypted requests over HTTP
    Serve(serve::Args),
    /// Client: ask a server for predictions on encrypted images
    Client(client::Args),
    /// Accuracy of an artifact on a data set, encrypted and in the clear, side by side
    Evaluate(evaluate::Args),
    /// What the features of a network reveal, and what it costs to hand them over encrypted
    Audit(audit::Args),
    /// Latency, sizes and error of an artifact on this machine
    Bench(bench::Args),
    /// Measure the cost table of this machine
    Calibrate(calibrate::Args),
    /// For developers: run named passes on a graph or schedule file and print the result
    Opt(opt::Args),
    /// Check a schedule or an artifact and list every fault
    Verify(verify::Args),
    /// Print the JSON Schema of experiment or space files
    Schema(schema::Args),
    /// Print the completions of a shell
    Completions(completions::Args),
    /// Write the manual pages, one file a command
    Man(man::Args),
}

/// Runs the command of a parsed command line.
///
/// # Errors
/// What the user can mend, or a check that failed; see [`Error::exit_status`].
pub fn run(cli: Cli) -> Result<(), Error> {
    match cli.command {
        Command::Search(args) => search::run(args),
        Command::Report(args) => report::run(&args),
        Command::Watch(args) => watch::run(&args),
        Command::Worker(args) => worker::run(&args),
        Command::Studies(args) => studies::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Adapt(args) => adapt::run(&args),
        Command::Data(args) => data::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Space(args) => space::run(&args),
        Command::Compile(args) => compile::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Sign(args) => sign::run(&args),
        Command::ClientSpec(args) => client_spec::run(&args),
        Command::Keygen(args) => keygen::run(&args),
        Command::Keys(args) => keys::run(&args),
        Command::Encrypt(args) => encrypt::run(&args),
        Command::Prepare(args) => prepare::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Decrypt(args) => decrypt::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Client(args) => client::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
        Command::Opt(args) => opt::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Completions(args) => completions::run(&args, Cli::command()),
        Command::Man(args) => man::run(&args, Cli::command()),
    }
}
