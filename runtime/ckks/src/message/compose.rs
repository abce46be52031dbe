//! From residues back to one centered number, by mixed-radix digits (Garner 1959).

use crate::modulus::Modulus;

/// Most bits of the prefix of limbs that is handled in 128-bit integers.
const PREFIX_BITS: f64 = 126.0;

/// Constants for the first limbs of a chain.
pub(crate) struct Composer<'a> {
    moduli: &'a [Modulus],
    /// Per limb: the inverse of the product of the earlier primes.
    inverse: Vec<u64>,
    /// The products of the first 0, 1, 2, … primes while they fit.
    radix: Vec<i128>,
}

impl<'a> Composer<'a> {
    pub(crate) fn new(moduli: &'a [Modulus]) -> Self {
        let inverse = (0..moduli.len())
            .map(|i| {
                let m = &moduli[i];
                m.inv(moduli[..i].iter().fold(1, |p, f| m.mul(p, f.q % m.q)))
            })
            .collect();
        let mut radix = vec![1i128];
        let mut bits = 0.0;
        for m in moduli {
            bits += (m.q as f64).log2();
            if bits >= PREFIX_BITS {
                break;
            }
            radix.push(radix[radix.len() - 1] * i128::from(m.q));
        }
        Self {
            moduli,
            inverse,
            radix,
        }
    }

    /// The centered integer with the given residues, as f64.
    ///
    /// If the small integer given by the first limbs has the other residues too, it is the answer (exact
    /// before the conversion); otherwise all digits are used and only their sum is rounded.
    pub(crate) fn compose(&self, residue: impl Fn(usize) -> u64) -> f64 {
        let used = self.radix.len() - 1;
        let mut value: i128 = 0;
        for i in 0..used {
            let m = &self.moduli[i];
            let difference = m.sub(residue(i), m.reduce_i128(value));
            value += self.radix[i] * i128::from(m.mul(difference, self.inverse[i]));
        }
        let all = self.radix[used];
        let centered = if value > all / 2 { value - all } else { value };
        if (used..self.moduli.len()).all(|i| self.moduli[i].reduce_i128(centered) == residue(i)) {
            return centered as f64;
        }
        self.compose_wide(residue)
    }

    fn compose_wide(&self, residue: impl Fn(usize) -> u64) -> f64 {
        let mut digits: Vec<u64> = Vec::with_capacity(self.moduli.len());
        for (i, m) in self.moduli.iter().enumerate() {
            let (mut value, mut radix) = (0, 1);
            for (&digit, earlier) in digits.iter().zip(self.moduli) {
                value = m.add(value, m.mul(digit, radix));
                radix = m.mul(radix, earlier.q);
            }
            digits.push(m.mul(m.sub(residue(i), value), self.inverse[i]));
        }
        // The number is negative when its digits exceed those of half the modulus, which are (q - 1)/2
        // each; then its complement has the digits q - 1 - d and is -1 - number.
        let first = digits
            .iter()
            .zip(self.moduli)
            .rev()
            .find(|(d, m)| 2 * **d + 1 != m.q);
        let negative = first.is_some_and(|(d, m)| 2 * d + 1 > m.q);
        let mut sum = 0.0;
        for (&d, m) in digits.iter().zip(self.moduli).rev() {
            let digit = if negative { m.q - 1 - d } else { d };
            sum = sum * m.q as f64 + digit as f64;
        }
        if negative { -1.0 - sum } else { sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_signed_numbers_come_back() {
        let moduli: Vec<Modulus> = [
            1_125_899_906_826_241u64,
            1_099_510_054_913,
            1_073_479_681,
            786_433,
            1_099_512_004_609,
        ]
        .into_iter()
        .map(Modulus::new)
        .collect();
        for count in 1..=5 {
            let composer = Composer::new(&moduli[..count]);
            let half: f64 = moduli[..count].iter().map(|m| m.q as f64).product::<f64>() / 2.0;
            for x in [
                0i128,
                1,
                -1,
                12345,
                -(1 << 40),
                1 << 48,
                (1 << 90) + 7,
                -(1 << 120) + 3,
                (1 << 125) - 1,
            ] {
                if (x as f64).abs() < half {
                    assert_eq!(
                        composer.compose(|i| moduli[i].reduce_i128(x)),
                        x as f64,
                        "{x}"
                    );
                    let wide = composer.compose_wide(|i| moduli[i].reduce_i128(x));
                    assert!(
                        (wide - x as f64).abs() <= 1e-15 * (x as f64).abs(),
                        "{x} {wide}"
                    );
                }
            }
        }
    }
}
