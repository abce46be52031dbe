//! The linear maps that are timed.

use hemet_ckks::{LinearPlan, LinearTerm};
use hemet_schedule::CostKind;

use crate::error::Result;

/// The costs inside a linear map, in the order of [`Shape::counts`].
pub(crate) const LINEAR_KINDS: [CostKind; 5] = [
    CostKind::Decompose,
    CostKind::BabyStep,
    CostKind::Diagonal,
    CostKind::GiantStep,
    CostKind::Finish,
];

/// Giant steps are multiples of this, baby steps lie below it.
const GIANT_STRIDE: usize = 32;
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

/// Shapes that differ enough to tell the five costs apart, and are like those of networks. All have giant steps: the engine
/// brings back nothing where there are none, so for a map without giant steps [`CostKind::Finish`] predicts a little too much.
pub(crate) const SHAPES: [Shape; 8] = [
    shape([1, 1, 2, 1, 1]),
    shape([1, 1, 8, 1, 1]),
    shape([1, 8, 2, 1, 1]),
    shape([1, 8, 8, 1, 1]),
    shape([1, 8, 8, 1, 3]),
    shape([1, 3, 4, 1, 1]),
    shape([1, 8, 4, 2, 1]),
    shape([2, 4, 4, 1, 1]),
];

impl Shape {
    pub(crate) fn terms(self) -> usize {
        self.inputs * self.babies * self.giants * self.outputs * self.copies
    }

    /// How often each of [`LINEAR_KINDS`] occurs, by the rule of `hemet_schedule::cost::costs`.
    pub(crate) fn counts(self) -> [f64; 5] {
        let rotated = if self.babies > 1 { self.inputs } else { 0 };
        [
            rotated,
            self.inputs * (self.babies - 1),
            self.terms(),
            self.outputs * (self.giants - 1),
            self.outputs,
        ]
        .map(|count| count as f64)
    }

    /// The plan; term `t` uses diagonal `t` modulo `diagonals`.
    pub(crate) fn plan(self, diagonals: usize) -> Result<LinearPlan> {
        let mut terms: Vec<LinearTerm> = Vec::with_capacity(self.terms());
        for output in 0..self.outputs {
            for giant in 0..self.giants {
                for product in 0..self.inputs * self.babies * self.copies {
                    terms.push(LinearTerm {
                        output,
                        giant: (giant * GIANT_STRIDE) as i64,
                        input: product % self.inputs,
                        baby: (product / self.inputs % self.babies) as i64,
                        diagonal: terms.len() % diagonals.max(1),
                    });
                }
            }
        }
        Ok(LinearPlan::new(self.inputs, self.outputs, &terms)?)
    }
}

/// The steps that the shapes rotate by.
pub(crate) fn steps() -> Vec<i64> {
    (1..MOST_STEPS)
        .flat_map(|k| [k as i64, (k * GIANT_STRIDE) as i64])
        .collect()
}
