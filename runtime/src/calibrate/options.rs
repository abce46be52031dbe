//! What calibration measures.

use hemet_ckks_params::{Parameters, SecurityLevel, max_log_qp, ntt_primes};

use crate::error::{Result, RuntimeError};

/// A parameter set to measure, and at which numbers of limbs.
#[derive(Clone, Debug)]
pub struct Point {
    /// Ring degree, chain, special primes.
    pub parameters: Parameters,
    /// Numbers of primes of the operand (level + 1), each from 1 to the length of the chain.
    pub limbs: Vec<usize>,
}

impl Point {
    /// A chain of `limbs.max()` primes of `chain_bits` bits with `special` primes of 50 bits. Security is not
    /// checked: the keys are thrown away after measuring.
    ///
    /// # Errors
    /// Primes that do not exist, an empty list of limbs.
    pub fn new(log_n: u32, special: usize, chain_bits: u32, limbs: Vec<usize>) -> Result<Self> {
        let length = limbs.iter().copied().max().unwrap_or(0);
        let bits: Vec<u32> = std::iter::repeat_n(chain_bits, length)
            .chain(std::iter::repeat_n(SPECIAL_BITS, special))
            .collect();
        let mut chain = ntt_primes(log_n, &bits)?;
        let special = chain.split_off(length);
        Ok(Self {
            parameters: Parameters::new_insecure(log_n, chain, special)?,
            limbs,
        })
    }

    pub(crate) fn check(&self) -> Result<()> {
        let length = self.parameters.moduli().len();
        let refused = |reason| RuntimeError::Malformed {
            what: "the calibration's options",
            reason,
        };
        if self.parameters.special().is_empty() {
            return Err(refused("0 special primes, at least 1 is needed".into()));
        }
        match self.limbs.iter().find(|l| !(1..=length).contains(*l)) {
            Some(limbs) => Err(refused(format!(
                "{limbs} limbs of a chain of {length} primes"
            ))),
            None => Ok(()),
        }
    }
}

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Parameter sets.
    pub points: Vec<Point>,
    /// Seconds that one operation may take to measure, about.
    pub seconds_each: f64,
}

/// Bits of a special prime in the standard points.
const SPECIAL_BITS: u32 = 50;

impl Options {
    /// Ring degrees 2^11 to 2^16 at two chains: half a minute.
    ///
    /// # Errors
    /// None in practice.
    pub fn quick() -> Result<Self> {
        Self::all(&[(1, 30), (2, 42)], 4, 0.01)
    }

    /// Ring degrees 2^11 to 2^16 at more and longer chains and with more repetitions: some minutes, and 2 GiB of
    /// memory for keys.
    ///
    /// # Errors
    /// None in practice.
    pub fn full() -> Result<Self> {
        let chains = [(1, 30), (1, 45), (2, 28), (2, 42), (3, 36), (4, 45)];
        Self::all(&chains, 5, 0.04)
    }

    /// Chains with these numbers of special primes and bits of a prime, of at most so many digits, at every ring
    /// degree.
    fn all(chains: &[(usize, u32)], digits: usize, seconds_each: f64) -> Result<Self> {
        let mut points = Vec::new();
        for log_n in 11..=16 {
            for &(special, bits) in chains {
                let length = length(log_n, special, bits).min(digits * special);
                points.push(Point::new(log_n, special, bits, limbs(log_n, length))?);
            }
        }
        Ok(Self {
            points,
            seconds_each,
        })
    }

    /// Exactly the chain of `parameters`, at about `points` numbers of limbs (at least 2).
    pub fn for_parameters(parameters: &Parameters, points: usize) -> Self {
        let (length, points) = (parameters.moduli().len(), points.max(2));
        let mut limbs: Vec<usize> = (0..points)
            .map(|i| 1 + (length - 1) * i / (points - 1))
            .collect();
        limbs.dedup();
        Self {
            points: vec![Point {
                parameters: parameters.clone(),
                limbs,
            }],
            seconds_each: 0.05,
        }
    }
}

/// The length of a chain of `bits` bits a prime for which 128 bits of security leave room, at least 2.
fn length(log_n: u32, special: usize, bits: u32) -> usize {
    let limit = max_log_qp(log_n, SecurityLevel::Bits128).unwrap_or(0) as usize;
    let room = limit.saturating_sub(special * SPECIAL_BITS as usize);
    (room / bits as usize).max(2)
}

/// One limb and all of them, and some between where that takes little time.
fn limbs(log_n: u32, length: usize) -> Vec<usize> {
    let mut limbs = match log_n {
        ..14 => vec![1, 2, length.div_ceil(2), length],
        14 => vec![1, 2, length],
        15.. => vec![2, length],
    };
    limbs.sort_unstable();
    limbs.dedup();
    limbs
}
