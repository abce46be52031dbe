//! Chain: sizes of the primes for levels and scales, and the special primes that fit beside them.

use hemet_ckks_params::{
    MAX_PRIME_BITS, ParamError, Parameters, SecurityRow, ntt_primes, special_choices,
};

use hemet_schedule::cost::Ring;

use super::{Levels, Margin, Precision};
use crate::net::{Net, NodeKind, TensorId};

/// A rescaled product may have a scale this much below the working scale.
const SCALE_TOLERANCE: f64 = 1.0;
/// Primes differ from their size by less than this, all together.
const PRIME_SLACK: f64 = 1.0;

/// Sizes of a chain in bits, and of its special primes.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// Bits of each prime, base prime first.
    pub primes: Vec<u32>,
    /// Number of special primes.
    pub special: u32,
    /// Bits of each of them.
    pub special_bits: u32,
    /// Digits that they cut the chain into.
    pub digits: u32,
}

impl Chain {
    /// Bits of the whole modulus.
    pub fn bits(&self) -> u32 {
        self.primes.iter().sum::<u32>() + self.special * self.special_bits
    }

    /// The sizes that costs depend on.
    pub fn ring(&self, log_n: u32) -> Ring {
        let special = vec![self.special_bits; self.special as usize];
        Ring::of_bits(log_n, &self.primes, &special)
    }

    /// The parameter set: primes as near as possible to their sizes.
    ///
    /// # Errors
    /// Where a size has no primes left, or the modulus exceeds the security table after all.
    pub fn parameters(&self, log_n: u32, row: SecurityRow) -> Result<Parameters, ParamError> {
        let mut sizes = self.primes.clone();
        sizes.extend(std::iter::repeat_n(
            self.special_bits,
            self.special as usize,
        ));
        // Small sizes have few primes at a large degree: take the next size up then.
        let mut moduli = loop {
            match ntt_primes(log_n, &sizes) {
                Err(ParamError::NoPrime { index, .. }) if sizes[index] < MAX_PRIME_BITS => {
                    sizes[index] += 1;
                }
                found => break found?,
            }
        };
        let special = moduli.split_off(self.primes.len());
        Parameters::within(log_n, moduli, special, row)
    }
}

/// Where a chain must fit.
#[derive(Clone, Copy)]
pub struct Ground {
    /// log2 of the ring degree.
    pub log_n: u32,
    /// The row of the security table.
    pub row: SecurityRow,
    /// Bound on the outputs, in bits.
    pub output_bits: i32,
    /// Of the special primes.
    pub margin: Margin,
}

/// All chains for these levels and scales, one for each number of special primes that is possible and secure; and the
/// bits that the smallest needs. `None` where some scale needs a prime larger than there is, or products and maps at
/// one level disagree.
pub fn chains(
    net: &Net,
    levels: &Levels,
    precision: &Precision,
    ground: Ground,
) -> Option<(Vec<Chain>, u32)> {
    let primes = primes(net, levels, precision, ground)?;
    let small = smallest_prime(ground.log_n);
    let chains = with_special(&primes, ground, small)?;
    let largest = primes.iter().copied().max().unwrap_or(small);
    Some((chains, primes.iter().sum::<u32>() + largest))
}

/// The chains of these primes, one for each number of special primes, of `least_bits` each or more, that is possible
/// and secure. `None` where the security table lacks the degree.
pub(super) fn with_special(primes: &[u32], ground: Ground, least_bits: u32) -> Option<Vec<Chain>> {
    // A bit for primes that lie above their sizes.
    let limit = ground.row.max_log_qp(ground.log_n)?.saturating_sub(1);
    let room = limit.saturating_sub(primes.iter().sum());
    let chain = |special: hemet_ckks_params::SpecialChoice| Chain {
        primes: primes.to_vec(),
        special: special.count,
        special_bits: special.bits,
        digits: special.digits,
    };
    let margin = ground.margin.bits(primes.len());
    let choices = special_choices(primes, room, least_bits, margin);
    Some(choices.into_iter().map(chain).collect())
}

fn smallest_prime(log_n: u32) -> u32 {
    (log_n + 3).max(20)
}

/// Bits of each prime of the chain.
fn primes(net: &Net, levels: &Levels, precision: &Precision, ground: Ground) -> Option<Vec<u32>> {
    let count = levels.top() as usize + 1;
    let small = smallest_prime(ground.log_n);
    let mut primes = vec![precision.working.max(small); count];
    let mut scales = Vec::new();
    // Scales of rescaled products depend on the primes and the primes on the scales: settle from the top.
    for _ in 0..count + 1 {
        scales = scale_bits(net, levels, precision, &primes);
        let mut next = vec![0.0f64; count];
        for id in net.ids().filter(|id| levels.rescales[id.0]) {
            let prime = &mut next[levels.operands(id) as usize];
            *prime = prime.max(wanted(net, precision, &scales, id));
        }
        let settled: Vec<u32> = next.iter().map(|b| (b.ceil() as u32).max(small)).collect();
        if settled[1..] == primes[1..] {
            break;
        }
        primes[1..].copy_from_slice(&settled[1..]);
    }
    let agree = net.ids().all(|id| {
        let product = matches!(net.node(id).kind, NodeKind::Product(..)) && levels.rescales[id.0];
        !product || scales[id.0] >= f64::from(precision.working) - SCALE_TOLERANCE
    });
    // The base prime holds every tensor of level 0, the output with its headroom.
    let output = net.output();
    let kept =
        matches!(net.node(output).kind, NodeKind::Linear { .. }) && !levels.rescales[output.0];
    let head = match kept {
        true => widest_operand(net, &scales, output) + f64::from(precision.plain[output.0]),
        false => scales[output.0],
    };
    let headroom = ground.output_bits - precision.output_size;
    let base = head + f64::from(headroom) + 1.0 + PRIME_SLACK;
    let below: u32 = primes[1..=levels.level[output.0] as usize].iter().sum();
    primes[0] = (base.ceil() as u32).saturating_sub(below).max(small);
    let inside = primes.iter().all(|bits| *bits <= MAX_PRIME_BITS);
    (agree && inside).then_some(primes)
}

/// The prime that node `id` would rescale by.
fn wanted(net: &Net, precision: &Precision, scales: &[f64], id: TensorId) -> f64 {
    let working = f64::from(precision.working);
    match net.node(id).kind {
        NodeKind::Product(a, b) => scales[a.0] + scales[b.0] - working,
        NodeKind::Linear { .. } | NodeKind::Input | NodeKind::WindowSum { .. } => {
            widest_operand(net, scales, id) + f64::from(precision.plain[id.0])
                - f64::from(precision.of_result(net, id))
        }
    }
}

fn widest_operand(net: &Net, scales: &[f64], id: TensorId) -> f64 {
    let inputs = net.node(id).inputs();
    inputs.iter().map(|i| scales[i.0]).fold(0.0, f64::max)
}

/// log2 of the scale of each tensor.
fn scale_bits(net: &Net, levels: &Levels, precision: &Precision, primes: &[u32]) -> Vec<f64> {
    let mut scales: Vec<f64> = Vec::with_capacity(net.nodes.len());
    for id in net.ids() {
        let scale = match net.node(id).kind {
            NodeKind::Input => f64::from(precision.input),
            NodeKind::WindowSum { input, side: _ } => scales[input.0],
            NodeKind::Linear { .. } => match net.node(id).shifted() {
                Some(x) => scales[x.0],
                None => f64::from(precision.of_result(net, id)),
            },
            NodeKind::Product(a, b) => {
                let dropped = match levels.rescales[id.0] {
                    true => f64::from(primes[levels.operands(id) as usize]),
                    false => 0.0,
                };
                scales[a.0] + scales[b.0] - dropped
            }
        };
        scales.push(scale);
    }
    scales
}
