//! Training with quantization in the loop: the forward pass computes with the integers of the network that is exported
//! (rounded weights, tables for activations, accumulators that wrap), the backward pass goes straight through the
//! rounding to latent weights.
//!
//! Batch norms take integer accumulators; with the activation they become the table of each channel, so a channel's scale
//! costs nothing. Weights start so sparse that accumulators fill a part of their window, and a penalty keeps them in it.
//! The result is a graph's ordinary [`Weights`](hemet_spaces::Weights) in units of the integers:
//! [`QuantizedNetwork::quantize`] makes the network of them, and its accuracy is what is reported.

mod adam;
mod forward;
mod run;

use burn::tensor::Device;
use hemet_spaces::quantized::{Quantization, check_structure};
use hemet_spaces::{LayerGraph, QuantizedNetwork, Weights};

use super::model::{Activations, Model};
use super::{Device as Place, OnEpoch, TrainOutcome, Training, batch, drive, infer, kernel};
use crate::Error;
use crate::data::Dataset;

/// Images that run at once at inference.
const BATCH: usize = 256;

/// Runs a training with the integers of `quantization`. Of the options it takes `epochs`, `batch`, `quantized_rate`,
/// `label_smoothing`, `balance`, `shift`, `flip`, `jitter` and `norm_rate`; weights are not inherited and there is no teacher.
///
/// # Errors
/// Options out of range; a network that does not fit the data or has no integer form; a checkpoint that is damaged, of another
/// training, or cannot be written.
pub fn run(
    training: &Training<'_>,
    quantization: &Quantization,
    on_epoch: &mut OnEpoch<'_>,
) -> Result<TrainOutcome, Error> {
    training.options.check()?;
    if training.options.device == Place::Gpu {
        return Err(Error::Option {
            option: "device",
            found: "gpu".into(),
            allowed: "cpu under scheme tfhe, whose integers are trained there alone".into(),
        });
    }
    quantization.check()?;
    check_structure(training.graph)?;
    kernel::heap::keep();
    let mut run = run::Run::new(training, quantization)?;
    run.restore()?;
    match drive(&mut run, training.options.epochs, on_epoch)? {
        Some(outcome) => Ok(outcome),
        None => Ok(run.finish()),
    }
}

/// The integer logits of every image, `[image][class]`: what [`QuantizedNetwork::evaluate`] gives for the network of these
/// weights, a batch at a time.
///
/// # Errors
/// A network that does not fit the data or has no integer form; weights that do not fit the network.
pub fn logits(
    graph: &LayerGraph,
    weights: &Weights,
    quantization: &Quantization,
    data: &Dataset,
) -> Result<Vec<Vec<f32>>, Error> {
    // Refuses whatever has no integer form.
    QuantizedNetwork::quantize(graph, weights, quantization)?;
    let model = Model::with_weights(graph, weights, true)?;
    infer::fits(&model, data)?;
    Ok(model_logits(&model, quantization, data))
}

/// The share of images, 0 to 1, that the integer network of these weights classifies rightly.
///
/// # Errors
/// As [`logits`].
pub fn accuracy(
    graph: &LayerGraph,
    weights: &Weights,
    quantization: &Quantization,
    data: &Dataset,
) -> Result<f64, Error> {
    let logits = logits(graph, weights, quantization, data)?;
    Ok(infer::share_correct(&logits, &data.labels))
}

fn model_logits(model: &Model, quantization: &Quantization, data: &Dataset) -> Vec<Vec<f32>> {
    let device = Device::flex();
    let tensors = model.tensors(&device, false);
    let tensors = forward::rounded(model, quantization, &tensors);
    let mut all = Vec::with_capacity(data.len());
    for start in (0..data.len()).step_by(BATCH) {
        let images = (start + BATCH).min(data.len()) - start;
        let pixels = images * data.shape.height * data.shape.width;
        let rows = batch::rows(data, start, start + images);
        let size = (pixels, data.shape.channels);
        let input = forward::levels(rows, quantization, size, &device);
        let output = forward::inference(model, quantization, &tensors, input, images);
        let values = super::tensor::values(output);
        all.extend(values.chunks_exact(model.outputs).map(<[_]>::to_vec));
    }
    all
}

/// The network with random weights for the data.
fn fresh(training: &Training<'_>, quantization: &Quantization) -> Result<Model, Error> {
    let mut rng = training.seed.derive("weights").rng();
    // ReLU's step has no weights of its own and marks where a table stands.
    let mut model = Model::new(training.graph, Activations::Relu, &mut rng)?;
    infer::fits(&model, training.data.training)?;
    infer::fits(&model, training.data.validation)?;
    run::start(&mut model, quantization, training.data.training, &mut rng);
    Ok(model)
}
