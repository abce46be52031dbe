//! `hemet predict`: the server runs an artifact on an encrypted image, blindly.

use std::path::PathBuf;
use std::time::Instant;

use hemet_runtime::{Server, ServerKeys};
use serde::Serialize;

use crate::cli::progress::Progress;
use crate::cli::requests::{self, Filling};
use crate::cli::stream;
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
    after_help = "Example:\n  hemet predict model.hemet --keys keys/server.keys image.ct -o answer.ct\n  hemet predict model.hemet --keys keys/server.keys requests -o answers   # every request of a folder\n  hemet predict model.hemet --keys keys/server.keys - -o - < image.ct > answer.ct\n  hemet predict model.hemet --prepared model.ready --keys client.ready image.ct -o answer.ct   # both of `hemet prepare`"
)]
pub struct Args {
    /// The artifact
    pub artifact: PathBuf,
    /// The encrypted image, or a folder of requests; `-` for standard input
    pub request: PathBuf,
    /// The client's evaluation keys, as sent or prepared
    #[arg(long, value_name = "FILE")]
    pub keys: PathBuf,
    /// The artifact's constants by `hemet prepare`: nothing is encoded. Trusted as the artifact is
    #[arg(long, value_name = "FILE")]
    pub prepared: Option<PathBuf>,
    /// Where the encrypted answer goes, or the folder of the answers; `-` for standard output
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
    /// Of a folder the mean.
    latency_ms: f64,
    answer_bytes: usize,
    /// Requests of a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<usize>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    if args.output.json && stream::is_standard(&args.out) {
        return Err(Error::user(
            "the answer goes to standard output, so --json cannot; give a file with -o",
        ));
    }
    match args.request.is_dir() {
        true => predict_all(args),
        false => predict_one(args),
    }
}

fn predict_one(args: &Args) -> Result<(), Error> {
    let (answer, latency_ms) = answer(args)?;
    if args.output.json {
        hemet_files::write_atomically(&args.out, &answer)?;
        return common::print_json(&Figures {
            latency_ms,
            answer_bytes: answer.len(),
            requests: None,
        });
    }
    let out = match stream::is_standard(&args.out) {
        true => "standard output".into(),
        false => args.out.display().to_string(),
    };
    let ms = hemet_reports::number::milliseconds(latency_ms);
    let told = format!("{} bytes to {out}, computed in {ms} ms", answer.len());
    stream::write(&args.out, &answer, &told)
}

/// Answers every request of a folder, one after the other.
fn predict_all(args: &Args) -> Result<(), Error> {
    let names = requests::listed(&args.request)?;
    let filling = Filling::of(&args.out)?;
    let (mut sum_ms, mut bytes) = (0.0, 0);
    common::pool(args.threads)?.install(|| -> Result<(), Error> {
        let (server, keys, _) = ready(args)?;
        let mut bar = Progress::new("predict", names.len() as u64, args.output.json);
        for (done, name) in names.iter().enumerate() {
            let path = args.request.join(requests::file(name));
            let request = server
                .load_request(&path)
                .map_err(|e| Error::file(&path, e))?;
            let start = Instant::now();
            let answer = server.answer(&keys, &request, &mut hemet_runtime::unobserved);
            let answer = answer.map_err(|e| Error::file(&path, e))?;
            sum_ms += start.elapsed().as_secs_f64() * 1e3;
            bytes += answer.len();
            filling.add(name, &answer)?;
            bar.set(done as u64 + 1, name);
        }
        bar.finish();
        Ok(())
    })?;
    filling.finish(&requests::Names::new())?;
    let mean_ms = sum_ms / names.len() as f64;
    if args.output.json {
        return common::print_json(&Figures {
            latency_ms: mean_ms,
            answer_bytes: bytes,
            requests: Some(names.len()),
        });
    }
    println!(
        "{} answers, {bytes} bytes, in {}; {} ms a request",
        names.len(),
        args.out.display(),
        hemet_reports::number::milliseconds(mean_ms)
    );
    Ok(())
}

/// The artifact made ready to answer, the client's keys, and how many instructions an answer takes; in the caller's
/// rayon pool.
fn ready(args: &Args) -> Result<(Server, ServerKeys, u64), Error> {
    let model = schemes::open(&args.artifact)?;
    let instructions = model.instructions() as u64;
    args.trust.model(&args.artifact, model.as_ref())?;
    let server = match &args.prepared {
        Some(path) => {
            let server = Server::with_kept_constants(model, path);
            server.map_err(|e| Error::file(path, e))?
        }
        None => Server::new(model)?,
    };
    common::tell(&server.facts().notices());
    let keys = server.load_keys(&args.keys);
    let keys = keys.map_err(|e| Error::file(&args.keys, e))?;
    Ok((server, keys, instructions))
}

/// The answer, and the time of the server's work in milliseconds.
fn answer(args: &Args) -> Result<(Vec<u8>, f64), Error> {
    common::pool(args.threads)?.install(|| {
        let (server, keys, instructions) = ready(args)?;
        let input = stream::Input::of(&args.request)?;
        let request = server.load_request(input.path());
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
