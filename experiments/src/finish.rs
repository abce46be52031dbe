//! The end of a search: choose from the front, compile, measure and classify encrypted, report.

use std::time::{Instant, SystemTime};

use hemet_compiler::Target;
use hemet_runtime::tfhe::TfheArtifact;
use hemet_schedule::CostTable;
use hemet_search::data::TrainTest;
use hemet_search::pareto::{ParetoFront, Point};
use hemet_search::{Outcome, Trial, study, train};
use hemet_spaces::{Scheme, Weights};

use crate::commands::evaluate;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::network::SchemeCosts;
use crate::run_folder::{self, Best, Environment, RunFolder, Summary};
use crate::session::{Predict, Session};
use crate::tfhe::costs::TfheCosts;
use crate::tfhe::session::TfheSession;
use crate::{common, date, front_times, inspect, network, report, tfhe};

/// Timed predictions of the chosen network.
const TIMED_RUNS: usize = 7;
/// What the published parameter sets of TFHE keep at least.
const TFHE_SECURITY_BITS: u32 = 128;

/// Compiles the chosen trial, classifies test images with it encrypted and writes artifact, summary and report.
pub fn finish(
    experiment: &Experiment,
    sets: &TrainTest,
    costs: &SchemeCosts,
    run: &RunFolder,
    trials: &[Trial],
    start: Instant,
) -> Result<Summary, Error> {
    let mut trials = trials.to_vec();
    let objectives = experiment.objectives()?;
    let best = loop {
        let front = ParetoFront::of(&trials, &objectives);
        let chosen = front
            .choose(experiment.choice())
            .ok_or_else(|| Error::user("the front is empty"))?;
        let trial = &mut trials[chosen.trial];
        match measure(experiment, sets, costs, run, trial, chosen) {
            Err(Error::Uncompilable(reason)) => drop_from_front(trial, reason),
            result => break result?,
        }
    };
    let others = front_times::measure(experiment, sets, costs, run, &mut trials, best.trial)?;
    let trials = trials.as_slice();
    let count = |is: fn(&Outcome) -> bool| trials.iter().filter(|t| is(&t.outcome)).count();
    let measured = |trial: usize| match trial == best.trial {
        true => Some(best.measured_latency_ms),
        false => others.get(&trial).copied(),
    };
    let front = run_folder::front(experiment, trials, &measured)?;
    let summary = Summary {
        name: experiment.name.clone(),
        hemet_version: env!("CARGO_PKG_VERSION").to_owned(),
        trials: trials.len(),
        complete: count(|o| matches!(o, Outcome::Complete { .. })),
        infeasible: count(|o| matches!(o, Outcome::Infeasible { .. })),
        failed: count(|o| matches!(o, Outcome::Failed { .. })),
        front,
        best,
        machine: hemet_runtime::calibrate::machine_name(),
        seconds: start.elapsed().as_secs_f64(),
        environment: Some(Environment {
            system: format!("{}, {}", std::env::consts::OS, std::env::consts::ARCH),
            cores: common::cores(),
            date: date::utc(SystemTime::now()),
        }),
    };
    let json = serde_json::to_string_pretty(&summary).map_err(Error::user)?;
    run.write(&run.summary_path(), json.as_bytes())?;
    report::write(&report::Run {
        folder: run,
        experiment,
        front: &summary.front,
        summary: Some(&summary),
        trials,
        costs: costs.ckks.as_ref().map(|costs| &costs.table),
    })?;
    Ok(summary)
}

/// A trained network that cannot be compiled is none that can be chosen: it counts as failed from here on.
pub fn drop_from_front(trial: &mut Trial, reason: String) {
    eprintln!(
        "trial #{} leaves the front, it cannot be compiled: {reason}",
        trial.number
    );
    trial.outcome = Outcome::Failed { reason };
}

/// The chosen network as a user will load it, with keys made for it.
struct Deployed {
    session: Box<dyn Predict>,
    /// Of the artifact, where it tells.
    predicted_latency_ms: Option<f64>,
    test_accuracy: f64,
    log_n: u32,
    log_qp: f64,
    security_bits: u32,
    evaluation_key_bytes: usize,
}

/// Compiles a trial of CKKS and writes its artifact.
fn deploy_ckks(
    experiment: &Experiment,
    sets: &TrainTest,
    table: &CostTable,
    run: &RunFolder,
    trial: &Trial,
    weights: &Weights,
) -> Result<Deployed, Error> {
    let samples = network::samples(&sets.train);
    let artifact = network::compile(
        experiment,
        &trial.architecture,
        weights,
        &samples,
        (table, Target::Latency),
    )?;
    artifact
        .write_to(run.artifact_path())
        .map_err(Error::user)?;
    // What is measured is what a user will load: the artifact as written.
    let artifact = common::read_artifact(&run.artifact_path())?;
    let artifact_ms = artifact.manifest.predicted_latency_ms;
    let parameters = artifact.schedule.schedule().header.parameters.clone();
    let graph = experiment.space()?.graph(&trial.architecture);
    let graph = graph.map_err(Error::user)?;
    let session = Session::new(artifact)?;
    Ok(Deployed {
        predicted_latency_ms: artifact_ms,
        test_accuracy: train::accuracy(&graph, weights, &sets.test).map_err(Error::user)?,
        log_n: parameters.log_n(),
        log_qp: parameters.log_qp_bits(),
        security_bits: inspect::security_bits(&parameters),
        evaluation_key_bytes: session.evaluation_key_bytes(),
        session: Box::new(session),
    })
}

/// Compiles a trial of TFHE and writes its artifact.
fn deploy_tfhe(
    experiment: &Experiment,
    sets: &TrainTest,
    costs: &TfheCosts,
    run: &RunFolder,
    trial: &Trial,
    weights: &Weights,
) -> Result<Deployed, Error> {
    let table = &costs.options.costs;
    let (artifact, figures) =
        tfhe::compile::compile(experiment, &trial.architecture, weights, table)?;
    artifact
        .write_to(&run.artifact_path())
        .map_err(Error::user)?;
    let artifact = TfheArtifact::read(&run.artifact_path()).map_err(Error::user)?;
    let graph = experiment.space()?.graph(&trial.architecture);
    let graph = graph.map_err(Error::user)?;
    let accuracy = train::quantised::accuracy(&graph, weights, &experiment.quantise, &sets.test);
    let session = TfheSession::new(artifact)?;
    Ok(Deployed {
        predicted_latency_ms: Some(figures.latency_ms),
        test_accuracy: accuracy.map_err(Error::user)?,
        log_n: figures.log_n,
        log_qp: figures.log_qp_bits,
        security_bits: TFHE_SECURITY_BITS,
        evaluation_key_bytes: session.evaluation_key_bytes(),
        session: Box::new(session),
    })
}

fn measure(
    experiment: &Experiment,
    sets: &TrainTest,
    costs: &SchemeCosts,
    run: &RunFolder,
    trial: &Trial,
    point: &Point,
) -> Result<Best, Error> {
    let space = experiment.space()?;
    let folder = study::RunFolder::create(&run.root).map_err(Error::user)?;
    let weights = folder.read_weights(trial.number).map_err(Error::user)?;
    let test = &sets.test;
    let scheme = space.scheme(&trial.architecture);
    let deployed = match (scheme, &costs.ckks, &costs.tfhe) {
        (Scheme::Ckks, Some(costs), _) => {
            deploy_ckks(experiment, sets, &costs.table, run, trial, &weights)?
        }
        (Scheme::Tfhe, _, Some(costs)) => {
            deploy_tfhe(experiment, sets, costs, run, trial, &weights)?
        }
        (Scheme::Ckks, None, _) | (Scheme::Tfhe, _, None) => {
            return Err(SchemeCosts::missing(scheme));
        }
    };
    eprintln!(
        "trial #{} compiled for {scheme}: ring degree 2^{}, depth {}; classifying {} test images encrypted",
        trial.number,
        deployed.log_n,
        point.depth,
        experiment.encrypted_images.min(test.len())
    );
    let session = deployed.session.as_ref();
    let (times, request_bytes) = front_times::time(session, test, TIMED_RUNS)?;
    let figures = evaluate::evaluate(session, test, experiment.encrypted_images, 0, false)?;
    Ok(Best {
        trial: trial.number,
        scheme,
        architecture: trial.architecture.text(),
        description: space.describe(&trial.architecture).map_err(Error::user)?,
        depth: point.depth,
        validation_accuracy: point.accuracy,
        test_accuracy: deployed.test_accuracy,
        test_images: test.len(),
        plaintext_accuracy: figures.plaintext_accuracy,
        encrypted_accuracy: figures.encrypted_accuracy,
        agreement: figures.agreement,
        encrypted_images: figures.images,
        max_abs_error: figures.max_abs_error,
        predicted_latency_ms: deployed.predicted_latency_ms.unwrap_or(point.latency_ms),
        measured_latency_ms: common::median(&times),
        log_n: deployed.log_n,
        log_qp: deployed.log_qp,
        security_bits: deployed.security_bits,
        evaluation_key_bytes: deployed.evaluation_key_bytes,
        input_ciphertext_bytes: request_bytes,
    })
}
