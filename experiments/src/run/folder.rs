//! The run folder of a search: what lies where, and the figures of its summary.

use std::path::{Path, PathBuf};

use hemet_search::pareto::{ParetoFront, Point};
use hemet_search::{Outcome, Trial, study};
use hemet_spaces::Scheme;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::experiment::Experiment;
use crate::finish::baseline::AgainstBaseline;

/// The files of a search.
#[derive(Clone, Debug)]
pub struct RunFolder {
    /// The folder.
    pub root: PathBuf,
}

/// The outcome of a search, `summary.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// Name of the experiment.
    pub name: String,
    /// Version of the program.
    pub hemet_version: String,
    /// Trials in the journal.
    pub trials: usize,
    /// How many of them were trained to the end.
    pub complete: usize,
    /// How many exceeded a constraint or could not be compiled.
    pub infeasible: usize,
    /// How many failed in training.
    pub failed: usize,
    /// Trials that were trained to the end but could not be compiled: they left the front and count as failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncompilable: Vec<Uncompilable>,
    /// The Pareto front, fastest first.
    pub front: Vec<Member>,
    /// The network that was chosen and compiled.
    pub best: Best,
    /// The baseline, measured as the chosen network; none where the search had none or could not train or compile it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Best>,
    /// What the chosen network gains on the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against_baseline: Option<AgainstBaseline>,
    /// What a person must know of the choice and the baseline, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The processor that everything ran on.
    pub machine: String,
    /// Seconds that the search and its end took, over all sittings where it was resumed.
    pub seconds: f64,
    /// Where and when; none in summaries of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
}

/// A trained network that turned out to be none that can be compiled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Uncompilable {
    /// Number of the trial.
    pub trial: usize,
    /// Why.
    pub reason: String,
}

impl Uncompilable {
    /// Takes it from the front of these trials: a network that cannot be chosen counts as failed.
    pub fn leave_front(&self, trials: &mut [Trial]) {
        if let Some(trial) = trials.get_mut(self.trial) {
            let reason = self.reason.clone();
            trial.outcome = Outcome::Failed { reason };
        }
    }
}

/// Where and when a search ran.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Environment {
    /// Operating system and kind of processor, such as `linux, x86_64`.
    pub system: String,
    /// Cores that it could use.
    pub cores: usize,
    /// When it ended, ISO 8601 in UTC.
    pub date: String,
}

/// A member of the Pareto front.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {
    /// Number of the trial.
    pub trial: usize,
    /// The scheme that it runs under.
    #[serde(default)]
    pub scheme: Scheme,
    /// Text form of the architecture.
    pub architecture: String,
    /// Multiplicative depth.
    pub depth: usize,
    /// Accuracy on the validation images.
    pub validation_accuracy: f64,
    /// Predicted latency of a prediction, one thread.
    pub predicted_latency_ms: f64,
    /// Median of the measured latencies, one thread; none where it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_latency_ms: Option<f64>,
}

/// A network that was compiled and classified with: the chosen one, or the baseline.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Best {
    /// Number of the trial.
    pub trial: usize,
    /// The scheme that it runs under.
    #[serde(default)]
    pub scheme: Scheme,
    /// Text form of the architecture.
    pub architecture: String,
    /// What the architecture is, block by block.
    pub description: String,
    /// Multiplicative depth.
    pub depth: usize,
    /// Accuracy on the validation images, which the search saw.
    pub validation_accuracy: f64,
    /// Accuracy on all test images, in the clear.
    pub test_accuracy: f64,
    /// Number of test images.
    pub test_images: usize,
    /// Accuracy in the clear on the test images that were also classified encrypted.
    pub plaintext_accuracy: f64,
    /// Accuracy of the encrypted classification.
    pub encrypted_accuracy: f64,
    /// Share of those images with the same class both ways.
    pub agreement: f64,
    /// Number of test images that were classified encrypted.
    pub encrypted_images: usize,
    /// Greatest difference between a decrypted logit and its reference.
    pub max_abs_error: f64,
    /// Predicted latency, one thread.
    pub predicted_latency_ms: f64,
    /// Median of the measured latencies, one thread.
    pub measured_latency_ms: f64,
    /// log2 of the ring degree.
    pub log_n: u32,
    /// Bits of the whole modulus QP.
    pub log_qp: f64,
    /// Bits of security; 0 for none.
    pub security_bits: u32,
    /// Bytes of the evaluation keys as sent.
    pub evaluation_key_bytes: usize,
    /// Bytes of an encrypted image as sent.
    pub input_ciphertext_bytes: usize,
}

/// The front of these trials, with the latencies in milliseconds that were measured by the number of the trial.
///
/// # Errors
/// An experiment without a space, objectives that mean nothing.
pub fn front(
    experiment: &Experiment,
    trials: &[Trial],
    measured: &dyn Fn(usize) -> Option<f64>,
) -> Result<Vec<Member>, Error> {
    let space = experiment.space()?;
    let front = ParetoFront::of(trials, &experiment.objectives()?);
    let member = |point: &Point| -> Result<Member, Error> {
        let architecture = &trials[point.trial].architecture;
        Ok(Member {
            trial: point.trial,
            scheme: space.scheme(architecture),
            architecture: space.describe(architecture).map_err(Error::user)?,
            depth: point.depth,
            validation_accuracy: point.accuracy,
            predicted_latency_ms: point.latency_ms,
            measured_latency_ms: measured(point.trial),
        })
    };
    front.members().iter().map(member).collect()
}

impl RunFolder {
    /// The run folder at `root`, which must hold an experiment.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let run = Self {
            root: root.to_owned(),
        };
        if run.experiment_path().exists() {
            return Ok(run);
        }
        Err(Error::file(
            root,
            "it is no run folder: it has no experiment.yaml; `hemet search` makes run folders",
        ))
    }

    /// `experiment.yaml`: the experiment, resolved.
    pub fn experiment_path(&self) -> PathBuf {
        self.root.join("experiment.yaml")
    }

    /// `costs.json`: the cost table that the search used.
    pub fn costs_path(&self) -> PathBuf {
        self.root.join("costs.json")
    }

    /// `tfhe_costs.json`: the cost table of scheme `tfhe`, where the search chose from it.
    pub fn tfhe_costs_path(&self) -> PathBuf {
        self.root.join("tfhe_costs.json")
    }

    /// `time.json`: the seconds used so far, see [`crate::clock`].
    pub fn time_path(&self) -> PathBuf {
        self.root.join("time.json")
    }

    /// `summary.json`.
    pub fn summary_path(&self) -> PathBuf {
        self.root.join("summary.json")
    }

    /// `best.hemet`: the chosen network, compiled.
    pub fn artifact_path(&self) -> PathBuf {
        self.root.join("best.hemet")
    }

    /// `baseline.hemet`: the baseline, compiled, where it is not the chosen network.
    pub fn baseline_path(&self) -> PathBuf {
        self.root.join("baseline.hemet")
    }

    /// `trained/trial-NNNN.EXTENSION`: what `hemet train` made of a trial.
    pub fn trained_file(&self, trial: usize, extension: &str) -> PathBuf {
        let name = format!("trial-{trial:04}.{extension}");
        self.root.join("trained").join(name)
    }

    /// The state of the training of a trial for so many epochs.
    pub fn trained_checkpoint(&self, trial: usize, epochs: usize) -> PathBuf {
        self.trained_file(trial, &format!("{epochs}-epochs.checkpoint"))
    }

    /// All trials that have ended, as the report counts them: the journal's, of which those that a finished search could not compile
    /// count as failed.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub fn trials(
        &self,
        experiment: &Experiment,
        summary: Option<&Summary>,
    ) -> Result<Vec<Trial>, Error> {
        let folder = study::RunFolder::create(&self.root).map_err(Error::user)?;
        let mut trials =
            study::read_journal(&folder.journal(), experiment.space()?).map_err(Error::user)?;
        for dropped in summary.iter().flat_map(|summary| &summary.uncompilable) {
            dropped.leave_front(&mut trials);
        }
        Ok(trials)
    }

    /// The trial of this number.
    pub fn trial(&self, experiment: &Experiment, number: usize) -> Result<Trial, Error> {
        // It is still a network with weights where it could not be compiled once.
        let mut trials = self.trials(experiment, None)?;
        if number < trials.len() {
            return Ok(trials.swap_remove(number));
        }
        Err(Error::user(format!(
            "{} has {} trials, numbered from 0; there is no trial {number}",
            self.root.display(),
            trials.len()
        )))
    }

    /// Makes the folder of a file.
    pub fn make_folder(&self, path: &Path) -> Result<(), Error> {
        match path.parent() {
            Some(folder) => std::fs::create_dir_all(folder).map_err(|e| Error::file(folder, e)),
            None => Ok(()),
        }
    }

    /// The experiment.
    pub fn experiment(&self) -> Result<Experiment, Error> {
        Experiment::read(&self.experiment_path())
    }

    /// The summary, which a finished search has written; none where the search runs or was broken off.
    pub fn summary(&self) -> Result<Option<Summary>, Error> {
        let path = self.summary_path();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(&path, error)),
        };
        let summary = serde_json::from_str(&text).map_err(|e| Error::file(&path, e))?;
        Ok(Some(summary))
    }

    /// Writes a file of the folder, whole or not at all.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        self.make_folder(path)?;
        hemet_files::write_atomically(path, bytes).map_err(Error::user)
    }
}
