//! The negacyclic transform of one limb: the only file that knows tfhe-ntt.
//!
//! Forward: coefficients in order, below 4q, to values in bit-reversed order, canonical. Position `i` holds
//! the value at ψ^(2·rev(i)+1). Inverse: canonical values to canonical coefficients **times N** (callers
//! fold 1/N into a constant that they multiply by anyway).

use tfhe_ntt::prime64::Plan;

/// Transform of limbs of one modulus.
#[derive(Clone, Debug)]
pub(crate) struct Ntt {
    plan: Plan,
}

impl Ntt {
    /// Plans the transform; `None` if the modulus is not prime or not 1 mod 2·`degree`.
    pub(crate) fn new(degree: usize, modulus: u64) -> Option<Self> {
        Plan::try_new(degree, modulus).map(|plan| Self { plan })
    }

    /// Coefficients below 4q to canonical values.
    pub(crate) fn forward(&self, limb: &mut [u64]) {
        self.plan.fwd(limb);
    }

    /// Canonical values to canonical coefficients times N.
    pub(crate) fn inverse(&self, limb: &mut [u64]) {
        self.plan.inv(limb);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modulus::Modulus;

    fn random(seed: u64, n: usize, limit: u64) -> Vec<u64> {
        let mut x = seed;
        (0..n)
            .map(|_| {
                x = x
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (x >> 8) % limit
            })
            .collect()
    }

    #[test]
    fn products_of_transforms_are_negacyclic_products() {
        let n = 256;
        for q in [1_073_479_681u64, 1_099_510_054_913, 1_125_899_906_826_241] {
            assert_eq!(q % (2 * n as u64), 1);
            let (m, ntt) = (Modulus::new(q), Ntt::new(n, q).unwrap());
            let (a, b) = (random(1, n, q), random(2, n, q));
            let mut schoolbook = vec![0u64; n];
            for (i, &x) in a.iter().enumerate() {
                for (j, &y) in b.iter().enumerate() {
                    let p = m.mul(x, y);
                    let k = (i + j) % n;
                    let (add, sub) = (m.add(schoolbook[k], p), m.sub(schoolbook[k], p));
                    schoolbook[k] = if i + j < n { add } else { sub };
                }
            }
            let (mut x, mut y) = (a, b);
            ntt.forward(&mut x);
            ntt.forward(&mut y);
            let mut z: Vec<u64> = x.iter().zip(&y).map(|(&u, &v)| m.mul(u, v)).collect();
            ntt.inverse(&mut z);
            let inverse_n = m.inv(n as u64);
            let z: Vec<u64> = z.iter().map(|&u| m.mul(u, inverse_n)).collect();
            assert_eq!(z, schoolbook);
        }
    }

    #[test]
    fn inputs_below_four_moduli_give_the_same_canonical_values() {
        let n = 4096;
        for q in [1_073_479_681u64, 1_099_510_054_913, 1_125_899_906_826_241] {
            let ntt = Ntt::new(n, q).unwrap();
            let mut lazy = random(3, n, 4 * q);
            lazy[0] = 4 * q - 1;
            lazy[n - 1] = 4 * q - 1;
            let mut canonical: Vec<u64> = lazy.iter().map(|x| x % q).collect();
            ntt.forward(&mut lazy);
            ntt.forward(&mut canonical);
            assert_eq!(lazy, canonical);
            assert!(lazy.iter().all(|&x| x < q));
        }
    }

    #[test]
    fn positions_are_bit_reversed_odd_powers_of_one_root() {
        let (n, q) = (64usize, 1_073_479_681u64);
        let (m, ntt) = (Modulus::new(q), Ntt::new(n, q).unwrap());
        let mut x = vec![0; n];
        x[1] = 1;
        ntt.forward(&mut x);
        let psi = x[0];
        for (i, &value) in x.iter().enumerate() {
            let rev = (i as u64).reverse_bits() >> (64 - n.ilog2());
            assert_eq!(value, m.pow(psi, 2 * rev + 1));
        }
    }
}
