//! What an elementary cost consists of: transforms, conversions, products, bytes. Counted, not measured.
//!
//! The engine switches keys by digits (Han and Ki, "Better Bootstrapping for Approximate Homomorphic Encryption",
//! CT-RSA 2020) with one division by the special primes for a sum (Bossuat et al., "Efficient Bootstrapping for
//! Approximate Homomorphic Encryption with Non-Sparse Keys", Eurocrypt 2021). With `l` limbs, `k` special primes and
//! `d` digits a rotation takes `d(k+l) + 2k + 2l` transforms, products with `d(k+l)` pairs of key limbs, and
//! conversions between bases; times are linear in these counts, so a few measurements for each ring degree serve all
//! chains.

use std::ops::Range;

use hemet_ckks_params::{Parameters, digit_ranges};

use super::CostKind;

/// A piece of work on one limb, whose time depends on the ring degree only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// A transform, forward or inverse.
    Transform,
    /// One source limb converted and added to one target limb.
    Convert,
    /// The product of a digit with a pair of key limbs.
    Switch,
    /// The product of a pair of ciphertext limbs with a diagonal's.
    Term,
    /// A pass over a limb: a copy, a sum, a product.
    Pass,
    /// One limb's worth of 64-bit words of keys or diagonals from memory, where they are packed.
    Stream,
    /// Uniform residues of one limb expanded from a seed.
    Expand,
    /// The residues of one limb made bytes.
    Pack,
    /// What an operation takes whatever its size.
    Call,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Unit; UNITS] = [
        Unit::Transform,
        Unit::Convert,
        Unit::Switch,
        Unit::Term,
        Unit::Pass,
        Unit::Stream,
        Unit::Expand,
        Unit::Pack,
        Unit::Call,
    ];

    /// The word for it in files.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Transform => "transform",
            Unit::Convert => "convert",
            Unit::Switch => "switch",
            Unit::Term => "term",
            Unit::Pass => "pass",
            Unit::Stream => "stream",
            Unit::Expand => "expand",
            Unit::Pack => "pack",
            Unit::Call => "call",
        }
    }
}

/// Number of units.
pub const UNITS: usize = 9;

/// How much of each of [`Unit::ALL`].
pub type Work = [f64; UNITS];

/// The sizes that costs depend on: ring degree, bits of the primes, digits of key switching at each number of limbs.
#[derive(Clone, Debug, PartialEq)]
pub struct Ring {
    log_n: u32,
    /// For 1, 2, … limbs.
    levels: Vec<Sizes>,
}

/// Sizes at one number of limbs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sizes {
    limbs: f64,
    special: f64,
    digits: f64,
    /// Pairs of source and target limb when all digits are brought to all other primes.
    conversions: f64,
    /// Bits of the primes in words of 64.
    words: f64,
    /// Those of the special primes as well.
    extended_words: f64,
}

/// Bits of a word.
const WORD_BITS: f64 = 64.0;

impl Ring {
    /// The sizes of a parameter set.
    pub fn of(parameters: &Parameters) -> Self {
        let bits = |primes: &[u64]| {
            primes
                .iter()
                .map(|&q| (q as f64).log2())
                .collect::<Vec<_>>()
        };
        let digits: Vec<Range<usize>> = parameters.digit_ranges().collect();
        let (chain, special) = (bits(parameters.moduli()), bits(parameters.special()));
        Self::with_digits(parameters.log_n(), &chain, &special, &digits)
    }

    /// The sizes of a chain whose primes are not chosen yet, by their bits; a prime larger than the special primes
    /// together counts as a digit of its own.
    pub fn of_bits(log_n: u32, chain: &[u32], special: &[u32]) -> Self {
        let float = |bits: &[u32]| bits.iter().map(|&b| f64::from(b)).collect::<Vec<_>>();
        let (chain, special) = (float(chain), float(special));
        let digits = digit_ranges(&chain, special.iter().sum())
            .unwrap_or_else(|_| (0..chain.len()).map(|i| i..i + 1).collect());
        Self::with_digits(log_n, &chain, &special, &digits)
    }

    fn with_digits(log_n: u32, chain: &[f64], special: &[f64], digits: &[Range<usize>]) -> Self {
        let words = |bits: &[f64]| bits.iter().map(|b| b.ceil() / WORD_BITS).sum::<f64>();
        let sizes = |limbs: usize| {
            let extended = (special.len() + limbs) as f64;
            let cut = digits.iter().filter(|d| d.start < limbs);
            let lengths: Vec<usize> = cut.map(|d| d.end.min(limbs) - d.start).collect();
            // A digit of an odd number of limbs is followed by its quotient.
            let converted =
                |&length: &usize| length.next_multiple_of(2) as f64 * (extended - length as f64);
            Sizes {
                limbs: limbs as f64,
                special: special.len() as f64,
                digits: lengths.len() as f64,
                conversions: lengths.iter().map(converted).sum(),
                words: words(&chain[..limbs]),
                extended_words: words(&chain[..limbs]) + words(special),
            }
        };
        Self {
            log_n,
            levels: (1..=chain.len()).map(sizes).collect(),
        }
    }

    /// log2 of the ring degree.
    pub fn log_n(&self) -> u32 {
        self.log_n
    }

    /// Primes of the chain.
    pub fn limbs(&self) -> u32 {
        self.levels.len() as u32
    }

    /// What one `kind` on operands of `limbs` limbs consists of; of the whole chain's where it has fewer.
    pub fn work(&self, kind: CostKind, limbs: u32) -> Work {
        let index = (limbs as usize).clamp(1, self.levels.len().max(1)) - 1;
        let mut work = [0.0; UNITS];
        if let Some(sizes) = self.levels.get(index) {
            sizes.count(kind, &mut work);
        }
        work
    }
}

impl Sizes {
    fn count(&self, kind: CostKind, work: &mut Work) {
        let limbs = self.limbs;
        let mut passes = |a_limb: f64| {
            work[Unit::Pass as usize] += a_limb * limbs;
            work[Unit::Call as usize] += 1.0;
        };
        match kind {
            CostKind::Input => {
                passes(2.0);
                work[Unit::Expand as usize] += limbs;
            }
            CostKind::Output => work[Unit::Pack as usize] += 2.0 * limbs,
            CostKind::Add | CostKind::MulPlain => passes(2.0),
            CostKind::AddPlain => passes(2.5),
            CostKind::Multiply => passes(4.0),
            CostKind::Square => passes(3.0),
            CostKind::LevelDrop => passes(1.0),
            CostKind::Diagonal => {
                work[Unit::Term as usize] += limbs;
                work[Unit::Stream as usize] += self.words;
            }
            CostKind::Decompose => self.decompose(work),
            CostKind::BabyStep => {
                self.switch(work);
                self.divide(0.0, work);
            }
            CostKind::GiantStep => {
                self.decompose(work);
                self.switch(work);
            }
            CostKind::Finish => self.divide(0.0, work),
            CostKind::FinishRescale => self.divide(1.0, work),
            CostKind::Rotate => self.switched(0.0, work),
            CostKind::Relinearize => self.switched(0.0, work),
            CostKind::RelinearizeRescale => self.switched(1.0, work),
            CostKind::Rescale => {
                let kept = (limbs - 1.0).max(0.0);
                work[Unit::Transform as usize] += 2.0 * (1.0 + kept);
                work[Unit::Convert as usize] += 4.0 * kept;
                work[Unit::Pass as usize] += 2.0 * kept;
                work[Unit::Call as usize] += 1.0;
            }
        }
    }

    /// A whole key switch.
    fn switched(&self, rescaled: f64, work: &mut Work) {
        self.decompose(work);
        self.switch(work);
        self.divide(rescaled, work);
    }

    /// Inverse transforms, and all digits on all other primes.
    fn decompose(&self, work: &mut Work) {
        work[Unit::Transform as usize] += self.digits * (self.special + self.limbs);
        work[Unit::Convert as usize] += self.conversions;
        work[Unit::Call as usize] += 1.0;
    }

    /// The inner product with a key, and the image of the first part.
    fn switch(&self, work: &mut Work) {
        work[Unit::Switch as usize] += self.digits * (self.special + self.limbs);
        work[Unit::Stream as usize] += 2.0 * self.digits * self.extended_words;
        work[Unit::Pass as usize] += self.limbs;
    }

    /// The division of both parts by the special primes and by the last `rescaled` primes of the chain.
    fn divide(&self, rescaled: f64, work: &mut Work) {
        let kept = (self.limbs - rescaled).max(0.0);
        let dropped = self.special + rescaled;
        work[Unit::Transform as usize] += 2.0 * (dropped + kept);
        // The quotient is a source too.
        work[Unit::Convert as usize] += 2.0 * kept * (dropped + 1.0);
        work[Unit::Pass as usize] += 2.0 * rescaled * kept;
    }
}
