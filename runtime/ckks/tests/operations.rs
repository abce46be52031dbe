//! Every operation against float64.

use std::sync::Arc;

use hemet_ckks::params::{SecurityLevel, ntt_primes};
use hemet_ckks::*;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

struct Setup {
    context: Arc<Context>,
    secret: SecretKey,
    keys: EvaluationKeys,
    rng: ChaCha20Rng,
}

fn setup(log_n: u32, bits: &[u32], special: &[u32]) -> Setup {
    let all: Vec<u32> = bits.iter().chain(special).copied().collect();
    let mut moduli = ntt_primes(log_n, &all).unwrap();
    let special = moduli.split_off(bits.len());
    let parameters = Parameters::new(log_n, moduli, special, SecurityLevel::Bits128).unwrap();
    let context = Context::new(parameters);
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let secret = SecretKey::generate(&context, &mut rng);
    let request = KeyRequest {
        relinearize: true,
        rotations: &[1, 2, 3, 4, 8, -5],
        conjugate: true,
    };
    let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng).unwrap();
    Setup {
        context,
        secret,
        keys,
        rng,
    }
}

fn values(seed: f64, n: usize) -> Vec<f64> {
    (0..n).map(|i| ((i as f64 + 1.0) * seed).sin()).collect()
}

impl Setup {
    fn encrypt(&mut self, v: &[f64], scale: f64, level: usize) -> Ciphertext {
        let p = self.context.encode(v, scale, level).unwrap();
        self.context
            .encrypt_secret(&self.secret, &p, &mut self.rng)
            .unwrap()
    }
    fn decrypt(&self, c: &Ciphertext) -> Vec<f64> {
        self.context
            .decode(&self.context.decrypt(&self.secret, c).unwrap())
            .unwrap()
    }
}

fn max_error(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y).abs())
        .fold(0.0, f64::max)
}

#[test]
fn everything_roughly_works() {
    for (bits, special) in [
        (vec![50u32, 36, 36, 36], vec![50u32]),
        (vec![40, 30, 30, 30], vec![50, 30]),
        (vec![30, 30, 30], vec![50, 50]),
    ] {
        let mut s = setup(13, &bits, &special);
        let slots = 4096;
        let level = bits.len() - 1;
        let scale = 30f64.exp2();
        let (x, y) = (values(0.3, slots), values(0.7, slots));
        let (a, b) = (s.encrypt(&x, scale, level), s.encrypt(&y, scale, level));
        let c = s.context.clone();
        println!("fresh {:e}", max_error(&s.decrypt(&a), &x));
        let sum = c.add(&a, &b).unwrap();
        let want: Vec<f64> = x.iter().zip(&y).map(|(a, b)| a + b).collect();
        println!("sum {:e}", max_error(&s.decrypt(&sum), &want));
        let prod = c.multiply(&a, &b).unwrap();
        let want: Vec<f64> = x.iter().zip(&y).map(|(a, b)| a * b).collect();
        println!("deg2 {:e}", max_error(&s.decrypt(&prod), &want));
        let lin = c.relinearize(&prod, &s.keys).unwrap();
        println!("relin {:e}", max_error(&s.decrypt(&lin), &want));
        let res = c.rescale(&lin).unwrap();
        println!("rescaled {:e}", max_error(&s.decrypt(&res), &want));
        let res = c.relinearize_rescale(&prod, &s.keys).unwrap();
        println!("relin_rescale {:e}", max_error(&s.decrypt(&res), &want));
        for step in [1i64, 3, -5] {
            let r = c.rotate(&a, step, &s.keys).unwrap();
            let want: Vec<f64> = (0..slots)
                .map(|i| x[(i as i64 + step).rem_euclid(slots as i64) as usize])
                .collect();
            println!("rot {step} {:e}", max_error(&s.decrypt(&r), &want));
        }
        let many = c.rotate_many(&a, &[1, 2, 0], &s.keys).unwrap();
        let want: Vec<f64> = (0..slots).map(|i| x[(i + 2) % slots]).collect();
        println!("hoisted {:e}", max_error(&s.decrypt(&many[1]), &want));
        let dropped = c.level_drop(&a, 1).unwrap();
        let r = c.rotate(&dropped, 2, &s.keys).unwrap();
        println!("rot low {:e}", max_error(&s.decrypt(&r), &want));
        // Linear.
        let mut terms = vec![];
        let mut diags = vec![];
        let mut want = vec![vec![0.0; slots]; 2];
        let ins = [x.clone(), y.clone()];
        for o in 0..2 {
            for g in [0i64, 4, 8] {
                for i in 0..2 {
                    for bstep in [0i64, 1, 2] {
                        let d = values(0.1 * (diags.len() + 1) as f64, slots);
                        terms.push(LinearTerm {
                            output: o,
                            giant: g,
                            input: i,
                            baby: bstep,
                            diagonal: diags.len(),
                        });
                        for k in 0..slots {
                            let kk = (k + g as usize) % slots;
                            want[o][k] += d[kk] * ins[i][(kk + bstep as usize) % slots];
                        }
                        diags.push(c.encode_diagonal(&d, 20f64.exp2(), level).unwrap());
                    }
                }
            }
        }
        let plan = LinearPlan::new(2, 2, &terms).unwrap();
        assert_eq!(plan.rotations(), [1, 2, 4, 8]);
        let out = c
            .linear(&[a.clone(), b.clone()], &plan, &diags, &s.keys)
            .unwrap();
        for o in 0..2 {
            println!("linear {:e}", max_error(&s.decrypt(&out[o]), &want[o]));
        }
        let out = c
            .linear_rescale(&[a.clone(), b.clone()], &plan, &diags, &s.keys)
            .unwrap();
        for o in 0..2 {
            println!("linear rs {:e}", max_error(&s.decrypt(&out[o]), &want[o]));
        }
    }
}
