//! The first phase: a warm-up, then a cosine or a straight line to 0 (Smith and Topin, Super-convergence, 2019;
//! Loshchilov and Hutter, SGDR, 2017).

use std::f32::consts::PI;

use super::{Layers, Phase};
use crate::train::options::Schedule;

/// Least share of the learning rate in the warm-up.
const FIRST: f32 = 0.05;

/// The first phase.
#[derive(Clone, Debug)]
pub(crate) struct Learn {
    /// Passes over the training images, at least 1.
    pub epochs: usize,
    /// Share of the phase in which the learning rate rises, 0 to below 1.
    pub warmup: f32,
    /// How it falls then.
    pub schedule: Schedule,
}

impl Phase for Learn {
    fn epochs(&self) -> usize {
        self.epochs
    }

    fn layers(&self) -> Layers {
        Layers::All
    }

    fn rate(&self, progress: f32) -> f32 {
        if progress < self.warmup {
            return (progress / self.warmup).max(FIRST);
        }
        let (done, whole) = (progress - self.warmup, 1.0 - self.warmup);
        match self.schedule {
            Schedule::Cosine => fall(done, whole),
            Schedule::Triangular => 1.0 - done / whole,
        }
    }
}

/// A cosine from 1 to 0, `done` of `whole` on its way.
pub(super) fn fall(done: f32, whole: f32) -> f32 {
    0.5 * (1.0 + (PI * done / whole).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_rises_to_its_peak_and_ends_at_zero() {
        for schedule in [Schedule::Cosine, Schedule::Triangular] {
            let learn = Learn {
                epochs: 1,
                warmup: 0.2,
                schedule,
            };
            assert!((learn.rate(0.2) - 1.0).abs() < 1e-6);
            assert!((learn.rate(0.6) - 0.5).abs() < 1e-6, "halfway down");
            assert!(learn.rate(0.0) < learn.rate(0.1));
            assert!(learn.rate(1.0).abs() < 1e-6);
            let without = Learn {
                warmup: 0.0,
                ..learn
            };
            assert_eq!(without.rate(0.0), 1.0);
        }
    }
}
