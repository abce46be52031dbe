//! A trained network as it is deployed: compiled for its scheme, its artifact written and read again, with keys made for it; and what
//! is measured on it.

use std::path::Path;

use hemet_compiler::Target;
use hemet_runtime::tfhe::TfheArtifact;
use hemet_schedule::CostTable;
use hemet_search::data::{Dataset, TrainTest};
use hemet_search::trial::Point;
use hemet_search::{Trial, study};
use hemet_spaces::{Scheme, Weights};

use crate::commands::evaluate;
use crate::common;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::finish::front_times;
use crate::run::folder::RunFolder;
use crate::run::summary::Best;
use crate::run::train::recipe;
use crate::schemes::ckks::compile;
use crate::schemes::ckks::compile::SchemeCosts;
use crate::schemes::ckks::inspect;
use crate::schemes::ckks::session::{Predict, Session};
use crate::schemes::tfhe;
use crate::schemes::tfhe::costs::TfheCosts;
use crate::schemes::tfhe::session::TfheSession;

/// Timed predictions of each network.
const TIMED_RUNS: usize = 7;
/// What the published parameter sets of TFHE keep at least.
const TFHE_SECURITY_BITS: u32 = 128;

/// A completed trial as a user will load it, with keys made for it.
pub struct Deployed {
    trial: Trial,
    point: Point,
    network: Network,
}

/// What a compiled network tells of itself.
struct Network {
    session: Box<dyn Predict>,
    /// Of the artifact, where it tells.
    predicted_latency_ms: Option<f64>,
    test_accuracy: f64,
    log_n: u32,
    log_qp: f64,
    security_bits: u32,
    evaluation_key_bytes: usize,
}

/// Compiles a completed trial and writes its artifact to `file`.
///
/// # Errors
/// [`Error::Uncompilable`] for a network that cannot be compiled; weights that cannot be read, files that cannot be written.
pub fn deploy(
    experiment: &Experiment,
    sets: &TrainTest,
    costs: &SchemeCosts,
    run: &RunFolder,
    trial: &Trial,
    file: &Path,
) -> Result<Deployed, Error> {
    let point = Point::of(trial).ok_or_else(|| {
        Error::user(format!(
            "trial #{} is {}; only a complete one can be deployed",
            trial.number,
            trial.outcome.name()
        ))
    })?;
    let folder = study::RunFolder::create(&run.root).map_err(Error::user)?;
    let weights = folder.read_weights(trial.number).map_err(Error::user)?;
    let scheme = experiment.space()?.scheme(&trial.architecture);
    let network = match (scheme, &costs.ckks, &costs.tfhe) {
        (Scheme::Ckks, Some(costs), _) => {
            ckks(experiment, sets, &costs.table, trial, &weights, file)?
        }
        (Scheme::Tfhe, _, Some(costs)) => tfhe(experiment, sets, costs, trial, &weights, file)?,
        (Scheme::Ckks, None, _) | (Scheme::Tfhe, _, None) => {
            return Err(SchemeCosts::missing(scheme));
        }
    };
    Ok(Deployed {
        trial: trial.clone(),
        point,
        network,
    })
}

fn ckks(
    experiment: &Experiment,
    sets: &TrainTest,
    table: &CostTable,
    trial: &Trial,
    weights: &Weights,
    file: &Path,
) -> Result<Network, Error> {
    let samples = compile::samples(&sets.train);
    let artifact = compile::compile(
        experiment,
        &trial.architecture,
        weights,
        &samples,
        (table, Target::Latency),
    )?;
    artifact.write_to(file).map_err(Error::user)?;
    // What is measured is what a user will load: the artifact as written.
    let artifact = common::read_artifact(file)?;
    let artifact_ms = artifact.manifest.predicted_latency_ms;
    let parameters = artifact.schedule.schedule().header.parameters.clone();
    let graph = experiment.space()?.graph(&trial.architecture);
    let graph = graph.map_err(Error::user)?;
    let session = Session::new(artifact)?;
    Ok(Network {
        predicted_latency_ms: artifact_ms,
        test_accuracy: recipe(experiment, Scheme::Ckks)
            .accuracy(&graph, weights, &sets.test)
            .map_err(Error::user)?,
        log_n: parameters.log_n(),
        log_qp: parameters.log_qp_bits(),
        security_bits: inspect::security_bits(&parameters),
        evaluation_key_bytes: session.evaluation_key_bytes(),
        session: Box::new(session),
    })
}

fn tfhe(
    experiment: &Experiment,
    sets: &TrainTest,
    costs: &TfheCosts,
    trial: &Trial,
    weights: &Weights,
    file: &Path,
) -> Result<Network, Error> {
    let table = &costs.options.costs;
    let (artifact, figures) =
        tfhe::compile::compile(experiment, &trial.architecture, weights, table)?;
    artifact.write_to(file).map_err(Error::user)?;
    let artifact = TfheArtifact::read(file).map_err(Error::user)?;
    let graph = experiment.space()?.graph(&trial.architecture);
    let graph = graph.map_err(Error::user)?;
    let accuracy = recipe(experiment, Scheme::Tfhe).accuracy(&graph, weights, &sets.test);
    let session = TfheSession::new(artifact)?;
    Ok(Network {
        predicted_latency_ms: Some(figures.latency_ms),
        test_accuracy: accuracy.map_err(Error::user)?,
        log_n: figures.log_n,
        log_qp: figures.log_qp_bits,
        security_bits: TFHE_SECURITY_BITS,
        evaluation_key_bytes: session.evaluation_key_bytes(),
        session: Box::new(session),
    })
}

/// Times these networks by turns, so that what else the machine does falls on all of them alike, and classifies test images
/// encrypted with each.
///
/// # Errors
/// A prediction that fails.
pub fn measure(
    experiment: &Experiment,
    test: &Dataset,
    networks: &[&Deployed],
) -> Result<Vec<Best>, Error> {
    let sessions: Vec<&dyn Predict> = networks
        .iter()
        .map(|n| n.network.session.as_ref())
        .collect();
    let timed = front_times::time(&sessions, test, TIMED_RUNS)?;
    let figures = networks.iter().zip(timed);
    figures
        .map(|(deployed, timed)| deployed.classify(experiment, test, timed))
        .collect()
}

impl Deployed {
    /// The number of its trial.
    pub fn trial(&self) -> usize {
        self.trial.number
    }

    fn classify(
        &self,
        experiment: &Experiment,
        test: &Dataset,
        (times, request_bytes): (Vec<f64>, usize),
    ) -> Result<Best, Error> {
        let Self {
            trial,
            point,
            network,
        } = self;
        let space = experiment.space()?;
        let scheme = space.scheme(&trial.architecture);
        eprintln!(
            "trial #{} compiled for {scheme}: ring degree 2^{}, depth {}; classifying {} test images encrypted",
            trial.number,
            network.log_n,
            point.depth,
            experiment.encrypted_images.min(test.len())
        );
        let session = network.session.as_ref();
        let figures = evaluate::evaluate(session, test, experiment.encrypted_images, 0, false)?;
        Ok(Best {
            trial: trial.number,
            scheme,
            architecture: trial.architecture.text(),
            description: space.describe(&trial.architecture).map_err(Error::user)?,
            depth: point.depth,
            validation_accuracy: point.accuracy,
            test_accuracy: network.test_accuracy,
            test_images: test.len(),
            plaintext_accuracy: figures.plaintext_accuracy,
            encrypted_accuracy: figures.encrypted_accuracy,
            agreement: figures.agreement,
            encrypted_images: figures.images,
            max_abs_error: figures.max_abs_error,
            predicted_latency_ms: network.predicted_latency_ms.unwrap_or(point.latency_ms),
            measured_latency_ms: common::median(&times),
            log_n: network.log_n,
            log_qp: network.log_qp,
            security_bits: network.security_bits,
            evaluation_key_bytes: network.evaluation_key_bytes,
            input_ciphertext_bytes: request_bytes,
        })
    }
}
