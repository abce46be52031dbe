//! Plan: a block affine map as one `linear` instruction: its terms, and the values of its diagonals.

use std::collections::HashMap;

use hemet_schedule::{Layout, LinearPlan, LinearTerm};

use super::{Choice, Diagonal, Places, Split, folds, step};
use crate::net::SparseMap;

/// An operand of the map.
pub struct Operand<'a> {
    /// The map on it.
    pub map: &'a SparseMap,
    /// The map's diagonals.
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
    /// Ciphertexts of the result that the instruction makes, ascending, each with its chain: `(giant step, output of the
    /// plan)`, ascending by step. Without chaining each has one link of step 0.
    pub outputs: Vec<(u32, Vec<(i64, u32)>)>,
    /// Number of values of each diagonal.
    pub period: usize,
    /// Rotations by these steps, each added to what it rotates, fold the partial sums of each output.
    pub folds: Vec<u32>,
    /// Term-major values of the diagonals; empty without weights.
    pub values: Vec<f64>,
}

/// The terms of one operand before they are sorted into the plan.
struct Placed {
    split: Split,
    modulus: u32,
    places: Places,
}

/// Plans `Σ map_i · x_i` into `layout` with the splits of `choice`. Outputs in `required` are made even if no entry reaches them.
pub fn plan(
    operands: &[Operand<'_>],
    layout: &Layout,
    slots: usize,
    choice: &Choice,
    required: &[u32],
) -> Result<Plan, String> {
    let to = Places::new(layout, slots);
    let mut placed = Vec::new();
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
        placed.push(Placed {
            split,
            modulus,
            places,
        });
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
    let widest = placed.iter().map(|p| p.places.period).max().unwrap_or(1);
    let mut planned = Plan {
        plan: LinearPlan { outputs: 0, terms },
        outputs: Vec::new(),
        period: widest.max(to.period) as usize,
        folds: folds(to.period, widest).collect(),
        values: Vec::new(),
    };
    if operands.iter().all(|o| o.map.has_values()) {
        fill(&mut planned, operands, &placed, layout, slots)?;
    }
    number_outputs(&mut planned, choice.chained, slots);
    Ok(planned)
}

/// Numbers the outputs of a plan whose terms name ciphertexts of the result: one for each, or, chained, one for each giant step of each.
/// The terms stay in their order.
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

/// Puts the values of the maps on the diagonals.
fn fill(
    planned: &mut Plan,
    operands: &[Operand<'_>],
    placed: &[Placed],
    layout: &Layout,
    slots: usize,
) -> Result<(), String> {
    let index: HashMap<LinearTerm, usize> = planned
        .plan
        .terms
        .iter()
        .enumerate()
        .map(|(position, term)| (*term, position))
        .collect();
    let period = planned.period;
    let mut values = vec![0.0; period * index.len()];
    let rows = layout.positions();
    let result_period = layout.period.min(slots as u32);
    for (operand, placed) in operands.iter().zip(placed) {
        let columns = operand.layout.positions();
        let operand_period = placed.places.period;
        // Per (ciphertext pair, distance): the term and its steps, looked up once.
        let mut known: HashMap<(u32, u32, u32), (usize, i64, i64)> = HashMap::new();
        for (row, &p) in rows.iter().enumerate() {
            let entries = operand.map.columns(row).iter().zip(operand.map.values(row));
            for (&column, &value) in entries {
                let q = columns[column as usize];
                let distance = q.wrapping_sub(p) & (placed.modulus - 1);
                let key = (p / slots as u32, q / slots as u32, distance);
                let (term, giant, baby) = match known.get(&key) {
                    Some(found) => *found,
                    None => {
                        let (giant, baby) = placed.split.parts(distance, placed.modulus);
                        let term = LinearTerm {
                            output: key.0,
                            giant: step(giant, slots),
                            input: operand.first + key.1,
                            baby: step(baby, slots),
                        };
                        let position = *index.get(&term).ok_or_else(|| {
                            format!("entry ({row}, {column}) lies on no planned diagonal")
                        })?;
                        known.insert(key, (position, giant, baby));
                        (position, giant, baby)
                    }
                };
                // See the module's source: with partial sums the operand's position fixes the slot, else the result's.
                let slot = if operand_period <= result_period {
                    (i64::from(p) + giant).rem_euclid(period as i64)
                } else {
                    (i64::from(q) - baby).rem_euclid(i64::from(operand_period))
                };
                values[term * period + slot as usize] += value;
            }
        }
    }
    planned.values = values;
    Ok(())
}
