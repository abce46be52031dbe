//! Every operation against float64: the measured error stays under the predicted bound, and on average
//! within four bits of it.

mod common;

use common::{PRESETS, ROTATIONS, Setup, rotated, setup, zip};
use hemet_ckks::noise::{self, Noise};
use hemet_ckks::{Ciphertext, Flooding, LinearPlan, LinearTerm};

const ROUNDS: usize = 6;

/// What an operation gives: the ciphertext, the values it should hold, the predicted noise.
struct Outcome {
    ciphertext: Ciphertext,
    expected: Vec<f64>,
    noise: Noise,
}

/// Runs a case several times on every preset and compares the errors with their bound.
fn check(case: impl Fn(&mut Setup) -> Outcome) {
    for preset in PRESETS {
        let mut s = setup(&preset);
        let mut slack_bits = 0.0;
        for round in 0..ROUNDS {
            let outcome = case(&mut s);
            let bound = outcome.noise.bound(outcome.ciphertext.scale());
            let error = s.error(&outcome.ciphertext, &outcome.expected);
            assert!(
                error <= bound,
                "{}: error {error:e}, bound {bound:e}, round {round}",
                preset.name
            );
            slack_bits += (bound / error).log2() / ROUNDS as f64;
        }
        assert!(
            slack_bits < 4.0,
            "{}: the bound is {slack_bits:.1} bits above the error",
            preset.name
        );
    }
}

impl Setup {
    fn fresh(&mut self) -> (Vec<f64>, Ciphertext) {
        let x = self.values();
        let c = self.encrypt(&x);
        (x, c)
    }

    fn fresh_noise(&self) -> Noise {
        noise::fresh_secret(self.context.parameters())
    }
}

#[test]
fn fresh_ciphertexts_hold_their_values() {
    check(|s| {
        let (expected, ciphertext) = s.fresh();
        Outcome {
            ciphertext,
            expected,
            noise: s.fresh_noise(),
        }
    });
}

#[test]
fn public_key_encryptions_hold_their_values() {
    check(|s| {
        let expected = s.values();
        let plaintext = s.context.encode(&expected, s.scale, s.level).unwrap();
        let public = hemet_ckks::PublicKey::generate(&s.context, &s.secret, &mut s.rng).unwrap();
        let ciphertext = s
            .context
            .encrypt_public(&public, &plaintext, &mut s.rng)
            .unwrap();
        Outcome {
            ciphertext,
            expected,
            noise: noise::fresh_public(s.context.parameters()),
        }
    });
}

#[test]
fn sums_and_differences() {
    check(|s| {
        let ((x, a), (y, b), (z, c)) = (s.fresh(), s.fresh(), s.fresh());
        let sum = s.context.add(&a, &b).unwrap();
        let ciphertext = s.context.negate(&s.context.sub(&sum, &c).unwrap()).unwrap();
        let expected = zip(&zip(&x, &y, |x, y| x + y), &z, |x, z| z - x);
        let one = s.fresh_noise();
        Outcome {
            ciphertext,
            expected,
            noise: one.plus(one).plus(one),
        }
    });
}

#[test]
fn sums_with_plaintexts_and_constants() {
    check(|s| {
        let (x, a) = s.fresh();
        let y = s.values();
        let plain = s.context.encode(&y, s.scale, s.level).unwrap();
        let constant = s.context.encode_constant(0.625, s.scale, s.level).unwrap();
        let sum = s.context.add_plain(&a, &plain).unwrap();
        let ciphertext = s.context.add_plain(&sum, &constant).unwrap();
        let expected = zip(&x, &y, |x, y| x + y + 0.625);
        let noise = s.fresh_noise().plus(noise::encode(s.context.parameters()));
        Outcome {
            ciphertext,
            expected,
            noise,
        }
    });
}

#[test]
fn products_with_plaintexts_rescaled() {
    check(|s| {
        let (x, a) = s.fresh();
        let y = s.values();
        let plain = s.context.encode(&y, s.scale, s.level).unwrap();
        let product = s.context.mul_plain(&a, &plain).unwrap();
        let mut twice = product.clone();
        s.context.mul_plain_add(&mut twice, &a, &plain).unwrap();
        let ciphertext = s.context.rescale(&twice).unwrap();
        let parameters = s.context.parameters();
        let one = s.fresh_noise().mul_plain(parameters, s.scale, s.scale);
        let noise = Noise(2.0 * one.0).rescale(parameters, s.level);
        Outcome {
            ciphertext,
            expected: zip(&x, &y, |x, y| 2.0 * x * y),
            noise,
        }
    });
}

#[test]
fn products_with_constants() {
    check(|s| {
        let (x, a) = s.fresh();
        let constant = s.context.encode_constant(-1.0, s.scale, s.level).unwrap();
        let product = s.context.mul_plain(&a, &constant).unwrap();
        let ciphertext = s.context.rescale(&product).unwrap();
        let expected = x.iter().map(|x| -x).collect();
        let noise = Noise(s.fresh_noise().0 * s.scale).rescale(s.context.parameters(), s.level);
        Outcome {
            ciphertext,
            expected,
            noise,
        }
    });
}

/// Root mean square of a uniform value in [-1, 1], which is what the noise of a product is weighted with
/// on average; the bound takes 1.
#[test]
fn products_of_ciphertexts_in_three_parts() {
    check(|s| {
        let ((x, a), (y, b)) = (s.fresh(), s.fresh());
        let ciphertext = s.context.multiply(&a, &b).unwrap();
        assert_eq!(ciphertext.degree(), 2);
        let one = s.fresh_noise();
        let noise = one.multiply(one, s.scale, s.scale);
        Outcome {
            ciphertext,
            expected: zip(&x, &y, |x, y| x * y),
            noise,
        }
    });
}

#[test]
fn products_relinearized_and_rescaled_in_one_or_in_turn() {
    for together in [false, true] {
        check(|s| {
            let ((x, a), (y, b)) = (s.fresh(), s.fresh());
            let product = s.context.multiply(&a, &b).unwrap();
            let ciphertext = if together {
                s.context.relinearize_rescale(&product, &s.keys).unwrap()
            } else {
                let degree1 = s.context.relinearize(&product, &s.keys).unwrap();
                s.context.rescale(&degree1).unwrap()
            };
            let (one, parameters) = (s.fresh_noise(), s.context.parameters());
            let noise = one
                .multiply(one, s.scale, s.scale)
                .key_switch(parameters, s.level)
                .rescale(parameters, s.level);
            Outcome {
                ciphertext,
                expected: zip(&x, &y, |x, y| x * y),
                noise,
            }
        });
    }
}

#[test]
fn rotations_at_every_level() {
    for below in 0..4 {
        for step in [1, -5] {
            check(|s| {
                let (x, a) = s.fresh();
                let level = s.level.saturating_sub(below);
                let a = s.context.level_drop(&a, level).unwrap();
                let ciphertext = s.context.rotate(&a, step, &s.keys).unwrap();
                let noise = s.fresh_noise().key_switch(s.context.parameters(), level);
                Outcome {
                    ciphertext,
                    expected: rotated(&x, step),
                    noise,
                }
            });
        }
    }
}

#[test]
fn hoisted_rotations_equal_single_ones() {
    for preset in PRESETS {
        let mut s = setup(&preset);
        let (x, a) = s.fresh();
        // More than one batch of rotations.
        let steps = [3, 0, -5, 8, 1, 100, 2, 4];
        let many = s.context.rotate_many(&a, &steps, &s.keys).unwrap();
        for (c, step) in many.iter().zip(steps) {
            let single = s.context.rotate(&a, step, &s.keys).unwrap();
            assert_eq!(
                c.to_bytes(&s.context),
                single.to_bytes(&s.context),
                "step {step}"
            );
            let noise = s.fresh_noise().key_switch(s.context.parameters(), s.level);
            assert!(s.error(c, &rotated(&x, step)) <= noise.bound(s.scale));
        }
    }
}

#[test]
fn conjugation_negates_imaginary_parts() {
    for preset in PRESETS {
        let mut s = setup(&preset);
        let (re, im) = (s.values(), s.values());
        let plain = s
            .context
            .encode_complex(&re, &im, s.scale, s.level)
            .unwrap();
        let c = s
            .context
            .encrypt_secret(&s.secret, &plain, &mut s.rng)
            .unwrap();
        let conjugate = s.context.conjugate(&c, &s.keys).unwrap();
        let decrypted = s.context.decrypt(&s.secret, &conjugate).unwrap();
        let (re2, im2) = s.context.decode_complex(&decrypted).unwrap();
        let bound = s
            .fresh_noise()
            .key_switch(s.context.parameters(), s.level)
            .bound(s.scale);
        for i in 0..re.len() {
            assert!((re2[i] - re[i]).abs() <= bound && (im2[i] + im[i]).abs() <= bound);
        }
    }
}

/// Two outputs of two inputs, three baby and three giant steps, with each giant step written in two ways.
fn block_map(s: &mut Setup) -> (Vec<LinearTerm>, Vec<Vec<f64>>) {
    let (mut terms, mut diagonals) = (Vec::new(), Vec::new());
    for output in 0..2 {
        for giant in [0, 4, 8] {
            for input in 0..2 {
                for baby in [0, 1, 3] {
                    // A multiple of the slots more is the same rotation.
                    let giant = giant + (output * s.slots()) as i64;
                    terms.push(LinearTerm {
                        output,
                        giant,
                        input,
                        baby,
                        diagonal: terms.len(),
                    });
                    diagonals.push(s.values());
                }
            }
        }
    }
    (terms, diagonals)
}

fn reference(terms: &[LinearTerm], diagonals: &[Vec<f64>], inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut outputs = vec![vec![0.0; inputs[0].len()]; 2];
    for t in terms {
        let product = zip(
            &diagonals[t.diagonal],
            &rotated(&inputs[t.input], t.baby),
            |d, x| d * x,
        );
        let turned = rotated(&product, t.giant);
        outputs[t.output]
            .iter_mut()
            .zip(turned)
            .for_each(|(sum, x)| *sum += x);
    }
    outputs
}

#[test]
fn linear_maps_equal_their_definition() {
    for preset in PRESETS {
        let mut s = setup(&preset);
        let ((x, a), (y, b)) = (s.fresh(), s.fresh());
        let (terms, diagonals) = block_map(&mut s);
        let expected = reference(&terms, &diagonals, &[x, y]);
        let plan = LinearPlan::new(2, 2, &terms).unwrap();
        let encoded: Vec<_> = diagonals
            .iter()
            .map(|d| s.context.encode_diagonal(d, s.scale, s.level).unwrap())
            .collect();
        let inputs = [&a, &b];
        let plain = s.context.linear(&inputs, &plan, &encoded, &s.keys).unwrap();
        let fused = s
            .context
            .linear_rescale(&inputs, &plan, &encoded, &s.keys)
            .unwrap();
        // 18 products a giant step sum: each input error once, weighted with values up to 1.
        let parameters = s.context.parameters();
        let one = s
            .fresh_noise()
            .key_switch(parameters, s.level)
            .mul_plain(parameters, s.scale, s.scale);
        let sum = Noise(one.0 * 18f64.sqrt());
        let rescaled = sum
            .key_switch(parameters, s.level)
            .rescale(parameters, s.level);
        for o in 0..2 {
            let in_turn = s.context.rescale(&plain[o]).unwrap();
            let bound = rescaled.bound(in_turn.scale());
            for result in [&in_turn, &fused[o]] {
                let error = s.error(result, &expected[o]);
                assert!(error <= bound, "{}: {error:e} > {bound:e}", preset.name);
                assert!(
                    error > bound / 64.0,
                    "{}: {error:e} against {bound:e}",
                    preset.name
                );
                assert_eq!(
                    (result.level(), result.scale()),
                    (s.level - 1, fused[o].scale())
                );
            }
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let mut s = setup(&PRESETS[2]);
    let ((_, a), (_, b)) = (s.fresh(), s.fresh());
    let (terms, diagonals) = block_map(&mut s);
    let plan = LinearPlan::new(2, 2, &terms).unwrap();
    let encoded: Vec<_> = diagonals
        .iter()
        .map(|d| s.context.encode_diagonal(d, s.scale, s.level).unwrap())
        .collect();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let product = s.context.multiply(&a, &b).unwrap();
            let product = s.context.relinearize_rescale(&product, &s.keys).unwrap();
            let mut all = s
                .context
                .linear(&[&a, &b], &plan, &encoded, &s.keys)
                .unwrap();
            all.push(product);
            let rescaled = s
                .context
                .linear_rescale(&[&a, &b], &plan, &encoded, &s.keys);
            all.extend(rescaled.unwrap());
            all.push(s.context.rotate(&a, ROTATIONS[0], &s.keys).unwrap());
            for count in 2..=5 {
                let steps = &ROTATIONS[..count];
                all.extend(s.context.rotate_many(&a, steps, &s.keys).unwrap());
            }
            all.iter()
                .map(|c| c.to_bytes(&s.context))
                .collect::<Vec<_>>()
        })
    };
    let alone = run(1);
    for threads in [2, 3, 5] {
        assert_eq!(alone, run(threads), "{threads} threads");
    }
}

#[test]
fn a_chain_of_squares_down_to_the_last_prime() {
    let mut s = setup(&PRESETS[3]);
    let (mut x, mut c) = s.fresh();
    let parameters = s.context.parameters().clone();
    let mut noise = s.fresh_noise();
    while c.level() > 0 {
        let scale = c.scale();
        noise = noise
            .multiply(noise, scale, scale)
            .key_switch(&parameters, c.level())
            .rescale(&parameters, c.level());
        // The two errors of a square are the same one: a factor of √2.
        noise = Noise(noise.0 * std::f64::consts::SQRT_2);
        c = s
            .context
            .relinearize_rescale(&s.context.square(&c).unwrap(), &s.keys)
            .unwrap();
        x.iter_mut().for_each(|v| *v *= *v);
        let error = s.error(&c, &x);
        assert!(
            error <= noise.bound(c.scale()),
            "level {}: {error:e}",
            c.level()
        );
    }
}

#[test]
fn values_of_every_size_are_encoded_exactly_enough() {
    let s = setup(&PRESETS[3]);
    let context = &s.context;
    for (value, scale_bits) in [(1.0, 110), (1e-9, 60), (1e12, 62), (-3.5, 30), (0.0, 40)] {
        let scale = f64::from(scale_bits).exp2();
        for plaintext in [
            context
                .encode(&vec![value; s.slots()], scale, s.level)
                .unwrap(),
            context.encode_constant(value, scale, s.level).unwrap(),
        ] {
            let decoded = context.decode(&plaintext).unwrap();
            let bound = noise::encode(context.parameters()).bound(scale) + value.abs() * 1e-13;
            assert!(
                decoded.iter().all(|d| (d - value).abs() <= bound),
                "{value} at 2^{scale_bits}"
            );
        }
    }
}

#[test]
fn flooded_slots_err_by_the_noise_that_is_said_and_no_others_are_given() {
    let mut s = setup(&PRESETS[3]);
    let (x, c) = s.fresh();
    let flooding = Flooding::new(1e-6, 1 << 20, 10).unwrap();
    let count = s.slots() / 2;
    let found = s
        .context
        .decrypt_flooded(&s.secret, &c, count, flooding, &mut s.rng)
        .unwrap();
    assert_eq!(found.len(), count);
    let squares = zip(&found, &x[..count], |a, b| (a - b).powi(2));
    let deviation = (squares.iter().sum::<f64>() / count as f64).sqrt();
    let expected = flooding.deviation();
    // Encryption errs by far less; five deviations of a mean square of `count` Gaussian numbers.
    let tolerance = expected * 5.0 / (count as f64).sqrt();
    assert!(
        (deviation - expected).abs() < tolerance,
        "{deviation:e} against {expected:e}"
    );
}
