//! Order and delivery: a training that runs in another process or on another machine, as texts that travel.
//!
//! With the experiment and the data set an order holds all that the result depends on. A delivery carries the weights
//! and, number for number, what the study would have heard had the training run here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hemet_spaces::{Architecture, LayerGraph, Space, Weights};
use serde::{Deserialize, Serialize};

use super::halving::{Contest, Verdict};
use crate::Error;
use crate::train::{EpochReport, OnEpoch, Recipe, TrainOutcome, Trained};

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

    /// The trained network, where there is one.
    pub fn trained(&self) -> Option<&Trained> {
        match self {
            Self::Ended {
                outcome: TrainOutcome::Complete(trained),
                ..
            } => Some(trained),
            Self::Ended {
                outcome: TrainOutcome::Diverged { .. } | TrainOutcome::Cancelled,
                ..
            }
            | Self::Untrainable { .. } => None,
        }
    }

    /// The greatest length of [`Self::to_json`] for a network and so many epochs, in bytes, with room to spare.
    pub fn greatest_length(graph: &LayerGraph, epochs: usize) -> u64 {
        let parameters = graph.nodes().flat_map(|(id, _)| graph.parameters(id));
        let bytes = parameters.map(|p| 4 * p.len() as u64 + NAME_BYTES);
        let weights = bytes.sum::<u64>() + NAME_BYTES;
        // Base64 makes 4 characters of 3 bytes.
        weights / 3 * 4 + REPORT_BYTES * (epochs as u64 + 1) + REASON_BYTES
    }

    /// Whether a worker that does what `order` asks, with so many epochs, can have sent this: weights of this
    /// network, of finite numbers, shares from 0 to 1, each epoch once, the figures that the order asks for. That the
    /// weights classify as well as it says is for the receiver to measure.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(
        &self,
        order: &Order,
        graph: &LayerGraph,
        recipe: Recipe<'_>,
        epochs: usize,
    ) -> Result<(), String> {
        let Self::Ended {
            outcome,
            epochs: reports,
        } = self
        else {
            return Ok(());
        };
        if reports.len() > epochs {
            return Err(format!("{} epochs, {epochs} were asked for", reports.len()));
        }
        for (index, report) in reports.iter().enumerate() {
            check_report(order, report, index + 1, epochs)?;
            let stopped = order.verdict(report).is_some_and(|v| !v.goes_on);
            if stopped && index + 1 < reports.len() {
                return Err(format!(
                    "it went on after epoch {}, at whose rung it was stopped",
                    index + 1
                ));
            }
        }
        let TrainOutcome::Complete(trained) = outcome else {
            return Ok(());
        };
        let weights = recipe.check_weights(graph, &trained.weights);
        weights.map_err(|e| e.to_string())?;
        if !is_share(trained.accuracy) {
            return Err(format!("accuracy {}, not from 0 to 1", trained.accuracy));
        }
        let last = reports.last().and_then(|report| order.verdict(report));
        let stopped = last.is_some_and(|verdict| !verdict.goes_on);
        match reports.len() == epochs || stopped {
            true => Ok(()),
            false => Err(format!("{} of {epochs} epochs", reports.len())),
        }
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

/// Bytes of a tensor's name, shape and place in a delivery, at most.
const NAME_BYTES: u64 = 512;
/// Bytes of a report, at most.
const REPORT_BYTES: u64 = 256;
/// Bytes of a reason, at most.
const REASON_BYTES: u64 = 1 << 16;

fn is_share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

/// Whether a report can be that of epoch `epoch` (from 1) of `epochs`.
fn check_report(
    order: &Order,
    report: &EpochReport,
    epoch: usize,
    epochs: usize,
) -> Result<(), String> {
    let asked = !order.asks(epoch) || report.validation_accuracy.is_some();
    let shares = [Some(report.training_accuracy), report.validation_accuracy];
    if (report.epoch, report.epochs) != (epoch, epochs) {
        let (found, of) = (report.epoch, report.epochs);
        return Err(format!(
            "epoch {found} of {of} where {epoch} of {epochs} should be"
        ));
    }
    if !report.loss.is_finite() || !shares.into_iter().flatten().all(is_share) {
        return Err(format!("figures of epoch {epoch} that no training has"));
    }
    match asked {
        true => Ok(()),
        false => Err(format!(
            "no validation accuracy of epoch {epoch}, which was asked for"
        )),
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

    fn report(epoch: usize) -> EpochReport {
        EpochReport {
            epoch,
            epochs: 2,
            loss: 0.5,
            training_accuracy: 0.25,
            validation_accuracy: Some(0.75),
        }
    }

    /// Forgeries of a sound delivery, one at a time.
    #[test]
    fn a_delivery_that_no_training_can_have_made_is_refused_with_what_is_wrong() {
        type Forge = fn(&mut Trained, &mut Vec<EpochReport>);
        let forgeries: [(Forge, &str); 12] = [
            (|t, _| t.accuracy = f64::NAN, "accuracy NaN"),
            (|t, _| t.accuracy = 1.5, "accuracy 1.5"),
            (|t, _| t.accuracy = -1e-9, "not from 0 to 1"),
            (|t, _| drop(t.weights.tensors.pop_first()), "missing"),
            (
                |t, _| {
                    let one = t.weights.tensors.pop_last().expect("some").1;
                    t.weights.tensors.insert("other.weight".into(), one);
                },
                "other.weight",
            ),
            (
                |t, _| {
                    let tensor = t.weights.tensors.values_mut().next().expect("some");
                    tensor.shape.push(1);
                },
                "not [",
            ),
            (
                |t, _| {
                    let tensor = t.weights.tensors.values_mut().next().expect("some");
                    tensor.data[0] = f32::INFINITY;
                },
                "inf",
            ),
            (|_, r| r[1].loss = f64::NAN, "epoch 2"),
            (|_, r| r[0].training_accuracy = 2.0, "epoch 1"),
            (|_, r| r[1].epoch = 1, "where 2 of 2"),
            (|_, r| r.push(report(3)), "3 epochs"),
            (|_, r| r.truncate(1), "1 of 2 epochs"),
        ];
        let space = space();
        let mut rng = Seed::new(1).rng();
        let architecture = space.sample(&mut rng);
        let graph = space.graph(&architecture).expect("sound");
        let order = Order {
            number: 0,
            architecture,
            contest: None,
            inherited: None,
        };
        let good = Trained {
            weights: Weights::random(&graph, &mut rng),
            accuracy: 0.75,
            epochs: vec![report(1), report(2)],
        };
        let check = |trained: &Trained, reports: &[EpochReport]| {
            let delivery = Delivery::Ended {
                outcome: TrainOutcome::Complete(trained.clone()),
                epochs: reports.to_vec(),
            };
            // Not every forgery can be written.
            let length = |text: Option<String>| text.expect("told").len() as u64;
            let length = delivery.to_json().map_or(0, length);
            assert!(length <= Delivery::greatest_length(&graph, reports.len()));
            delivery.check(&order, &graph, Recipe::Polynomials, 2)
        };
        assert_eq!(check(&good, &good.epochs), Ok(()));
        for (forge, message) in forgeries {
            let (mut trained, mut reports) = (good.clone(), good.epochs.clone());
            forge(&mut trained, &mut reports);
            let refused = check(&trained, &reports).expect_err(message);
            assert!(refused.contains(message), "{refused}");
        }
    }
}
