//! The root of unity of a modulus, and its powers in the order in which the transforms use them.
//!
//! The root is found by taking the square root of -1 as often as needed (Tonelli and Shanks), starting from the
//! least non-residue. Keys and ciphertexts depend on which root it is, so this choice is part of their format.

use crate::modulus::Modulus;

/// A root ψ of order 2`n`, for a prime = 1 mod 2`n`; `None` for another modulus.
pub(super) fn root(m: &Modulus, n: usize) -> Option<u64> {
    let order = 2 * n as u64;
    if !hemet_ckks_params::is_prime(m.q) || m.q % order != 1 {
        return None;
    }
    let twos = (m.q - 1).trailing_zeros();
    let odd = (m.q - 1) >> twos;
    let non_residue = (2..m.q).find(|&z| m.pow(z, (m.q - 1) / 2) == m.q - 1)?;
    let generator = m.pow(non_residue, odd);
    let mut root = m.q - 1;
    for _ in 0..n.ilog2() {
        root = square_root(m, root, generator)?;
    }
    Some(root)
}

/// A square root, given a generator of the roots whose order is the power of two in q - 1.
fn square_root(m: &Modulus, x: u64, generator: u64) -> Option<u64> {
    let twos = (m.q - 1).trailing_zeros();
    let odd = (m.q - 1) >> twos;
    let (mut c, mut level) = (generator, twos);
    let (mut t, mut r) = (m.pow(x, odd), m.pow(x, odd.div_ceil(2)));
    while t != 1 {
        // The order of t is 2^order, below 2^level.
        let (mut order, mut power) = (0, t);
        while power != 1 {
            power = m.mul(power, power);
            order += 1;
            if order == level {
                return None;
            }
        }
        let b = m.pow(c, 1 << (level - order - 1));
        level = order;
        c = m.mul(b, b);
        t = m.mul(t, c);
        r = m.mul(r, b);
    }
    Some(r)
}

/// The factors of all butterflies, forward and inverse: `[s + k]` belongs to node `k` of the stage with `s` nodes.
pub(super) fn factors(m: &Modulus, n: usize, psi: u64) -> [Vec<u64>; 2] {
    let log_n = n.ilog2();
    let reverse = |k: usize| ((k as u64).reverse_bits() >> (64 - log_n)) as usize;
    let mut forward = vec![0; n];
    let mut power = 1;
    for k in 0..n {
        forward[reverse(k)] = power;
        power = m.mul(power, psi);
    }
    // The inverse of psi^k is -psi^(n-k).
    let mut inverse = vec![1; n];
    for k in 1..n {
        inverse[reverse(k)] = m.q - forward[reverse(n - k)];
    }
    [forward, inverse]
}
