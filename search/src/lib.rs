//! Strategies, objectives, training, datasets, study store, Pareto front.
//!
//! | module | purpose |
//! |---|---|
//! | [`data`] | datasets: images and labels, normalised, checked by checksum |
//! | [`train`] | trains a `LayerGraph` with burn and exports its `Weights` |
//! | [`seed`] | one seed, from which every random choice is derived by name |
//!
//! The search never sees a test set: accuracy in a trial is that on the validation split.

pub mod data;
mod error;
pub mod seed;
pub mod train;

pub use error::Error;
pub use seed::Seed;
