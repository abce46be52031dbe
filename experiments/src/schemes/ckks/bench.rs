//! `hemet bench` of a CKKS artifact.

use std::collections::BTreeSet;

use hemet_runtime::ckks::{CkksSpec, Sizes};
use hemet_runtime::{Facts, alone, peak_memory_bytes};
use hemet_schedule::artifact::Artifact;
use hemet_schedule::{CostTable, Serving, cost, summary::OpCounts};
use serde::Serialize;

use super::profile::{self, Profile};
use super::{cases, costs};
use crate::cli::machine;
use crate::common;
use crate::error::Error;
use crate::schemes::args::Bench as Args;
use crate::schemes::session::{self, Session};
use crate::schemes::take_device;

/// Below it, inputs without meaning are no smaller: the logits are those of a network whose constants are too large.
const SMALLEST_RANGE: f64 = 1.0 / 1024.0;
const MIB: f64 = 1_048_576.0;

#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    prediction: Prediction,
    measured_latency_ms: Vec<f64>,
    /// Of the first answer of a server that just started: keys and what the server keeps come into memory.
    first_answer_ms: f64,
    /// Of the answers after it, in the median.
    steady_latency_ms: f64,
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
    /// Images that one request takes.
    images_per_request: usize,
    /// So many, by the median latency.
    images_per_s: f64,
    /// Of this process: client, clear reference and server.
    peak_rss_bytes: u64,
    load_s: f64,
    server_peak_mib: Option<f64>,
    max_abs_error: f64,
    /// Of encryption and compilation, which the artifact's promise is about: of a network with fitted activations
    /// against the same network in the clear, of any other against the logits of the cases.
    encryption_error: f64,
    /// Of fitting activations: of the network in the clear against the logits of the cases; 0 where none was fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    fit_error: Option<f64>,
    /// Largest error of encryption that the artifact promises, for the logits of the cases where it states no number.
    #[serde(skip_serializing_if = "Option::is_none")]
    promised_error: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cases: Option<usize>,
    /// Inputs whose answer is marked as not to be trusted; the errors are those of the others.
    untrusted: usize,
    /// Cases with numbers outside the range that the artifact was compiled for, which `encrypt` refuses and nothing is
    /// promised for.
    #[serde(skip_serializing_if = "Option::is_none")]
    out_of_range: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<profile::Summary>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let artifact = opened(args)?;
    let table = args.costs.as_deref().map(costs::read).transpose()?;
    machine::tell_unless(args.output.json || args.serve);
    let prediction = Prediction::of(args, table.as_ref(), &artifact)?;
    let schedule = artifact.schedule.schedule().clone();
    let facts = CkksSpec::new(&artifact).map_err(Error::user)?.facts();
    let cases = args.cases.as_deref();
    let cases = cases.map(|path| cases::read(path, &schedule, &facts));
    let cases = cases.transpose()?;
    let noise = facts.shown.map_or(0.0, |shown| shown.noise);
    let is_fitted = artifact.manifest.fit_error.is_some();
    let promised = cases.as_ref().map(|cases| promised(&artifact, cases));
    let pool = common::pool(args.threads)?;
    let (session, key_file) =
        pool.install(|| Session::with_constant_bytes(Box::new(artifact), args.constant_bytes()))?;
    let mut profile = Profile::new(&schedule);
    let asked = Measurement {
        runs: args.runs,
        elements: facts.elements(),
        cases: cases.as_ref(),
        is_fitted,
        facts: &facts,
    };
    let mut runs = pool.install(|| measure(&session, &asked, &mut profile))?;
    let evaluation_key_bytes = session.evaluation_key_bytes();
    let images = session.images();
    // Of a fitted network, and of labels, decrypted outputs are compared.
    let gain = asked.gain().filter(|_| !is_fitted).unwrap_or(1.0);
    let median_ms = common::median(&runs.latencies_ms);
    let own = asked.own();
    let alone = measure_alone(args, session, key_file, &mut runs, &own)?;
    let parameters = &schedule.header.parameters;
    let figures = Figures {
        prediction,
        measured_latency_ms: runs.latencies_ms,
        first_answer_ms: alone.latency_s * 1e3,
        steady_latency_ms: median_ms,
        threads: args.threads,
        log_n: parameters.log_n(),
        log_qp: parameters.log_qp_bits(),
        security_bits: parameters.security().bits(),
        depth: schedule.header.depth,
        precision_bits: schedule.header.precision_bits,
        op_counts: OpCounts::of(&schedule),
        evaluation_key_bytes,
        input_ciphertext_bytes: runs.request_bytes,
        output_ciphertext_bytes: runs.answer_bytes,
        images_per_request: images,
        images_per_s: images as f64 / median_ms * 1e3,
        peak_rss_bytes: peak_memory_bytes().unwrap_or(0),
        load_s: alone.load_s,
        server_peak_mib: alone.peak_bytes.map(|bytes| bytes as f64 / MIB),
        max_abs_error: runs.worst,
        encryption_error: runs.encryption_error,
        fit_error: cases.as_ref().map(|_| runs.fit_error),
        promised_error: promised.map(|promised| promised * gain),
        cases: cases.as_ref().map(|cases| cases.inputs.len()),
        untrusted: runs.untrusted.len(),
        out_of_range: cases.as_ref().map(|cases| cases.outside.len()),
        profile: match args.profile {
            true => Some(profile.summary(&schedule, table.as_ref())?),
            false => None,
        },
    };
    show(args, &figures)?;
    check_precision(&figures, noise * gain)
}

/// What timed predictions gave.
struct Runs {
    latencies_ms: Vec<f64>,
    /// One of the inputs, and what it should give.
    example: (Vec<f64>, Vec<f64>),
    worst: f64,
    encryption_error: f64,
    fit_error: f64,
    /// Cases whose answer is not to be trusted, and that nothing is promised for.
    untrusted: BTreeSet<usize>,
    request_bytes: usize,
    answer_bytes: usize,
}

/// What is to be measured.
struct Measurement<'a> {
    /// Timed predictions.
    runs: usize,
    /// Numbers of an input.
    elements: usize,
    /// Inputs with logits.
    cases: Option<&'a cases::Cases>,
    /// Whether activations of the network were fitted.
    is_fitted: bool,
    /// What is told of the artifact.
    facts: &'a Facts,
}

impl<'a> Measurement<'a> {
    /// Makes of decrypted outputs what the cases hold.
    fn own(&self) -> impl Fn(&[f64]) -> Vec<f64> + use<'a> {
        let own = self.cases.is_some_and(|cases| cases.own);
        let facts = self.facts;
        move |outputs| match own {
            true => facts.own_outputs(outputs),
            false => outputs.to_vec(),
        }
    }

    /// Errors of prediction `index` by encryption and by fitted activations.
    fn errors(&self, index: usize, prediction: &session::Prediction) -> (f64, f64) {
        let Some(cases) = self.cases else {
            return (prediction.error(), 0.0);
        };
        let own = self.own();
        // Of a network that was not fitted everything is the compiler's and the encryption's; but a label says nothing
        // of the error of its scores.
        match !self.is_fitted && self.gain().is_some() {
            true => (cases.error(index, &own(&prediction.encrypted)), 0.0),
            false => (
                prediction.error(),
                cases.error(index, &own(&prediction.clear)),
            ),
        }
    }

    /// Those of the cases, or a batch of inputs without meaning.
    fn inputs(&self, session: &Session) -> Result<Vec<Vec<f64>>, Error> {
        if let Some(cases) = self.cases {
            return Ok(cases.inputs.clone());
        }
        let range = held_range(session, self.elements)?;
        let image = |b| ramp(self.elements, b, range);
        Ok((0..session.images()).map(image).collect())
    }

    /// How much larger an error of what the cases hold may be than one of decrypted outputs; none where that has no
    /// bound.
    fn gain(&self) -> Option<f64> {
        let transform = self.facts.outputs.as_ref();
        match transform.filter(|_| self.cases.is_some_and(|cases| cases.own)) {
            Some(transform) => transform.gain(),
            None => Some(1.0),
        }
    }
}

/// One untimed prediction, then `runs` timed ones, or as many as it takes for each case where that is more. Cases and,
/// without any, numbers without meaning fill batches.
fn measure(
    session: &Session,
    asked: &Measurement<'_>,
    profile: &mut Profile,
) -> Result<Runs, Error> {
    let Measurement { runs, cases, .. } = *asked;
    let own = asked.own();
    let inputs = asked.inputs(session)?;
    let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
    let batches: Vec<&[&[f64]]> = inputs.chunks(session.images()).collect();
    let first = session.predict(inputs[0])?;
    let mut measured = Runs {
        latencies_ms: Vec::new(),
        example: (
            inputs[0].to_vec(),
            cases.map_or(first.clear, |cases| cases.logits[0].clone()),
        ),
        worst: 0.0,
        encryption_error: 0.0,
        fit_error: 0.0,
        untrusted: BTreeSet::new(),
        request_bytes: first.request_bytes,
        answer_bytes: first.answer_bytes,
    };
    let order = (0..batches.len()).cycle();
    for batch in order.take(runs.max(batches.len())) {
        let predictions =
            session.predict_batch(batches[batch], &mut |step| profile.observe(step))?;
        measured
            .latencies_ms
            .extend(predictions.first().map(|p| p.latency_ms));
        for (index, prediction) in (batch * session.images()..).zip(predictions) {
            if !asked.facts.is_trusted(&prediction.encrypted) {
                measured.untrusted.insert(index);
                continue;
            }
            if cases.is_some_and(|cases| cases.outside.contains(&index)) {
                continue;
            }
            let error = match cases {
                Some(cases) => cases.error(index, &own(&prediction.encrypted)),
                None => prediction.error(),
            };
            measured.worst = measured.worst.max(error);
            let (encryption, fit) = asked.errors(index, &prediction);
            measured.encryption_error = measured.encryption_error.max(encryption);
            measured.fit_error = measured.fit_error.max(fit);
        }
    }
    Ok(measured)
}

/// The figures of a server in a process of its own, which answers the example of `runs`; everything else of the session
/// leaves memory before.
fn measure_alone(
    args: &Args,
    session: Session,
    key_file: Vec<u8>,
    runs: &mut Runs,
    own: &dyn Fn(&[f64]) -> Vec<f64>,
) -> Result<alone::Figures, Error> {
    let folder = tempfile::tempdir()
        .map_err(|e| Error::user(format!("cannot make a temporary folder: {e}")))?;
    let artifact = std::fs::read(&args.artifact).map_err(|e| Error::file(&args.artifact, e))?;
    let (image, wanted) = &runs.example;
    let request = session.client().encrypt_any(&[image])?;
    let spec = session.spec();
    alone::prepare(folder.path(), &artifact, spec.as_ref(), &key_file, &request)?;
    drop(key_file);
    let client = session.into_client();
    let mut command = args.server_command(folder.path())?;
    let (figures, response) = alone::run(&mut command, folder.path())?;
    let found = own(&client.decrypt(&response)?.logits());
    let errors = found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
    runs.worst = errors.fold(runs.worst, f64::max);
    Ok(figures)
}

/// The artifact, with the layers that clients run where the spec beside it has them.
fn opened(args: &Args) -> Result<Artifact, Error> {
    let mut artifact =
        Artifact::read(&args.artifact).map_err(|e| Error::file(&args.artifact, e))?;
    take_device(&mut artifact, &args.artifact);
    Ok(artifact)
}

/// What was predicted, for how many threads of which machine.
#[derive(Serialize)]
struct Prediction {
    /// Of a steady answer of a server with the given memory.
    predicted_latency_ms: Option<f64>,
    /// Of the first one, on one thread.
    predicted_first_ms: Option<f64>,
    predicted_for: Option<String>,
    predicted_threads: usize,
}

impl Prediction {
    /// With the table that the user names, for the threads that run; else the artifact's own, for one.
    fn of(args: &Args, table: Option<&CostTable>, artifact: &Artifact) -> Result<Self, Error> {
        let schedule = artifact.schedule.schedule();
        let all = Sizes::of(schedule).constant_memory_bytes;
        let added_ms = |serving: &Serving| serving.added_ms(args.constant_bytes() as u64, all);
        let Some(table) = table else {
            let serving = artifact.manifest.serving;
            // Where nothing is known of encoding, nothing is predicted for a server that encodes.
            let holds_all = args.constant_bytes() as u64 >= all;
            let added_ms = match &serving {
                Some(serving) => Some(added_ms(serving)),
                None => holds_all.then_some(0.0),
            };
            let steady_ms = artifact.manifest.predicted_latency_ms.zip(added_ms);
            let steady_ms = steady_ms.map(|(ms, added)| ms + added);
            return Ok(Self {
                predicted_latency_ms: steady_ms,
                predicted_first_ms: steady_ms
                    .zip(serving)
                    .map(|(ms, serving)| ms + serving.first_use_ms),
                predicted_for: artifact.manifest.cost_machine.clone(),
                predicted_threads: 1,
            });
        };
        let threads = match args.threads {
            0 => common::cores(),
            threads => threads,
        };
        let serving = cost::serving(schedule, table)?;
        // Threads share encoding evenly.
        let added_ms = added_ms(&serving);
        let alone_ms = cost::estimate_ms(schedule, table)?.total_ms;
        let ms = cost::threads_ms(schedule, table, threads)?;
        Ok(Self {
            predicted_latency_ms: Some(ms + added_ms / threads as f64),
            predicted_first_ms: Some(alone_ms + added_ms + serving.first_use_ms),
            predicted_for: Some(table.machine.clone()),
            predicted_threads: threads,
        })
    }
}

/// The largest range of [`ramp`], a power of two up to 1, on which logits stay as small as ciphertexts hold them: a
/// deep network of squares may answer numbers without meaning with logits far above those of images.
fn held_range(session: &Session, elements: usize) -> Result<f64, Error> {
    let held = f64::from(hemet_compiler::Options::default().output_bits).exp2();
    let mut range = 1.0;
    loop {
        let logits = session.clear(&[&ramp(elements, 0, range)])?;
        if range <= SMALLEST_RANGE || logits.iter().flatten().all(|v| v.abs() <= held) {
            return Ok(range);
        }
        range /= 2.0;
    }
}

/// Input number `b` without meaning, whose numbers lie between 0 and `range`.
fn ramp(len: usize, b: usize, range: f64) -> Vec<f64> {
    let number = |i: usize| ((i * 7919 + b * 31) % 101) as f64 / 100.0 * range;
    (0..len).map(number).collect()
}

/// The largest error that an artifact promises for logits such as those of the cases: the one that it states, or by its
/// bits of precision.
fn promised(artifact: &Artifact, cases: &cases::Cases) -> f64 {
    let bits = f64::from(artifact.schedule.header.precision_bits);
    match &artifact.manifest.promise {
        Some(promise) => promise.error_at(cases.largest()),
        None => (-bits).exp2() * cases.magnitude().max(1.0),
    }
}

/// With given cases the error must be within the artifact's promise, and six deviations of the noise that decryption
/// adds.
fn check_precision(figures: &Figures, noise: f64) -> Result<(), Error> {
    let Some(promised) = figures.promised_error else {
        return Ok(());
    };
    let promised = promised + 6.0 * noise;
    if figures.encryption_error <= promised {
        return Ok(());
    }
    Err(Error::Check(format!(
        "encryption changes an output by {:.2e}, the artifact promises {promised:.2e}",
        figures.encryption_error
    )))
}

/// How far outputs were from what they should be.
fn show_errors(figures: &Figures) {
    let against = if figures.cases.is_some() {
        "the given logits"
    } else {
        "64-bit floats"
    };
    println!(
        "greatest error  {:.1e} against {against}",
        figures.max_abs_error
    );
    if let Some(fit) = figures.fit_error {
        println!(
            "of that         {:.1e} by encryption, {fit:.1e} before it (fitted activations)",
            figures.encryption_error
        );
    }
    if let Some(promised) = figures.promised_error {
        println!("promised        {promised:.1e} by encryption");
    }
    if let Some(outside) = figures.out_of_range.filter(|outside| *outside > 0) {
        println!(
            "not counted     {outside} cases with numbers outside the range that the artifact was compiled for; compile with \
             --calibrate or --input-range for them"
        );
    }
    if figures.untrusted > 0 {
        println!(
            "not counted     {} answers beyond the outputs that the network was compiled for, which are marked when they are decrypted",
            figures.untrusted
        );
    }
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
    println!("first answer    {} ms", ms(figures.first_answer_ms));
    if figures.images_per_request > 1 {
        println!(
            "throughput      {:.0} images a second ({} in a request)",
            figures.images_per_s, figures.images_per_request
        );
    }
    if let (Some(predicted), Some(machine)) = (
        figures.prediction.predicted_latency_ms,
        &figures.prediction.predicted_for,
    ) {
        println!(
            "predicted       {} ms ({} thread(s), cost table of {machine})",
            ms(predicted),
            figures.prediction.predicted_threads
        );
    }
    if let Some(first) = figures.prediction.predicted_first_ms {
        println!("first predicted about {} ms (1 thread), a guess", ms(first));
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
    let peak = figures.server_peak_mib;
    println!(
        "server          ready in {} ms, {} at most",
        ms(figures.load_s * 1e3),
        peak.map_or("memory unknown".into(), |mib| format!("{mib:.0} MiB"))
    );
    show_errors(figures);
    if let Some(profile) = &figures.profile {
        profile.print();
    }
    Ok(())
}
