//! Which rescales run inside the instruction before them.
//!
//! A linear map and a relinearization end with a division by the special primes; dividing by the last prime of the
//! level at once takes fewer transforms and one rounding instead of two, so an output's error stays within the same
//! bound. It is done where a result is read by one instruction only and that is a rescale.

use crate::ckks::{Op, Schedule, ValueId};

/// How an instruction runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fusion {
    /// As it stands.
    Alone,
    /// Together with the rescales of all its results.
    WithRescale,
    /// The rescale that ran with the instruction before: its operand is its result already.
    Done,
}

/// How each instruction of a schedule runs.
pub fn fusions(schedule: &Schedule) -> Vec<Fusion> {
    let readers = sole_rescales(schedule);
    let mut fusions = vec![Fusion::Alone; schedule.instructions.len()];
    for (index, instruction) in schedule.instructions.iter().enumerate() {
        if !instruction.op.facts().divides {
            continue;
        }
        let first = instruction.first_result.0 as usize;
        let results = readers.get(first..first + instruction.op.results() as usize);
        let rescales: Option<Vec<usize>> = results.and_then(|r| r.iter().copied().collect());
        if let Some(rescales) = rescales {
            fusions[index] = Fusion::WithRescale;
            for rescale in rescales {
                fusions[rescale] = Fusion::Done;
            }
        }
    }
    fusions
}

/// For each value the rescale that alone reads it, if that is how it is read.
fn sole_rescales(schedule: &Schedule) -> Vec<Option<usize>> {
    let mut uses = vec![0usize; schedule.types.len()];
    let mut rescales = vec![None; schedule.types.len()];
    let mut count = |value: &ValueId| {
        if let Some(uses) = uses.get_mut(value.0 as usize) {
            *uses += 1;
        }
    };
    schedule.outputs.iter().for_each(&mut count);
    for (index, instruction) in schedule.instructions.iter().enumerate() {
        instruction.op.operands().iter().for_each(&mut count);
        if let Op::Rescale { x } = &instruction.op
            && let Some(rescale) = rescales.get_mut(x.0 as usize)
        {
            *rescale = Some(index);
        }
    }
    let sole = |(rescale, uses): (Option<usize>, usize)| rescale.filter(|_| uses == 1);
    rescales.into_iter().zip(uses).map(sole).collect()
}

#[cfg(test)]
mod tests {
    use crate::ckks::builder::Builder;
    use crate::ckks::{Constant, Header, Layout, Level, LinearPlan, LinearTerm, Scale};
    use hemet_ckks_params::{Parameters, ntt_primes};

    use super::*;

    fn builder() -> (Builder, ValueId) {
        let chain = ntt_primes(10, &[45, 30, 30]).unwrap();
        let special = ntt_primes(10, &[46]).unwrap();
        let mut builder = Builder::new(Header {
            parameters: Parameters::new_insecure(10, chain, special).unwrap(),
            input_scale: Scale::pow2(30),
            input_level: Level(2),
            input: Layout::raster([1, 1, 512]),
            output: Layout::raster([1, 1, 512]),
            layers: vec![],
            depth: 0,
            precision_bits: 1,
        });
        builder.layer("all");
        let x = builder.push(Op::Input { index: 0 }).unwrap()[0];
        (builder, x)
    }

    fn one(builder: &mut Builder, op: Op) -> ValueId {
        builder.push(op).unwrap()[0]
    }

    /// A linear map with `outputs` results, each the product with one diagonal.
    fn linear(builder: &mut Builder, x: ValueId, outputs: u32) -> Vec<ValueId> {
        let values = vec![0.5; outputs as usize];
        let diagonals = builder.constant("d", Constant::Diagonals { period: 1, values });
        let term = |output| LinearTerm {
            output,
            giant: 0,
            input: 0,
            baby: 0,
        };
        let terms = (0..outputs).map(term).collect();
        let op = Op::Linear {
            inputs: vec![x],
            plan: LinearPlan { outputs, terms },
            diagonals,
            scale: Scale::prime(2),
        };
        builder.push(op).unwrap()
    }

    #[test]
    fn a_result_that_only_a_rescale_reads_is_rescaled_at_once() {
        let (mut b, x) = builder();
        let y = linear(&mut b, x, 2);
        let mut rescaled = [y[1], y[0]].map(|x| one(&mut b, Op::Rescale { x }));
        rescaled[0] = one(&mut b, Op::Square { x: rescaled[0] });
        let z = one(&mut b, Op::Relinearize { x: rescaled[0] });
        let z = one(&mut b, Op::Rescale { x: z });
        let found = fusions(&b.finish(vec![z, rescaled[1]]));
        use Fusion::{Alone, Done, WithRescale};
        let expected = [Alone, WithRescale, Done, Done, Alone, WithRescale, Done];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_result_that_something_else_reads_too_is_not() {
        type Body = fn(&mut Builder, &[ValueId]) -> Vec<ValueId>;
        let bodies: [(&str, Body); 4] = [
            ("it is an output", |b, y| {
                let r = y.iter().map(|x| one(b, Op::Rescale { x: *x })).collect();
                [r, y.to_vec()].concat()
            }),
            ("it is rescaled twice", |b, y| {
                let twice = [y, y].concat();
                twice
                    .iter()
                    .map(|x| one(b, Op::Rescale { x: *x }))
                    .collect()
            }),
            ("one of two is not rescaled", |b, y| {
                vec![one(b, Op::Rescale { x: y[0] }), y[1]]
            }),
            ("it is added to first", |b, y| {
                let sum = one(b, Op::Add { a: y[0], b: y[1] });
                vec![one(b, Op::Rescale { x: sum })]
            }),
        ];
        for (name, body) in bodies {
            let (mut b, x) = builder();
            let y = linear(&mut b, x, 2);
            let outputs = body(&mut b, &y);
            let found = fusions(&b.finish(outputs));
            assert!(
                found.iter().all(|f| *f == Fusion::Alone),
                "{name}: {found:?}"
            );
        }
    }
}
