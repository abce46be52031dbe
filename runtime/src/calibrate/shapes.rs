//! The linear maps that are timed.

use hemet_ckks::{LinearPlan, LinearTerm};
use hemet_schedule::CostKind;

use crate::error::Result;

/// Giant steps are multiples of this, baby steps lie below it.
const GIANT_STRIDE: usize = 32;
/// Steps of different variants differ by multiples of this.
const VARIANT_STRIDE: usize = MOST_STEPS * GIANT_STRIDE;
/// Most baby or giant steps, 0 included.
pub(crate) const MOST_STEPS: usize = 8;

/// A dense map: every output has every giant step, operand and baby step, `copies` times with different diagonals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) inputs: usize,
    babies: usize,
    giants: usize,
    outputs: usize,
    copies: usize,
}

const fn shape([inputs, babies, giants, outputs, copies]: [usize; 5]) -> Shape {
    Shape {
        inputs,
        babies,
        giants,
        outputs,
        copies,
    }
}

/// A map of many diagonals.
pub(crate) const DENSE: Shape = shape([1, 8, 8, 1, 3]);

/// Shapes that differ enough to tell the costs inside a map apart, and are like those of networks.
pub(crate) const SHAPES: [Shape; 7] = [
    shape([1, 1, 8, 1, 1]),
    shape([1, 8, 1, 1, 1]),
    shape([1, 8, 2, 1, 1]),
    DENSE,
    shape([1, 3, 4, 1, 1]),
    shape([1, 8, 4, 2, 1]),
    shape([2, 4, 4, 1, 1]),
];

impl Shape {
    pub(crate) fn terms(self) -> usize {
        self.inputs * self.babies * self.giants * self.outputs * self.copies
    }

    /// How often each cost occurs, by the rule of `hemet_schedule::cost::costs`.
    pub(crate) fn counts(self, is_rescaled: bool) -> Vec<(CostKind, usize)> {
        let decomposed = if self.babies > 1 { self.inputs } else { 0 };
        let has_giants = self.giants > 1;
        let end = match (has_giants, is_rescaled) {
            (true, false) => (CostKind::Finish, self.outputs),
            (true, true) => (CostKind::FinishRescale, self.outputs),
            (false, false) => (CostKind::Finish, 0),
            (false, true) => (CostKind::Rescale, self.outputs),
        };
        vec![
            (CostKind::Decompose, decomposed),
            (CostKind::BabyStep, self.inputs * (self.babies - 1)),
            (CostKind::Diagonal, self.terms()),
            (CostKind::GiantStep, self.outputs * (self.giants - 1)),
            end,
        ]
    }

    /// The plan of variant `variant`, whose steps are its own; term `t` uses diagonal `t` modulo `diagonals`.
    pub(crate) fn plan(self, variant: usize, diagonals: usize) -> Result<LinearPlan> {
        let mut terms: Vec<LinearTerm> = Vec::with_capacity(self.terms());
        for output in 0..self.outputs {
            for giant in 0..self.giants {
                for product in 0..self.inputs * self.babies * self.copies {
                    terms.push(LinearTerm {
                        output,
                        giant: step(variant, giant * GIANT_STRIDE),
                        input: product % self.inputs,
                        baby: step(variant, product / self.inputs % self.babies),
                        diagonal: terms.len() % diagonals.max(1),
                    });
                }
            }
        }
        Ok(LinearPlan::new(self.inputs, self.outputs, &terms)?)
    }
}

/// The step of a variant that stands for `of`; 0 stays 0.
fn step(variant: usize, of: usize) -> i64 {
    match of {
        0 => 0,
        of => (variant * VARIANT_STRIDE + of) as i64,
    }
}

/// The steps that the shapes rotate by, in `variants` variants.
pub(crate) fn steps(variants: usize) -> Vec<i64> {
    let of = |variant| {
        (1..MOST_STEPS).flat_map(move |k| [step(variant, k), step(variant, k * GIANT_STRIDE)])
    };
    (0..variants).flat_map(of).collect()
}
