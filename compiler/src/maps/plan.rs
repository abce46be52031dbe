//! Plan: a block affine map as one `linear` instruction: its terms and what its outputs are.

use hemet_schedule::placed::PlacedOutput;
use hemet_schedule::{Layout, LinearPlan, LinearTerm};

use super::{BlockSplit, Diagonal, Places, folds, step};

/// An operand of the map.
pub struct Operand<'a> {
    /// The diagonals of the map on it.
    pub diagonals: &'a [Diagonal],
    /// Where the operand lies.
    pub layout: &'a Layout,
    /// Position of its first ciphertext among the instruction's operands.
    pub first: u32,
}

/// A `linear` instruction and what follows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The terms.
    pub plan: LinearPlan,
    /// Ciphertexts of the result that the instruction makes, ascending, each with its chain: `(giant step, output of
    /// the plan)`, ascending by step. Without chaining each has one link of step 0.
    pub outputs: Vec<(u32, Vec<(i64, u32)>)>,
    /// Number of values of each diagonal.
    pub period: usize,
    /// Rotations by these steps, each added to what it rotates, fold the partial sums of each output.
    pub folds: Vec<u32>,
}

impl Plan {
    /// What each output of the plan is, for a map that is stored by its weights.
    pub fn placed_outputs(&self, slots: usize) -> Vec<PlacedOutput> {
        let chains = self.outputs.iter();
        let mut placed: Vec<(u32, PlacedOutput)> = chains
            .flat_map(|(ciphertext, chain)| {
                chain.iter().map(|(giant, output)| {
                    let (ciphertext, giant) = (*ciphertext, step(*giant, slots));
                    (*output, PlacedOutput { ciphertext, giant })
                })
            })
            .collect();
        placed.sort_unstable_by_key(|(output, _)| *output);
        placed.into_iter().map(|(_, placed)| placed).collect()
    }
}

/// Plans `Σ map_i · x_i` into `layout` with the splits of `choice`. Outputs in `required` are made even if no entry
/// reaches them.
pub fn plan(
    operands: &[Operand<'_>],
    layout: &Layout,
    slots: usize,
    choice: &BlockSplit,
    required: &[u32],
) -> Plan {
    let to = Places::new(layout, slots);
    let mut widest = 1;
    let mut terms: Vec<LinearTerm> = Vec::new();
    for (operand, &split) in operands.iter().zip(&choice.splits) {
        let places = Places::new(operand.layout, slots);
        let modulus = places.period.min(to.period);
        for diagonal in operand.diagonals {
            let (giant, baby) = split.parts(diagonal.distance, modulus);
            terms.push(LinearTerm {
                output: diagonal.output,
                giant: step(giant, slots),
                input: operand.first + diagonal.input,
                baby: step(baby, slots),
            });
        }
        widest = places.period.max(widest);
    }
    for &output in required {
        if terms.iter().all(|t| t.output != output) {
            terms.push(LinearTerm {
                output,
                giant: 0,
                input: 0,
                baby: 0,
            });
        }
    }
    terms.sort_unstable();
    terms.dedup();
    let mut planned = Plan {
        plan: LinearPlan { outputs: 0, terms },
        outputs: Vec::new(),
        period: widest.max(to.period) as usize,
        folds: folds(to.period, widest).collect(),
    };
    number_outputs(&mut planned, choice.chained, slots);
    planned
}

/// Numbers the outputs of a plan whose terms name ciphertexts of the result: one for each, or, chained, one for each
/// giant step of each. The terms stay in their order.
fn number_outputs(planned: &mut Plan, chained: bool, slots: usize) {
    let plan = &mut planned.plan;
    let mut last = None;
    for term in &mut plan.terms {
        let giant = if chained { term.giant } else { 0 };
        let place = (term.output, giant);
        if last != Some(place) {
            let link = (signed(giant, slots), plan.outputs);
            plan.outputs += 1;
            match planned.outputs.last_mut() {
                Some((output, chain)) if *output == term.output => chain.push(link),
                Some(_) | None => planned.outputs.push((term.output, vec![link])),
            }
            last = Some(place);
        }
        term.output = plan.outputs - 1;
        if chained {
            term.giant = 0;
        }
    }
    for (_, chain) in &mut planned.outputs {
        chain.sort_unstable();
    }
}

/// The step nearest to 0 that rotates as `step` does.
fn signed(step: u32, slots: usize) -> i64 {
    let (step, slots) = (i64::from(step), slots as i64);
    if step > slots / 2 { step - slots } else { step }
}
