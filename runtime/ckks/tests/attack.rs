//! The key from results (Li and Micciancio, "On the Security of Homomorphic Encryption on Approximate Numbers",
//! EUROCRYPT 2021): found from decrypted numbers in full precision and the ciphertexts that a server has, and not found
//! from rounded or flooded ones.

use std::sync::Arc;

use hemet_ckks::params::{SecurityLevel, ntt_primes};
use hemet_ckks::{
    Ciphertext, Context, EvaluationKeys, Flooding, KeyRequest, Parameters, SecretKey, os_rng,
};

const LOG_N: u32 = 13;
const N: usize = 1 << LOG_N;
/// What a network of this scale promises, in bits.
const PRECISION_BITS: u32 = 8;

/// A client with a batch of images, and a server that ran a network on them: two inputs, two logits.
struct Run {
    context: Arc<Context>,
    secret: SecretKey,
    /// The ciphertexts of the logits, which the server has too.
    answers: Vec<Ciphertext>,
}

impl Run {
    /// Dense layer, squares, dense layer, on a batch of N/2 images whose elements are a ciphertext each.
    fn new() -> Self {
        let mut primes = ntt_primes(LOG_N, &[48, 38, 38, 38, 49]).unwrap();
        let special = primes.split_off(4);
        let parameters = Parameters::new(LOG_N, primes, special, SecurityLevel::Bits128).unwrap();
        let context = Context::new(parameters);
        let mut rng = os_rng().unwrap();
        let secret = SecretKey::generate(&context, &mut rng);
        let request = KeyRequest {
            relinearize: Some(2),
            ..KeyRequest::default()
        };
        let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng).unwrap();
        let scale = 38f64.exp2();
        let inputs = [7.0, 11.0].map(|step: f64| {
            let image = |i: usize| (i as f64 * step).sin();
            let values: Vec<f64> = (0..N / 2).map(image).collect();
            let plaintext = context.encode(&values, scale, 3).unwrap();
            let encrypted = context.encrypt_secret(&secret, &plaintext, &mut rng);
            encrypted.unwrap()
        });
        let hidden = dense(&context, &inputs, [[0.75, -0.5], [0.25, 0.625]]);
        let squares = hidden.map(|x| {
            let square = context.square(&x).unwrap();
            context.relinearize_rescale(&square, &keys).unwrap()
        });
        let answers = dense(&context, &squares, [[0.5, -1.25], [1.5, 0.375]]);
        Self {
            context,
            secret,
            answers: answers.to_vec(),
        }
    }

    /// The logits of all images: a vector for each class.
    fn logits(&self) -> Vec<Vec<f64>> {
        let decrypt = |answer| self.context.decrypt(&self.secret, answer).unwrap();
        let answers = self.answers.iter();
        let logits = answers.map(|answer| self.context.decode(&decrypt(answer)).unwrap());
        logits.collect()
    }
}

/// Sums of two ciphertexts with weights, rescaled.
fn dense(context: &Context, x: &[Ciphertext; 2], weights: [[f64; 2]; 2]) -> [Ciphertext; 2] {
    weights.map(|row| {
        let level = x[0].level();
        let scale = context.parameters().moduli()[level] as f64;
        let factor = |w| context.encode_constant(w, scale, level).unwrap();
        let mut sum = context.mul_plain(&x[0], &factor(row[0])).unwrap();
        context
            .mul_plain_add(&mut sum, &x[1], &factor(row[1]))
            .unwrap();
        context.rescale(&sum).unwrap()
    })
}

/// What the attacker knows: parameters, the server's ciphertexts, and numbers that were shown.
struct Attacker<'a> {
    context: &'a Context,
    q: u64,
    /// The root of unity of the transform.
    root: u64,
}

impl<'a> Attacker<'a> {
    fn new(context: &'a Context) -> Self {
        let mut x = vec![0; N];
        x[1] = 1;
        context.transform_unit(0, &mut x).unwrap();
        Self {
            context,
            q: context.parameters().moduli()[0],
            // Position 0 holds the value at the root itself.
            root: x[0],
        }
    }

    fn mul(&self, a: u64, b: u64) -> u64 {
        (u128::from(a) * u128::from(b) % u128::from(self.q)) as u64
    }

    fn sub(&self, a: u64, b: u64) -> u64 {
        (a + self.q - b) % self.q
    }

    fn power(&self, mut base: u64, mut exponent: u64) -> u64 {
        let mut result = 1;
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = self.mul(result, base);
            }
            base = self.mul(base, base);
            exponent >>= 1;
        }
        result
    }

    /// Both parts of a ciphertext at level 0, transformed, from its bytes: after a head of 60 bytes residues of the
    /// bits of the modulus.
    fn parts(&self, bytes: &[u8]) -> [Vec<u64>; 2] {
        let bits = (64 - self.q.leading_zeros()) as usize;
        [0, 1].map(|part| {
            let packed = &bytes[60 + part * N * bits / 8..];
            let residue = |i: usize| {
                let bit = |b: usize| packed[(i * bits + b) / 8] >> ((i * bits + b) % 8) & 1;
                (0..bits).fold(0, |word, b| word | u64::from(bit(b)) << b)
            };
            (0..N).map(residue).collect()
        })
    }

    /// The polynomial m(X) + m(1/X), transformed: its slots are twice the real parts of those of m, so the numbers
    /// shown give it, up to rounding.
    fn doubled(&self, shown: &[f64], scale: f64) -> Vec<u64> {
        let cosines: Vec<f64> = (0..2 * N)
            .map(|k| (std::f64::consts::PI * k as f64 / N as f64).cos())
            .collect();
        let mut exponents = vec![1usize];
        for j in 1..N / 2 {
            exponents.push(exponents[j - 1] * 5 % (2 * N));
        }
        let coefficient = |k: usize| {
            let terms = shown.iter().zip(&exponents);
            let sum: f64 = terms.map(|(x, e)| x * cosines[e * k % (2 * N)]).sum();
            let integer = (sum * 4.0 * scale / N as f64).round() as i64;
            integer.rem_euclid(self.q as i64) as u64
        };
        let mut limb: Vec<u64> = (0..N).map(coefficient).collect();
        self.context.transform_unit(0, &mut limb).unwrap();
        limb
    }

    /// Coefficients of the key that solves, for both answers, b + a·s = m with the numbers shown.
    ///
    /// With the conjugate of everything added, each pair of conjugate positions of the transform has two equations, one
    /// of each answer, in the key's two values there.
    fn key(&self, answers: &[Ciphertext], shown: &[Vec<f64>]) -> Vec<i64> {
        let known: Vec<_> = answers
            .iter()
            .zip(shown)
            .map(|(answer, shown)| {
                let [b, a] = self.parts(&answer.to_bytes(self.context));
                let doubled = self.doubled(shown, answer.scale());
                let right = |i: usize| self.sub(self.sub(doubled[i], b[i]), b[N - 1 - i]);
                let right: Vec<u64> = (0..N).map(right).collect();
                (a, right)
            })
            .collect();
        let [(a, x), (b, y)] = known.as_slice() else {
            panic!("two answers");
        };
        // Cramer's rule for a[i]·s[i] + a[j]·s[j] = x[i], b[i]·s[i] + b[j]·s[j] = y[i].
        let value = |i: usize| {
            let j = N - 1 - i;
            let determinant = self.sub(self.mul(a[i], b[j]), self.mul(a[j], b[i]));
            let inverse = self.power(determinant, self.q - 2);
            let numerator = self.sub(self.mul(x[i], b[j]), self.mul(y[i], a[j]));
            self.mul(numerator, inverse)
        };
        let transformed: Vec<u64> = (0..N).map(value).collect();
        self.coefficients(&transformed)
    }

    /// The inverse transform, by its definition.
    fn coefficients(&self, transformed: &[u64]) -> Vec<i64> {
        let mut powers = vec![1];
        for k in 1..2 * N {
            powers.push(self.mul(powers[k - 1], self.root));
        }
        let exponent = |i: usize| 2 * ((i as u64).reverse_bits() >> (64 - LOG_N)) as usize + 1;
        let inverse = self.power(N as u64, self.q - 2);
        let coefficient = |k: usize| {
            let terms = transformed.iter().enumerate().map(|(i, &value)| {
                let back = (2 * N - exponent(i) * k % (2 * N)) % (2 * N);
                u128::from(value) * u128::from(powers[back])
            });
            // N products below 2^96 each.
            let sum = terms.sum::<u128>() % u128::from(self.q);
            let x = self.mul(sum as u64, inverse);
            if x > self.q / 2 {
                x as i64 - self.q as i64
            } else {
                x as i64
            }
        };
        (0..N).map(coefficient).collect()
    }
}

/// Coefficients that are right, against the key's own bytes: two bits a coefficient after a head of 44 bytes.
fn right(run: &Run, found: &[i64]) -> usize {
    let bytes = run.secret.to_bytes(&run.context);
    let key = |k: usize| i64::from(bytes[44 + k / 4] >> (2 * (k % 4)) & 3) - 1;
    (0..N).filter(|&k| found[k] == key(k)).count()
}

#[test]
fn exact_results_give_the_whole_key_and_rounded_or_flooded_ones_nothing() {
    let run = Run::new();
    let attacker = Attacker::new(&run.context);
    let raw = run.logits();
    let found = attacker.key(&run.answers, &raw);
    assert_eq!(right(&run, &found), N, "every coefficient from raw results");

    let step = (-f64::from(PRECISION_BITS)).exp2();
    let round = |x: &f64| (x / step).round() * step;
    let rounded = raw.iter().map(|class| class.iter().map(round).collect());
    let found = attacker.key(&run.answers, &rounded.collect::<Vec<Vec<f64>>>());
    assert_no_key(&run, &found);

    // Each image's two logits are a result of their own.
    let error = 3.0 * (-f64::from(PRECISION_BITS + 16)).exp2();
    let flooding = Flooding::new(error, N as u64 / 2, 2).unwrap();
    let mut rng = os_rng().unwrap();
    let mut flooded = raw;
    let [first, second] = &mut flooded[..] else {
        panic!("two logits an image");
    };
    for (a, b) in first.iter_mut().zip(second.iter_mut()) {
        let mut logits = [*a, *b];
        flooding.flood(&mut logits, &mut rng);
        [*a, *b] = logits;
    }
    let found = attacker.key(&run.answers, &flooded);
    assert_no_key(&run, &found);
}

/// That the equations have no solution like a key: what solves them is spread over all residues, of which three of
/// 2^48 are those of a key.
fn assert_no_key(run: &Run, found: &[i64]) {
    let ternary = found.iter().filter(|x| x.abs() <= 1).count();
    assert!(ternary < 4, "{ternary} coefficients look like a key's");
    assert!(right(run, found) < 4);
}
