//! Coefficients of plaintexts: rounded numbers, and their residues.

use crate::kernels::Kernels;
use crate::modulus::Modulus;

/// The nearest integers to some coefficients.
pub(super) enum Integers {
    /// All below 2^62.
    Narrow(Vec<i64>),
    /// All below 2^127.
    Wide(Vec<i128>),
}

impl Integers {
    /// Of coefficients of magnitude up to `largest`.
    pub(super) fn nearest(coefficients: impl Iterator<Item = f64>, largest: f64) -> Self {
        let rounded = coefficients.map(f64::round);
        if largest < 62f64.exp2() {
            Self::Narrow(rounded.map(|c| c as i64).collect())
        } else {
            Self::Wide(rounded.map(|c| c as i128).collect())
        }
    }

    /// Those of a polynomial whose coefficients up to N/2 these are, where c(N-k) = -c(k): 0, then c(N/2-k).
    pub(super) fn mirrored(&self) -> Self {
        fn mirrored<T: Copy + Default>(x: &[T]) -> Vec<T> {
            let backwards = x[1..].iter().rev().copied();
            std::iter::once(T::default()).chain(backwards).collect()
        }
        match self {
            Self::Narrow(x) => Self::Narrow(mirrored(x)),
            Self::Wide(x) => Self::Wide(mirrored(x)),
        }
    }

    /// Their canonical residues.
    pub(super) fn reduce(&self, kernels: Kernels, m: &Modulus, limb: &mut [u64]) {
        match self {
            Self::Narrow(integers) => kernels.reduce_signed(m, limb, integers),
            Self::Wide(integers) => {
                for (residue, &integer) in limb.iter_mut().zip(integers) {
                    *residue = m.reduce_i128(integer);
                }
            }
        }
    }
}
