//! Noise: how large scales must be for the asked precision.
//!
//! Slot errors in standard deviations, for degree `N`, ternary secret (variance 2/3 a coefficient), error deviation
//! 3.19; a coefficient error of variance `v` is a slot error of variance `N·v` (the canonical embedding, Cheon, Kim,
//! Kim and Song, "Homomorphic Encryption for Arithmetic of Approximate Numbers", ASIACRYPT 2017, section 3). Half of
//! it lies in the real part, and the imaginary one, by real diagonals and products of real values, never comes to the
//! real one but in second order:
//!
//! | source | variance of a slot, at the scale of the ciphertext |
//! |---|---|
//! | encryption under the secret key | `N/2 · (3.19² + 1/12)` |
//! | rescaling (rounding of both halves) | `N/2 · (1 + 2N/3) / 12` |
//! | switching keys, `l` limbs, special primes `2^k` above a digit | `N/2 · (1 + 2N/3) / 12 + l · 0.42 · N² / 4^k` |
//! | encoding a diagonal of period `p` | `p / 12` for each, times the operand, at the plaintext's scale |
//!
//! Tensors are of unit size ([`crate::passes`], `normalize`), so these are relative errors once divided by the scale.
//! An affine map keeps a relative error (independent errors grow as the values do); a product grows its variance by 2
//! (`(x+e)² − x² ≈ 2xe`, deviation 2 against the square's √2). A completed square stores `x + b/2a` at unit size, so
//! errors up to there count `√(1 + k²)` times for a shift of `k`; `max_shift` bounds the mean of `k²` over a layer.
//! The sum over all sources, each grown by the products after it, at three deviations, must be at most
//! `2^-precision_bits`. The input and the last rescale have fixed shares of the variance; the other rescales have at
//! most one, and encoding has what they leave. A client encrypts under its secret key, so what an input errs by is
//! mostly the switching of keys in the map that reads it (a batch is never rotated). An encryption under a public key
//! that errs by `N/2 · 3.19² · (1 + 4N/3)` would be 6.7 to 7.7 bits worse than one under the secret key and break the
//! promise; the engine's, which is divided by a special prime, errs by a rescale's rounding: half a bit. Keys are
//! switched at the working scale only where products are rescaled on their own; there it counts as one more
//! rescaling. Digits add little where special primes exceed them by a full margin ([`super::Margin`]). All this knows
//! no weights. With weights the errors are
//! simulated ([`super::simulate`]), and where they would exceed the promise the scales get guard bits. Measured errors
//! stay below the promise (`tests/noise.rs`, `tests/encrypted.rs`). (A diagonal of period `p < N/2` is a polynomial in
//! `X^(N/2p)`, so it has `2p` coefficients to round.)

use hemet_ckks_params::MAX_PRIME_BITS;

use crate::activation::Activation;
use crate::net::{Net, NodeKind, TensorId};
use crate::parameters::{Levels, Margin};
use crate::{Options, Target};

/// Deviation of the errors of encryption (Bossuat et al. 2024, the security table's assumption).
const ERROR_DEVIATION: f64 = 3.19;
/// Promised bound, in standard deviations.
const TAIL: f64 = 3.0;
/// Shares of the variance: rescaling at most; encryption and the last rescale, whose scales cost bits only once.
const CIPHERTEXT_SHARE: f64 = 0.75;
const INPUT_SHARE: f64 = 0.05;
const OUTPUT_SHARE: f64 = 0.05;
/// Scales are made finer for others' sake while that frees at least this share of the budget.
const MIN_TRADE: f64 = 0.02;
/// Bits that the scale of the output's plaintexts keeps.
const LEAST_PLAIN_BITS: i32 = 2;
/// Growth of the variance of a relative error in a product.
const PRODUCT_GROWTH: f64 = 2.0;

/// Scales that the precision needs, in bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    /// Of the input ciphertexts.
    pub input: u32,
    /// Of every rescaled affine map's result, the output's excepted.
    pub working: u32,
    /// Of the output, where it is rescaled: no error grows behind it, so that less is enough and the base prime stays
    /// small.
    pub output: u32,
    /// Of each node's plaintexts; 0 for nodes without any.
    pub plain: Vec<u32>,
    /// Bits by which the output's scale, and that of the plaintexts of its map, are below these: outputs of size
    /// `2^output_size` may err by so much more. Below 0 for small outputs whose errors must be smaller.
    pub output_size: i32,
    /// Whether keys are switched on the input: not on that of a batch.
    pub switched_input: bool,
}

/// What scales are derived for beside the options.
#[derive(Clone, Copy)]
pub struct Aims<'a> {
    /// For each node the weighted coefficients that the diagonals of one result ciphertext round.
    pub rounded: &'a [f64],
    /// Bits that the working scale has more than it needs at least, which leaves a larger share of the errors to
    /// plaintexts, whose scales are smaller then.
    pub extra: u32,
    /// By how much special primes will exceed digits.
    pub margin: Margin,
}

/// Variance of a slot, at scale 1, that rounding in a rescale leaves.
pub(super) fn rescale_variance(n: f64) -> f64 {
    n / 2.0 * (1.0 + 2.0 * n / 3.0) / 12.0
}

/// Variance of a slot, at scale 1, that switching keys leaves; `digits` is the digits' share, in that of rounding.
pub(super) fn switch_variance(n: f64, digits: f64) -> f64 {
    rescale_variance(n) * (1.0 + digits)
}

/// Variance of a slot, at scale 1, of an input encoded and encrypted under the secret key.
pub(super) fn encryption_variance(n: f64) -> f64 {
    n / 2.0 * (ERROR_DEVIATION.powi(2) + 1.0 / 12.0)
}

impl Precision {
    /// Derives the scales.
    pub fn derive(
        net: &Net,
        levels: &Levels,
        log_n: u32,
        options: &Options,
        aims: Aims<'_>,
    ) -> Self {
        let n = f64::from(log_n).exp2();
        let digits = aims.margin.share(levels.top() as usize + 1);
        let sources = Sources::new(net, levels, options, digits);
        let budget = (-f64::from(options.scale_precision_bits())).exp2() / TAIL;
        let rescale = rescale_variance(n);
        let working = (rescale * sources.rescales / CIPHERTEXT_SHARE).sqrt() / budget;
        let working = bits(working) + aims.extra;
        let switched_input = options.target == Target::Latency;
        let switch = match switched_input {
            true => switch_variance(n, digits),
            false => 0.0,
        };
        let fresh = encryption_variance(n) + switch;
        let size = options.input_range / 3f64.sqrt();
        let input = (fresh * sources.input / INPUT_SHARE).sqrt() / (budget * size);
        let output = (rescale / OUTPUT_SHARE).sqrt() / budget;
        let of_ciphertexts = rescale * sources.rescales * (-2.0 * f64::from(working)).exp2();
        let left = budget.powi(2) * (1.0 - INPUT_SHARE - OUTPUT_SHARE) - of_ciphertexts;
        let left = left * (-2.0 * f64::from(options.plain_guard_bits)).exp2();
        let pairs = aims.rounded.iter().zip(&sources.growth);
        let weights: Vec<f64> = pairs.map(|(count, g)| count / 24.0 * g).collect();
        let mut precision = Self {
            input: bits(input),
            working,
            output: bits(output).min(working),
            plain: Vec::new(),
            output_size: match output_is_map(net) {
                true => options.output_size_bits,
                false => 0,
            },
            switched_input,
        };
        precision.plain = plain_bits(&weights, left, |id, plain| {
            let id = TensorId(id);
            let result = precision.of_result(net, id);
            levels.unscaled(net, id).next().is_some()
                && 2 * working + plain > MAX_PRIME_BITS + result
        });
        // A plaintext's scale is at least 1, also where primes differ from their sizes.
        let most = precision.plain[net.output().0] as i32 - LEAST_PLAIN_BITS;
        precision.output_size = precision.output_size.min(most.max(0));
        precision
    }
}

/// Scales of plaintexts whose errors, of variances `weights` at scale 1, may sum to `budget`: equal shares, rounded
/// up; then those whose scale is `dear` get what rounding up and finer scales of the others leave them.
fn plain_bits(weights: &[f64], budget: f64, dear: impl Fn(usize, u32) -> bool) -> Vec<u32> {
    let maps = weights.iter().filter(|w| **w > 0.0).count().max(1) as f64;
    let error = |id: usize, plain: u32| weights[id] * quarter_to_the(plain);
    let share = |weight: &f64| match *weight > 0.0 {
        true => bits((weight * maps / budget).sqrt()),
        false => 0,
    };
    let mut plain: Vec<u32> = weights.iter().map(share).collect();
    let sum = |plain: &[u32]| -> f64 { (0..plain.len()).map(|id| error(id, plain[id])).sum() };
    let least = |plain: &[u32], wanted: &dyn Fn(usize) -> bool| {
        let ids = (0..plain.len()).filter(|id| plain[*id] > 1 && wanted(*id));
        ids.min_by(|a, b| error(*a, plain[*a]).total_cmp(&error(*b, plain[*b])))
    };
    while let Some(id) = least(&plain, &|id| dear(id, plain[id])) {
        let mut traded = plain.clone();
        traded[id] -= 1;
        while sum(&traded) > budget {
            let spare = |id: &usize| traded[*id] > 0 && !dear(*id, traded[*id] + 1);
            let by_error =
                |a: &usize, b: &usize| error(*a, traded[*a]).total_cmp(&error(*b, traded[*b]));
            let others = (0..plain.len()).filter(|other| *other != id && spare(other));
            match others.max_by(by_error) {
                Some(other) if error(other, traded[other]) > MIN_TRADE * budget => {
                    traded[other] += 1
                }
                Some(_) | None => return plain,
            }
        }
        plain = traded;
    }
    loop {
        let all = sum(&plain);
        let coarser = |id| all + error(id, plain[id] - 1) - error(id, plain[id]) <= budget;
        match least(&plain, &coarser) {
            Some(id) => plain[id] -= 1,
            None => return plain,
        }
    }
}

/// The power of a quarter, exactly.
fn quarter_to_the(exponent: u32) -> f64 {
    let biased = (f64::MAX_EXP as u32 - 1).checked_sub(2 * exponent);
    match biased {
        Some(biased) if biased > 0 => {
            f64::from_bits(u64::from(biased) << (f64::MANTISSA_DIGITS - 1))
        }
        Some(_) | None => (-2.0 * f64::from(exponent)).exp2(),
    }
}

/// Whether an affine map makes the output, so that its plaintexts decide the output's scale.
pub(super) fn output_is_map(net: &Net) -> bool {
    let output = net.node(net.output());
    matches!(output.kind, NodeKind::Linear { .. }) && output.shifted().is_none()
}

impl Precision {
    /// Scale, in bits, that a rescaled affine map's result has.
    pub fn of_result(&self, net: &Net, id: TensorId) -> u32 {
        match id == net.output() {
            true => self.output,
            false => self.working,
        }
    }
}

/// log2, rounded up; at least 1.
fn bits(scale: f64) -> u32 {
    scale.log2().ceil().max(1.0) as u32
}

/// What the errors of each node are multiplied by until the output, as variances.
struct Sources {
    growth: Vec<f64>,
    rescales: f64,
    input: f64,
}

impl Sources {
    /// What products, and what shifts, multiply the errors of each node by until the output.
    fn factors(net: &Net, options: &Options) -> (Vec<f64>, Vec<f64>) {
        let shift = match options.activation {
            Activation::CompletedSquare => 1.0 + options.max_shift.powi(2),
            Activation::PowerBasis => 1.0,
        };
        // Errors of values that a product reads lie under the shift; the map behind it carries the same to its
        // operands.
        let mut growth = vec![1.0; net.nodes.len()];
        let mut shifted = vec![1.0; net.nodes.len()];
        for id in net.ids().rev() {
            let product = matches!(net.node(id).kind, NodeKind::Product(..));
            let passes = net.node(id).shifted().is_some();
            for input in net.node(id).inputs() {
                let grown = growth[id.0] * if product { PRODUCT_GROWTH } else { 1.0 };
                growth[input.0] = f64::max(growth[input.0], grown);
                if product {
                    shifted[input.0] = shift;
                } else if passes {
                    shifted[input.0] = f64::max(shifted[input.0], shifted[id.0]);
                }
            }
        }
        (growth, shifted)
    }

    /// `digits` is what digits add to the variance of a key switch's rounding, in that variance.
    fn new(net: &Net, levels: &Levels, options: &Options, digits: f64) -> Self {
        let (growth, shifted) = Self::factors(net, options);
        let mut sources = Self {
            growth: growth.iter().zip(&shifted).map(|(g, s)| g * s).collect(),
            rescales: 0.0,
            input: 0.0,
        };
        for id in net.ids() {
            let rescaled = levels.rescales[id.0];
            match &net.node(id).kind {
                NodeKind::Input => sources.input = growth[id.0],
                NodeKind::WindowSum { .. } => {}
                NodeKind::Linear { .. } => {
                    sources.rescales += if rescaled { sources.growth[id.0] } else { 0.0 };
                }
                // Its own rescaling, and switching keys in the map behind it.
                NodeKind::Product(..) => {
                    let both = 2.0 + digits;
                    sources.rescales += if rescaled { both * growth[id.0] } else { 0.0 }
                }
            }
        }
        sources
    }
}
