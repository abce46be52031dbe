//! Named parameter sets: for each ring degree the longest chain at 128 bits, and two degrees each at 192 and 256 bits.

use crate::error::ParamError;
use crate::parameters::Parameters;
use crate::primes::ntt_primes;
use crate::security::SecurityLevel;

/// Sizes of a chain and its special primes, at a scale that its primes follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// `n<log2 of the degree>-<security>`.
    pub name: &'static str,
    /// log2 of the ring degree.
    pub log_n: u32,
    /// The security that it is checked for.
    pub security: SecurityLevel,
    /// Bits of the base prime.
    pub base_bits: u32,
    /// The scale, and the size of every other prime, in bits.
    pub scale_bits: u32,
    /// Rescales that a fresh ciphertext allows.
    pub depth: usize,
    /// Bits of each special prime.
    pub special_bits: u32,
    /// Special primes.
    pub special: usize,
}

impl Preset {
    /// All of them, by security and degree.
    pub const ALL: [Self; 10] = [
        preset(
            "n11-128",
            SecurityLevel::Bits128,
            chain(26, 20, 0),
            special(26, 1),
        ),
        preset(
            "n12-128",
            SecurityLevel::Bits128,
            chain(30, 22, 2),
            special(30, 1),
        ),
        preset(
            "n13-128",
            SecurityLevel::Bits128,
            chain(45, 30, 4),
            special(46, 1),
        ),
        preset(
            "n14-128",
            SecurityLevel::Bits128,
            chain(50, 34, 8),
            special(50, 2),
        ),
        preset(
            "n15-128",
            SecurityLevel::Bits128,
            chain(50, 40, 14),
            special(50, 5),
        ),
        preset(
            "n16-128",
            SecurityLevel::Bits128,
            chain(50, 45, 25),
            special(50, 11),
        ),
        preset(
            "n14-192",
            SecurityLevel::Bits192,
            chain(45, 34, 5),
            special(40, 2),
        ),
        preset(
            "n15-192",
            SecurityLevel::Bits192,
            chain(50, 40, 9),
            special(50, 3),
        ),
        preset(
            "n15-256",
            SecurityLevel::Bits256,
            chain(50, 40, 7),
            special(50, 2),
        ),
        preset(
            "n16-256",
            SecurityLevel::Bits256,
            chain(50, 40, 16),
            special(50, 4),
        ),
    ];

    /// The parameter set.
    ///
    /// # Errors
    /// None for the sets of [`Preset::ALL`]; as [`Parameters::new`] for others.
    pub fn parameters(&self) -> Result<Parameters, ParamError> {
        let mut sizes = vec![self.base_bits];
        sizes.extend(std::iter::repeat_n(self.scale_bits, self.depth));
        sizes.extend(std::iter::repeat_n(self.special_bits, self.special));
        let mut moduli = ntt_primes(self.log_n, &sizes)?;
        let special = moduli.split_off(self.depth + 1);
        Parameters::new(self.log_n, moduli, special, self.security)
    }
}

/// The sizes of a chain.
struct Chain {
    base_bits: u32,
    scale_bits: u32,
    depth: usize,
}

const fn chain(base_bits: u32, scale_bits: u32, depth: usize) -> Chain {
    Chain {
        base_bits,
        scale_bits,
        depth,
    }
}

/// The sizes of special primes.
struct Special {
    bits: u32,
    count: usize,
}

const fn special(bits: u32, count: usize) -> Special {
    Special { bits, count }
}

/// The degree is in the name.
const fn preset(
    name: &'static str,
    security: SecurityLevel,
    chain: Chain,
    special: Special,
) -> Preset {
    let digits = name.as_bytes();
    let log_n = (digits[1] - b'0') as u32 * 10 + (digits[2] - b'0') as u32;
    Preset {
        name,
        log_n,
        security,
        base_bits: chain.base_bits,
        scale_bits: chain.scale_bits,
        depth: chain.depth,
        special_bits: special.bits,
        special: special.count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_as_secure_as_it_says_and_no_level_longer_would_be() {
        for preset in Preset::ALL {
            let set = preset.parameters().unwrap();
            assert_eq!(set.log_n(), preset.log_n, "{}", preset.name);
            assert_eq!(set.security().bits(), preset.security.bits());
            assert_eq!(set.max_level(), preset.depth);
            let bits = preset.security.bits().to_string();
            assert!(preset.name.ends_with(&bits), "{}", preset.name);
            let longer = Preset {
                depth: preset.depth + 1,
                ..preset
            };
            let refused = longer.parameters();
            assert!(
                matches!(refused, Err(ParamError::Insecure { .. })),
                "{}: {refused:?}",
                preset.name
            );
        }
    }
}
