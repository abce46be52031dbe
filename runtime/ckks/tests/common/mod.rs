//! A context with keys and reproducible randomness, shared by the tests.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::sync::Arc;

use hemet_ckks::params::{Parameters, SecurityLevel, ntt_primes};
use hemet_ckks::{Ciphertext, Context, EvaluationKeys, KeyRequest, SecretKey};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// Sizes of a chain and its special primes.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    pub name: &'static str,
    pub log_n: u32,
    pub moduli: &'static [u32],
    pub special: &'static [u32],
    pub scale_bits: i32,
}

/// Odd and even digits, one and several special primes, small and large primes.
pub const PRESETS: [Preset; 4] = [
    Preset {
        name: "small",
        log_n: 12,
        moduli: &[36, 26],
        special: &[40],
        scale_bits: 26,
    },
    Preset {
        name: "single",
        log_n: 13,
        moduli: &[45, 34, 34, 34],
        special: &[48],
        scale_bits: 34,
    },
    Preset {
        name: "pairs",
        log_n: 13,
        moduli: &[40, 28, 28, 28],
        special: &[40, 40],
        scale_bits: 28,
    },
    Preset {
        name: "deep",
        log_n: 14,
        moduli: &[50, 40, 40, 40, 40, 40, 40],
        special: &[45, 45, 46],
        scale_bits: 40,
    },
];

impl Preset {
    pub fn parameters(&self) -> Parameters {
        let sizes: Vec<u32> = self.moduli.iter().chain(self.special).copied().collect();
        let mut moduli = ntt_primes(self.log_n, &sizes).unwrap();
        let special = moduli.split_off(self.moduli.len());
        Parameters::new(self.log_n, moduli, special, SecurityLevel::Bits128).unwrap()
    }

    pub fn scale(&self) -> f64 {
        f64::from(self.scale_bits).exp2()
    }
}

pub struct Setup {
    pub context: Arc<Context>,
    pub secret: SecretKey,
    pub keys: EvaluationKeys,
    pub rng: ChaCha20Rng,
    pub scale: f64,
    pub level: usize,
}

pub const ROTATIONS: [i64; 7] = [1, 2, 3, 4, 8, 100, -5];

/// Keys and randomness from a fixed seed: a failure repeats.
pub fn setup(preset: &Preset) -> Setup {
    setup_on(Context::new(preset.parameters()), preset.scale())
}

pub fn setup_on(context: Arc<Context>, scale: f64) -> Setup {
    let mut rng = ChaCha20Rng::from_seed([42; 32]);
    let secret = SecretKey::generate(&context, &mut rng);
    let level = context.parameters().max_level();
    let request = KeyRequest {
        relinearize: Some(level),
        rotations: &ROTATIONS.map(|step| (step, level)),
        conjugate: Some(level),
    };
    let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng).unwrap();
    Setup {
        context,
        secret,
        keys,
        rng,
        scale,
        level,
    }
}

impl Setup {
    pub fn slots(&self) -> usize {
        self.context.parameters().slots()
    }

    /// Uniform in [-1, 1].
    pub fn values(&mut self) -> Vec<f64> {
        (0..self.slots())
            .map(|_| self.rng.random_range(-1.0..1.0))
            .collect()
    }

    pub fn encrypt(&mut self, values: &[f64]) -> Ciphertext {
        let plaintext = self.context.encode(values, self.scale, self.level).unwrap();
        self.context
            .encrypt_secret(&self.secret, &plaintext, &mut self.rng)
            .unwrap()
    }

    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Vec<f64> {
        let plaintext = self.context.decrypt(&self.secret, ciphertext).unwrap();
        self.context.decode(&plaintext).unwrap()
    }

    /// The largest error of a ciphertext against the values it should hold.
    pub fn error(&self, ciphertext: &Ciphertext, expected: &[f64]) -> f64 {
        let found = self.decrypt(ciphertext);
        found
            .iter()
            .zip(expected)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max)
    }
}

pub fn rotated(x: &[f64], step: i64) -> Vec<f64> {
    let n = x.len() as i64;
    (0..n)
        .map(|i| x[(i + step).rem_euclid(n) as usize])
        .collect()
}

pub fn zip(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(&x, &y)| f(x, y)).collect()
}
