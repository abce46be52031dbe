//! `hemet predict`: the server runs an artifact on an encrypted image, blindly.

use std::path::PathBuf;
use std::time::Instant;

use hemet_runtime::Server;
use serde::Serialize;

use crate::cli::progress::Progress;
use crate::cli::trust::Trust;
use crate::common::{self, Output};
use crate::error::Error;
use crate::schemes;

/// Run an artifact on an encrypted image
///
/// The server needs the artifact, the client's evaluation keys and the encrypted image; it sees neither image nor
/// result.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet predict model.hemet --keys keys/server.keys image.ct -o answer.ct"
)]
pub struct Args {
    /// The artifact
    pub artifact: PathBuf,
    /// The encrypted image
    pub request: PathBuf,
    /// The client's evaluation keys
    #[arg(long, value_name = "FILE")]
    pub keys: PathBuf,
    /// Where the encrypted answer goes
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Threads; 0 means one a core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Whose signature the artifact must have
    #[command(flatten)]
    pub trust: Trust,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

#[derive(Serialize)]
struct Figures {
    latency_ms: f64,
    answer_bytes: usize,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let (answer, latency_ms) = answer(args)?;
    hemet_files::write_atomically(&args.out, &answer)?;
    if args.output.json {
        return common::print_json(&Figures {
            latency_ms,
            answer_bytes: answer.len(),
        });
    }
    println!(
        "{} bytes to {}, computed in {} ms",
        answer.len(),
        args.out.display(),
        hemet_reports::number::milliseconds(latency_ms)
    );
    Ok(())
}

/// The answer, and the time of the server's work in milliseconds.
fn answer(args: &Args) -> Result<(Vec<u8>, f64), Error> {
    let model = schemes::open(&args.artifact)?;
    args.trust.model(&args.artifact, model.as_ref())?;
    let instructions = model.instructions() as u64;
    common::pool(args.threads)?.install(|| {
        let server = Server::new(model)?;
        common::tell(&server.facts().notices());
        let keys = server.load_keys(&args.keys);
        let keys = keys.map_err(|e| Error::file(&args.keys, e))?;
        let request = server.load_request(&args.request);
        let request = request.map_err(|e| Error::file(&args.request, e))?;
        let mut bar = Progress::new("predict", instructions, args.output.json);
        let start = Instant::now();
        let answer = server.answer(&keys, &request, &mut |step| {
            bar.set(step.instruction as u64, step.layer);
        });
        let answer = answer.map_err(|e| Error::file(&args.request, e))?;
        let latency_ms = start.elapsed().as_secs_f64() * 1e3;
        bar.finish();
        Ok((answer, latency_ms))
    })
}
