//! Emission: from a net and its structure to instructions.
//!
//! The same code runs with and without weights; without them the constants stay empty and the schedule only serves for
//! counting and estimating.

use std::collections::HashMap;
use std::sync::Arc;

use hemet_schedule::placed::{PlacedMap, PlacedOperand};
use hemet_schedule::{Builder, Constant, Header, Level, Op, Scale, Schedule, Type, ValueId};

use crate::assignment::Footprints;
use crate::key_budget::Maps;
use crate::lower::{Choice, Footprint, Operand, Plan, Weights, folds, links, plan, step};
use crate::net::{Bias, Kind, Net, TensorId, Term};
use crate::parameters::Rounding;
use crate::structure::Structure;
use crate::{Error, Options, Target};

/// Up to this precision of the scales constants are rounded to 32-bit floats.
const NARROW_PRECISION_BITS: u32 = 12;

/// Emits the schedule of a net.
pub fn emit(
    net: &Net,
    footprints: &Footprints,
    maps: &Maps,
    structure: &Structure,
    rounding: &[Rounding],
    options: &Options,
) -> Result<Schedule, Error> {
    let parameters = structure.parameters.clone();
    let mut emitter = Emitter {
        net,
        footprints,
        maps,
        structure,
        rounding,
        slots: parameters.slots(),
        scale_precision_bits: options.scale_precision_bits(),
        target: options.target,
        builder: Builder::new(Header {
            input_scale: Scale::pow2(i64::from(structure.precision.input)),
            input_level: Level(structure.levels.level[0]),
            input: structure.layouts[0].clone(),
            output: structure.layouts[net.output().0].clone(),
            layers: Vec::new(),
            depth: 0,
            precision_bits: options.precision_bits,
            parameters,
        }),
        tensors: Vec::new(),
        lowered: HashMap::new(),
    };
    for id in net.ids() {
        emitter.builder.layer(&net.node(id).layer);
        let values = emitter.node(id)?;
        emitter.tensors.push(values);
    }
    let outputs = emitter.tensors[net.output().0].clone();
    Ok(emitter.builder.finish(outputs))
}

/// About how many weights the constants of each node hold: see [`Weights::count`].
pub fn weights(net: &Net, footprints: &Footprints) -> Result<Vec<usize>, Error> {
    let of_node = |id: TensorId| {
        let node = net.node(id);
        let Kind::Linear { terms, bias: _ } = &node.kind else {
            return Ok(0);
        };
        if node.shifted().is_some() {
            return Ok(0);
        }
        let of_term = |(term, footprint)| stored(net, id, term, footprint, Rounding::Exact).count();
        let counts = terms.iter().zip(&footprints[id.0]).map(of_term);
        let sum: Result<usize, String> = counts.sum();
        sum.map_err(|message| Error::Internal {
            layer: node.layer.clone(),
            message,
        })
    };
    net.ids().map(of_node).collect()
}

/// The weights of a term of node `id` on their way into a constant.
fn stored<'a>(
    net: &Net,
    id: TensorId,
    term: &'a Term,
    footprint: &'a Footprint,
    rounding: Rounding,
) -> Weights<'a> {
    Weights {
        map: &term.map,
        footprint,
        shapes: (net.node(term.input).shape, net.node(id).shape),
        rounding,
    }
}

struct Emitter<'a> {
    net: &'a Net,
    footprints: &'a Footprints,
    maps: &'a Maps,
    structure: &'a Structure,
    rounding: &'a [Rounding],
    slots: usize,
    scale_precision_bits: u32,
    target: Target,
    builder: Builder,
    /// The ciphertexts of each tensor so far.
    tensors: Vec<Vec<ValueId>>,
    /// Level drops already made.
    lowered: HashMap<(ValueId, u32), ValueId>,
}

impl Emitter<'_> {
    fn push(&mut self, op: Op) -> Result<ValueId, Error> {
        let results = self.builder.push(op)?;
        Ok(results[0])
    }

    fn node(&mut self, id: TensorId) -> Result<Vec<ValueId>, Error> {
        let net = self.net;
        let node = net.node(id);
        match &node.kind {
            Kind::Input => {
                let count = self.structure.layouts[id.0].ciphertexts(self.slots);
                (0..count as u32)
                    .map(|index| self.push(Op::Input { index }))
                    .collect()
            }
            Kind::Product(a, b) => self.product(id, *a, *b),
            Kind::Pool { input, side } => match self.target {
                Target::Latency => self.pool(id, *input),
                Target::Throughput => self.pool_batch(id, *input, *side),
            },
            Kind::Linear { terms, bias } => match node.shifted() {
                Some(x) => {
                    let values = self.operand(x, self.structure.levels.operands(id))?;
                    self.add_bias(id, values, bias)
                }
                None => self.linear(id, terms, bias),
            },
        }
    }

    /// The ciphertexts of tensor `x` at `level`.
    fn operand(&mut self, x: TensorId, level: u32) -> Result<Vec<ValueId>, Error> {
        let values = self.tensors[x.0].clone();
        let at = |v: ValueId| self.lower(v, level);
        values.into_iter().map(at).collect()
    }

    fn lower(&mut self, value: ValueId, level: u32) -> Result<ValueId, Error> {
        if self.builder.type_of(value).level.0 == level {
            return Ok(value);
        }
        if let Some(known) = self.lowered.get(&(value, level)) {
            return Ok(*known);
        }
        let to = Level(level);
        let lowered = self.push(Op::LevelDrop { x: value, to })?;
        self.lowered.insert((value, level), lowered);
        Ok(lowered)
    }

    fn product(&mut self, id: TensorId, a: TensorId, b: TensorId) -> Result<Vec<ValueId>, Error> {
        let level = self.structure.levels.operands(id);
        let left = self.operand(a, level)?;
        let right = self.operand(b, level)?;
        let pairs = left.into_iter().zip(right);
        let mut results = Vec::new();
        for (x, y) in pairs {
            let product = match a == b {
                true => self.push(Op::Square { x })?,
                false => self.push(Op::Multiply { a: x, b: y })?,
            };
            let product = self.push(Op::Relinearize { x: product })?;
            results.push(self.rescale(id, product)?);
        }
        Ok(results)
    }

    /// Sums over the windows of a split layout: halves of the period are added until the period is that of the result.
    fn pool(&mut self, id: TensorId, x: TensorId) -> Result<Vec<ValueId>, Error> {
        let mut values = self.operand(x, self.structure.levels.operands(id))?;
        let to = &self.structure.layouts[id.0];
        while values.len() > to.ciphertexts(self.slots) {
            let upper = values.split_off(values.len() / 2);
            let pairs = values.into_iter().zip(upper);
            let sums = pairs.map(|(a, b)| self.push(Op::Add { a, b }));
            values = sums.collect::<Result<_, _>>()?;
        }
        let widest = self.structure.layouts[x.0].period.min(self.slots as u32);
        let steps: Vec<u32> = folds(to.period, widest).collect();
        for value in &mut values {
            *value = self.fold(*value, &steps)?;
        }
        Ok(values)
    }

    /// Sums over the windows of a batch: of the ciphertexts of their elements.
    fn pool_batch(
        &mut self,
        id: TensorId,
        x: TensorId,
        side: usize,
    ) -> Result<Vec<ValueId>, Error> {
        let values = self.operand(x, self.structure.levels.operands(id))?;
        let (from, to) = (self.net.node(x).shape, self.net.node(id).shape);
        let mut sums = Vec::with_capacity(to.len());
        for channel in 0..to.channels {
            for place in 0..to.height * to.width {
                let (row, column) = (place / to.width * side, place % to.width * side);
                let element = |k: usize| from.index(channel, row + k / side, column + k % side);
                let mut sum = values[element(0)];
                for k in 1..side * side {
                    let b = values[element(k)];
                    sum = self.push(Op::Add { a: sum, b })?;
                }
                sums.push(sum);
            }
        }
        Ok(sums)
    }

    /// Adds rotations by all sums of the steps.
    fn fold(&mut self, mut x: ValueId, steps: &[u32]) -> Result<ValueId, Error> {
        for &step in steps {
            let rotated = self.push(Op::Rotate { x, step })?;
            x = self.push(Op::Add { a: x, b: rotated })?;
        }
        Ok(x)
    }

    fn rescale(&mut self, id: TensorId, x: ValueId) -> Result<ValueId, Error> {
        match self.structure.levels.rescales[id.0] {
            true => self.push(Op::Rescale { x }),
            false => Ok(x),
        }
    }

    fn linear(&mut self, id: TensorId, terms: &[Term], bias: &Bias) -> Result<Vec<ValueId>, Error> {
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

    /// The scale of the sum before it is rescaled: such that the result has exactly its scale, or, where nothing is rescaled, the
    /// largest operand scale times the plaintexts'.
    fn target(&self, id: TensorId, groups: &[(Type, Vec<usize>)]) -> Scale {
        let precision = &self.structure.precision;
        if self.structure.levels.rescales[id.0] {
            let prime = Scale::prime(self.structure.levels.operands(id));
            return Scale::pow2(i64::from(precision.of_result(self.net, id))).times(&prime);
        }
        let moduli = self.structure.parameters.moduli();
        let bits = |scale: &Scale| scale.bits(moduli).unwrap_or(0.0);
        let largest = groups
            .iter()
            .map(|(ty, _)| &ty.scale)
            .max_by(|a, b| bits(a).total_cmp(&bits(b)))
            .cloned()
            .unwrap_or_default();
        largest.times(&Scale::pow2(i64::from(precision.plain[id.0])))
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
        let choice = Choice {
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

    /// The constant of a plan: the weights of its maps and where they belong; without weights, diagonals without values.
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
            rounding => rounding,
        };
        let mut values = Vec::new();
        let mut operands = Vec::new();
        for (term, member) in maps.iter().zip(members) {
            let footprint = &self.footprints[id.0][*member];
            let weights = stored(self.net, id, term, footprint, rounding);
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

    /// Whether constants may be rounded to 32-bit floats, which halves the artifact: a relative error of 2^-24 of each is far
    /// below scales for at most [`NARROW_PRECISION_BITS`], and nothing overflows.
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

    fn add_bias(
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
