//! One prime modulus below 2^50 with the constants that the kernels need.

/// Mask of the low 52 bits.
pub(crate) const MASK52: u64 = (1 << 52) - 1;

/// A prime q < 2^50 and its precomputed constants. R is 2^52.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Modulus {
    /// The prime.
    pub(crate) q: u64,
    /// q⁻¹ mod R.
    pub(crate) q_inv: u64,
    /// R² mod q: brings a factor into Montgomery form.
    pub(crate) r2: u64,
    /// floor(2^104 / q) >> 52 would not fit for small q; this is floor(2^63 / q), for 63-bit reductions.
    pub(crate) barrett63: u64,
}

impl Modulus {
    /// Precomputes the constants of an odd prime below 2^50.
    pub(crate) fn new(q: u64) -> Self {
        let mut q_inv = q;
        // Newton's iteration doubles the correct low bits: 3, 6, 12, 24, 48, 96.
        for _ in 0..5 {
            q_inv = q_inv.wrapping_mul(2u64.wrapping_sub(q.wrapping_mul(q_inv)));
        }
        let r = ((1u128 << 52) % u128::from(q)) as u64;
        let r2 = ((u128::from(r) * u128::from(r)) % u128::from(q)) as u64;
        Self {
            q,
            q_inv: q_inv & MASK52,
            r2,
            barrett63: (1 << 63) / q,
        }
    }

    /// Bits of a residue.
    pub(crate) fn bits(&self) -> u32 {
        64 - self.q.leading_zeros()
    }

    /// `a + b` for residues.
    pub(crate) fn add(&self, a: u64, b: u64) -> u64 {
        let s = a + b;
        s.min(s.wrapping_sub(self.q))
    }

    /// `a - b` for residues.
    pub(crate) fn sub(&self, a: u64, b: u64) -> u64 {
        let d = a.wrapping_sub(b);
        d.min(d.wrapping_add(self.q))
    }

    /// `a·b` for any factors.
    pub(crate) fn mul(&self, a: u64, b: u64) -> u64 {
        ((u128::from(a) * u128::from(b)) % u128::from(self.q)) as u64
    }

    /// `a^e`.
    pub(crate) fn pow(&self, mut a: u64, mut e: u64) -> u64 {
        let mut result = 1;
        while e > 0 {
            if e & 1 == 1 {
                result = self.mul(result, a);
            }
            a = self.mul(a, a);
            e >>= 1;
        }
        result
    }

    /// The inverse of a residue that is not 0 (Fermat; the modulus is prime).
    pub(crate) fn inv(&self, a: u64) -> u64 {
        self.pow(a % self.q, self.q - 2)
    }

    /// `a·2^52`, the form of constant factors.
    pub(crate) fn to_mont(self, a: u64) -> u64 {
        ((u128::from(a) << 52) % u128::from(self.q)) as u64
    }

    /// `(hi·2^52 + lo)·2^-52`, at most `hi + (lo >> 52) + q`: the reduction of all kernels.
    #[inline(always)]
    pub(crate) fn redc(&self, lo: u64, hi: u64) -> u64 {
        let hi = hi + (lo >> 52);
        let k = (lo & MASK52).wrapping_mul(self.q_inv) & MASK52;
        let carry = ((u128::from(k) * u128::from(self.q)) >> 52) as u64;
        hi + self.q - carry
    }

    /// `a·b·2^-52`, canonical, for factors below 2^52 whose product is below `2^52·3q`.
    #[inline(always)]
    pub(crate) fn mont_mul(&self, a: u64, b: u64) -> u64 {
        let x = u128::from(a) * u128::from(b);
        self.canonical4(self.redc(x as u64 & MASK52, (x >> 52) as u64))
    }

    /// Brings a value below 4q to its residue.
    #[inline(always)]
    pub(crate) fn canonical4(&self, t: u64) -> u64 {
        let t = t.min(t.wrapping_sub(2 * self.q));
        t.min(t.wrapping_sub(self.q))
    }

    /// Brings a value below 8q to its residue.
    #[inline(always)]
    pub(crate) fn canonical8(&self, t: u64) -> u64 {
        self.canonical4(t.min(t.wrapping_sub(4 * self.q)))
    }

    /// The residue of a signed integer of magnitude below 2^62.
    #[inline(always)]
    pub(crate) fn reduce_i64(&self, x: i64) -> u64 {
        let magnitude = x.unsigned_abs();
        let estimate = ((u128::from(magnitude) * u128::from(self.barrett63)) >> 63) as u64;
        // The estimate is at most 2 too small: 2^62/q·(1 - fraction) loses less than 1, the shift 1 more.
        let r = self.canonical4(magnitude - estimate * self.q);
        if x < 0 { self.sub(0, r) } else { r }
    }

    /// The residue of a signed 128-bit integer.
    pub(crate) fn reduce_i128(&self, x: i128) -> u64 {
        x.rem_euclid(i128::from(self.q)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIMES: [u64; 4] = [
        786_433,
        1_073_479_681,
        1_099_510_054_913,
        1_125_899_906_826_241,
    ];

    #[test]
    fn montgomery_products_equal_plain_products() {
        for q in PRIMES {
            let m = Modulus::new(q);
            let mut x = 12345u64;
            for _ in 0..1000 {
                x = x
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let (a, b) = ((x >> 13) % q, x % q);
                assert_eq!(m.mont_mul(a, m.to_mont(b)), m.mul(a, b));
                assert_eq!(m.mont_mul(m.mont_mul(a, b), m.r2), m.mul(a, b));
            }
        }
    }

    #[test]
    fn signed_reduction_is_exact_at_the_ends() {
        for q in PRIMES {
            let m = Modulus::new(q);
            for x in [
                0,
                1,
                -1,
                q as i64,
                -(q as i64),
                q as i64 - 1,
                (1 << 62) - 1,
                1 - (1 << 62),
            ] {
                assert_eq!(m.reduce_i64(x), m.reduce_i128(i128::from(x)), "{x} mod {q}");
            }
        }
    }

    #[test]
    fn inverses_multiply_to_one() {
        for q in PRIMES {
            let m = Modulus::new(q);
            for a in [1, 2, 3, q / 2, q - 1] {
                assert_eq!(m.mul(a, m.inv(a)), 1);
            }
        }
    }
}
