//! What `hemet inspect` and `hemet bench` are asked: each scheme answers by itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::Output;
use crate::error::Error;

/// Show what is in an artifact: parameters, layers, costs
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet inspect model.hemet\n  hemet inspect model.hemet --costs runs/digits/costs.json   # predict with this machine's costs\n  hemet inspect model.hemet --svg levels.svg\n  hemet inspect model.hemet --schedule                       # every instruction\n  hemet inspect model.hemet --card > MODEL_CARD.md"
)]
pub struct Inspect {
    /// The artifact
    pub artifact: PathBuf,
    /// Print the schedule's text
    #[arg(long)]
    pub schedule: bool,
    /// Print the artifact's card as Markdown: what it is for, how good it is, where it comes from, its limits, its
    /// license
    #[arg(long, conflicts_with_all = ["schedule", "keys", "memory", "json"])]
    pub card: bool,
    /// Show what other budgets of evaluation keys would cost: time against bytes
    #[arg(long)]
    pub keys: bool,
    /// Show what less memory for encoded weights would cost a server: time against bytes
    #[arg(long, conflicts_with = "keys")]
    pub memory: bool,
    /// Draw the level diagram of the schedule (SVG; PNG where FILE ends in .png)
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Cost table for predicted times; without it, those that the compiler predicted
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// Latency, sizes and error of an artifact on this machine
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet bench model.hemet --threads 1 --json\n  hemet bench model.hemet --cases cases.safetensors   # exit status 1 if the promised precision is not kept\n  hemet bench model.hemet --memory 512   # a server with little memory\n\nLoad time and memory are those of a server in a process of its own, which uses the client's keys from a mapped file."
)]
pub struct Bench {
    /// The artifact
    pub artifact: PathBuf,
    /// Threads for one prediction; 0 means one a core
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub threads: usize,
    /// Timed predictions (one more runs before, untimed)
    #[arg(long, default_value_t = 5, value_name = "R")]
    pub runs: usize,
    /// A safetensors file with `input` [n][c][h][w] and `logits` [n][classes]: run them all and compare
    #[arg(long, value_name = "FILE")]
    pub cases: Option<PathBuf>,
    /// MiB that encoded weights may take at the server; those beyond are encoded again for each prediction. Without it,
    /// all are kept
    #[arg(long, value_name = "MIB")]
    pub memory: Option<usize>,
    /// Show where the time goes, by instruction and by layer
    #[arg(long)]
    pub profile: bool,
    /// Predict with this cost table, for --threads; without it, the artifact's own prediction for one thread is shown
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
    /// For the process that this command starts: be the server of the folder given as ARTIFACT
    #[arg(long, hide = true)]
    pub serve: bool,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

impl Bench {
    /// Bytes that prepared constants may take at the server.
    pub fn constant_bytes(&self) -> usize {
        self.memory
            .map_or(usize::MAX, |mib| mib.saturating_mul(1 << 20))
    }

    /// This command again, as the server of `folder`.
    ///
    /// # Errors
    /// A program that cannot find itself.
    pub fn server_command(&self, folder: &Path) -> Result<Command, Error> {
        let program = std::env::current_exe()
            .map_err(|e| Error::user(format!("cannot find this program: {e}")))?;
        let mut command = Command::new(program);
        command.arg("bench").arg(folder).arg("--serve");
        command.args(["--threads", &self.threads.to_string()]);
        if let Some(mib) = self.memory {
            command.args(["--memory", &mib.to_string()]);
        }
        Ok(command)
    }
}
