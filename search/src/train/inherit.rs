//! Weights taken over from another network, where name and shape of tensors agree.
//!
//! Exported batch norms are folded: a scale and a shift. A pass over some training images gives the statistics by which
//! they become batch norms again that compute the same.

use burn::tensor::Device;
use hemet_spaces::Weights;

use super::batch;
use super::kernel::batch_norm::{EPSILON, Statistics};
use super::model::Model;
use super::tensor::matrix;
use crate::data::Dataset;

impl Model {
    /// Takes over what agrees. Statistics are those of the first `images` images of `data`.
    pub fn inherit(&mut self, weights: &Weights, data: &Dataset, images: usize) {
        let images = images.min(data.len());
        self.inherit_on(weights, batch::rows(data, 0, images), images);
    }

    /// As [`Self::inherit`], with the statistics of so many inputs, `[images·height·width][channels]`.
    pub fn inherit_on(&mut self, weights: &Weights, rows: Vec<f32>, images: usize) {
        let taken: Vec<bool> = self
            .parameters
            .iter_mut()
            .map(|parameter| parameter.import(weights).is_ok())
            .collect();
        let device = Device::flex();
        let tensors = self.tensors(&device, false);
        let pixels = images * self.input.height * self.input.width;
        let input = matrix(rows, pixels, self.input.channels, &device);
        for ((scale, shift, running), statistics) in
            self.forward_calibration(&tensors, input, images, &taken)
        {
            if taken[scale] && taken[shift] {
                self.unfold(scale, shift, &statistics);
            }
            self.running[running].mean = statistics.mean;
            self.running[running].variance = statistics.variance;
        }
    }

    /// Turns a folded batch norm back into one with these statistics.
    fn unfold(&mut self, scale: usize, shift: usize, statistics: &Statistics) {
        for (c, (mean, variance)) in statistics.mean.iter().zip(&statistics.variance).enumerate() {
            let folded = self.parameters[scale].value[c];
            self.parameters[shift].value[c] += folded * mean;
            self.parameters[scale].value[c] = folded * (variance + EPSILON).sqrt();
        }
    }
}
