//! How much noise hides the errors of results, so that these may be shown to others.
//!
//! A decrypted CKKS number is the exact result plus an error that depends on the secret key (Li and Micciancio, "On the
//! Security of Homomorphic Encryption on Approximate Numbers", EUROCRYPT 2021). Let `M` numbers be shown in all, each
//! with Gaussian noise of `c·√M` times the deviation of its error added first. The shown numbers then differ from the
//! exact results with the same noise, which need no key, by a Rényi divergence of order α of at most `M·α·e²/2σ² =
//! α/2c²` nats, also where later inputs are chosen after earlier results. So an attacker who would find the key with
//! probability `p` from exact results finds it with at most `(p·exp(α/2c²))^(1 - 1/α)` from those that are shown (Bai
//! et al., "Improved Security Proofs in Lattice-Based Cryptography", ASIACRYPT 2015, lemma 2.9; Li, Micciancio, Schultz
//! and Sorrell, "Securing Approximate Homomorphic Encryption Using Differential Privacy", CRYPTO 2022). With `c = 16`
//! and α = 256 that is `2^-126.7` for `p = 2^-128`: showing all results costs the key 1.3 bits.
//!
//! That is a statement on finding the key. As a statistical distance between shown and exact results it is weaker: at
//! most `1/2c = 2^-5` for all results together. A distance of 2^-40 would take 35 bits more, which no scale within a
//! prime of 50 bits has.

/// c of this file's head.
const MARGIN: f64 = 16.0;

/// Deviation of the noise, in deviations of the error that it hides, where `results` of `numbers` numbers each may be
/// shown.
///
/// ```
/// use hemet_ckks_params::flooding_ratio;
/// assert_eq!(flooding_ratio(1, 1), 16.0);
/// // A million results of ten numbers: 16 bits.
/// assert_eq!(flooding_ratio(1 << 20, 10).log2().ceil(), 16.0);
/// ```
pub fn flooding_ratio(results: u64, numbers: usize) -> f64 {
    MARGIN * (results as f64 * numbers as f64).max(1.0).sqrt()
}

/// Bits by which the promised errors of ciphertexts must lie below what is promised of results that are shown: the
/// noise then keeps that promise.
pub fn hidden_bits(results: u64, numbers: usize) -> u32 {
    flooding_ratio(results, numbers).log2().ceil() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bound of this file's head, as log2, on finding a key of `security` bits.
    fn found_log2(security: f64, results: u64, numbers: usize, alpha: f64) -> f64 {
        let ratio = flooding_ratio(results, numbers);
        let shown = results as f64 * numbers as f64;
        let divergence_nats = shown * alpha / (2.0 * ratio * ratio);
        (-security + divergence_nats * std::f64::consts::LOG2_E) * (1.0 - 1.0 / alpha)
    }

    #[test]
    fn showing_all_results_costs_the_key_at_most_a_bit_and_a_third() {
        for results in [1, 2, 1000, 1 << 20, 1 << 40] {
            for numbers in [1, 2, 10, 1000] {
                let found = found_log2(128.0, results, numbers, 256.0);
                assert!(found <= -126.7, "{results} of {numbers}: 2^{found}");
            }
        }
    }
}
