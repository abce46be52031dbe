//! The phases of a training in their order, and which of them an epoch belongs to.

use super::options::TrainOptions;
use super::phase::Phase;
use super::phase::learn::Learn;
use super::recipe::Recipe;

/// The phases of a training.
pub(super) struct Plan {
    phases: Vec<Box<dyn Phase>>,
}

/// Where an epoch stands.
pub(super) struct Place<'a> {
    /// Its phase.
    pub phase: &'a dyn Phase,
    /// Epochs before the phase.
    pub before: usize,
}

impl Plan {
    /// The first phase, then those that the options name.
    pub fn of(options: &TrainOptions, recipe: Recipe<'_>) -> Self {
        let warmup = match recipe {
            Recipe::Polynomials | Recipe::Relu => options.warmup,
            // Rounding undoes small steps, so there is no use in warming up.
            Recipe::Quantized(_) => 0.0,
        };
        let learn = Learn {
            epochs: options.epochs,
            warmup,
            schedule: options.schedule,
        };
        let first: Box<dyn Phase> = Box::new(learn);
        let others = options.phases.iter().map(|phase| phase.phase());
        Self {
            phases: std::iter::once(first).chain(others).collect(),
        }
    }

    /// Epochs of all phases.
    pub fn epochs(&self) -> usize {
        self.phases.iter().map(|phase| phase.epochs()).sum()
    }

    /// Where epoch `epoch` (from 0) stands; one beyond the end stands in the last phase.
    pub fn at(&self, epoch: usize) -> Place<'_> {
        let (first, others) = self.phases.split_first().expect("there is a first phase");
        let mut place = Place {
            phase: first.as_ref(),
            before: 0,
        };
        for phase in others {
            let next = place.before + place.phase.epochs();
            if epoch < next {
                break;
            }
            place = Place {
                phase: phase.as_ref(),
                before: next,
            };
        }
        place
    }
}
