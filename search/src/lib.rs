//! Strategies, objectives, training, datasets, study store, Pareto front.
//!
//! | module | purpose |
//! |---|---|
//! | [`audit`] | what features that are handed over in the clear reveal |
//! | [`data`] | datasets: images and labels, normalized, checked by checksum |
//! | [`train`] | trains a `LayerGraph` with burn and exports its `Weights` |
//! | [`strategy`] | proposes architectures from the trial table |
//! | [`constraint`] | the cost model's interface and the limits checked before training |
//! | [`objective`] | what is optimized: accuracy, latency, depth, key size, cost |
//! | [`importance`] | how much each choice explains of a figure |
//! | [`metrics`] | what is measured beside accuracy: area under the curve, sensitivity, probabilities |
//! | [`trial`] | a tried architecture and how it ended |
//! | [`study`] | runs trials, keeps the journal, resumes |
//! | [`pareto`] | the front in the objectives, the choice of the best, hypervolume |
//! | [`seed`] | one seed, from which every random choice is derived by name |
//!
//! The search never sees a test set: accuracy in a trial is that on the validation split.

pub mod audit;
pub mod constraint;
pub mod data;
mod error;
pub mod hypervolume;
pub mod importance;
pub mod metrics;
pub mod objective;
pub mod pareto;
pub mod seed;
pub mod strategy;
pub mod study;
pub mod train;
pub mod trial;

pub use error::Error;
pub use seed::Seed;
pub use trial::{Outcome, Trial};
