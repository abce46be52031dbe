//! By how much the special primes of key switching exceed its digits.

use hemet_ckks_params::{digits_share, full_margin_bits};

/// How far special primes exceed the digits of key switching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Margin {
    /// So far that digits add little to the error of a switch.
    Full,
    /// By [`THIN_BITS`]: the scale of the input makes up for it, which may spare a special prime.
    Thin,
    /// Not at all: so too, where the modulus has no room otherwise.
    Scant,
}

/// Bits of a thin margin.
const THIN_BITS: u32 = 2;

impl Margin {
    /// All of them.
    pub const ALL: [Margin; 3] = [Margin::Full, Margin::Thin, Margin::Scant];

    /// Bits for a chain of so many primes, at least.
    pub fn bits(self, limbs: usize) -> u32 {
        match self {
            Margin::Full => full_margin_bits(limbs),
            Margin::Thin => THIN_BITS.min(full_margin_bits(limbs)),
            Margin::Scant => 0,
        }
    }

    /// What digits add to the variance of a key switch's rounding, in that variance, at most.
    pub fn share(self, limbs: usize) -> f64 {
        digits_share(limbs, f64::from(self.bits(limbs)))
    }
}
