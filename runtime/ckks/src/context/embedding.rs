//! The canonical embedding: slots to polynomial coefficients and back, in f64.
//!
//! Source: Cheon, Kim, Kim, Song, "Homomorphic Encryption for Arithmetic of Approximate Numbers", ASIACRYPT 2017,
//! section 3. Slot `j` is the value at ζ^(5^j), ζ = exp(iπ/N). With c_k = m_k + i·m_(k+N/2) that value is Σ c_k ζ^(5^j
//! k) over k < N/2, and all 5^j are 1 mod 4, so the slots are the values of a complex polynomial of degree N/2 at the
//! roots of X^(N/2) - i: a tree of splits X^m - r² = (X^(m/2) - r)(X^(m/2) + r).

use std::f64::consts::PI;

/// Tables for one ring degree.
#[derive(Debug)]
pub(crate) struct Embedding {
    /// Roots of the splits: entry `blocks + k` belongs to block `k` of the stage with that many blocks.
    root_re: Vec<f64>,
    root_im: Vec<f64>,
    /// Where slot `j` stands after the splits.
    position: Vec<u32>,
}

/// Complex numbers as two vectors of equal length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Complexes {
    pub(crate) re: Vec<f64>,
    pub(crate) im: Vec<f64>,
}

impl Embedding {
    /// Tables for degree 2^`log_n`.
    pub(crate) fn new(log_n: u32) -> Self {
        let (n, slots) = (1usize << log_n, 1usize << (log_n - 1));
        let mask = 2 * n - 1;
        let (mut root_re, mut root_im) = (vec![0.0; slots], vec![0.0; slots]);
        // Exponents e of the blocks X^m - ζ^e of one stage; the first is X^(N/2) - i.
        let mut exponents = vec![n / 2];
        while exponents.len() < slots {
            let blocks = exponents.len();
            let mut next = Vec::with_capacity(2 * blocks);
            for (k, &e) in exponents.iter().enumerate() {
                let (sin, cos) = (PI * (e / 2) as f64 / n as f64).sin_cos();
                (root_re[blocks + k], root_im[blocks + k]) = (cos, sin);
                next.extend([e / 2, (e / 2 + n) & mask]);
            }
            exponents = next;
        }
        let mut place = vec![0u32; 2 * n];
        for (i, &e) in exponents.iter().enumerate() {
            place[e] = i as u32;
        }
        let mut power = 1;
        let position = (0..slots)
            .map(|_| {
                let at = place[power];
                power = (5 * power) & mask;
                at
            })
            .collect();
        Self {
            root_re,
            root_im,
            position,
        }
    }

    /// Slots (at most N/2, the rest 0) to the N coefficients, times `factor`, not rounded.
    ///
    /// The first half of the coefficients is the real part, the second the imaginary part of the result.
    pub(crate) fn coefficients(&self, re: &[f64], im: &[f64], factor: f64) -> Complexes {
        let slots = self.position.len();
        let mut x = Complexes {
            re: vec![0.0; slots],
            im: vec![0.0; slots],
        };
        for (&value, &at) in re.iter().zip(&self.position) {
            x.re[at as usize] = value;
        }
        for (&value, &at) in im.iter().zip(&self.position) {
            x.im[at as usize] = value;
        }
        let mut half = 1;
        while half < slots {
            self.merge(&mut x, half);
            half *= 2;
        }
        let factor = factor / slots as f64;
        x.re.iter_mut().chain(&mut x.im).for_each(|c| *c *= factor);
        x
    }

    /// Real slots to the first N/2 coefficients, times `factor`, not rounded. The others follow: c(N-k) = -c(k) and
    /// c(N/2) = 0, exactly, where [`Embedding::coefficients`] has that but for rounding.
    pub(crate) fn real_coefficients(&self, slots: &[f64], factor: f64) -> Vec<f64> {
        let Complexes { mut re, im } = self.coefficients(slots, &[], factor);
        for (re, im) in re[1..].iter_mut().zip(im[1..].iter().rev()) {
            *re = 0.5 * (*re - im);
        }
        re
    }

    /// The N coefficients (as [`Embedding::coefficients`] gives them) to the N/2 slots, times `factor`.
    pub(crate) fn slots(&self, mut x: Complexes, factor: f64) -> Complexes {
        let slots = self.position.len();
        let mut half = slots / 2;
        while half > 0 {
            self.split(&mut x, half);
            half /= 2;
        }
        let pick = |v: &[f64]| {
            self.position
                .iter()
                .map(|&at| v[at as usize] * factor)
                .collect()
        };
        Complexes {
            re: pick(&x.re),
            im: pick(&x.im),
        }
    }

    fn split(&self, x: &mut Complexes, half: usize) {
        let blocks = x.re.len() / (2 * half);
        let pairs =
            x.re.chunks_exact_mut(2 * half)
                .zip(x.im.chunks_exact_mut(2 * half));
        for (k, (re, im)) in pairs.enumerate() {
            let (wr, wi) = (self.root_re[blocks + k], self.root_im[blocks + k]);
            let (ar, br) = re.split_at_mut(half);
            let (ai, bi) = im.split_at_mut(half);
            for j in 0..half {
                let (tr, ti) = (br[j] * wr - bi[j] * wi, br[j] * wi + bi[j] * wr);
                (br[j], bi[j]) = (ar[j] - tr, ai[j] - ti);
                (ar[j], ai[j]) = (ar[j] + tr, ai[j] + ti);
            }
        }
    }

    fn merge(&self, x: &mut Complexes, half: usize) {
        let blocks = x.re.len() / (2 * half);
        let pairs =
            x.re.chunks_exact_mut(2 * half)
                .zip(x.im.chunks_exact_mut(2 * half));
        for (k, (re, im)) in pairs.enumerate() {
            let (wr, wi) = (self.root_re[blocks + k], self.root_im[blocks + k]);
            let (ar, br) = re.split_at_mut(half);
            let (ai, bi) = im.split_at_mut(half);
            for j in 0..half {
                let (dr, di) = (ar[j] - br[j], ai[j] - bi[j]);
                (ar[j], ai[j]) = (ar[j] + br[j], ai[j] + bi[j]);
                (br[j], bi[j]) = (dr * wr + di * wi, di * wr - dr * wi);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_the_values_at_the_powers_of_five() {
        let log_n = 5;
        let n = 1usize << log_n;
        let m: Vec<f64> = (0..n).map(|i| ((i * 37 + 11) % 17) as f64 - 8.0).collect();
        let x = Complexes {
            re: m[..n / 2].to_vec(),
            im: m[n / 2..].to_vec(),
        };
        let slots = Embedding::new(log_n).slots(x, 1.0);
        let mut power = 1usize;
        for j in 0..n / 2 {
            let (mut re, mut im) = (0.0, 0.0);
            for (k, c) in m.iter().enumerate() {
                let angle = PI * ((power * k) % (2 * n)) as f64 / n as f64;
                re += c * angle.cos();
                im += c * angle.sin();
            }
            assert!(
                (slots.re[j] - re).abs() < 1e-11 && (slots.im[j] - im).abs() < 1e-11,
                "slot {j}"
            );
            power = power * 5 % (2 * n);
        }
    }

    #[test]
    fn coefficients_of_real_slots_are_those_of_complex_ones_but_for_rounding() {
        let e = Embedding::new(12);
        let values: Vec<f64> = (0..2048).map(|i| (i as f64 * 0.37).sin()).collect();
        let whole = e.coefficients(&values, &[], 8.0);
        let half = e.real_coefficients(&values, 8.0);
        // As below: 11 stages, of numbers up to 8.
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-13, "{a} {b}");
        for k in 0..2048 {
            near(half[k], whole.re[k]);
            near(-whole.im[k], if k == 0 { 0.0 } else { half[2048 - k] });
        }
    }

    #[test]
    fn coefficients_and_slots_are_inverse() {
        let e = Embedding::new(12);
        let re: Vec<f64> = (0..2048).map(|i| (i as f64 * 0.37).sin()).collect();
        let im: Vec<f64> = (0..2048).map(|i| (i as f64 * 0.11).cos()).collect();
        let back = e.slots(e.coefficients(&re, &im, 8.0), 0.125);
        // Rounding: 22 stages of relative error 2^-52 each, a wide factor above.
        for j in 0..2048 {
            assert!((back.re[j] - re[j]).abs() < 1e-13 && (back.im[j] - im[j]).abs() < 1e-13);
        }
    }
}
