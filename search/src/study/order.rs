//! Order and delivery: a training that runs in another process or on another machine, as texts that travel.
//!
//! With the experiment and the data set an order holds all that the result depends on. A delivery carries the weights
//! and, number for number, what the study would have heard had the training run here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hemet_spaces::{Architecture, Space, Weights};
use serde::{Deserialize, Serialize};

use super::halving::{Contest, Verdict};
use crate::Error;
use crate::train::{EpochReport, OnEpoch, TrainOutcome, Trained};

/// What a worker must know of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Number of the trial.
    pub number: usize,
    /// What is tried.
    pub architecture: Architecture,
    /// What decides at rungs.
    pub contest: Option<Contest>,
    /// Weights to start from.
    pub inherited: Option<Weights>,
}

/// What a worker sends back.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivery {
    /// The training ended, well or in divergence.
    Ended {
        /// How.
        outcome: TrainOutcome,
        /// All epochs.
        epochs: Vec<EpochReport>,
    },
    /// The network cannot be trained: its layer and why.
    Untrainable {
        /// Name of the layer.
        layer: String,
        /// Why.
        why: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderText {
    number: usize,
    architecture: String,
    contest: Option<Contest>,
    inherited: Option<String>,
}

/// Numbers are kept as their bits: JSON could change the last one.
#[derive(Serialize, Deserialize)]
enum DeliveryText {
    Complete {
        weights: String,
        accuracy: u64,
        epochs: Vec<Epoch>,
    },
    Diverged {
        reason: String,
        epochs: Vec<Epoch>,
    },
    Untrainable {
        layer: String,
        why: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Epoch {
    epoch: usize,
    epochs: usize,
    loss: u64,
    training_accuracy: u64,
    validation_accuracy: Option<u64>,
}

impl From<&EpochReport> for Epoch {
    fn from(report: &EpochReport) -> Self {
        Self {
            epoch: report.epoch,
            epochs: report.epochs,
            loss: report.loss.to_bits(),
            training_accuracy: report.training_accuracy.to_bits(),
            validation_accuracy: report.validation_accuracy.map(f64::to_bits),
        }
    }
}

impl From<&Epoch> for EpochReport {
    fn from(epoch: &Epoch) -> Self {
        Self {
            epoch: epoch.epoch,
            epochs: epoch.epochs,
            loss: f64::from_bits(epoch.loss),
            training_accuracy: f64::from_bits(epoch.training_accuracy),
            validation_accuracy: epoch.validation_accuracy.map(f64::from_bits),
        }
    }
}

fn pack(weights: &Weights) -> Result<String, Error> {
    Ok(STANDARD.encode(weights.to_safetensors()?))
}

fn unpack(text: &str) -> Result<Weights, Error> {
    let bytes = STANDARD.decode(text).map_err(refused)?;
    Ok(Weights::from_safetensors(&bytes)?)
}

fn refused(error: impl std::fmt::Display) -> Error {
    Error::Elsewhere(format!("a message between search and worker: {error}"))
}

impl Order {
    /// Whether the validation accuracy after `epoch` (from 1) must be told.
    pub fn asks(&self, epoch: usize) -> bool {
        self.contest.as_ref().is_some_and(|c| c.asks(epoch))
    }

    /// What is to be said after an epoch; nothing where no rung stands.
    pub fn verdict(&self, report: &EpochReport) -> Option<Verdict> {
        self.contest.as_ref()?.verdict(report)
    }

    /// As text; the same order gives the same text.
    ///
    /// # Errors
    /// Weights that cannot be written.
    pub fn to_json(&self) -> Result<String, Error> {
        let text = OrderText {
            number: self.number,
            architecture: self.architecture.text(),
            contest: self.contest.clone(),
            inherited: self.inherited.as_ref().map(pack).transpose()?,
        };
        serde_json::to_string(&text).map_err(refused)
    }

    /// Reads [`Self::to_json`] back.
    ///
    /// # Errors
    /// What no order of this space is.
    pub fn from_json(text: &str, space: &Space) -> Result<Self, Error> {
        let text: OrderText = serde_json::from_str(text).map_err(refused)?;
        Ok(Self {
            number: text.number,
            architecture: space.parse(&text.architecture).map_err(refused)?,
            contest: text.contest,
            inherited: text.inherited.as_deref().map(unpack).transpose()?,
        })
    }
}

impl Delivery {
    /// As text; none for a training that was cancelled, which there is nothing to tell of.
    ///
    /// # Errors
    /// Weights that cannot be written.
    pub fn to_json(&self) -> Result<Option<String>, Error> {
        let text = match self {
            Self::Ended { outcome, epochs } => {
                let epochs = epochs.iter().map(Epoch::from).collect();
                match outcome {
                    TrainOutcome::Complete(trained) => DeliveryText::Complete {
                        weights: pack(&trained.weights)?,
                        accuracy: trained.accuracy.to_bits(),
                        epochs,
                    },
                    TrainOutcome::Diverged { reason } => DeliveryText::Diverged {
                        reason: reason.clone(),
                        epochs,
                    },
                    TrainOutcome::Cancelled => return Ok(None),
                }
            }
            Self::Untrainable { layer, why } => DeliveryText::Untrainable {
                layer: layer.clone(),
                why: why.clone(),
            },
        };
        serde_json::to_string(&text).map(Some).map_err(refused)
    }

    /// Reads [`Self::to_json`] back.
    ///
    /// # Errors
    /// What no delivery is.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let reports = |epochs: &[Epoch]| epochs.iter().map(EpochReport::from).collect::<Vec<_>>();
        Ok(match serde_json::from_str(text).map_err(refused)? {
            DeliveryText::Complete {
                weights,
                accuracy,
                epochs,
            } => Self::Ended {
                outcome: TrainOutcome::Complete(Trained {
                    weights: unpack(&weights)?,
                    accuracy: f64::from_bits(accuracy),
                    epochs: reports(&epochs),
                }),
                epochs: reports(&epochs),
            },
            DeliveryText::Diverged { reason, epochs } => Self::Ended {
                outcome: TrainOutcome::Diverged { reason },
                epochs: reports(&epochs),
            },
            DeliveryText::Untrainable { layer, why } => Self::Untrainable { layer, why },
        })
    }

    /// Tells the study of the epochs and gives what its training function gives.
    ///
    /// # Errors
    /// A network that cannot be trained.
    pub fn tell(self, on_epoch: &mut OnEpoch<'_>) -> Result<TrainOutcome, Error> {
        match self {
            Self::Ended { outcome, epochs } => {
                // The study says here, from the same numbers, what the worker has found already: whether the last one
                // was the end. Only a stop of the study itself is news.
                for report in &epochs {
                    if on_epoch(report)
                        == std::ops::ControlFlow::Break(crate::train::End::Cancelled)
                    {
                        return Ok(TrainOutcome::Cancelled);
                    }
                }
                Ok(outcome)
            }
            Self::Untrainable { layer, why } => Err(Error::Untrainable { layer, why }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    fn space() -> Space {
        serde_json::from_str(
            r#"{"input": [1, 8, 8], "classes": 10, "blocks": [
                {"name": "b1", "options": ["skip", {"conv": {"width": 4, "kernel": 3}}]}]}"#,
        )
        .expect("sound")
    }

    #[test]
    fn orders_and_deliveries_arrive_bit_for_bit() {
        let space = space();
        let mut rng = Seed::new(1).rng();
        let architecture = space.sample(&mut rng);
        let graph = space.graph(&architecture).expect("sound");
        let weights = Weights::random(&graph, &mut rng);
        let order = Order {
            number: 7,
            architecture,
            contest: None,
            inherited: Some(weights.clone()),
        };
        let text = order.to_json().expect("written");
        assert_eq!(Order::from_json(&text, &space).expect("read"), order);
        let report = EpochReport {
            epoch: 1,
            epochs: 2,
            loss: 0.1 + 0.2,
            training_accuracy: 1.0 / 3.0,
            validation_accuracy: Some(f64::MIN_POSITIVE),
        };
        let delivery = Delivery::Ended {
            outcome: TrainOutcome::Complete(Trained {
                weights,
                accuracy: 1.0 / 3.0,
                epochs: vec![report],
            }),
            epochs: vec![report],
        };
        let text = delivery.to_json().expect("written").expect("told");
        assert_eq!(Delivery::from_json(&text).expect("read"), delivery);
        for text in ["", "{}", "{\"Complete\": 1}"] {
            assert!(Delivery::from_json(text).is_err());
            assert!(Order::from_json(text, &space).is_err());
        }
    }
}
