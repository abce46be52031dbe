//! Whether a placed map is sound and suits its instruction.

use super::{Pattern, PlacedMap, PlacedOperand, Tap};
use crate::ckks::budget::Budget;
use crate::ckks::marks::Marks;
use crate::ckks::{Layout, LinearPlan};

impl PlacedMap {
    /// What is wrong with the map in itself, for ciphertexts of `slots` slots, with both numbers. Costs one pass over
    /// elements, places and pairs.
    pub(crate) fn check(&self, slots: usize, budget: &mut Budget) -> Result<(), String> {
        budget
            .layout(&self.result)
            .map_err(|message| format!("result layout: {message}"))?;
        let ciphertexts = self.result.ciphertexts(slots);
        for (index, output) in self.outputs.iter().enumerate() {
            if output.ciphertext as usize >= ciphertexts || output.giant as usize >= slots {
                return Err(format!(
                    "output {index} is ciphertext {} of {ciphertexts}, rotated by {} of {slots} slots",
                    output.ciphertext, output.giant
                ));
            }
        }
        let mut wanted = 0usize;
        for (index, operand) in self.operands.iter().enumerate() {
            let own = operand
                .check(&self.result, budget)
                .map_err(|message| format!("operand {index}: {message}"))?;
            wanted = wanted.saturating_add(own);
        }
        if wanted != self.values.len() {
            return Err(format!(
                "there are {} weights, the patterns need {wanted}",
                self.values.len()
            ));
        }
        let layouts = self.operands.iter().map(|o| &o.layout);
        let periods = layouts
            .chain([&self.result])
            .map(|l| (l.period as usize).min(slots));
        let period = periods.max().unwrap_or(1);
        let mut layouts = self.operands.iter().map(|o| &o.layout);
        let batched = self.result.is_batched(slots) && layouts.all(|l| l.is_batched(slots));
        if batched && self.period == 1 {
            return Ok(());
        }
        if period != self.period {
            return Err(format!(
                "the period is {}, the layouts need {period}",
                self.period
            ));
        }
        Ok(())
    }

    /// What keeps the map, whose operands take `ciphertexts`, from being the constant of a plan.
    pub(crate) fn suits(
        &self,
        inputs: usize,
        plan: &LinearPlan,
        ciphertexts: usize,
    ) -> Result<(), String> {
        if self.outputs.len() != plan.outputs as usize {
            return Err(format!(
                "describes {} outputs, the plan has {}",
                self.outputs.len(),
                plan.outputs
            ));
        }
        if ciphertexts != inputs {
            return Err(format!(
                "describes {ciphertexts} operands, there are {inputs}"
            ));
        }
        Ok(())
    }

    /// Ciphertexts that its operands take.
    pub(crate) fn ciphertexts(&self, slots: usize) -> usize {
        let layouts = self.operands.iter().map(|o| &o.layout);
        layouts.map(|layout| layout.ciphertexts(slots)).sum()
    }
}

impl PlacedOperand {
    /// The number of weights.
    fn check(&self, result: &Layout, budget: &mut Budget) -> Result<usize, String> {
        budget
            .layout(&self.layout)
            .map_err(|message| format!("layout: {message}"))?;
        let ([outputs, ..], [inputs, ..]) = (result.shape, self.layout.shape);
        let (mut places, mut weights) = (0usize, 0usize);
        for pattern in &self.patterns {
            if pattern.taps.is_empty() {
                return Err("a pattern has no taps".into());
            }
            for tap in &pattern.taps {
                tap.check(result.shape, self.layout.shape)?;
                places = places.saturating_add(tap.len());
            }
            for block in &pattern.blocks {
                let outside = |[first, end]: [u32; 2], count| first >= end || end > count;
                if outside(block.outputs, outputs) || outside(block.inputs, inputs) {
                    return Err(format!(
                        "a block joins output channels {}..{} of {outputs} and input channels {}..{} of {inputs}",
                        block.outputs[0], block.outputs[1], block.inputs[0], block.inputs[1]
                    ));
                }
            }
            weights = weights.saturating_add(pattern.pairs().saturating_mul(pattern.weights()));
        }
        budget.places(places)?;
        budget.pairs((outputs as usize).saturating_mul(inputs as usize))?;
        self.distinct(outputs, inputs, result)?;
        Ok(weights)
    }

    /// No pair of channels is in two patterns, no pair of places in two taps.
    fn distinct(&self, outputs: u32, inputs: u32, result: &Layout) -> Result<(), String> {
        let mut taken = Marks::new(outputs as usize * inputs as usize);
        for pattern in &self.patterns {
            for (output, input) in pattern.blocks.iter().flat_map(|b| b.pairs()) {
                let cell = output as usize * inputs as usize + input as usize;
                if taken.set(cell) {
                    return Err(format!("channels {output} and {input} are joined twice"));
                }
            }
            let mut places: Vec<(u32, u32)> = pattern
                .places(result.shape[2], self.layout.shape[2])
                .map(|(o, i, _)| (o, i))
                .collect();
            places.sort_unstable();
            if let Some(pair) = places.windows(2).find(|pair| pair[0] == pair[1]) {
                let (output, input) = pair[0];
                return Err(format!(
                    "result place {output} reads place {input} by two taps"
                ));
            }
        }
        Ok(())
    }
}

impl Pattern {
    /// `(place in the result's channel, place in the operand's, weight of the pair)` of all taps, for channels of these
    /// widths; sensible only after the taps are checked.
    pub(super) fn places(&self, width: u32, from: u32) -> impl Iterator<Item = (u32, u32, u32)> {
        self.taps.iter().flat_map(move |tap| {
            (tap.rows[0]..tap.rows[1]).flat_map(move |y| {
                (tap.columns[0]..tap.columns[1]).map(move |x| {
                    let source = tap.source(0, y) * i64::from(from) + tap.source(1, x);
                    (y * width + x, source as u32, tap.weight)
                })
            })
        })
    }
}

impl Tap {
    fn check(&self, result: [u32; 3], operand: [u32; 3]) -> Result<(), String> {
        for (axis, (name, [first, end])) in [("rows", self.rows), ("columns", self.columns)]
            .into_iter()
            .enumerate()
        {
            let (extent, source) = (result[axis + 1], operand[axis + 1]);
            if first >= end || end > extent {
                return Err(format!(
                    "a tap has {name} {first}..{end}, the result has {extent}"
                ));
            }
            for at in [first, end - 1] {
                let from = self.source(axis, at);
                if from < 0 || from >= i64::from(source) {
                    return Err(format!(
                        "a tap reads {name} {from} for {at}, the operand has {source}"
                    ));
                }
            }
        }
        Ok(())
    }
}
