//! Inference with trained weights, in 32-bit floats with burn: logits and accuracy of a dataset.

use burn::tensor::Device;
use hemet_spaces::{LayerGraph, Weights};

use super::batch;
use super::model::Model;
use super::tensor::{matrix, values};
use crate::data::{Dataset, Measure};
use crate::{Error, metrics};

/// Images that run at once.
const BATCH: usize = 256;

/// The logits of every image, `[image][class]`, with ReLU in the place of polynomials where `relu` says so.
///
/// # Errors
/// A network that does not fit the data; weights that do not fit the network.
pub(super) fn logits(
    graph: &LayerGraph,
    weights: &Weights,
    relu: bool,
    data: &Dataset,
) -> Result<Vec<Vec<f32>>, Error> {
    let model = Model::with_weights(graph, weights, relu)?;
    fits(&model, data)?;
    Ok(model_logits(&model, data, &Device::flex()))
}

/// The class with the greatest logit (the first of equals); 0 for no logits.
pub fn class(logits: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in logits.iter().enumerate() {
        if *value > logits[best] {
            best = index;
        }
    }
    best
}

/// How good answers are, 0 to 1: of classes what the data set measures, of values R².
pub(super) fn quality(logits: &[Vec<f32>], data: &Dataset) -> f64 {
    if data.is_regression() {
        return r_squared(logits.iter().flatten().zip(&data.targets));
    }
    match data.measure {
        Measure::Accuracy => share_correct(logits, &data.labels),
        Measure::BalancedAccuracy => {
            let answers: Vec<usize> = logits.iter().map(|logits| class(logits)).collect();
            metrics::balanced_accuracy(&answers, &data.labels, data.classes).unwrap_or(0.0)
        }
        Measure::Auc => {
            let exact = |logits: &Vec<f32>| logits.iter().map(|x| f64::from(*x)).collect();
            let outputs: Vec<Vec<f64>> = logits.iter().map(exact).collect();
            metrics::auc_of_classes(&outputs, &data.labels, data.classes).unwrap_or(0.0)
        }
    }
}

/// R² of pairs of a predicted and a true value: the share of the variance that is explained, 1 − Σ (p − t)² / Σ (t −
/// mean)²; 0 where the mean predicts better.
pub fn r_squared<'a>(pairs: impl Iterator<Item = (&'a f32, &'a f32)> + Clone) -> f64 {
    let count = pairs.clone().count().max(1) as f64;
    let mean = pairs.clone().map(|(_, t)| f64::from(*t)).sum::<f64>() / count;
    let error: f64 = pairs.clone().map(|(p, t)| f64::from(p - t).powi(2)).sum();
    let spread: f64 = pairs.map(|(_, t)| (f64::from(*t) - mean).powi(2)).sum();
    match spread > 0.0 {
        // Comparing so that an error that is no number counts as nothing explained.
        true if error < spread => 1.0 - error / spread,
        true | false => 0.0,
    }
}

pub(super) fn share_correct(logits: &[Vec<f32>], labels: &[u8]) -> f64 {
    let pairs = logits.iter().zip(labels);
    let correct = pairs.filter(|(l, label)| class(l) == usize::from(**label));
    correct.count() as f64 / labels.len().max(1) as f64
}

pub(super) fn model_logits(model: &Model, data: &Dataset, device: &Device) -> Vec<Vec<f32>> {
    let tensors = model.tensors(device, false);
    let mut all = Vec::with_capacity(data.len());
    for start in (0..data.len()).step_by(BATCH) {
        let end = (start + BATCH).min(data.len());
        let pixels = (end - start) * data.shape.height * data.shape.width;
        let rows = batch::rows(data, start, end);
        let input = matrix(rows, pixels, data.shape.channels, device);
        let output = model.forward_inference(&tensors, input, end - start);
        let values = values(output);
        all.extend(values.chunks_exact(model.outputs).map(<[_]>::to_vec));
    }
    all
}

pub(super) fn fits(model: &Model, data: &Dataset) -> Result<(), Error> {
    if model.input == data.shape && model.outputs == data.classes {
        return Ok(());
    }
    Err(Error::Mismatch {
        network: model.input,
        outputs: model.outputs,
        dataset: data.name.clone(),
        images: data.shape,
        classes: data.classes,
    })
}
