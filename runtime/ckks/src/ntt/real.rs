//! The transform of polynomials with real slots: those that are the same in 1/X, c(N-k) = -c(k).
//!
//! Their value at ψ^e is that at ψ^-e, and these stand at positions `i` and `N - 1 - i`: the second half of the
//! transform is the first half backwards. The first half is the polynomial modulo X^(N/2) - ι, ι = ψ^(N/2), with
//! coefficients c(k) + ι·c(N/2+k) = c(k) - ι·c(N/2-k), and its transform is the first half of every stage after the
//! first one. (Kim and Song, "Approximate Homomorphic Encryption over the Conjugate-Invariant Ring", ICISC 2018, work
//! in this ring; here only plaintexts do.)

use super::{Ntt, roots};
use crate::kernels::Kernels;
use crate::modulus::Modulus;

/// Transform of limbs of one modulus.
#[derive(Clone, Debug)]
pub(crate) struct RealNtt {
    m: Modulus,
    kernels: Kernels,
    /// Of polynomials modulo X^(N/2) - ι.
    half: Ntt,
    /// ι, times 2^52.
    iota: u64,
}

impl RealNtt {
    /// Plans the transform that goes with the kernels, for a degree of at least 1024; `None` as for [`Ntt::new`].
    pub(crate) fn new(degree: usize, modulus: u64, kernels: Kernels) -> Option<Self> {
        let m = Modulus::new(modulus);
        let psi = roots::root(&m, degree)?;
        let factors = roots::factors(&m, degree, psi);
        let iota = m.to_mont(factors[0][1]);
        let half = Ntt::with_factors(m, kernels, factors.map(|nodes| first_halves(&nodes)));
        Some(Self {
            m,
            kernels,
            half,
            iota,
        })
    }

    /// Coefficients c(k), k < N/2, to the first half of the transform, canonical. `mirrored` holds 0 and then c(N/2-k)
    /// and is overwritten. All are canonical residues.
    pub(crate) fn forward(&self, limb: &mut [u64], mirrored: &mut [u64]) {
        self.kernels.scale(&self.m, mirrored, self.iota);
        self.kernels.sub_assign(&self.m, limb, mirrored);
        self.half.forward(limb);
    }
}

/// The nodes below the first half: of each stage after the first the first half.
fn first_halves(nodes: &[u64]) -> Vec<u64> {
    let mut halves = vec![1; nodes.len() / 2];
    let mut stage = 1;
    while stage < halves.len() {
        halves[stage..2 * stage].copy_from_slice(&nodes[2 * stage..3 * stage]);
        stage *= 2;
    }
    halves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Instructions;

    #[test]
    fn the_first_half_forwards_and_backwards_is_the_whole_transform() {
        for log_n in 10..=16 {
            let (n, half) = (1usize << log_n, 1usize << (log_n - 1));
            for q in hemet_ckks_params::ntt_primes(log_n, &[50, 46, 30]).unwrap() {
                let m = Modulus::new(q);
                let coefficient = |k: u64| k.wrapping_mul(0x9e37_79b9_7f4a_7c15) % q;
                let limb: Vec<u64> = (0..half as u64).map(coefficient).collect();
                let mut mirrored = vec![0; half];
                let mut whole = limb.clone();
                whole.resize(n, 0);
                for k in 1..half {
                    mirrored[k] = limb[half - k];
                    whole[n - k] = m.sub(0, limb[k]);
                }
                for kernels in Instructions::ALL.into_iter().filter_map(Kernels::new) {
                    let at = format!("2^{log_n} mod {q}, {}", kernels.instructions().name());
                    let mut expected = whole.clone();
                    Ntt::new(n, q, kernels).unwrap().forward(&mut expected);
                    let (mut found, mut scratch) = (limb.clone(), mirrored.clone());
                    let real = RealNtt::new(n, q, kernels).unwrap();
                    real.forward(&mut found, &mut scratch);
                    found.extend_from_within(..);
                    found[half..].reverse();
                    assert!(found == expected, "{at}");
                }
            }
        }
    }
}
