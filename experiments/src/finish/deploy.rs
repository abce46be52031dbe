//! A trained network as it is deployed: compiled for its scheme, its artifact written and read again, with keys made
//! for it; and what is measured on it.

use std::path::{Path, PathBuf};

use hemet_compiler::Target;
use hemet_schedule::{Agreement, Provenance};
use hemet_search::Trial;
use hemet_search::data::Dataset;
use hemet_search::trial::Point;

use crate::common;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::finish::ending::Ending;
use crate::finish::front_times::{self, Timed};
use crate::run::accuracy::Accuracy;
use crate::run::measures::SPECIFICITY;
use crate::run::provenance::{self, On};
use crate::run::samples::samples;
use crate::run::summary::Best;
use crate::run::train::recipe;
use crate::schemes::evaluation::{Figures, How, evaluate};
use crate::schemes::kept::Kept;
use crate::schemes::session::Session;
use crate::schemes::{self, TrainedNetwork};

/// Timed predictions of each network.
const TIMED_RUNS: usize = 7;

/// A completed trial as a user will load it, with keys made for it.
pub struct Deployed {
    trial: Trial,
    point: Point,
    /// Where answers are kept until its images are classified.
    answers: PathBuf,
    session: Session,
    /// Of the artifact, where it tells.
    predicted_latency_ms: Option<f64>,
    predicted_agreement: Option<Agreement>,
    test_accuracy: f64,
    log_n: u32,
    log_qp: f64,
}

/// Compiles a completed trial and writes its artifact to `file`, and what clients need of it beside that.
///
/// # Errors
/// [`Error::Uncompilable`] for a network that cannot be compiled; weights that cannot be read, files that cannot be
/// written.
pub fn deploy(ending: &Ending<'_>, trial: &Trial, file: &Path) -> Result<Deployed, Error> {
    let (experiment, sets) = (ending.experiment, ending.sets);
    let point = Point::of(trial).ok_or_else(|| {
        Error::user(format!(
            "trial #{} is {}; only a complete one can be deployed",
            trial.number,
            trial.outcome.name()
        ))
    })?;
    let weights = ending.run.study()?.read_weights(trial.number)?;
    let space = experiment.space()?;
    let scheme = space.scheme(&trial.architecture);
    let graph = space.graph(&trial.architecture)?;
    let test_accuracy = recipe(experiment, scheme).accuracy(&graph, &weights, &sets.test)?;
    let test = Accuracy {
        share: test_accuracy,
        images: sets.test.len(),
        quality: experiment.quality(),
    };
    let scores = provenance::of_validation(experiment, trial, sets).into_iter();
    let network = TrainedNetwork {
        experiment,
        architecture: &trial.architecture,
        weights: &weights,
        samples: &|| samples(experiment, &ending.images.train),
        like: None,
        class_names: &sets.train.class_names,
        columns: sets.train.columns.as_ref(),
        provenance: Some(Provenance {
            scores: scores.chain([provenance::score(test, On::Test)]).collect(),
            ..provenance::of(experiment, trial, sets)
        }),
    };
    let costs = ending.costs.scheme(scheme)?;
    let (model, figures) = costs.compile(&network, Target::Latency)?;
    schemes::write(model.as_ref(), file)?;
    // What is measured is what a user will load: the artifact as written.
    let model = schemes::open(file)?;
    Ok(Deployed {
        trial: trial.clone(),
        point,
        answers: file.with_extension("answers.jsonl"),
        predicted_latency_ms: model.manifest().predicted_latency_ms,
        predicted_agreement: model.manifest().agreement,
        test_accuracy,
        log_n: figures.log_n,
        log_qp: figures.log_qp_bits,
        session: Session::new(model)?,
    })
}

/// Times these networks by turns, so that what else the machine does falls on all of them alike, and classifies test
/// images encrypted with each.
///
/// # Errors
/// A prediction that fails.
pub fn measure(
    experiment: &Experiment,
    test: &Dataset,
    networks: &[&Deployed],
) -> Result<Vec<Best>, Error> {
    let sessions: Vec<&Session> = networks.iter().map(|network| &network.session).collect();
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

    /// Evaluates the network on encrypted images, and says what errors must be told.
    fn figures(&self, experiment: &Experiment, test: &Dataset) -> Result<Figures, Error> {
        if Kept::open(&self.answers, &self.session, test).is_err() {
            // Answers of another network that was compiled to the same file.
            let _ = std::fs::remove_file(&self.answers);
        }
        let how = How {
            limit: experiment.encrypted_images,
            threads: 0,
            quiet: false,
            specificity: SPECIFICITY,
            keep: Some(&self.answers),
        };
        let figures = evaluate(&self.session, test, &how)?;
        if let Some(warning) = figures.warning() {
            eprintln!("{warning}");
        }
        Ok(figures)
    }

    fn classify(
        &self,
        experiment: &Experiment,
        test: &Dataset,
        timed: Timed,
    ) -> Result<Best, Error> {
        let (trial, point, session) = (&self.trial, &self.point, &self.session);
        let space = experiment.space()?;
        let scheme = space.scheme(&trial.architecture);
        eprintln!(
            "trial #{} compiled for {scheme}: ring degree 2^{}, depth {}; classifying {} test images encrypted",
            trial.number,
            self.log_n,
            point.depth,
            experiment.encrypted_images.min(test.len())
        );
        let figures = self.figures(experiment, test)?;
        Ok(Best {
            trial: trial.number,
            scheme,
            architecture: trial.architecture.text(),
            description: space.describe(&trial.architecture)?,
            depth: point.depth,
            quality: experiment.quality(),
            validation_accuracy: point.accuracy,
            test_accuracy: self.test_accuracy,
            test_images: test.len(),
            plaintext_accuracy: figures.plaintext_accuracy,
            encrypted_accuracy: figures.encrypted_accuracy,
            agreement: figures.agreement,
            predicted_agreement: self.predicted_agreement,
            encrypted_images: figures.images,
            max_abs_error: figures.max_abs_error,
            classes: figures.classes,
            confusion: experiment
                .quality()
                .is_accuracy()
                .then_some(figures.confusion),
            measures: figures.measures,
            predicted_latency_ms: self.predicted_latency_ms.unwrap_or(point.latency_ms),
            measured_latency_ms: common::median(&timed.latencies_ms),
            measured_range_ms: timed.range_ms(),
            log_n: self.log_n,
            log_qp: self.log_qp,
            security_bits: session.security_bits(),
            evaluation_key_bytes: session.evaluation_key_bytes(),
            input_ciphertext_bytes: timed.request_bytes,
        })
    }
}
