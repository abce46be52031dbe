//! What the logits are compared with: by the cross entropy, or by the squared error where values are predicted.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor};

use super::options::TrainOptions;
use super::tensor::matrix;
use crate::data::Dataset;

/// Smoothed labels, weighted by class where classes are to count alike.
pub(super) struct Targets {
    smoothing: f32,
    /// Of each class; 1 in the mean over the training images.
    weights: Vec<f32>,
}

impl Targets {
    pub fn new(data: &Dataset, options: &TrainOptions) -> Self {
        let mut images = vec![0usize; data.classes];
        data.labels
            .iter()
            .for_each(|l| images[usize::from(*l)] += 1);
        let share = data.len() as f32 / data.classes as f32;
        let weight = |images: usize| match options.balance {
            true => share / images.max(1) as f32,
            false => 1.0,
        };
        Self {
            smoothing: options.label_smoothing,
            weights: images.into_iter().map(weight).collect(),
        }
    }

    /// `[images][classes]` for the images at `indices`.
    pub fn rows(&self, data: &Dataset, indices: &[usize]) -> Vec<f32> {
        let classes = data.classes;
        let mut rows = vec![self.smoothing / classes as f32; indices.len() * classes];
        for (row, index) in rows.chunks_exact_mut(classes).zip(indices) {
            let label = usize::from(data.labels[*index]);
            row[label] += 1.0 - self.smoothing;
            row.iter_mut().for_each(|v| *v *= self.weights[label]);
        }
        rows
    }
}

/// The mean over the images of `−Σ targets · log softmax(logits)`, as `[1][1]`; both are `[images][classes]`.
pub(super) fn cross_entropy(logits: Tensor<2>, targets: Vec<f32>, device: &Device) -> Tensor<2> {
    let [images, classes] = logits.dims();
    let targets = matrix(targets, images, classes, device);
    (log_softmax(logits, 1) * targets)
        .sum()
        .mul_scalar(-1.0 / images as f32)
        .reshape([1, 1])
}

/// The mean over the images of `(logits − targets)²`, as `[1][1]`; both are `[images][1]`.
pub(super) fn squared_error(logits: Tensor<2>, targets: Vec<f32>, device: &Device) -> Tensor<2> {
    let [images, outputs] = logits.dims();
    let targets = matrix(targets, images, outputs, device);
    let difference = logits - targets;
    (difference.clone() * difference)
        .sum()
        .mul_scalar(1.0 / images as f32)
        .reshape([1, 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    #[test]
    fn balanced_classes_count_alike_and_the_mean_weight_stays() {
        let data = data::load("optdigits", None).unwrap().train;
        let indices: Vec<usize> = (0..data.len()).collect();
        for (balance, smoothing) in [(false, 0.1), (true, 0.0), (true, 0.1)] {
            let options = TrainOptions {
                balance,
                label_smoothing: smoothing,
                ..TrainOptions::default()
            };
            let rows = Targets::new(&data, &options).rows(&data, &indices);
            let mut of_class = vec![0.0; data.classes];
            for (row, label) in rows.chunks_exact(data.classes).zip(&data.labels) {
                of_class[usize::from(*label)] += row.iter().sum::<f32>();
            }
            let all: f32 = of_class.iter().sum();
            assert!((all / data.len() as f32 - 1.0).abs() < 1e-3, "{all}");
            let alike = |c: &f32| (c / all * data.classes as f32 - 1.0).abs() < 1e-3;
            assert_eq!(of_class.iter().all(alike), balance);
        }
    }
}
