//! Plan: a block affine map as one `linear` instruction: its terms, and the values of its diagonals.

use std::collections::HashMap;

use hemet_schedule::{Layout, LinearPlan, LinearTerm};

use super::{Footprint, Places, Split, StepCosts, step};
use crate::net::SparseMap;

/// An operand of the map.
pub struct Operand<'a> {
    /// The map on it.
    pub map: &'a SparseMap,
    /// The map's footprint.
    pub footprint: &'a Footprint,
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
    /// Ciphertexts of the result that the instruction makes, ascending; the plan's outputs in this order.
    pub outputs: Vec<u32>,
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

/// Plans `Σ map_i · x_i` into `layout` with the splits that are cheapest at `costs`. Outputs in `required` are made even if no entry
/// reaches them.
pub fn plan(
    operands: &[Operand<'_>],
    layout: &Layout,
    slots: usize,
    costs: &StepCosts,
    required: &[u32],
) -> Result<Plan, String> {
    let to = Places::new(layout, slots);
    let mut placed = Vec::new();
    let mut terms: Vec<LinearTerm> = Vec::new();
    for operand in operands {
        let places = Places::new(operand.layout, slots);
        let modulus = places.period.min(to.period);
        let diagonals = operand.footprint.diagonals(&places, &to, slots);
        let strides: Vec<u32> = places.strides.iter().chain(&to.strides).copied().collect();
        let (split, _) = Split::cheapest(&diagonals, modulus, &strides, costs);
        for diagonal in &diagonals {
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
    let mut outputs: Vec<u32> = terms.iter().map(|t| t.output).collect();
    outputs.dedup();
    let widest = placed.iter().map(|p| p.places.period).max().unwrap_or(1);
    let mut planned = Plan {
        plan: LinearPlan {
            outputs: outputs.len() as u32,
            terms,
        },
        outputs,
        period: widest.max(to.period) as usize,
        folds: std::iter::successors(Some(to.period), |step| Some(step * 2))
            .take_while(|step| *step < widest)
            .collect(),
        values: Vec::new(),
    };
    if operands.iter().all(|o| o.map.has_values()) {
        fill(&mut planned, operands, &placed, layout, slots)?;
    }
    for term in &mut planned.plan.terms {
        let position = planned.outputs.partition_point(|o| *o < term.output);
        term.output = position as u32;
    }
    Ok(planned)
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
