//! The canonical embedding of CKKS in floats, to see what a plaintext becomes when its coefficients are rounded.
//!
//! A vector of p slots, p a power of two, is a polynomial of degree below 2p whose values at the roots ζ^(5^j), ζ of
//! order 4p, are the slots (Cheon, Kim, Kim and Song, "Homomorphic Encryption for Arithmetic of Approximate Numbers",
//! ASIACRYPT 2017; the transform is that of their library HEAAN). Real slots make coefficients that mirror each other,
//! so their rounding errors are real in the slots too: of variance p/6, not p/12.

use std::f64::consts::TAU;

/// A complex number.
type Complex = (f64, f64);

/// Encodes vectors of one length as they would be encoded, and decodes them.
pub struct Embedding {
    slots: usize,
    /// 5^j modulo 4p.
    powers: Vec<usize>,
    /// ζ^k for k below 4p.
    roots: Vec<Complex>,
}

impl Embedding {
    /// For `slots` slots, a power of two.
    pub fn new(slots: usize) -> Self {
        let order = 4 * slots;
        let angle = |k: usize| TAU * k as f64 / order as f64;
        Self {
            slots,
            powers: std::iter::successors(Some(1), |power| Some(power * 5 % order))
                .take(slots)
                .collect(),
            roots: (0..order)
                .map(|k| (angle(k).cos(), angle(k).sin()))
                .collect(),
        }
    }

    /// What `values` are after they were encoded at `scale`: their coefficients are whole numbers over the scale.
    pub fn rounded(&self, values: &[f64], scale: f64) -> Vec<f64> {
        let mut numbers: Vec<Complex> = values.iter().map(|x| (*x, 0.0)).collect();
        self.to_coefficients(&mut numbers);
        for (re, im) in &mut numbers {
            *re = (*re * scale).round() / scale;
            *im = (*im * scale).round() / scale;
        }
        self.to_slots(&mut numbers);
        numbers.into_iter().map(|(re, _)| re).collect()
    }

    /// Place among the roots of butterfly `j` of blocks of `len`.
    fn root(&self, len: usize, j: usize) -> usize {
        let quarter = 4 * len;
        (self.powers[j] % quarter) * (4 * self.slots / quarter)
    }

    fn to_slots(&self, numbers: &mut [Complex]) {
        reverse_bits(numbers);
        let mut len = 2;
        while len <= self.slots {
            for block in numbers.chunks_exact_mut(len) {
                let (low, high) = block.split_at_mut(len / 2);
                for (j, (a, b)) in low.iter_mut().zip(high).enumerate() {
                    let turned = product(*b, self.roots[self.root(len, j)]);
                    (*a, *b) = (
                        (a.0 + turned.0, a.1 + turned.1),
                        (a.0 - turned.0, a.1 - turned.1),
                    );
                }
            }
            len *= 2;
        }
    }

    fn to_coefficients(&self, numbers: &mut [Complex]) {
        let mut len = self.slots;
        while len >= 2 {
            for block in numbers.chunks_exact_mut(len) {
                let (low, high) = block.split_at_mut(len / 2);
                for (j, (a, b)) in low.iter_mut().zip(high).enumerate() {
                    let (re, im) = self.roots[self.root(len, j)];
                    let difference = (a.0 - b.0, a.1 - b.1);
                    (*a, *b) = ((a.0 + b.0, a.1 + b.1), product(difference, (re, -im)));
                }
            }
            len /= 2;
        }
        reverse_bits(numbers);
        let count = numbers.len() as f64;
        for (re, im) in numbers {
            (*re, *im) = (*re / count, *im / count);
        }
    }
}

fn product(a: Complex, b: Complex) -> Complex {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

fn reverse_bits<T>(values: &mut [T]) {
    let bits = values.len().trailing_zeros();
    for i in 0..values.len() {
        let j = i.reverse_bits() >> (usize::BITS - bits.max(1));
        if bits > 0 && i < j {
            values.swap(i, j);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(slots: usize) -> Vec<f64> {
        (0..slots)
            .map(|i| ((i * i * 37 + 11) % 101) as f64 / 50.0 - 1.0)
            .collect()
    }

    #[test]
    fn at_a_large_scale_nothing_is_lost() {
        for slots in [1, 2, 4, 64, 1024] {
            let values = values(slots);
            let rounded = Embedding::new(slots).rounded(&values, 2f64.powi(44));
            for (a, b) in values.iter().zip(&rounded) {
                assert!((a - b).abs() < 1e-10, "{slots}: {a} {b}");
            }
        }
    }

    #[test]
    fn slots_are_the_values_of_a_polynomial_of_whole_coefficients() {
        let slots = 16;
        let embedding = Embedding::new(slots);
        let mut numbers: Vec<Complex> = values(slots).iter().map(|x| (*x, 0.0)).collect();
        embedding.to_coefficients(&mut numbers);
        let (low, high): (Vec<f64>, Vec<f64>) = numbers.iter().copied().unzip();
        let coefficients = [low, high].concat();
        for (j, value) in values(slots).iter().enumerate() {
            let at = |k: usize| {
                TAU * (embedding.powers[j] * k % (4 * slots)) as f64 / (4 * slots) as f64
            };
            let term = |(k, c): (usize, &f64)| (c * at(k).cos(), c * at(k).sin());
            let sum = coefficients.iter().enumerate().map(term);
            let (re, im) = sum.fold((0.0, 0.0), |a: Complex, b| (a.0 + b.0, a.1 + b.1));
            assert!(
                (re - value).abs() < 1e-9 && im.abs() < 1e-9,
                "slot {j}: {re} {im} {value}"
            );
        }
    }

    #[test]
    fn errors_of_real_slots_have_twice_the_variance_of_a_part_of_complex_ones() {
        let slots = 4096;
        let scale = 1024.0;
        let values = values(slots);
        let rounded = Embedding::new(slots).rounded(&values, scale);
        let squares = values.iter().zip(&rounded).map(|(a, b)| (a - b).powi(2));
        let deviation = (squares.sum::<f64>() / slots as f64).sqrt() * scale;
        let derived = (slots as f64 / 6.0).sqrt();
        assert!(
            (deviation / derived - 1.0).abs() < 0.1,
            "{deviation} {derived}"
        );
    }
}
