//! Randomness: the operating system's generator, and the three distributions of the scheme.
//!
//! Secrets are uniform ternary, errors are discrete Gaussians of deviation 3.19 (by a table of the
//! cumulative distribution with 63-bit precision, cut where it reaches 2^63, beyond 9 deviations). Both are sampled
//! without branches or indices that depend on the sample. Uniform residues are public values; they are
//! sampled by rejection.

use rand::rand_core::{CryptoRng, Rng, SeedableRng, TryRng};
use rand_chacha::ChaCha20Rng;
use zeroize::{Zeroize, Zeroizing};

use crate::error::Error;

/// Standard deviation of every error.
pub const ERROR_DEVIATION: f64 = 3.19;

/// P(|e| <= k)·2^63 for the discrete Gaussian of deviation 3.19, rounded; computed with 60 decimal digits.
const CUMULATIVE: [u64; 29] = [
    1_153_477_452_468_229_224,
    3_349_820_430_805_593_270,
    5_245_143_829_349_442_938,
    6_727_622_992_311_224_449,
    7_778_655_094_148_702_640,
    8_454_061_963_716_837_078,
    8_847_464_427_593_976_181,
    9_055_161_697_081_982_973,
    9_154_552_593_608_142_009,
    9_197_663_240_382_149_865,
    9_214_612_259_843_553_562,
    9_220_652_117_835_847_120,
    9_222_602_999_767_745_941,
    9_223_174_159_202_072_686,
    9_223_325_726_613_166_616,
    9_223_362_183_234_700_014,
    9_223_370_131_440_734_060,
    9_223_371_702_107_022_666,
    9_223_371_983_440_126_813,
    9_223_372_029_115_264_285,
    9_223_372_035_836_683_724,
    9_223_372_036_733_212_517,
    9_223_372_036_841_602_611,
    9_223_372_036_853_480_440,
    9_223_372_036_854_660_235,
    9_223_372_036_854_766_453,
    9_223_372_036_854_775_121,
    9_223_372_036_854_775_762,
    9_223_372_036_854_775_805,
];

/// A ChaCha20 generator seeded with 32 bytes from the operating system.
///
/// # Errors
/// `Randomness` when the system has none to give.
pub fn os_rng() -> Result<ChaCha20Rng, Error> {
    let mut seed = Zeroizing::new([0u8; 32]);
    rand::rngs::SysRng
        .try_fill_bytes(seed.as_mut())
        .map_err(|error| Error::Randomness {
            reason: error.to_string(),
        })?;
    Ok(ChaCha20Rng::from_seed(*seed))
}

/// Uniform over {-1, 0, 1}, up to a bias of 2^-62.
pub(crate) fn ternary(rng: &mut impl CryptoRng, n: usize) -> Zeroizing<Vec<i64>> {
    let mut out = Zeroizing::new(Vec::with_capacity(n));
    words(rng, n, |word| {
        out.push(((u128::from(word) * 3) >> 64) as i64 - 1)
    });
    out
}

/// Discrete Gaussian of deviation 3.19.
pub(crate) fn gaussian(rng: &mut impl CryptoRng, n: usize) -> Zeroizing<Vec<i64>> {
    let mut out = Zeroizing::new(Vec::with_capacity(n));
    words(rng, n, |word| {
        let (uniform, sign) = (word >> 1, (word & 1) as i64);
        let magnitude: i64 = CUMULATIVE
            .iter()
            .map(|&limit| i64::from(uniform >= limit))
            .sum();
        out.push((magnitude ^ -sign) + sign);
    });
    out
}

/// Feeds `count` random words to `take` and wipes them.
fn words(rng: &mut impl CryptoRng, count: usize, mut take: impl FnMut(u64)) {
    let mut bytes = Zeroizing::new([0u8; 4096]);
    let mut left = count;
    while left > 0 {
        let now = left.min(bytes.len() / 8);
        rng.fill_bytes(&mut bytes[..8 * now]);
        for chunk in bytes[..8 * now].as_chunks::<8>().0 {
            take(u64::from_le_bytes(*chunk));
        }
        left -= now;
    }
    bytes.zeroize();
}

/// What a seed is expanded for. Objects of different kinds never share a stream, even from equal seeds.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    PublicKey,
    Ciphertext,
}

impl Purpose {
    /// The seed of this purpose that follows from a published one.
    pub(crate) fn of(self, seed: &[u8; 32]) -> [u8; 32] {
        let label = match self {
            Self::PublicKey => "hemet-ckks 2026-11 uniform part of a public key",
            Self::Ciphertext => "hemet-ckks 2026-11 uniform part of a ciphertext",
        };
        blake3::derive_key(label, seed)
    }
}

/// Expands a public seed to uniform residues; `stream` separates the limbs of one object.
///
/// Evaluation keys expand their seed as it is, other objects that of their [`Purpose`]. Each word of the ChaCha20
/// stream is masked to the bits of q and taken if below q.
pub(crate) fn expand_uniform(seed: &[u8; 32], stream: u64, q: u64, limb: &mut [u64]) {
    let mut rng = ChaCha20Rng::from_seed(*seed);
    rng.set_stream(stream);
    let mask = u64::MAX >> q.leading_zeros();
    let mut bytes = [0u8; 2048];
    let mut filled = 0;
    while filled < limb.len() {
        rng.fill_bytes(&mut bytes);
        for chunk in bytes.as_chunks::<8>().0 {
            let candidate = u64::from_le_bytes(*chunk) & mask;
            if candidate < q && filled < limb.len() {
                limb[filled] = candidate;
                filled += 1;
            }
        }
    }
}

/// 32 fresh bytes that may be published.
pub(crate) fn public_seed(rng: &mut impl CryptoRng) -> [u8; 32] {
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    seed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distributions_have_their_moments() {
        let mut rng = ChaCha20Rng::from_seed([7; 32]);
        let n = 1 << 18;
        let moments = |v: &[i64]| {
            let mean = v.iter().sum::<i64>() as f64 / v.len() as f64;
            let square = v.iter().map(|x| x * x).sum::<i64>() as f64 / v.len() as f64;
            (mean, square)
        };
        // Five deviations of the estimators: sqrt(var/n), and for squares sqrt(2) var / sqrt(n).
        let (mean, square) = moments(&gaussian(&mut rng, n));
        assert!(mean.abs() < 5.0 * ERROR_DEVIATION / (n as f64).sqrt());
        assert!((square - 3.19 * 3.19).abs() < 5.0 * 2f64.sqrt() * 10.18 / (n as f64).sqrt());
        let (mean, square) = moments(&ternary(&mut rng, n));
        assert!(mean.abs() < 5.0 * 0.8165 / (n as f64).sqrt());
        assert!((square - 2.0 / 3.0).abs() < 5.0 * 0.4714 / (n as f64).sqrt());
    }

    #[test]
    fn expansion_is_deterministic_below_the_modulus_and_differs_by_stream() {
        let (mut a, mut b, mut c) = ([0; 256], [0; 256], [0; 256]);
        expand_uniform(&[1; 32], 5, 786_433, &mut a);
        expand_uniform(&[1; 32], 5, 786_433, &mut b);
        expand_uniform(&[1; 32], 6, 786_433, &mut c);
        assert_eq!(a, b);
        assert_ne!(a, c);
        assert!(a.iter().chain(&c).all(|&x| x < 786_433));
    }

    #[test]
    fn equal_seeds_give_different_masks_for_different_purposes() {
        let seed = [9; 32];
        let seeds = [
            seed,
            Purpose::PublicKey.of(&seed),
            Purpose::Ciphertext.of(&seed),
        ];
        let masks = seeds.map(|seed| {
            let mut mask = [0; 64];
            expand_uniform(&seed, 0, 786_433, &mut mask);
            mask
        });
        assert!(masks[0] != masks[1] && masks[0] != masks[2] && masks[1] != masks[2]);
    }
}
