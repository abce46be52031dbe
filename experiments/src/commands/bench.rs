//! `hemet bench`: latency, sizes and error of an artifact on this machine.

use std::path::PathBuf;

use hemet_schedule::artifact::Artifact;
use hemet_schedule::{CostTable, cost, summary::OpCounts};
use serde::Serialize;

use crate::common::{self, Output};
use crate::error::Error;
use crate::profile::{self, Profile};
use crate::session::Session;
use crate::{cases, costs};

/// Latency, sizes and error of an artifact on this machine
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet bench model.hemet --threads 1 --json\n  hemet bench model.hemet --cases cases.safetensors   # exit status 1 if the promised precision is not kept"
)]
pub struct Args {
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
    /// Show where the time goes, by instruction and by layer
    #[arg(long)]
    pub profile: bool,
    /// Predict with this cost table, for --threads; without it, the artifact's own prediction for one thread is shown
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

#[derive(Serialize)]
struct Figures {
    predicted_latency_ms: Option<f64>,
    predicted_for: Option<String>,
    predicted_threads: usize,
    measured_latency_ms: Vec<f64>,
    threads: usize,
    log_n: u32,
    log_qp: f64,
    security_bits: u32,
    depth: u32,
    precision_bits: u32,
    op_counts: OpCounts,
    evaluation_key_bytes: usize,
    input_ciphertext_bytes: usize,
    output_ciphertext_bytes: usize,
    peak_rss_bytes: u64,
    max_abs_error: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cases: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<profile::Summary>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    if args.runs == 0 {
        return Err(Error::user("--runs is 0; give at least 1"));
    }
    let artifact = common::read_artifact(&args.artifact)?;
    let table = args.costs.as_deref().map(costs::read).transpose()?;
    let prediction = Prediction::of(args, table.as_ref(), &artifact)?;
    let schedule = artifact.schedule.schedule().clone();
    let cases = match &args.cases {
        Some(path) => Some(cases::read(path, &schedule)?),
        None => None,
    };
    let pool = common::pool(args.threads)?;
    let session = pool.install(|| Session::new(artifact))?;
    let mut profile = Profile::new(&schedule);
    let runs = pool.install(|| measure(&session, args.runs, cases.as_ref(), &mut profile))?;
    let parameters = &schedule.header.parameters;
    let figures = Figures {
        predicted_latency_ms: prediction.latency_ms,
        predicted_for: prediction.machine,
        predicted_threads: prediction.threads,
        measured_latency_ms: runs.latencies_ms,
        threads: args.threads,
        log_n: parameters.log_n(),
        log_qp: parameters.log_qp_bits(),
        security_bits: crate::inspect::security_bits(parameters),
        depth: schedule.header.depth,
        precision_bits: schedule.header.precision_bits,
        op_counts: OpCounts::of(&schedule),
        evaluation_key_bytes: session.evaluation_key_bytes(),
        input_ciphertext_bytes: runs.request_bytes,
        output_ciphertext_bytes: runs.answer_bytes,
        peak_rss_bytes: common::peak_rss_bytes(),
        max_abs_error: runs.worst,
        cases: cases.as_ref().map(|cases| cases.inputs.len()),
        profile: match args.profile {
            true => Some(profile.summary(&schedule, table.as_ref())?),
            false => None,
        },
    };
    show(args, &figures)?;
    check_precision(&figures, cases.as_ref())
}

/// What timed predictions gave.
struct Runs {
    latencies_ms: Vec<f64>,
    worst: f64,
    request_bytes: usize,
    answer_bytes: usize,
}

/// One untimed prediction, then `runs` timed ones, or one of each case where there are more.
fn measure(
    session: &Session,
    runs: usize,
    cases: Option<&cases::Cases>,
    profile: &mut Profile,
) -> Result<Runs, Error> {
    let inputs = match cases {
        Some(cases) => cases.inputs.clone(),
        None => vec![ramp(session.server().schedule().header.input.len())],
    };
    let first = session.predict(&inputs[0])?;
    let mut measured = Runs {
        latencies_ms: Vec::new(),
        worst: 0.0,
        request_bytes: first.request_bytes,
        answer_bytes: first.answer_bytes,
    };
    for index in (0..inputs.len()).cycle().take(runs.max(inputs.len())) {
        let prediction =
            session.predict_observed(&inputs[index], &mut |step| profile.observe(step))?;
        let error = match cases {
            Some(cases) => cases.error(index, &prediction.encrypted),
            None => prediction.error(),
        };
        measured.worst = measured.worst.max(error);
        measured.latencies_ms.push(prediction.latency_ms);
    }
    Ok(measured)
}

/// What was predicted, for how many threads of which machine.
struct Prediction {
    latency_ms: Option<f64>,
    machine: Option<String>,
    threads: usize,
}

impl Prediction {
    /// With the table that the user names, for the threads that run; else the artifact's own, for one.
    fn of(args: &Args, table: Option<&CostTable>, artifact: &Artifact) -> Result<Self, Error> {
        let Some(table) = table else {
            return Ok(Self {
                latency_ms: artifact.manifest.predicted_latency_ms,
                machine: artifact.manifest.cost_machine.clone(),
                threads: 1,
            });
        };
        let threads = match args.threads {
            0 => common::cores(),
            threads => threads,
        };
        let ms = cost::threads_ms(artifact.schedule.schedule(), table, threads);
        Ok(Self {
            latency_ms: Some(ms.map_err(Error::user)?),
            machine: Some(table.machine.clone()),
            threads,
        })
    }
}

/// An input without meaning whose numbers lie between 0 and 1.
fn ramp(len: usize) -> Vec<f64> {
    (0..len).map(|i| (i * 7919 % 101) as f64 / 100.0).collect()
}

/// With given cases the error must be within the artifact's promise.
fn check_precision(figures: &Figures, cases: Option<&cases::Cases>) -> Result<(), Error> {
    let Some(cases) = cases else { return Ok(()) };
    let promised = (-f64::from(figures.precision_bits)).exp2() * cases.magnitude().max(1.0);
    if figures.max_abs_error <= promised {
        return Ok(());
    }
    Err(Error::Check(format!(
        "the greatest error of the logits is {:.2e}, the artifact promises {promised:.2e}",
        figures.max_abs_error
    )))
}

fn show(args: &Args, figures: &Figures) -> Result<(), Error> {
    if args.output.json {
        return common::print_json(figures);
    }
    let ms = hemet_reports::number::milliseconds;
    let median = common::median(&figures.measured_latency_ms);
    println!(
        "latency         {} ms (median of {}, {} thread(s))",
        ms(median),
        figures.measured_latency_ms.len(),
        args.threads
    );
    if let (Some(predicted), Some(machine)) = (figures.predicted_latency_ms, &figures.predicted_for)
    {
        println!(
            "predicted       {} ms ({} thread(s), cost table of {machine})",
            ms(predicted),
            figures.predicted_threads
        );
    }
    println!(
        "parameters      ring degree 2^{}, log2(QP) {:.0} bits, security {} bits, depth {}",
        figures.log_n, figures.log_qp, figures.security_bits, figures.depth
    );
    let mb = |bytes: usize| bytes as f64 / 1e6;
    println!("evaluation keys {:.1} MB", mb(figures.evaluation_key_bytes));
    println!(
        "ciphertexts     {:.2} MB in, {:.2} MB out",
        mb(figures.input_ciphertext_bytes),
        mb(figures.output_ciphertext_bytes)
    );
    println!(
        "peak memory     {:.2} GB",
        figures.peak_rss_bytes as f64 / 1e9
    );
    let against = if figures.cases.is_some() {
        "the given logits"
    } else {
        "64-bit floats"
    };
    println!(
        "greatest error  {:.1e} against {against}",
        figures.max_abs_error
    );
    if let Some(profile) = &figures.profile {
        profile.print();
    }
    Ok(())
}
