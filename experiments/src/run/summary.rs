//! The figures of a search that has ended: `summary.json` in its run folder.

use hemet_schedule::Agreement;
use hemet_search::pareto::ParetoFront;
use hemet_search::trial::Point;
use hemet_search::{Outcome, Trial};
use hemet_spaces::Scheme;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::accuracy::{Accuracy, Confusion, Quality};
use crate::run::measures::Measures;

/// The outcome of a search, `summary.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// Name of the experiment.
    pub name: String,
    /// Version of the program.
    pub hemet_version: String,
    /// Trials in the journal.
    pub trials: usize,
    /// How many of them were trained for all of their epochs.
    pub complete: usize,
    /// How many successive halving stopped; in summaries of earlier versions these are among the complete.
    #[serde(default)]
    pub stopped: usize,
    /// How many exceeded a constraint or could not be compiled.
    pub infeasible: usize,
    /// How many failed in training.
    pub failed: usize,
    /// Trials that were trained to the end but could not be compiled: they left the front and count as failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncompilable: Vec<Uncompilable>,
    /// Number of validation images, which the accuracies of the search are of; 0 in summaries of earlier versions.
    #[serde(default)]
    pub validation_images: usize,
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
    /// What accuracies are: of a regression R².
    #[serde(default, skip_serializing_if = "Quality::is_accuracy")]
    pub quality: Quality,
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
    /// Share of those images with the same class both ways; of values, of those that agree within the promise.
    pub agreement: f64,
    /// What was predicted of that, and the precision that was chosen for it; none where a precision was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted_agreement: Option<Agreement>,
    /// Number of test images that were classified encrypted.
    pub encrypted_images: usize,
    /// What the classes are called; none in summaries of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// Images of each true class by their encrypted class; none in summaries of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Confusion>,
    /// What else was measured of the encrypted classification; nothing in summaries of earlier versions.
    #[serde(default)]
    pub measures: Measures,
    /// Greatest difference between a decrypted logit and its reference.
    pub max_abs_error: f64,
    /// Predicted latency, one thread.
    pub predicted_latency_ms: f64,
    /// Median of the measured latencies, one thread.
    pub measured_latency_ms: f64,
    /// The least and the greatest of them; none in summaries of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_range_ms: Option<[f64; 2]>,
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

impl Best {
    /// Of the encrypted classification.
    pub fn encrypted(&self) -> Accuracy {
        Accuracy {
            share: self.encrypted_accuracy,
            images: self.encrypted_images,
            quality: self.quality,
        }
    }

    /// In the clear on the whole test set.
    pub fn test(&self) -> Accuracy {
        Accuracy {
            share: self.test_accuracy,
            images: self.test_images,
            quality: self.quality,
        }
    }
}

/// What the chosen network gains on the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgainstBaseline {
    /// By how many percent of the baseline's its measured latency is lower; negative where it is higher.
    pub latency_percent_lower: f64,
    /// Percentage points of accuracy on the encrypted test images.
    pub accuracy_points: f64,
    /// Percentage points of accuracy on the validation images.
    pub validation_points: f64,
}

impl AgainstBaseline {
    /// Of the chosen network against the baseline.
    pub fn of(chosen: &Best, baseline: &Best) -> Self {
        let latency = chosen.measured_latency_ms / baseline.measured_latency_ms;
        Self {
            latency_percent_lower: 100.0 * (1.0 - latency),
            accuracy_points: 100.0 * (chosen.encrypted_accuracy - baseline.encrypted_accuracy),
            validation_points: 100.0 * (chosen.validation_accuracy - baseline.validation_accuracy),
        }
    }
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
            architecture: space.describe(architecture)?,
            depth: point.depth,
            validation_accuracy: point.accuracy,
            predicted_latency_ms: point.latency_ms,
            measured_latency_ms: measured(point.trial),
        })
    };
    front.members().iter().map(member).collect()
}
