//! Noise: how large scales must be for the asked precision.
//!
//! Slot errors in standard deviations, for degree `N`, ternary secret (variance 2/3 a coefficient), error deviation 3.19; a
//! coefficient error of variance `v` is a slot error of variance `N·v` (the canonical embedding, Cheon, Kim, Kim and Song,
//! "Homomorphic Encryption for Arithmetic of Approximate Numbers", ASIACRYPT 2017, section 3):
//!
//! | source | variance of a slot, at the scale of the ciphertext |
//! |---|---|
//! | public-key encryption | `N · 3.19² · (1 + 4N/3)` |
//! | rescaling (rounding of both halves) | `N · (1 + 2N/3) / 12` |
//! | switching keys, `d` digits, special primes `2^k` larger than a digit | `N · (1 + 2N/3) / 12 + d · 0.85 · N² / 4^k` |
//! | encoding a diagonal of period `p` | `2p / 12` for each, times the operand, at the plaintext's scale |
//!
//! Tensors are of unit size ([`crate::passes`], `normalise`), so these are relative errors once divided by the scale. An affine
//! map keeps a relative error (independent errors grow as the values do); a product grows its variance by 2
//! (`(x+e)² − x² ≈ 2xe`, deviation 2 against the square's √2). A completed square stores `x + b/2a` at unit size, so
//! errors up to there count `√(1 + k²)` times for a shift of `k`; `max_shift` bounds the mean of `k²` over a layer.
//! The sum over all sources, each grown by the products after it, at three deviations, must be at most `2^-precision_bits`; shares of the variance are fixed below. Keys are switched at
//! the working scale only where products are rescaled on their own; there it counts as one more rescaling.
//! The sum is conservative (a fully shifted square does not grow errors, an unshifted one has no shift): measured errors stay
//! below a third of the promise (`tests/noise.rs`, `tests/encrypted.rs`).
//! (A diagonal of period `p < N/2` is a polynomial in `X^(N/2p)`, so it has `2p` coefficients to round.)

use crate::Options;
use crate::activation::Activation;
use crate::net::{Kind, Net, TensorId};
use crate::parameters::Levels;

/// Deviation of the errors of encryption (Bossuat et al. 2024, the security table's assumption).
const ERROR_DEVIATION: f64 = 3.19;
/// Promised bound, in standard deviations.
const TAIL: f64 = 3.0;
/// Shares of the variance: rescaling; encryption and the last rescale, whose scales cost bits only once; encoding.
const CIPHERTEXT_SHARE: f64 = 0.45;
const INPUT_SHARE: f64 = 0.05;
const OUTPUT_SHARE: f64 = 0.05;
const PLAINTEXT_SHARE: f64 = 0.45;
/// Growth of the variance of a relative error in a product.
const PRODUCT_GROWTH: f64 = 2.0;

/// Scales that the precision needs, in bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    /// Of the input ciphertexts.
    pub input: u32,
    /// Of every rescaled affine map's result, the output's excepted.
    pub working: u32,
    /// Of the output, where it is rescaled: no error grows behind it, so that less is enough and the base prime stays small.
    pub output: u32,
    /// Of each node's plaintexts; 0 for nodes without any.
    pub plain: Vec<u32>,
}

impl Precision {
    /// Derives the scales; `rounded` holds, for each node, the weighted coefficients that the diagonals of one
    /// result ciphertext round.
    pub fn derive(
        net: &Net,
        levels: &Levels,
        log_n: u32,
        options: &Options,
        rounded: &[f64],
    ) -> Self {
        let n = f64::from(log_n).exp2();
        let sources = Sources::new(net, levels, options);
        let budget = (-f64::from(options.precision_bits)).exp2() / TAIL;
        let rescale = n * (1.0 + 2.0 * n / 3.0) / 12.0;
        let working = (rescale * sources.rescales / CIPHERTEXT_SHARE).sqrt() / budget;
        let encrypt = n * ERROR_DEVIATION.powi(2) * (1.0 + 4.0 * n / 3.0);
        let size = options.input_range / 3f64.sqrt();
        let input = (encrypt * sources.input / INPUT_SHARE).sqrt() / (budget * size);
        let share = budget * (PLAINTEXT_SHARE / sources.maps.max(1.0)).sqrt();
        let plain = rounded.iter().zip(&sources.growth).map(|(count, growth)| {
            if *count == 0.0 {
                return 0;
            }
            bits((count / 12.0 * growth).sqrt() / share)
        });
        let output = (rescale / OUTPUT_SHARE).sqrt() / budget;
        Self {
            input: bits(input),
            working: bits(working),
            output: bits(output.min(working)),
            plain: plain.collect(),
        }
    }
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
    maps: f64,
}

impl Sources {
    fn new(net: &Net, levels: &Levels, options: &Options) -> Self {
        let shift = match options.activation {
            Activation::CompletedSquare => 1.0 + options.max_shift.powi(2),
            Activation::PowerBasis => 1.0,
        };
        // Errors of values that a product reads lie under the shift; the map behind it carries the same to its operands.
        let mut growth = vec![1.0; net.nodes.len()];
        let mut shifted = vec![1.0; net.nodes.len()];
        for id in net.ids().rev() {
            let product = matches!(net.node(id).kind, Kind::Product(..));
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
        let mut sources = Self {
            growth: growth.iter().zip(&shifted).map(|(g, s)| g * s).collect(),
            rescales: 0.0,
            input: 0.0,
            maps: 0.0,
        };
        for id in net.ids() {
            let rescaled = levels.rescales[id.0];
            match &net.node(id).kind {
                Kind::Input => sources.input = growth[id.0],
                Kind::Linear { .. } => {
                    sources.maps += f64::from(u8::from(net.node(id).shifted().is_none()));
                    sources.rescales += if rescaled { sources.growth[id.0] } else { 0.0 };
                }
                // Its own rescaling, and switching keys in the map behind it.
                Kind::Product(..) => {
                    sources.rescales += if rescaled { 2.0 * growth[id.0] } else { 0.0 }
                }
            }
        }
        sources
    }
}
