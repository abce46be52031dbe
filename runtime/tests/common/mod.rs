//! A small network for tests: 16 inputs, a dense layer, a square, a dense layer, 10 outputs.

#![allow(dead_code)] // each test file uses a part

#[cfg(feature = "tfhe")]
pub mod tfhe;

use hemet_ckks_params::{Parameters, SecurityLevel, ntt_primes};
use hemet_schedule::builder::Builder;
use hemet_schedule::verify::{Verified, verify};
use hemet_schedule::{Constant, Header, Layout, Level, LinearPlan, LinearTerm, Op, Scale, ValueId};

pub const PERIOD: usize = 16;

/// 128-bit security at ring degree 2^13.
pub fn secure() -> Parameters {
    let chain = ntt_primes(13, &[45, 30, 30, 30]).unwrap();
    let special = ntt_primes(13, &[46]).unwrap();
    Parameters::new(13, chain, special, SecurityLevel::Bits128).unwrap()
}

/// Ring degree 2^10: for tests of everything but security.
pub fn tiny() -> Parameters {
    let chain = ntt_primes(10, &[45, 30, 30, 30, 30]).unwrap();
    let special = ntt_primes(10, &[46]).unwrap();
    Parameters::new_insecure(10, chain, special).unwrap()
}

/// Numbers in -1..1.
pub fn numbers(len: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

/// A matrix of `PERIOD` by `PERIOD`, row-major, whose rows sum to less than 1 in absolute value.
pub fn matrix(seed: u64) -> Vec<f64> {
    numbers(PERIOD * PERIOD, seed)
        .into_iter()
        .map(|x| x / PERIOD as f64)
        .collect()
}

/// What the network computes, from its definition.
pub fn expected(image: &[f64]) -> Vec<f64> {
    let dense = |x: &[f64], seed| -> Vec<f64> {
        matrix(seed)
            .chunks(PERIOD)
            .map(|row| row.iter().zip(x).map(|(a, b)| a * b).sum())
            .collect()
    };
    let hidden: Vec<f64> = dense(image, 1)
        .iter()
        .zip(numbers(PERIOD, 3))
        .map(|(x, bias)| (x + bias) * (x + bias))
        .collect();
    dense(&hidden, 2)[..10].to_vec()
}

/// The network as a schedule. `level`, at least 3, is that of the input.
pub fn network(parameters: Parameters, level: u32) -> Verified {
    trained(parameters, level, [1, 2, 3])
}

/// The network with other weights: the seeds of its two matrices and of the bias.
pub fn trained(parameters: Parameters, level: u32, seeds: [u64; 3]) -> Verified {
    let mut builder = Builder::new(Header {
        parameters,
        input_scale: Scale::pow2(30),
        input_level: Level(level),
        input: Layout::raster([1, 4, 4]),
        output: Layout::raster([10, 1, 1]),
        layers: vec![],
        depth: 0,
        precision_bits: 8,
    });
    builder.layer("first");
    let x = builder.push(Op::Input { index: 0 }).unwrap()[0];
    let x = dense(&mut builder, x, seeds[0]);
    let bias = builder.constant("bias", Constant::Vector(numbers(PERIOD, seeds[2])));
    let x = one(&mut builder, Op::AddPlain { x, constant: bias });
    builder.layer("square");
    let x = one(&mut builder, Op::Square { x });
    let x = one(&mut builder, Op::Relinearize { x });
    let x = one(&mut builder, Op::Rescale { x });
    builder.layer("head");
    let x = dense(&mut builder, x, seeds[1]);
    verify(builder.finish(vec![x])).unwrap()
}

fn one(builder: &mut Builder, op: Op) -> ValueId {
    builder.push(op).unwrap()[0]
}

/// `y = M x` by 4 baby and 4 giant steps, rescaled.
fn dense(builder: &mut Builder, x: ValueId, seed: u64) -> ValueId {
    let m = matrix(seed);
    let mut terms = Vec::new();
    let mut values = Vec::new();
    for giant in (0..PERIOD).step_by(4) {
        for baby in 0..4 {
            terms.push(LinearTerm {
                output: 0,
                giant: giant as u32,
                input: 0,
                baby: baby as u32,
            });
            for slot in 0..PERIOD {
                let row = (slot + PERIOD - giant) % PERIOD;
                values.push(m[row * PERIOD + (row + giant + baby) % PERIOD]);
            }
        }
    }
    let diagonals = Constant::Diagonals {
        period: PERIOD,
        values,
    };
    let diagonals = builder.constant("dense", diagonals);
    let scale = Scale::prime(builder.type_of(x).level.0);
    let plan = LinearPlan { outputs: 1, terms };
    let y = one(
        builder,
        Op::Linear {
            inputs: vec![x],
            plan,
            diagonals,
            scale,
        },
    );
    one(builder, Op::Rescale { x: y })
}
