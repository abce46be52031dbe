//! The negacyclic transform of one limb.
//!
//! Forward: coefficients in order, below 4q, to values in bit-reversed order, canonical. Position `i` holds
//! the value at ψ^(2·rev(i)+1). Inverse: canonical values to canonical coefficients **times N** and a factor
//! (into which callers fold 1/N). There are three implementations; all give the same bits.
//!
//! Both directions come in two steps, of which one works on blocks that fit the first-level cache, so that
//! what precedes or follows a transform can be done block by block while they are there. Only the IFMA
//! transform is cut so; the others do everything in the step on the whole limb.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod butterflies;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod portable;
mod real;
mod roots;

pub(crate) use real::RealNtt;

use crate::kernels::{Instructions, Kernels};
use crate::modulus::Modulus;

/// Most words of a block: 32 KiB.
const BLOCK: usize = 4096;

/// Transform of limbs of one modulus.
#[derive(Clone, Debug)]
pub(crate) struct Ntt {
    n: usize,
    m: Modulus,
    kernels: Kernels,
    plan: Implementation,
}

#[derive(Clone, Debug)]
enum Implementation {
    Portable(portable::Tables),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Tables),
    #[cfg(target_arch = "x86_64")]
    Ifma(Box<ifma::Tables>),
}

impl Ntt {
    /// Plans the transform that goes with the kernels, for a degree of at least 512; `None` if the modulus is not prime
    /// or not 1 mod 2·`degree`.
    pub(crate) fn new(degree: usize, modulus: u64, kernels: Kernels) -> Option<Self> {
        let m = Modulus::new(modulus);
        let psi = roots::root(&m, degree)?;
        let factors = roots::factors(&m, degree, psi);
        Some(Self::with_factors(m, kernels, factors))
    }

    /// Plans the transform with the factors of all nodes, forward and inverse: at least 512, a power of two.
    fn with_factors(m: Modulus, kernels: Kernels, factors: [Vec<u64>; 2]) -> Self {
        let n = factors[0].len();
        let plan = match kernels.instructions() {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Ifma => {
                Implementation::Ifma(Box::new(ifma::Tables::new(m, factors)))
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => Implementation::Avx2(avx2::Tables::new(&m, factors)),
            #[cfg(not(target_arch = "x86_64"))]
            Instructions::Avx512Ifma | Instructions::Avx2 => {
                Implementation::Portable(portable::Tables::new(&m, factors))
            }
            Instructions::Portable => Implementation::Portable(portable::Tables::new(&m, factors)),
        };
        Self {
            n,
            m,
            kernels,
            plan,
        }
    }

    /// Words of a block.
    pub(crate) fn block(&self) -> usize {
        BLOCK.min(self.n)
    }

    /// Coefficients below 4q to canonical values.
    pub(crate) fn forward(&self, limb: &mut [u64]) {
        self.forward_head(limb);
        for (k, block) in limb.chunks_mut(self.block()).enumerate() {
            self.forward_block(k, block);
        }
    }

    /// The first step: coefficients below 4q of a whole limb to what [`Ntt::forward_block`] takes.
    pub(crate) fn forward_head(&self, limb: &mut [u64]) {
        match &self.plan {
            Implementation::Portable(tables) => tables.forward(limb),
            #[cfg(target_arch = "x86_64")]
            Implementation::Avx2(tables) => tables.forward(limb),
            #[cfg(target_arch = "x86_64")]
            Implementation::Ifma(tables) => tables.forward_head(limb),
        }
    }

    /// The second step: block `k` to canonical values.
    pub(crate) fn forward_block(&self, k: usize, block: &mut [u64]) {
        match &self.plan {
            Implementation::Portable(_) => {}
            #[cfg(target_arch = "x86_64")]
            Implementation::Avx2(_) => {}
            #[cfg(target_arch = "x86_64")]
            Implementation::Ifma(tables) => tables.forward_block(k, block),
        }
    }

    /// Canonical values to canonical coefficients times N and `w`, which is given times 2^52.
    pub(crate) fn inverse(&self, limb: &mut [u64], w_mont: u64) {
        for (k, block) in limb.chunks_mut(self.block()).enumerate() {
            self.inverse_block(k, block);
        }
        self.inverse_finish(limb, w_mont);
    }

    /// The first step of the inverse: block `k` of canonical values to what [`Ntt::inverse_finish`] takes.
    pub(crate) fn inverse_block(&self, k: usize, block: &mut [u64]) {
        match &self.plan {
            Implementation::Portable(_) => {}
            #[cfg(target_arch = "x86_64")]
            Implementation::Avx2(_) => {}
            #[cfg(target_arch = "x86_64")]
            Implementation::Ifma(tables) => tables.inverse_block(k, block),
        }
    }

    /// The second step: a whole limb to canonical coefficients times N and `w`, which is given times 2^52.
    pub(crate) fn inverse_finish(&self, limb: &mut [u64], w_mont: u64) {
        match &self.plan {
            Implementation::Portable(tables) => {
                tables.inverse(limb);
                self.kernels.scale(&self.m, limb, w_mont);
            }
            #[cfg(target_arch = "x86_64")]
            Implementation::Avx2(tables) => tables.inverse(limb, w_mont),
            #[cfg(target_arch = "x86_64")]
            Implementation::Ifma(tables) => tables.inverse_finish(limb, w_mont),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernels() -> impl Iterator<Item = Kernels> {
        Instructions::ALL.into_iter().filter_map(Kernels::new)
    }

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
        let n = 512;
        for q in [1_073_479_681u64, 1_099_510_054_913, 1_125_899_906_826_241] {
            assert_eq!(q % (2 * n as u64), 1);
            let fastest = kernels().next().unwrap();
            let (m, ntt) = (Modulus::new(q), Ntt::new(n, q, fastest).unwrap());
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
            ntt.inverse(&mut z, m.to_mont(m.inv(n as u64)));
            assert_eq!(z, schoolbook);
        }
    }

    #[test]
    fn inputs_below_four_moduli_give_the_same_canonical_values() {
        let n = 4096;
        for q in [1_073_479_681u64, 1_099_510_054_913, 1_125_899_906_826_241] {
            let ntt = Ntt::new(n, q, kernels().next().unwrap()).unwrap();
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
        let (n, q) = (512usize, 1_073_479_681u64);
        let fastest = kernels().next().unwrap();
        let (m, ntt) = (Modulus::new(q), Ntt::new(n, q, fastest).unwrap());
        let mut x = vec![0; n];
        x[1] = 1;
        ntt.forward(&mut x);
        let psi = x[0];
        for (i, &value) in x.iter().enumerate() {
            let rev = (i as u64).reverse_bits() >> (64 - n.ilog2());
            assert_eq!(value, m.pow(psi, 2 * rev + 1));
        }
    }

    #[test]
    fn all_implementations_give_the_bits_of_tfhe_ntt_at_every_length() {
        for log_n in 9..=16 {
            let n = 1usize << log_n;
            let sizes = [50, 47, 46, 45, 40, 30, 24];
            for q in hemet_ckks_params::ntt_primes(log_n.max(10), &sizes).unwrap() {
                let plan = tfhe_ntt::prime64::Plan::try_new(n, q).unwrap();
                let plans: Vec<Ntt> = kernels().map(|k| Ntt::new(n, q, k).unwrap()).collect();
                let limbs = [
                    random(5, n, q),
                    vec![q - 1; n],
                    random(6, n, 4 * q),
                    vec![4 * q - 1; n],
                ];
                for limb in limbs {
                    let mut forward = limb.clone();
                    plan.fwd(&mut forward);
                    let mut inverse = forward.clone();
                    plan.inv(&mut inverse);
                    let m = Modulus::new(q);
                    inverse.iter_mut().for_each(|x| *x = m.mont_mul(*x, q / 3));
                    for (ntt, k) in plans.iter().zip(kernels()) {
                        let at = format!("2^{log_n} mod {q}, {}", k.instructions().name());
                        let mut x = limb.clone();
                        ntt.forward(&mut x);
                        assert!(x == forward, "forward, {at}");
                        ntt.inverse(&mut x, q / 3);
                        assert!(x == inverse, "inverse, {at}");
                    }
                }
            }
        }
    }
}
