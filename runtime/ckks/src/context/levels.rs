//! Constants of base conversion at one level, all in the form that the kernels take.
//!
//! Extended limbs are numbered with the special primes first: `u < K` is special prime `u`, `K + i` is
//! `moduli[i]`. Sources: Bajard et al., "A Full RNS Variant of FV", SAC 2016 (fast base conversion);
//! Halevi, Polyakov, Shoup, "An Improved RNS Variant of the BFV Scheme", CT-RSA 2019 (the quotient in
//! floating point); Han and Ki, "Better Bootstrapping for Approximate Homomorphic Encryption", CT-RSA 2020
//! (digits of several limbs).

use std::ops::Range;

use hemet_ckks_params::Parameters;

use crate::modulus::Modulus;

/// Constants for ciphertexts of one level.
#[derive(Debug)]
pub(crate) struct LevelTable {
    pub(crate) digits: Vec<DigitTable>,
    /// Dropping the special primes: the end of a key switch.
    pub(crate) drop_special: DropTable,
    /// Dropping the special primes and the last prime of the level: key switch and rescale in one.
    pub(crate) drop_special_and_last: DropTable,
    /// Dropping the last prime of the level: rescale.
    pub(crate) drop_last: DropTable,
}

/// One digit: how its limbs are brought to every other modulus.
#[derive(Debug)]
pub(crate) struct DigitTable {
    /// Its limbs at this level.
    pub(crate) limbs: Range<usize>,
    /// Per limb: (D/q_i)⁻¹·N⁻¹ mod q_i, times 2^52.
    pub(crate) lift: Vec<u64>,
    /// Per limb: 1/q_i.
    pub(crate) inverse: Vec<f64>,
    /// Per extended limb: D/q_i mod the target for each limb of the digit, times 2^52; for an odd number of
    /// limbs also -D, for the quotient that follows them.
    pub(crate) weights: Vec<Vec<u64>>,
    /// Per extended limb: -limbs/2·D mod the target for an even number of limbs, else 0.
    ///
    /// The sum of an even number of limbs is centered by this constant alone. An odd number would keep the
    /// mean D/2, which is not spread over the slots but gathers in a few, so there the quotient is subtracted.
    pub(crate) offsets: Vec<u64>,
    /// Where its lifted limbs start, counted in limbs.
    pub(crate) first_lifted: usize,
}

impl DigitTable {
    /// Lifted limbs: its own, and the quotient where their number is odd.
    pub(crate) fn lifted(&self) -> usize {
        self.limbs.len().next_multiple_of(2)
    }
}

/// Division by a product M of primes with rounding.
#[derive(Debug, Default)]
pub(crate) struct DropTable {
    /// Per dropped prime p: (M/p)⁻¹·N⁻¹ mod p, times 2^52. Where p is a prime of the chain and the special
    /// primes are dropped with it, their factor is already in the keys and left out here.
    pub(crate) lift: Vec<u64>,
    /// Per dropped prime: 1/p.
    pub(crate) inverse: Vec<f64>,
    /// Per kept limb: -p⁻¹·L for each dropped prime and L for the quotient, times 2^52, where L is the last
    /// prime if it is dropped with special ones, else 1: the remainder that is subtracted before the division
    /// by L.
    pub(crate) negated: Vec<Vec<u64>>,
    /// Per kept limb: the inverse of the last prime, times 2^52 (1 where none is dropped).
    pub(crate) last_inverse: Vec<u64>,
}

impl LevelTable {
    /// Limbs that a lifted polynomial has.
    pub(crate) fn lifted(&self) -> usize {
        self.digits.iter().map(DigitTable::lifted).sum()
    }

    pub(crate) fn new(
        parameters: &Parameters,
        moduli: &[Modulus],
        special: &[Modulus],
        level: usize,
    ) -> Self {
        let extended: Vec<&Modulus> = special.iter().chain(&moduli[..=level]).collect();
        let n = parameters.degree() as u64;
        let mut digits: Vec<DigitTable> = Vec::new();
        for range in parameters
            .digit_ranges()
            .filter(|range| range.start <= level)
        {
            let limbs = range.start..range.end.min(level + 1);
            let first = digits.last().map_or(0, |d| d.first_lifted + d.lifted());
            digits.push(digit_table(moduli, &extended, limbs, n, first));
        }
        let (kept, last) = (&moduli[..level], &moduli[level]);
        let drop_last = if level == 0 {
            DropTable::default()
        } else {
            drop_table(&[], Some(last), kept, n)
        };
        let both = if level == 0 {
            DropTable::default()
        } else {
            drop_table(special, Some(last), kept, n)
        };
        Self {
            digits,
            drop_special: drop_table(special, None, &moduli[..=level], n),
            drop_special_and_last: both,
            drop_last,
        }
    }
}

fn product(factors: impl Iterator<Item = u64>, m: &Modulus) -> u64 {
    factors.fold(1, |p, f| m.mul(p, f % m.q))
}

fn digit_table(
    moduli: &[Modulus],
    extended: &[&Modulus],
    limbs: Range<usize>,
    n: u64,
    first_lifted: usize,
) -> DigitTable {
    let others = |skip: usize| {
        limbs
            .clone()
            .filter(move |&j| j != skip)
            .map(|j| moduli[j].q)
    };
    let whole = |m: &Modulus| product(limbs.clone().map(|j| moduli[j].q), m);
    let is_odd = limbs.len() % 2 == 1;
    let lift = limbs
        .clone()
        .map(|i| {
            let m = &moduli[i];
            m.to_mont(m.inv(m.mul(product(others(i), m), n)))
        })
        .collect();
    let weights = |m: &Modulus| {
        let own = limbs.clone().map(|i| m.to_mont(product(others(i), m)));
        own.chain(is_odd.then(|| m.to_mont(m.sub(0, whole(m)))))
            .collect()
    };
    let half = (limbs.len() / 2) as u64;
    let offset = |m: &Modulus| {
        if is_odd {
            0
        } else {
            m.sub(0, m.mul(half, whole(m)))
        }
    };
    DigitTable {
        lift,
        inverse: limbs.clone().map(|i| 1.0 / moduli[i].q as f64).collect(),
        weights: extended.iter().map(|m| weights(m)).collect(),
        offsets: extended.iter().map(|m| offset(m)).collect(),
        first_lifted,
        limbs,
    }
}

fn drop_table(special: &[Modulus], last: Option<&Modulus>, kept: &[Modulus], n: u64) -> DropTable {
    let dropped: Vec<&Modulus> = special.iter().chain(last).collect();
    let mut lift: Vec<u64> = special
        .iter()
        .map(|m| {
            let others = dropped.iter().map(|p| p.q).filter(|&p| p != m.q);
            m.to_mont(m.inv(m.mul(product(others, m), n)))
        })
        .collect();
    lift.extend(last.map(|m| m.to_mont(m.inv(n))));
    let last_inverse = |m: &Modulus| m.to_mont(last.map_or(1, |p| m.inv(p.q)));
    let negated = |m: &Modulus| {
        let last = last.map_or(1, |p| p.q % m.q);
        let weights = dropped
            .iter()
            .map(|p| m.to_mont(m.sub(0, m.mul(m.inv(p.q), last))));
        weights.chain([m.to_mont(last)]).collect()
    };
    DropTable {
        negated: kept.iter().map(negated).collect(),
        lift,
        inverse: dropped.iter().map(|p| 1.0 / p.q as f64).collect(),
        last_inverse: kept.iter().map(last_inverse).collect(),
    }
}
