//! Training with quantization in the loop: the forward pass computes with the integers of the network that is exported
//! (rounded weights, tables for activations, accumulators that wrap). The backward pass goes straight through the
//! rounding to latent weights.
//!
//! Batch norms take integer accumulators. With the activation they become the table of each channel, so a channel's
//! scale costs nothing. Weights start so sparse that accumulators fill a part of their window, and a penalty keeps
//! them in it. The result is a graph's ordinary [`Weights`] in units of the integers: [`QuantizedNetwork::quantize`]
//! makes the network of them, and its accuracy is what is reported.

pub mod forward;
pub mod start;

use burn::tensor::Device;
use hemet_spaces::quantized::Quantization;
use hemet_spaces::{LayerGraph, QuantizedNetwork, Weights};

use super::model::Model;
use super::tensor::values;
use super::{batch, infer};
use crate::Error;
use crate::data::Dataset;

/// Images that run at once at inference.
const BATCH: usize = 256;

/// The integer logits of every image, `[image][class]`: what [`QuantizedNetwork::evaluate`] gives for the network of
/// these weights, a batch at a time.
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

/// As [`logits`], of a network in training.
pub fn model_logits(model: &Model, quantization: &Quantization, data: &Dataset) -> Vec<Vec<f32>> {
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
        all.extend(
            values(output)
                .chunks_exact(model.outputs)
                .map(<[_]>::to_vec),
        );
    }
    all
}
