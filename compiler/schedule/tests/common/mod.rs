//! Schedules for tests: a small one with every instruction, and random valid ones made from a list of choices.
#![allow(dead_code)] // Each test file uses a part.

use std::collections::BTreeSet;
use std::sync::Arc;

use hemet_ckks_params::{Parameters, ntt_primes};
use hemet_schedule::placed::{Block, Pattern, PlacedMap, PlacedOperand, PlacedOutput, Tap};
use hemet_schedule::{
    Builder, Constant, ConstantId, Header, Layout, Level, LinearPlan, LinearTerm, Op, Scale,
    Schedule, ValueId,
};

/// log2 of the ring degree of all test schedules: the smallest.
pub const LOG_N: u32 = 10;
/// Slots of all test schedules.
pub const SLOTS: u32 = 512;

/// A header with a chain of `levels + 1` primes of 30 bits (the base one of 45) and these layouts.
pub fn header(levels: u32, input: Layout, output: Layout) -> Header {
    let mut bits = vec![45];
    bits.resize(levels as usize + 1, 30);
    bits.push(46);
    let mut moduli = ntt_primes(LOG_N, &bits).unwrap();
    let special = moduli.split_off(levels as usize + 1);
    Header {
        parameters: Parameters::new_insecure(LOG_N, moduli, special).unwrap(),
        input_scale: Scale::pow2(30),
        input_level: Level(levels),
        input,
        output,
        layers: Vec::new(),
        depth: 0,
        precision_bits: 12,
    }
}

pub fn term(output: u32, giant: u32, input: u32, baby: u32) -> LinearTerm {
    LinearTerm {
        output,
        giant,
        input,
        baby,
    }
}

/// Two input ciphertexts, every instruction, two outputs.
pub fn all_ops() -> Schedule {
    let input = Layout::raster([16, 8, 8]);
    let output = Layout::multiplexed([16, 4, 8], 2);
    let output = Layout {
        period: 1024,
        ..output
    };
    let mut b = Builder::new(header(4, input, output));
    let one = |b: &mut Builder, op| b.push(op).unwrap()[0];
    b.layer("input");
    let x: Vec<ValueId> = (0..2)
        .map(|index| one(&mut b, Op::Input { index }))
        .collect();
    b.layer("conv1");
    let plan = LinearPlan {
        outputs: 2,
        terms: vec![
            term(0, 0, 0, 0),
            term(0, 0, 0, 1),
            term(0, 0, 1, 8),
            term(0, 16, 0, 0),
            term(1, 32, 1, 1),
        ],
    };
    let values = (0..5 * 64).map(|i| f64::from(i) / 64.0 - 2.0).collect();
    let diagonals = b.constant(
        "conv1/diagonals",
        Constant::Diagonals { period: 64, values },
    );
    let scale = Scale::prime(4);
    let y = b
        .push(Op::Linear {
            inputs: x,
            plan,
            diagonals,
            scale,
        })
        .unwrap();
    let y: Vec<ValueId> = y
        .into_iter()
        .map(|x| one(&mut b, Op::Rescale { x }))
        .collect();
    let bias = b.constant("conv1/bias", Constant::Vector(vec![0.1, -0.2, 0.3, 1e-3]));
    let y0 = one(
        &mut b,
        Op::AddPlain {
            x: y[0],
            constant: bias,
        },
    );
    b.layer("act1");
    let s = one(&mut b, Op::Square { x: y0 });
    let m = one(&mut b, Op::Multiply { a: y0, b: y[1] });
    let sum = one(&mut b, Op::Add { a: s, b: m });
    let sum = one(&mut b, Op::Relinearize { x: sum });
    let sum = one(&mut b, Op::Rescale { x: sum });
    b.layer("head");
    let r = one(&mut b, Op::Rotate { x: sum, step: 511 });
    let d = one(&mut b, Op::Add { a: r, b: sum });
    let factor = Constant::Diagonals {
        period: 1,
        values: vec![0.5],
    };
    let p = b.constant("head.factor", factor);
    let p = Op::Linear {
        inputs: vec![d],
        plan: LinearPlan {
            outputs: 1,
            terms: vec![term(0, 0, 0, 0)],
        },
        diagonals: p,
        scale: Scale::pow2(30),
    };
    let p = one(&mut b, p);
    let p = one(&mut b, Op::Rescale { x: p });
    let p = one(&mut b, Op::LevelDrop { x: p, to: Level(0) });
    b.finish(vec![p, p])
}

/// A 1x2 kernel from two channels of 2x4 to one of 2x3, with padding on no side.
pub fn placed_map() -> PlacedMap {
    let tap = |offset: i32| Tap {
        rows: [0, 2],
        columns: [0, 3],
        stride: [1, 1],
        offset: [0, offset],
        weight: offset as u32,
    };
    PlacedMap {
        period: 16,
        result: Layout::raster([1, 2, 3]),
        outputs: vec![PlacedOutput {
            ciphertext: 0,
            giant: 0,
        }],
        operands: vec![PlacedOperand {
            layout: Layout::raster([2, 2, 4]),
            patterns: vec![Pattern {
                blocks: vec![Block {
                    outputs: [0, 1],
                    inputs: [0, 2],
                }],
                taps: vec![tap(0), tap(1)],
            }],
        }],
        values: vec![1.0, 2.0, 3.0, 4.0],
    }
}

/// A schedule of that map.
pub fn with_placed(map: PlacedMap) -> Schedule {
    let mut b = Builder::new(header(
        1,
        Layout::raster([2, 2, 4]),
        Layout::raster([1, 2, 3]),
    ));
    let x = b.push(Op::Input { index: 0 }).unwrap();
    let term = |giant, baby| LinearTerm {
        output: 0,
        giant,
        input: 0,
        baby,
    };
    let plan = LinearPlan {
        outputs: 1,
        terms: vec![term(0, 0), term(0, 1), term(8, 0)],
    };
    let diagonals = b.constant("conv.weights", Constant::Placed(Arc::new(map)));
    let scale = Scale::pow2(20);
    let y = b.push(Op::Linear {
        inputs: x,
        plan,
        diagonals,
        scale,
    });
    b.finish(y.unwrap())
}

/// A valid schedule made by following random choices: each picks an instruction that suits the values that there are.
pub fn random(choices: &[(u8, u32, u32)], layers: u32) -> Schedule {
    let layout = Layout::raster([8, 8, 8]);
    let mut b = Builder::new(header(6, layout.clone(), layout));
    let mut random = Random {
        values: Vec::new(),
        builder: b.clone(),
    };
    b.layer("layer0");
    random.builder = b;
    random.push(Op::Input { index: 0 });
    for (i, (kind, first, second)) in choices.iter().enumerate() {
        random
            .builder
            .layer(&format!("layer{}", (first ^ second) % layers.max(1)));
        random.step(i, *kind, *first, *second);
    }
    let ones: Vec<ValueId> = random.values.clone();
    let degree_1 = |v: &&ValueId| random.builder.type_of(**v).degree == 1;
    let output = *ones.iter().rev().find(degree_1).unwrap();
    random.builder.finish(vec![output])
}

struct Random {
    builder: Builder,
    values: Vec<ValueId>,
}

impl Random {
    /// Appends the instruction if it is valid.
    fn push(&mut self, op: Op) {
        if let Ok(results) = self.builder.push(op) {
            self.values.extend(results);
        }
    }

    fn step(&mut self, i: usize, kind: u8, first: u32, second: u32) {
        let pick = |n: u32| self.values[n as usize % self.values.len()];
        let (a, b) = (pick(first), pick(second));
        let scale = match second % 3 {
            0 => Scale::pow2(30),
            1 => Scale::prime(self.builder.type_of(a).level.0),
            _ => Scale::pow2(2)
                .times(&Scale::prime_power(1, 2))
                .over(&Scale::prime(2)),
        };
        let op = match kind % 12 {
            0 => self.linear(i, a, first, second, scale),
            1 => Op::Rotate {
                x: a,
                step: second % (SLOTS - 1) + 1,
            },
            2 => Op::Add { a, b },
            3 => Op::Add { a, b: a },
            4 => Op::AddPlain {
                x: a,
                constant: self.vector(i, second),
            },
            5 => Op::Rotate {
                x: a,
                step: first % (SLOTS - 1) + 1,
            },
            6 => Op::Multiply { a, b },
            7 => Op::Square { x: a },
            8 => Op::Relinearize { x: a },
            9 | 10 => Op::Rescale { x: a },
            _ => Op::LevelDrop {
                x: a,
                to: Level(second % 6),
            },
        };
        self.push(op);
    }

    fn vector(&mut self, i: usize, seed: u32) -> ConstantId {
        let period = 1 << (seed % 10);
        let value = |k: u32| f64::from(k.wrapping_mul(seed) % 1000) / 700.0 - 0.7;
        let values = (0..period).map(value).collect();
        self.builder.constant(
            &format!("c{}/v{}", i % 7, seed % 3),
            Constant::Vector(values),
        )
    }

    fn linear(&mut self, i: usize, a: ValueId, first: u32, second: u32, scale: Scale) -> Op {
        let (inputs, outputs) = (1 + first % 3, 1 + second % 3);
        let mut terms: BTreeSet<LinearTerm> = (0..outputs).map(|o| term(o, 0, 0, o % 2)).collect();
        for k in 0..first % 40 {
            let x = first
                .wrapping_mul(k + 1)
                .wrapping_add(second.rotate_left(k));
            terms.insert(term(
                x % outputs,
                (x >> 3) % 4 * 16,
                (x >> 7) % inputs,
                (x >> 11) % 16,
            ));
        }
        let period = 1 << (second % 6);
        let values = (0..terms.len() * period).map(|v| v as f64 / 9.0).collect();
        let diagonals = Constant::Diagonals { period, values };
        Op::Linear {
            inputs: vec![a; inputs as usize],
            plan: LinearPlan {
                outputs,
                terms: terms.into_iter().collect(),
            },
            diagonals: self.builder.constant(&format!("d{i}"), diagonals),
            scale,
        }
    }
}
