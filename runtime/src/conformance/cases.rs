//! The schedules of the suite: each instruction in each of its forms, and a small network.

use hemet_ckks_params::Parameters;
use hemet_schedule::builder::Builder;
use hemet_schedule::verify::{Verified, verify};
use hemet_schedule::{
    Constant, ConstantId, Header, Layout, Level, LinearPlan, LinearTerm, Op, Scale, ValueId,
};

use super::pseudo_random;
use crate::error::{Result, RuntimeError};

/// A schedule of the suite.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it covers.
    pub name: &'static str,
    /// The schedule.
    pub schedule: Verified,
}

/// Every case, for these parameters and inputs of scale `2^scale_bits` at the highest level.
///
/// # Errors
/// Parameters with fewer than 3 levels, without special primes, or whose primes do not suit the scale.
pub fn cases(parameters: &Parameters, scale_bits: u32) -> Result<Vec<Case>> {
    type Body = fn(&mut Draft, &[ValueId]) -> Result<Vec<ValueId>>;
    let bodies: [(&'static str, u32, Body); 15] = [
        ("round trip", 1, |_, x| Ok(x.to_vec())),
        ("rotations by 1, half and all but 1", 1, rotations),
        ("sums", 2, sums),
        ("sum with a repeated vector", 1, add_plain),
        ("product, relinearised, rescaled", 2, multiply),
        ("square rescaled before it is relinearised", 1, square),
        (
            "sum of products, relinearised once",
            2,
            lazy_relinearization,
        ),
        ("level drop before a sum", 1, level_drop),
        ("linear map without rotations", 1, |d, x| {
            linear(d, x, 1, 1, 1)
        }),
        ("linear map with baby steps", 1, |d, x| {
            linear(d, x, 4, 1, 1)
        }),
        ("linear map with giant steps", 1, |d, x| {
            linear(d, x, 1, 4, 1)
        }),
        ("linear map with both", 1, |d, x| linear(d, x, 4, 4, 1)),
        ("linear map from 2 to 4 ciphertexts", 2, |d, x| {
            linear(d, x, 3, 2, 4)
        }),
        (
            "results of a linear map summed before the rescale",
            1,
            sum_of_results,
        ),
        ("a network of two linear maps and a square", 1, network),
    ];
    bodies
        .into_iter()
        .map(|(name, inputs, body)| {
            let mut draft = Draft::new(parameters, scale_bits, inputs);
            let x = (0..inputs)
                .map(|index| draft.one(Op::Input { index }))
                .collect::<Result<Vec<_>>>()?;
            let outputs = body(&mut draft, &x)?;
            let schedule = draft.finish(outputs)?;
            Ok(Case { name, schedule })
        })
        .collect()
}

struct Draft {
    builder: Builder,
    slots: u32,
    seed: u64,
}

fn refused(reason: impl std::fmt::Display) -> RuntimeError {
    RuntimeError::Malformed {
        what: "a conformance case",
        reason: reason.to_string(),
    }
}

impl Draft {
    fn new(parameters: &Parameters, scale_bits: u32, inputs: u32) -> Self {
        let slots = parameters.slots() as u32;
        let layout = Layout::raster([inputs, 1, slots]);
        let builder = Builder::new(Header {
            parameters: parameters.clone(),
            input_scale: Scale::pow2(scale_bits.into()),
            input_level: Level(parameters.max_level() as u32),
            input: layout.clone(),
            output: layout,
            layers: Vec::new(),
            depth: 0,
            precision_bits: 1,
        });
        Self {
            builder,
            slots,
            seed: 100,
        }
    }

    fn many(&mut self, op: Op) -> Result<Vec<ValueId>> {
        self.builder.push(op).map_err(refused)
    }

    fn one(&mut self, op: Op) -> Result<ValueId> {
        let results = self.many(op)?;
        results.first().copied().ok_or_else(|| refused("no result"))
    }

    fn random(&mut self, len: usize) -> Vec<f64> {
        self.seed += 1;
        pseudo_random(len, self.seed)
    }

    fn vector(&mut self, len: usize) -> ConstantId {
        let values = self.random(len);
        self.builder.constant("vector", Constant::Vector(values))
    }

    /// The scale that a constant must have so that the product of `x` with it has the scale of `x` once rescaled.
    fn constant_scale(&self, x: ValueId) -> Scale {
        Scale::prime(self.builder.type_of(x).level.0)
    }

    fn finish(mut self, outputs: Vec<ValueId>) -> Result<Verified> {
        let layout = Layout::raster([outputs.len() as u32, 1, self.slots]);
        self.builder.set_output_layout(layout);
        verify(self.builder.finish(outputs)).map_err(refused)
    }
}

fn rotations(d: &mut Draft, x: &[ValueId]) -> Result<Vec<ValueId>> {
    let a = d.one(Op::Rotate { x: x[0], step: 1 })?;
    let step = d.slots / 2;
    let b = d.one(Op::Rotate { x: x[0], step })?;
    let step = d.slots - 1;
    let c = d.one(Op::Rotate { x: a, step })?;
    Ok(vec![a, b, c, x[0]])
}

fn sums(d: &mut Draft, x: &[ValueId]) -> Result<Vec<ValueId>> {
    let sum = d.one(Op::Add { a: x[0], b: x[1] })?;
    let more = d.one(Op::Add { a: sum, b: x[0] })?;
    let twice = d.one(Op::Add { a: x[1], b: x[1] })?;
    let all = d.one(Op::Add { a: more, b: twice })?;
    Ok(vec![sum, more, twice, all])
}

fn add_plain(d: &mut Draft, x: &[ValueId]) -> Result<Vec<ValueId>> {
    let one = d.vector(1);
    let a = d.one(Op::AddPlain {
        x: x[0],
        constant: one,
    })?;
    let eight = d.vector(8);
    let b = d.one(Op::AddPlain {
        x: a,
        constant: eight,
    })?;
    let full = d.vector(d.slots as usize);
    let c = d.one(Op::AddPlain {
        x: x[0],
        constant: full,
    })?;
    Ok(vec![b, c])
}

fn multiply(d: &mut Draft, x: &[ValueId]) -> Result<Vec<ValueId>> {
    let product = d.one(Op::Multiply { a: x[0], b: x[1] })?;
    let product = d.one(Op::Relinearize { x: product })?;
    Ok(vec![d.one(Op::Rescale { x: product })?])
}

fn square(d: &mut Draft, x: &[ValueId]) -> Result<Vec<ValueId>> {
    let square = d.one(Op::Square { x: x[0] })?;
    let constant = d.vector(4);
    let square = d.one(Op::AddPlain {
        x: square,
        constant,
    })?;
    let square = d.one(Op::Rescale { x: square })?;
    Ok(vec![d.one(Op::Relinearize { x: square })?])
}

fn lazy_relinearization(d: &mut Draft, x: &[ValueId]) -> Result<Vec<ValueId>> {
    let a = d.one(Op::Multiply { a: x[0], b: x[1] })?;
    let b = d.one(Op::Square { x: x[1] })?;
    let sum = d.one(Op::Add { a, b })?;
    let more = d.one(Op::Add { a: sum, b })?;
    let to = Level(d.builder.type_of(sum).level.0 - 1);
    let mut outputs = Vec::new();
    for x in [sum, more] {
        let x = d.one(Op::LevelDrop { x, to })?;
        let x = d.one(Op::Relinearize { x })?;
        outputs.push(d.one(Op::Rescale { x })?);
    }
    Ok(outputs)
}

fn level_drop(d: &mut Draft, x: &[ValueId]) -> Result<Vec<ValueId>> {
    let a = linear(d, x, 1, 1, 1)?[0];
    let to = d.builder.type_of(a).level;
    let b = d.one(Op::LevelDrop { x: x[0], to })?;
    let sum = d.one(Op::Add { a, b })?;
    let bottom = d.one(Op::LevelDrop {
        x: sum,
        to: Level(0),
    })?;
    Ok(vec![bottom])
}

/// A map with this many baby and giant steps between all operands and `outputs` results, rescaled.
fn linear(
    d: &mut Draft,
    x: &[ValueId],
    babies: u32,
    giants: u32,
    outputs: u32,
) -> Result<Vec<ValueId>> {
    linear_map(d, x, babies, giants, outputs)?
        .into_iter()
        .map(|x| d.one(Op::Rescale { x }))
        .collect()
}

fn linear_map(
    d: &mut Draft,
    x: &[ValueId],
    babies: u32,
    giants: u32,
    outputs: u32,
) -> Result<Vec<ValueId>> {
    let mut terms = Vec::new();
    for output in 0..outputs {
        for giant in 0..giants {
            for input in 0..x.len() as u32 {
                for baby in 0..babies {
                    terms.push(LinearTerm {
                        output,
                        giant: giant * babies,
                        input,
                        baby,
                    });
                }
            }
        }
    }
    let period = d.slots as usize / 4;
    // Divided by the number of terms of an output, so that results stay below 1.
    let share = f64::from(outputs) / terms.len() as f64;
    let values = d.random(period * terms.len());
    let values = values.into_iter().map(|v| v * share).collect();
    let diagonals = d
        .builder
        .constant("diagonals", Constant::Diagonals { period, values });
    let scale = d.constant_scale(x[0]);
    d.many(Op::Linear {
        inputs: x.to_vec(),
        plan: LinearPlan { outputs, terms },
        diagonals,
        scale,
    })
}

/// The rescale reads none of the results, so no backend can do it within the map.
fn sum_of_results(d: &mut Draft, x: &[ValueId]) -> Result<Vec<ValueId>> {
    let results = linear_map(d, x, 2, 2, 2)?;
    let (a, b) = (results[0], results[1]);
    let sum = d.one(Op::Add { a, b })?;
    Ok(vec![d.one(Op::Rescale { x: sum })?])
}

fn network(d: &mut Draft, x: &[ValueId]) -> Result<Vec<ValueId>> {
    d.builder.layer("first");
    let hidden = linear(d, x, 4, 2, 1)?;
    let constant = d.vector(8);
    let hidden = d.one(Op::AddPlain {
        x: hidden[0],
        constant,
    })?;
    d.builder.layer("square");
    let square = d.one(Op::Square { x: hidden })?;
    let square = d.one(Op::Relinearize { x: square })?;
    let square = d.one(Op::Rescale { x: square })?;
    d.builder.layer("head");
    linear(d, &[square], 2, 4, 1)
}
