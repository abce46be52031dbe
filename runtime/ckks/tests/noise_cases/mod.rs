//! Random cases of every operation: the measured error, and its predicted bound.

use std::error::Error;
use std::sync::Arc;

use hemet_ckks::noise::{self, LinearNoise, Noise};
use hemet_ckks::params::{Parameters, Preset};
use hemet_ckks::{
    Ciphertext, Context, EvaluationKeys, KeyRequest, LinearPlan, LinearTerm, PublicKey, SecretKey,
    Strided,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// What went wrong while a case ran.
pub type Failure = Box<dyn Error>;

/// A case: what was computed, what it should be, and the predicted noise.
pub struct Case {
    ciphertext: Ciphertext,
    expected: Vec<f64>,
    noise: Noise,
}

/// An operation: its name, the lowest level that it takes, and how a case is made.
pub type Operation = (&'static str, usize, fn(&mut Cases) -> Result<Case, Failure>);

/// Every operation of the engine that has a noise of its own.
pub const OPERATIONS: [Operation; 16] = [
    ("encrypt_secret", 0, |c| c.fresh().map(Case::from_fresh)),
    ("encrypt_public", 0, public),
    ("add, sub, negate", 0, sums),
    ("add_plain", 0, plain_sum),
    ("level_drop", 0, dropped),
    ("mul_plain, rescale", 1, plain_product),
    ("mul_plain_add, rescale", 1, plain_products),
    ("mul_plain constant, rescale", 1, constant_product),
    ("multiply", 1, product),
    ("square", 1, square),
    ("relinearize, rescale", 1, product_in_turn),
    ("relinearize_rescale", 1, product_in_one),
    ("rotate", 0, rotation),
    ("rotate_many", 0, hoisted),
    ("linear_rescale", 1, linear),
    ("inner_sum", 0, inner_sum),
];

/// A preset with keys and randomness; each case draws a level, values, and an encryption.
pub struct Cases {
    pub context: Arc<Context>,
    secret: SecretKey,
    public: PublicKey,
    keys: EvaluationKeys,
    rng: ChaCha20Rng,
    scale: f64,
    lowest: usize,
}

/// A fresh encryption.
struct Fresh {
    values: Vec<f64>,
    ciphertext: Ciphertext,
    noise: Noise,
}

impl Case {
    fn from_fresh(fresh: Fresh) -> Self {
        Self {
            ciphertext: fresh.ciphertext,
            expected: fresh.values,
            noise: fresh.noise,
        }
    }
}

const STEPS: [i64; 4] = [1, 2, 3, 4];

impl Cases {
    /// Keys and randomness from a seed, which repeats a failure.
    pub fn new(preset: &Preset, seed: u64) -> Result<Self, Failure> {
        let context = Context::new(preset.parameters()?);
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let secret = SecretKey::generate(&context, &mut rng);
        let top = context.parameters().max_level();
        let request = KeyRequest {
            relinearize: Some(top),
            rotations: &STEPS.map(|step| (step, top)),
            conjugate: None,
        };
        Ok(Self {
            public: PublicKey::generate(&context, &secret, &mut rng)?,
            keys: EvaluationKeys::generate(&context, &secret, &request, &mut rng)?,
            secret,
            rng,
            scale: f64::from(preset.scale_bits).exp2(),
            lowest: 0,
            context,
        })
    }

    /// Runs one case: (largest error, its bound).
    pub fn run(&mut self, operation: &Operation) -> Result<(f64, f64), Failure> {
        self.lowest = operation.1;
        let case = operation.2(self)?;
        let c = &self.context;
        let decrypted = c.decrypt(&self.secret, &case.ciphertext)?;
        let found = c.decode(&decrypted)?;
        let errors = found.iter().zip(&case.expected).map(|(a, b)| (a - b).abs());
        let bound = case.noise.bound(case.ciphertext.scale());
        Ok((errors.fold(0.0, f64::max), bound))
    }

    fn parameters(&self) -> &Parameters {
        self.context.parameters()
    }

    /// Uniform in [-1, 1].
    fn values(&mut self) -> Vec<f64> {
        let slots = self.parameters().slots();
        (0..slots)
            .map(|_| self.rng.random_range(-1.0..1.0))
            .collect()
    }

    fn level(&mut self) -> usize {
        let top = self.parameters().max_level();
        self.rng.random_range(self.lowest..=top)
    }

    fn fresh(&mut self) -> Result<Fresh, Failure> {
        let level = self.level();
        self.fresh_at(level)
    }

    fn fresh_at(&mut self, level: usize) -> Result<Fresh, Failure> {
        let values = self.values();
        let plaintext = self.context.encode(&values, self.scale, level)?;
        let c = self
            .context
            .encrypt_secret(&self.secret, &plaintext, &mut self.rng)?;
        let noise = noise::fresh_secret(self.parameters());
        Ok(Fresh {
            values,
            ciphertext: c,
            noise,
        })
    }

    /// Two of the same level.
    fn pair(&mut self) -> Result<(Fresh, Fresh), Failure> {
        let a = self.fresh()?;
        let b = self.fresh_at(a.ciphertext.level())?;
        Ok((a, b))
    }
}

fn zip(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(&x, &y)| f(x, y)).collect()
}

fn rotated(x: &[f64], step: i64) -> Vec<f64> {
    let mut x = x.to_vec();
    x.rotate_left(step as usize);
    x
}

fn public(s: &mut Cases) -> Result<Case, Failure> {
    let (expected, level) = (s.values(), s.level());
    let plaintext = s.context.encode(&expected, s.scale, level)?;
    let ciphertext = s
        .context
        .encrypt_public(&s.public, &plaintext, &mut s.rng)?;
    let noise = noise::fresh_public(s.parameters());
    Ok(Case {
        ciphertext,
        expected,
        noise,
    })
}

fn sums(s: &mut Cases) -> Result<Case, Failure> {
    let (a, b) = s.pair()?;
    let d = s.fresh_at(a.ciphertext.level())?;
    let sum = s.context.add(&a.ciphertext, &b.ciphertext)?;
    let ciphertext = s.context.negate(&s.context.sub(&sum, &d.ciphertext)?)?;
    let sum = zip(&a.values, &b.values, |x, y| x + y);
    Ok(Case {
        ciphertext,
        expected: zip(&sum, &d.values, |x, z| z - x),
        noise: a.noise.plus(b.noise).plus(d.noise),
    })
}

fn plain_sum(s: &mut Cases) -> Result<Case, Failure> {
    let (a, y) = (s.fresh()?, s.values());
    let plain = s.context.encode(&y, s.scale, a.ciphertext.level())?;
    Ok(Case {
        ciphertext: s.context.add_plain(&a.ciphertext, &plain)?,
        expected: zip(&a.values, &y, |x, y| x + y),
        noise: a.noise.plus(noise::encode(s.parameters())),
    })
}

fn dropped(s: &mut Cases) -> Result<Case, Failure> {
    let a = s.fresh()?;
    let level = s.rng.random_range(0..=a.ciphertext.level());
    let ciphertext = s.context.level_drop(&a.ciphertext, level)?;
    Ok(Case {
        ciphertext,
        expected: a.values,
        noise: a.noise,
    })
}

fn plain_product(s: &mut Cases) -> Result<Case, Failure> {
    let (a, y) = (s.fresh()?, s.values());
    let level = a.ciphertext.level();
    let plain = s.context.encode(&y, s.scale, level)?;
    let product = s.context.mul_plain(&a.ciphertext, &plain)?;
    let noise = a.noise.mul_plain(s.parameters(), s.scale, s.scale);
    Ok(Case {
        ciphertext: s.context.rescale(&product)?,
        expected: zip(&a.values, &y, |x, y| x * y),
        noise: noise.rescale(s.parameters(), level),
    })
}

fn plain_products(s: &mut Cases) -> Result<Case, Failure> {
    let ((a, b), x, y) = (s.pair()?, s.values(), s.values());
    let level = a.ciphertext.level();
    let [p, q] = [&x, &y].map(|v| s.context.encode(v, s.scale, level));
    let mut sum = s.context.mul_plain(&a.ciphertext, &p?)?;
    s.context.mul_plain_add(&mut sum, &b.ciphertext, &q?)?;
    let one = a.noise.mul_plain(s.parameters(), s.scale, s.scale);
    let first = zip(&a.values, &x, |x, y| x * y);
    let second = zip(&b.values, &y, |x, y| x * y);
    Ok(Case {
        ciphertext: s.context.rescale(&sum)?,
        expected: zip(&first, &second, |x, y| x + y),
        noise: one.plus(one).rescale(s.parameters(), level),
    })
}

fn constant_product(s: &mut Cases) -> Result<Case, Failure> {
    let a = s.fresh()?;
    let level = a.ciphertext.level();
    // A multiple of 2^-8 in both halves of [-1, 1], so that its encoding is exact.
    let value = f64::from(s.rng.random_range(64..=256)) / 256.0;
    let plain = s.context.encode_constant(-value, s.scale, level)?;
    let product = s.context.mul_plain(&a.ciphertext, &plain)?;
    Ok(Case {
        ciphertext: s.context.rescale(&product)?,
        expected: a.values.iter().map(|x| -value * x).collect(),
        noise: Noise(a.noise.0 * value * s.scale).rescale(s.parameters(), level),
    })
}

fn product(s: &mut Cases) -> Result<Case, Failure> {
    let (a, b) = s.pair()?;
    Ok(Case {
        ciphertext: s.context.multiply(&a.ciphertext, &b.ciphertext)?,
        expected: zip(&a.values, &b.values, |x, y| x * y),
        noise: a.noise.multiply(b.noise, s.scale, s.scale),
    })
}

fn square(s: &mut Cases) -> Result<Case, Failure> {
    let a = s.fresh()?;
    let noise = a.noise.multiply(a.noise, s.scale, s.scale);
    Ok(Case {
        ciphertext: s.context.square(&a.ciphertext)?,
        expected: a.values.iter().map(|x| x * x).collect(),
        noise: Noise(noise.0 * std::f64::consts::SQRT_2),
    })
}

/// A product, switched and rescaled by `finish`.
fn product_then(
    s: &mut Cases,
    finish: impl Fn(&Cases, &Ciphertext) -> Result<Ciphertext, hemet_ckks::Error>,
) -> Result<Case, Failure> {
    let case = product(s)?;
    let level = case.ciphertext.level();
    let noise = case.noise.key_switch(s.parameters(), level);
    Ok(Case {
        ciphertext: finish(s, &case.ciphertext)?,
        noise: noise.rescale(s.parameters(), level),
        ..case
    })
}

fn product_in_turn(s: &mut Cases) -> Result<Case, Failure> {
    product_then(s, |s, product| {
        let degree1 = s.context.relinearize(product, &s.keys)?;
        s.context.rescale(&degree1)
    })
}

fn product_in_one(s: &mut Cases) -> Result<Case, Failure> {
    product_then(s, |s, product| {
        s.context.relinearize_rescale(product, &s.keys)
    })
}

fn rotation(s: &mut Cases) -> Result<Case, Failure> {
    let a = s.fresh()?;
    let step = STEPS[s.rng.random_range(0..STEPS.len())];
    let level = a.ciphertext.level();
    Ok(Case {
        ciphertext: s.context.rotate(&a.ciphertext, step, &s.keys)?,
        expected: rotated(&a.values, step),
        noise: a.noise.key_switch(s.parameters(), level),
    })
}

fn hoisted(s: &mut Cases) -> Result<Case, Failure> {
    let a = s.fresh()?;
    let which = s.rng.random_range(0..STEPS.len());
    let mut all = s.context.rotate_many(&a.ciphertext, &STEPS, &s.keys)?;
    let level = a.ciphertext.level();
    Ok(Case {
        ciphertext: all.swap_remove(which),
        expected: rotated(&a.values, STEPS[which]),
        noise: a.noise.key_switch(s.parameters(), level),
    })
}

/// Two giant steps of three baby steps.
fn linear(s: &mut Cases) -> Result<Case, Failure> {
    let a = s.fresh()?;
    let level = a.ciphertext.level();
    let steps = [(0, 0), (0, 1), (0, 2), (3, 0), (3, 1), (3, 2)];
    let (mut terms, mut diagonals) = (Vec::new(), Vec::new());
    let mut expected = vec![0.0; a.values.len()];
    for (diagonal, (giant, baby)) in steps.into_iter().enumerate() {
        let values = s.values();
        let product = zip(&values, &rotated(&a.values, baby), |x, y| x * y);
        expected = zip(&expected, &rotated(&product, giant), |x, y| x + y);
        diagonals.push(s.context.encode_diagonal(&values, s.scale, level)?);
        terms.push(LinearTerm {
            output: 0,
            giant,
            input: 0,
            baby,
            diagonal,
        });
    }
    let plan = LinearPlan::new(1, 1, &terms)?;
    let mut outputs = s
        .context
        .linear_rescale(&[&a.ciphertext], &plan, &diagonals, &s.keys)?;
    let map = LinearNoise {
        message: s.scale,
        plain: s.scale,
        products: steps.len(),
        giants: 1,
    };
    let noise = a.noise.linear(s.parameters(), level, map);
    Ok(Case {
        ciphertext: outputs.remove(0),
        expected,
        noise: noise.rescale(s.parameters(), level),
    })
}

fn inner_sum(s: &mut Cases) -> Result<Case, Failure> {
    let a = s.fresh()?;
    let strided = Strided::new(1, 4)?;
    let turned: Vec<Vec<f64>> = (0..4).map(|step| rotated(&a.values, step)).collect();
    let sum = |i: usize| turned.iter().map(|x| x[i]).sum();
    let level = a.ciphertext.level();
    Ok(Case {
        ciphertext: s.context.inner_sum(&a.ciphertext, strided, &s.keys)?,
        expected: (0..a.values.len()).map(sum).collect(),
        noise: a.noise.inner_sum(s.parameters(), level, 4),
    })
}
