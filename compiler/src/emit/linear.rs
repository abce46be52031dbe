//! Emission of linear nodes: which terms share an instruction, their constants, and how partial sums become the result.

use std::sync::Arc;

use hemet_schedule::placed::{PlacedMap, PlacedOperand};
use hemet_schedule::{Constant, Op, Scale, Type, ValueId};

use super::Emitter;
use crate::maps::{BlockSplit, Operand, PlacedWeights, Plan, links, plan, step};
use crate::net::{Bias, Rounding, TensorId, Term};
use crate::{Error, Target};

/// Up to this precision of the scales constants are rounded to 32-bit floats.
const NARROW_PRECISION_BITS: u32 = 12;

impl Emitter<'_> {
    /// The sum of the terms, rescaled, and the bias.
    pub(super) fn linear(
        &mut self,
        id: TensorId,
        terms: &[Term],
        bias: &Bias,
    ) -> Result<Vec<ValueId>, Error> {
        let level = self.structure.levels.operands(id);
        // Operands of one scale go into one instruction.
        let mut groups: Vec<(Type, Vec<usize>)> = Vec::new();
        for (index, term) in terms.iter().enumerate() {
            let values = self.operand(term.input, level)?;
            let ty = self.builder.type_of(values[0]).clone();
            match groups.iter_mut().find(|(other, _)| *other == ty) {
                Some((_, members)) => members.push(index),
                None => groups.push((ty, vec![index])),
            }
        }
        let target = self.target(id, &groups);
        let count = self.structure.layouts[id.0].ciphertexts(self.slots);
        let mut sums: Vec<Option<ValueId>> = vec![None; count];
        for (position, (ty, members)) in groups.iter().enumerate() {
            let required: Vec<u32> = match position {
                0 => (0..count as u32).collect(),
                _ => Vec::new(),
            };
            let scale = target.over(&ty.scale);
            for (output, value) in self.group(id, terms, members, scale, &required)? {
                let sum = &mut sums[output as usize];
                *sum = Some(match *sum {
                    Some(a) => self.builder.push(Op::Add { a, b: value })?[0],
                    None => value,
                });
            }
        }
        let sums: Vec<ValueId> = sums.into_iter().flatten().collect();
        let rescaled: Result<Vec<ValueId>, Error> =
            sums.into_iter().map(|x| self.rescale(id, x)).collect();
        self.add_bias(id, rescaled?, bias)
    }

    /// The scale of the sum before it is rescaled: such that the result has exactly its scale, or, where nothing is
    /// rescaled, the largest operand scale times the plaintexts'.
    fn target(&self, id: TensorId, groups: &[(Type, Vec<usize>)]) -> Scale {
        let precision = &self.structure.precision;
        let size = match id == self.net.output() {
            true => i64::from(precision.output_size),
            false => 0,
        };
        if self.structure.levels.rescales[id.0] {
            let prime = Scale::prime(self.structure.levels.operands(id));
            return Scale::pow2(i64::from(precision.of_result(self.net, id)) - size).times(&prime);
        }
        let moduli = self.structure.parameters.moduli();
        let bits = |scale: &Scale| scale.bits(moduli).unwrap_or(0.0);
        let largest = groups
            .iter()
            .map(|(ty, _)| &ty.scale)
            .max_by(|a, b| bits(a).total_cmp(&bits(b)))
            .cloned()
            .unwrap_or_default();
        largest.times(&Scale::pow2(i64::from(precision.plain[id.0]) - size))
    }

    /// One `linear` instruction over some of the terms, folded: `(ciphertext of the result, value)`.
    fn group(
        &mut self,
        id: TensorId,
        terms: &[Term],
        members: &[usize],
        scale: Scale,
        required: &[u32],
    ) -> Result<Vec<(u32, ValueId)>, Error> {
        let level = self.structure.levels.operands(id);
        let mut inputs = Vec::new();
        let mut operands = Vec::new();
        let maps = &self.maps[id.0];
        let choice = BlockSplit {
            splits: members.iter().map(|m| maps.choice.splits[*m]).collect(),
            chained: maps.choice.chained,
        };
        for &member in members {
            let term = &terms[member];
            operands.push(Operand {
                diagonals: &maps.diagonals[member],
                layout: &self.structure.layouts[term.input.0],
                first: inputs.len() as u32,
            });
            inputs.extend(self.operand(term.input, level)?);
        }
        let layer = &self.net.node(id).layer;
        let layout = &self.structure.layouts[id.0];
        let mut planned = plan(&operands, layout, self.slots, &choice, required);
        planned.period = self.period(planned.period);
        let constant = self.weights(id, terms, members, &planned);
        let constant = constant.map_err(|message| Error::Internal {
            layer: layer.clone(),
            message,
        })?;
        let Plan {
            plan,
            outputs,
            folds,
            period: _,
        } = planned;
        let diagonals = self.builder.constant(&format!("{layer}.weights"), constant);
        let op = Op::Linear {
            inputs,
            plan,
            diagonals,
            scale,
        };
        let results = self.builder.push(op)?;
        let mut folded = Vec::new();
        for (output, chain) in outputs {
            let sum = self.chain(&chain, &results)?;
            folded.push((output, self.fold(sum, &folds)?));
        }
        Ok(folded)
    }

    /// The constant of a plan: the weights of its maps and where they belong; without weights, diagonals without
    /// values.
    fn weights(
        &self,
        id: TensorId,
        terms: &[Term],
        members: &[usize],
        planned: &Plan,
    ) -> Result<Constant, String> {
        let maps: Vec<&Term> = members.iter().map(|m| &terms[*m]).collect();
        if !maps.iter().all(|term| term.map.has_values()) {
            let (period, values) = (planned.period, Vec::new());
            return Ok(Constant::Diagonals { period, values });
        }
        let mut own = maps.iter().map(|term| term.map.all_values());
        let rounding = match self.rounding[id.0] {
            Rounding::Exact if own.all(|values| self.is_narrow(values)) => Rounding::Narrow,
            rounding @ (Rounding::Exact | Rounding::Narrow | Rounding::Step(_)) => rounding,
        };
        let mut values = Vec::new();
        let mut operands = Vec::new();
        for (term, member) in maps.iter().zip(members) {
            let footprint = &self.footprints[id.0][*member];
            let weights = PlacedWeights::of_term(self.net, id, term, footprint, rounding);
            operands.push(PlacedOperand {
                patterns: weights.place(&mut values)?,
                layout: self.structure.layouts[term.input.0].clone(),
            });
        }
        Ok(Constant::Placed(Arc::new(PlacedMap {
            period: planned.period,
            result: self.structure.layouts[id.0].clone(),
            outputs: planned.placed_outputs(self.slots),
            operands,
            values,
        })))
    }

    /// Whether constants may be rounded to 32-bit floats, which halves the artifact: a relative error of 2^-24 of each
    /// is far below scales for at most [`NARROW_PRECISION_BITS`], and nothing overflows.
    fn is_narrow(&self, values: &[f64]) -> bool {
        let range = f64::from(f32::MIN_POSITIVE)..f64::from(f32::MAX);
        let fits = |v: &f64| *v == 0.0 || range.contains(&v.abs());
        self.scale_precision_bits <= NARROW_PRECISION_BITS && values.iter().all(fits)
    }

    /// The period of constants: in a batch all slots are alike.
    fn period(&self, of_layouts: usize) -> usize {
        match self.target {
            Target::Latency => of_layouts,
            Target::Throughput => 1,
        }
    }

    /// Horner's rule through the giant steps of one output.
    fn chain(&mut self, chain: &[(i64, u32)], results: &[ValueId]) -> Result<ValueId, Error> {
        let mut rest = chain.iter().rev().map(|(_, at)| results[*at as usize]);
        let mut sum = rest.next().unwrap_or(results[0]);
        for by in links(chain.iter().map(|(giant, _)| *giant)) {
            let step = step(by, self.slots);
            sum = self.push(Op::Rotate { x: sum, step })?;
            if let Some(b) = rest.next() {
                sum = self.push(Op::Add { a: sum, b })?;
            }
        }
        Ok(sum)
    }

    /// Adds the bias, where there is one, to each ciphertext.
    pub(super) fn add_bias(
        &mut self,
        id: TensorId,
        values: Vec<ValueId>,
        bias: &Bias,
    ) -> Result<Vec<ValueId>, Error> {
        let Bias::Vector(bias) = bias else {
            return Ok(values);
        };
        let layout = &self.structure.layouts[id.0];
        let period = self.period((layout.period as usize).min(self.slots));
        let packed = bias.as_ref().map(|bias| layout.pack(bias, self.slots));
        let name = format!("{}.bias", self.net.node(id).layer);
        let mut sums = Vec::new();
        for (index, x) in values.into_iter().enumerate() {
            let mut vector = match &packed {
                Some(packed) => packed[index][..period].to_vec(),
                None => Vec::new(),
            };
            if self.is_narrow(&vector) {
                vector.iter_mut().for_each(|v| *v = f64::from(*v as f32));
            }
            let constant = self.builder.constant(&name, Constant::Vector(vector));
            sums.push(self.push(Op::AddPlain { x, constant })?);
        }
        Ok(sums)
    }
}
