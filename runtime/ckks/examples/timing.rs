//! Looks for secrets in the time of encryption and decryption, as dudect does (Reparaz, Balasch and Verbauwhede, "Dude,
//! Is My Code Constant Time?", DATE 2017).
//!
//! `cargo run --release -p hemet-ckks --example timing -- [--samples 20000] [--instructions avx2]`
//!
//! Each operation runs on a secret that is always the same and on one that is drawn afresh, in random order; both
//! come from as many buffers, so that the cache treats them alike. Times are those of the thread's processor clock;
//! the slowest tenth, which interrupts made slow, is left out. Welch's t tells whether the two means differ: above
//! 4.5 a difference is seen, and the example fails. That nothing is seen proves nothing; more samples see less.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;

use hemet_ckks::params::{SecurityLevel, ntt_primes};
use hemet_ckks::{Ciphertext, Context, Instructions, Parameters, Plaintext, SecretKey, os_rng};
use rand::{Rng, RngExt};
use rustix::time::{ClockId, clock_gettime};

type Failure = Box<dyn Error + Send + Sync>;

/// Buffers that each class of inputs has.
const BUFFERS: usize = 16;
/// Above it the two means differ.
const THRESHOLD: f64 = 4.5;

fn main() -> Result<(), Failure> {
    let (mut samples, mut instructions) = (20_000, Instructions::fastest());
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--samples" => samples = value.parse()?,
            "--instructions" => {
                let known = Instructions::ALL.into_iter().find(|i| i.name() == value);
                instructions = known.ok_or_else(|| format!("unknown instructions {value}"))?;
            }
            other => return Err(format!("unknown option {other}").into()),
        }
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let worst = pool.install(|| measure_all(samples, instructions))?;
    if worst > THRESHOLD {
        return Err(format!("times differ: |t| is {worst:.1}, above {THRESHOLD}").into());
    }
    Ok(())
}

/// Secrets of a class: always the same one, or different ones.
struct Class {
    keys: Vec<SecretKey>,
    plaintexts: Vec<Plaintext>,
    ciphertexts: Vec<Ciphertext>,
}

impl Class {
    fn new(context: &Arc<Context>, is_fixed: bool) -> Result<Self, Failure> {
        let mut rng = os_rng()?;
        let mut class = Self {
            keys: Vec::new(),
            plaintexts: Vec::new(),
            ciphertexts: Vec::new(),
        };
        let (scale, level) = (30f64.exp2(), context.parameters().max_level());
        let fixed = SecretKey::generate(context, &mut rng).to_bytes(context);
        for _ in 0..BUFFERS {
            let mut value = |_| rng.random_range(-1.0..1.0);
            let values: Vec<f64> = match is_fixed {
                true => vec![0.0; context.parameters().slots()],
                false => (0..context.parameters().slots()).map(&mut value).collect(),
            };
            let key = match is_fixed {
                true => SecretKey::from_bytes(context, &fixed)?,
                false => SecretKey::generate(context, &mut rng),
            };
            let plaintext = context.encode(&values, scale, level)?;
            let ciphertext = context.encrypt_secret(&key, &plaintext, &mut rng)?;
            class.keys.push(key);
            class.plaintexts.push(plaintext);
            class.ciphertexts.push(ciphertext);
        }
        Ok(class)
    }
}

fn measure_all(samples: usize, instructions: Instructions) -> Result<f64, Failure> {
    let mut primes = ntt_primes(12, &[36, 30, 37])?;
    let special = primes.split_off(2);
    let parameters = Parameters::new(12, primes, special, SecurityLevel::Bits128)?;
    let context = Context::with_instructions(parameters, instructions)?;
    let classes = [Class::new(&context, true)?, Class::new(&context, false)?];
    let mut rng = os_rng()?;
    println!("2^12, 2 primes and a special one, {}", instructions.name());
    let mut worst: f64 = 0.0;
    let mut report = |name: &str, t: f64| {
        println!("{name}: |t| = {:.2} after {samples} samples", t.abs());
        worst = worst.max(t.abs());
    };
    let t = welch(samples, |class, i| {
        let class = &classes[class];
        let (key, plaintext) = (&class.keys[i], &classes[1].plaintexts[i]);
        let encrypted = context.encrypt_seeded(key, plaintext, &mut rng);
        black_box(encrypted.expect("own key and plaintext"));
    })?;
    report("encryption, fixed and fresh keys", t);
    let t = welch(samples, |class, i| {
        let (key, plaintext) = (&classes[1].keys[i], &classes[class].plaintexts[i]);
        let encrypted = context.encrypt_seeded(key, plaintext, &mut rng);
        black_box(encrypted.expect("own key and plaintext"));
    })?;
    report("encryption, fixed and fresh messages", t);
    let t = welch(samples, |class, i| {
        let (key, ciphertext) = (&classes[class].keys[i], &classes[1].ciphertexts[i]);
        let decrypted = context.decrypt(key, ciphertext);
        black_box(decrypted.expect("own key and ciphertext"));
    })?;
    report("decryption, fixed and fresh keys", t);
    let t = welch(samples, |class, i| {
        let class = &classes[class];
        let decrypted = context.decrypt(&class.keys[i], &class.ciphertexts[i]);
        black_box(decrypted.expect("own key and ciphertext"));
    })?;
    report("decryption, fixed and fresh keys and messages", t);
    Ok(worst)
}

/// Welch's t of the times of two classes; `run` gets the class and which of its buffers.
fn welch(samples: usize, mut run: impl FnMut(usize, usize)) -> Result<f64, Failure> {
    let mut rng = os_rng()?;
    let mut times: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..samples {
        let word = rng.next_u64();
        let (class, buffer) = (word as usize % 2, (word >> 32) as usize % BUFFERS);
        let start = thread_ns();
        run(class, buffer);
        times[class].push(thread_ns() - start);
    }
    let mut all = times.concat();
    all.sort_by(f64::total_cmp);
    let limit = all[all.len() * 9 / 10];
    let [first, second] = times.map(|times| {
        let kept: Vec<f64> = times.into_iter().filter(|t| *t <= limit).collect();
        let n = kept.len() as f64;
        let mean = kept.iter().sum::<f64>() / n;
        let variance = kept.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, variance / n)
    });
    Ok((first.0 - second.0) / (first.1 + second.1).sqrt())
}

/// Processor time of this thread, in nanoseconds.
fn thread_ns() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}
