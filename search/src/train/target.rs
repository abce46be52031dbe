//! Target: another kind of images that a network is to work on, of which few have labels.
//!
//! A training that adapts learns from source and target images in batches of their own, [`SOURCE_BATCHES`] of the
//! source for one of the target (Tanwani, "DIRL", CoRL 2020, takes 40 images and 10), so that batch norms see one kind
//! of images at a time. What it exports has the batch-norm statistics of unlabeled target images (Li et al.,
//! "Revisiting batch normalization for practical domain adaptation", 2016).

use burn::tensor::Device;
use rand::Rng;

use super::batch::{epoch_order, rows};
use super::forward::Penalty;
use super::model::Model;
use super::tensor::matrix;
use crate::data::Dataset;

/// Batches of the source for one of the target.
const SOURCE_BATCHES: usize = 4;
/// Images that statistics are of.
pub(super) const STATISTICS: usize = 512;

/// What a training adapts to.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Images of it, of whose labels nothing is taken: batch norms get their statistics.
    pub unlabeled: &'a Dataset,
    /// How many of the training images are of it: the last ones.
    pub labeled: usize,
}

impl Target<'_> {
    /// The order of an epoch over `len` images: each of the source once, in full batches, and a batch of the target
    /// behind every few of them. Without a source the target's images alone.
    pub(super) fn order(&self, len: usize, batch: usize, rng: &mut impl Rng) -> Vec<Vec<usize>> {
        let border = len - self.labeled;
        if border == 0 || self.labeled == 0 {
            return epoch_order(len, batch, rng);
        }
        let source = epoch_order(border, batch, rng);
        let mut target: Vec<Vec<usize>> = Vec::new();
        let mut order = Vec::new();
        for source in source.chunks(SOURCE_BATCHES) {
            if target.is_empty() {
                target = epoch_order(self.labeled, batch, rng);
            }
            order.extend(source.iter().cloned());
            let own = target.pop().unwrap_or_default();
            order.push(own.iter().map(|index| border + index).collect());
        }
        order
    }
}

impl Model {
    /// Batch norms take the statistics of the first of these images, each as it sees them behind the others.
    pub(super) fn take_statistics(&mut self, images: &Dataset, device: &Device) {
        let count = STATISTICS.min(images.len());
        let pixels = count * images.shape.height * images.shape.width;
        let input = matrix(
            rows(images, 0, count),
            pixels,
            images.shape.channels,
            device,
        );
        let tensors = self.tensors(device, false);
        let nothing = Penalty {
            bound: f32::INFINITY,
            weight: 0.0,
        };
        let output = self.forward_training(&tensors, input, count, nothing);
        self.update_running(&output, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hemet_spaces::Shape;

    use super::*;
    use crate::Seed;

    fn unlabeled() -> Dataset {
        Dataset {
            name: "two".into(),
            shape: Shape::new(1, 1, 1),
            classes: 2,
            class_names: vec!["0".into(), "1".into()],
            images: vec![0.0, 1.0],
            labels: vec![0, 1],
            held_out: 0,
            measure: crate::data::Measure::default(),
            targets: Vec::new(),
            columns: None,
        }
    }

    #[test]
    fn batches_hold_one_kind_of_images_four_of_the_source_for_one_of_the_target() {
        let unlabeled = unlabeled();
        let target = Target {
            unlabeled: &unlabeled,
            labeled: 25,
        };
        let order = target.order(185, 10, &mut Seed::new(1).rng());
        assert_eq!(order.len(), 16 + 4);
        let is_target = |batch: &Vec<usize>| batch.iter().all(|index| *index >= 160);
        let is_source = |batch: &Vec<usize>| batch.iter().all(|index| *index < 160);
        for (place, batch) in order.iter().enumerate() {
            assert_eq!(batch.len(), 10);
            assert!(if place % 5 == 4 {
                is_target(batch)
            } else {
                is_source(batch)
            });
        }
        let seen: BTreeSet<&usize> = order.iter().flatten().collect();
        assert_eq!(seen.iter().filter(|index| ***index < 160).count(), 160);
        assert!(seen.iter().filter(|index| ***index >= 160).count() >= 20);
        let alone = target.order(25, 10, &mut Seed::new(1).rng());
        assert_eq!(alone.len(), 2, "no source");
    }
}
