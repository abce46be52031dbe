//! The end of a search: choose from the front, compile, measure and classify encrypted, report.

use std::time::{Instant, SystemTime};

use hemet_compiler::Target;
use hemet_schedule::CostTable;
use hemet_search::data::TrainTest;
use hemet_search::pareto::{ParetoFront, Point};
use hemet_search::{Outcome, Trial, study, train};

use crate::commands::evaluate;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::run_folder::{Best, Environment, Member, RunFolder, Summary};
use crate::session::Session;
use crate::{common, date, front_times, inspect, network, report};

/// Timed predictions of the chosen network.
const TIMED_RUNS: usize = 7;

/// Compiles the chosen trial, classifies test images with it encrypted and writes artifact, summary and report.
pub fn finish(
    experiment: &Experiment,
    sets: &TrainTest,
    table: &CostTable,
    run: &RunFolder,
    trials: &[Trial],
    start: Instant,
) -> Result<Summary, Error> {
    let front = ParetoFront::of(trials);
    let chosen = front
        .choose(experiment.choice())
        .ok_or_else(|| Error::user("the front is empty"))?;
    let best = measure(experiment, sets, table, run, &trials[chosen.trial], chosen)?;
    let others = front_times::measure(experiment, sets, table, run, trials, chosen.trial)?;
    let count = |is: fn(&Outcome) -> bool| trials.iter().filter(|t| is(&t.outcome)).count();
    let space = experiment.space()?;
    let member = |point: &Point| -> Result<Member, Error> {
        Ok(Member {
            trial: point.trial,
            architecture: space
                .describe(&trials[point.trial].architecture)
                .map_err(Error::user)?,
            depth: point.depth,
            validation_accuracy: point.accuracy,
            predicted_latency_ms: point.latency_ms,
            measured_latency_ms: match point.trial == best.trial {
                true => Some(best.measured_latency_ms),
                false => others.get(&point.trial).copied(),
            },
        })
    };
    let summary = Summary {
        name: experiment.name.clone(),
        hemet_version: env!("CARGO_PKG_VERSION").to_owned(),
        trials: trials.len(),
        complete: count(|o| matches!(o, Outcome::Complete { .. })),
        infeasible: count(|o| matches!(o, Outcome::Infeasible { .. })),
        failed: count(|o| matches!(o, Outcome::Failed { .. })),
        front: front
            .members()
            .iter()
            .map(member)
            .collect::<Result<_, _>>()?,
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
        summary: &summary,
        trials,
        costs: table,
    })?;
    Ok(summary)
}

fn measure(
    experiment: &Experiment,
    sets: &TrainTest,
    table: &CostTable,
    run: &RunFolder,
    trial: &Trial,
    point: &Point,
) -> Result<Best, Error> {
    let space = experiment.space()?;
    let folder = study::RunFolder::create(&run.root).map_err(Error::user)?;
    let weights = folder.read_weights(trial.number).map_err(Error::user)?;
    let samples = network::samples(&sets.train);
    let artifact = network::compile(
        experiment,
        &trial.architecture,
        &weights,
        &samples,
        (table, Target::Latency),
    )?;
    let test = &sets.test;
    artifact
        .write_to(run.artifact_path())
        .map_err(Error::user)?;
    // What is measured is what a user will load: the artifact as written.
    let artifact = common::read_artifact(&run.artifact_path())?;
    let predicted_latency_ms = artifact
        .manifest
        .predicted_latency_ms
        .unwrap_or(point.latency_ms);
    let parameters = artifact.schedule.schedule().header.parameters.clone();
    let graph = space.graph(&trial.architecture).map_err(Error::user)?;
    let test_accuracy = train::accuracy(&graph, &weights, test).map_err(Error::user)?;
    eprintln!(
        "trial #{} compiled: ring degree 2^{}, depth {}; classifying {} test images encrypted",
        trial.number,
        parameters.log_n(),
        point.depth,
        experiment.encrypted_images.min(test.len())
    );
    let session = Session::new(artifact)?;
    let (times, request_bytes) = front_times::time(&session, test, TIMED_RUNS)?;
    let figures = evaluate::evaluate(&session, test, experiment.encrypted_images, 0, false)?;
    Ok(Best {
        trial: trial.number,
        architecture: trial.architecture.text(),
        description: space.describe(&trial.architecture).map_err(Error::user)?,
        depth: point.depth,
        validation_accuracy: point.accuracy,
        test_accuracy,
        test_images: test.len(),
        plaintext_accuracy: figures.plaintext_accuracy,
        encrypted_accuracy: figures.encrypted_accuracy,
        agreement: figures.agreement,
        encrypted_images: figures.images,
        max_abs_error: figures.max_abs_error,
        predicted_latency_ms,
        measured_latency_ms: common::median(&times),
        log_n: parameters.log_n(),
        log_qp: parameters.log_qp_bits(),
        security_bits: inspect::security_bits(&parameters),
        evaluation_key_bytes: session.evaluation_key_bytes(),
        input_ciphertext_bytes: request_bytes,
    })
}
