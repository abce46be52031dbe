//! Emission: from a net and its structure to instructions.
//!
//! The same code runs with and without weights; without them the constants stay empty and the schedule only serves for
//! counting and estimating.

mod linear;

use std::collections::HashMap;

use hemet_schedule::{Builder, Header, Level, Op, Scale, Schedule, ValueId};

use crate::decisions::Decisions;
use crate::maps::keys::Maps;
use crate::maps::{Footprints, folds};
use crate::net::{Net, NodeKind, Rounding, TensorId};
use crate::parameters::structure::Structure;
use crate::{Error, Options, Target};

/// Emits the schedule of a net.
pub fn emit(decisions: &Decisions, options: &Options) -> Result<Schedule, Error> {
    let Decisions {
        net,
        footprints,
        structure,
        maps,
        rounding,
        ..
    } = decisions;
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
            NodeKind::Input => {
                let count = self.structure.layouts[id.0].ciphertexts(self.slots);
                (0..count as u32)
                    .map(|index| self.push(Op::Input { index }))
                    .collect()
            }
            NodeKind::Product(a, b) => self.product(id, *a, *b),
            NodeKind::WindowSum { input, side } => match self.target {
                Target::Latency => self.sum_windows(id, *input),
                Target::Throughput => self.sum_windows_of_batch(id, *input, *side),
            },
            NodeKind::Linear { terms, bias } => match node.shifted() {
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
    fn sum_windows(&mut self, id: TensorId, x: TensorId) -> Result<Vec<ValueId>, Error> {
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
    fn sum_windows_of_batch(
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
}
