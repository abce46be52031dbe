//! Every degree with the longest chain that the security table permits: encrypt, multiply, rotate, rescale to the last
//! level, decrypt. Primes of 20 to 49 bits.

mod common;

use std::sync::Arc;

use common::{rotated, zip};
use hemet_ckks::noise::{self, Noise};
use hemet_ckks::params::{Parameters, SecurityLevel, max_log_qp, ntt_primes};
use hemet_ckks::{Context, EvaluationKeys, KeyRequest, SecretKey};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// The longest chain of a shape: a base prime, levels whose sizes repeat, special primes.
struct Shape {
    log_n: u32,
    base: u32,
    levels: &'static [u32],
    special: &'static [u32],
    /// log2 of the scale of the input.
    scale: f64,
    /// Rescales that the longest chain allows.
    depth: usize,
}

const SHAPES: [Shape; 9] = [
    // 53 bits: no special prime fits, so nothing but a product with a plaintext.
    Shape {
        log_n: 11,
        base: 30,
        levels: &[22],
        special: &[],
        scale: 20.0,
        depth: 1,
    },
    Shape {
        log_n: 12,
        base: 30,
        levels: &[22],
        special: &[30],
        scale: 22.0,
        depth: 2,
    },
    Shape {
        log_n: 13,
        base: 45,
        levels: &[30],
        special: &[45],
        scale: 30.0,
        depth: 4,
    },
    // The smallest and the largest primes in one chain.
    Shape {
        log_n: 13,
        base: 36,
        levels: &[20, 49, 27],
        special: &[49],
        scale: 26.0,
        depth: 4,
    },
    Shape {
        log_n: 14,
        base: 49,
        levels: &[35, 40],
        special: &[49, 49],
        scale: 38.0,
        depth: 7,
    },
    // Small primes, more than 64 bits of special ones: many limbs for their bits.
    Shape {
        log_n: 14,
        base: 34,
        levels: &[24],
        special: &[40, 40],
        scale: 24.0,
        depth: 13,
    },
    Shape {
        log_n: 15,
        base: 49,
        levels: &[40],
        special: &[50, 50, 50, 50],
        scale: 40.0,
        depth: 15,
    },
    Shape {
        log_n: 15,
        base: 49,
        levels: &[49],
        special: &[50, 50, 50, 50, 50],
        scale: 49.0,
        depth: 11,
    },
    Shape {
        log_n: 16,
        base: 49,
        levels: &[40, 36, 44],
        special: &[50; 8],
        scale: 40.0,
        depth: 32,
    },
];

impl Shape {
    fn sizes(&self, depth: usize) -> Vec<u32> {
        let levels = self.levels.iter().copied().cycle().take(depth);
        std::iter::once(self.base)
            .chain(levels)
            .chain(self.special.iter().copied())
            .collect()
    }

    fn parameters(&self, depth: usize) -> Option<Parameters> {
        let mut primes = ntt_primes(self.log_n, &self.sizes(depth)).ok()?;
        let special = primes.split_off(depth + 1);
        Parameters::new(self.log_n, primes, special, SecurityLevel::Bits128).ok()
    }
}

#[test]
fn the_longest_chains_of_the_security_table_are_as_stated() {
    for shape in &SHAPES {
        let longest = (1..64)
            .take_while(|&depth| shape.parameters(depth).is_some())
            .last();
        assert_eq!(
            longest,
            Some(shape.depth),
            "2^{} {:?}",
            shape.log_n,
            shape.levels
        );
        let limit = max_log_qp(shape.log_n, SecurityLevel::Bits128).unwrap();
        let used = shape.parameters(shape.depth).unwrap().log_qp_bits();
        let next = shape.levels[shape.depth % shape.levels.len()];
        assert!(used + f64::from(next + 1) > f64::from(limit) && used <= f64::from(limit));
    }
}

struct Journey {
    context: Arc<Context>,
    secret: SecretKey,
    keys: EvaluationKeys,
    rng: ChaCha20Rng,
    values: Vec<f64>,
}

/// Keys for a product at the top, a rotation below it and one at the last level.
fn start(shape: &Shape) -> Journey {
    let parameters = shape.parameters(shape.depth).unwrap();
    let context = Context::new(parameters);
    let mut rng = ChaCha20Rng::from_seed([shape.log_n as u8; 32]);
    let secret = SecretKey::generate(&context, &mut rng);
    let top = shape.depth;
    let switching = !shape.special.is_empty();
    let rotations: &[(i64, usize)] = if switching {
        &[(3, top - 1), (-1, 0)]
    } else {
        &[]
    };
    let request = KeyRequest {
        relinearize: switching.then_some(top),
        rotations,
        conjugate: None,
    };
    let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng).unwrap();
    let slots = context.parameters().slots();
    let values = (0..slots).map(|_| rng.random_range(-1.0..1.0)).collect();
    Journey {
        context,
        secret,
        keys,
        rng,
        values,
    }
}

/// x², rotated, rescaled by products with 1 to the last level, rotated back by 1.
fn travel(shape: &Shape) {
    let mut j = start(shape);
    let (c, top, scale) = (j.context.clone(), shape.depth, shape.scale.exp2());
    let parameters = c.parameters();
    let plaintext = c.encode(&j.values, scale, top).unwrap();
    let x = c.encrypt_secret(&j.secret, &plaintext, &mut j.rng).unwrap();
    let fresh = noise::fresh_secret(parameters);
    let q = |level: usize| parameters.moduli()[level] as f64;
    let (mut y, mut expected, mut error);
    if shape.special.is_empty() {
        let half = c.encode_constant(0.5, q(top), top).unwrap();
        y = c.rescale(&c.mul_plain(&x, &half).unwrap()).unwrap();
        expected = j.values.iter().map(|x| x / 2.0).collect::<Vec<_>>();
        error = fresh
            .mul_plain(parameters, scale, q(top))
            .rescale(parameters, top);
    } else {
        let square = c.multiply(&x, &x).unwrap();
        y = c.relinearize_rescale(&square, &j.keys).unwrap();
        y = c.rotate(&y, 3, &j.keys).unwrap();
        expected = rotated(&zip(&j.values, &j.values, |a, b| a * b), 3);
        // Both factors have the same error, so it counts twice and not √2 times.
        error = Noise(2.0 * fresh.0 * scale)
            .key_switch(parameters, top)
            .rescale(parameters, top);
        error = error.key_switch(parameters, top - 1);
    }
    for level in (1..top).rev() {
        let one = c.encode_constant(1.0, q(level), level).unwrap();
        let message = y.scale();
        y = c.rescale(&c.mul_plain(&y, &one).unwrap()).unwrap();
        error = error
            .mul_plain(parameters, message, q(level))
            .rescale(parameters, level);
    }
    if !shape.special.is_empty() {
        y = c.rotate(&y, -1, &j.keys).unwrap();
        expected = rotated(&expected, -1);
        error = error.key_switch(parameters, 0);
    }
    assert_eq!(y.level(), 0);
    let found = c.decode(&c.decrypt(&j.secret, &y).unwrap()).unwrap();
    let pairs = found.iter().zip(&expected);
    let measured = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let bound = error.bound(y.scale());
    assert!(
        measured <= bound,
        "2^{}: {measured:e}, bound {bound:e}",
        shape.log_n
    );
    assert!(
        bound < 0.1,
        "2^{}: the bound {bound:e} says nothing",
        shape.log_n
    );
}

#[test]
fn degrees_2_11_to_2_14_from_the_top_to_the_last_level() {
    SHAPES
        .iter()
        .filter(|shape| shape.log_n <= 14)
        .for_each(travel);
}

#[test]
fn degree_2_15_from_the_top_to_the_last_level() {
    SHAPES
        .iter()
        .filter(|shape| shape.log_n == 15)
        .for_each(travel);
}

#[test]
fn degree_2_16_from_the_top_to_the_last_level() {
    SHAPES
        .iter()
        .filter(|shape| shape.log_n == 16)
        .for_each(travel);
}
