//! Samples: the images that a found network's scales are made for.

use hemet_search::data::Dataset;

use super::train::Split;
use crate::error::Error;
use crate::experiment::Experiment;

/// As many as the compiler looks at. Those come first that the network did not learn from: on images that it knows, it
/// leaves its range less often than on new ones.
///
/// # Errors
/// A share of validation images that leaves one part empty.
pub fn samples(experiment: &Experiment, train: &Dataset) -> Result<Vec<Vec<f64>>, Error> {
    let split = Split::of(experiment, train)?;
    let of = |set: &'_ Dataset, index: usize| -> Vec<f64> {
        set.image(index).iter().map(|v| f64::from(*v)).collect()
    };
    let unseen = (0..split.validation.len()).map(|index| of(&split.validation, index));
    let seen = (0..split.training.len()).map(|index| of(&split.training, index));
    Ok(unseen.chain(seen).take(hemet_compiler::SAMPLES).collect())
}
