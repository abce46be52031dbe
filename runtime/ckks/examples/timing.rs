//! Looks for secrets in the time of encryption and decryption, as dudect does (Reparaz, Balasch and Verbauwhede, "Dude,
//! Is My Code Constant Time?", DATE 2017).
//!
//! `cargo run --release -p hemet-ckks --example timing -- [--samples 20000] [--instructions avx2]`
//!
//! Each operation runs on a secret that is always the same and on one that is drawn afresh, in random order. Both are
//! put into the same memory before, so that the cache treats them alike. Times are those of the thread's processor
//! clock; the slowest tenth, which interrupts made slow, is left out. Welch's t tells whether the two means differ:
//! above 4.5 a difference is seen, and the example fails. That nothing is seen proves nothing; more samples see less.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;

use hemet_ckks::params::{SecurityLevel, ntt_primes};
use hemet_ckks::{Context, Instructions, Parameters, Plaintext, SecretKey, os_rng};
use rand::{Rng, RngExt};
use rustix::time::{ClockId, clock_gettime};
use zeroize::Zeroizing;

type Failure = Box<dyn Error + Send + Sync>;

/// Secrets that are drawn afresh.
const FRESH: usize = 64;
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

/// What secrets are made of: for each class, the same one again and again or different ones.
struct Secrets {
    context: Arc<Context>,
    keys: [Vec<Zeroizing<Vec<u8>>>; 2],
    messages: [Vec<Vec<f64>>; 2],
}

impl Secrets {
    fn new(context: &Arc<Context>) -> Result<Self, Failure> {
        let mut rng = os_rng()?;
        let slots = context.parameters().slots();
        let mut key = || SecretKey::generate(context, &mut rng).to_bytes(context);
        let fixed = key();
        let keys = [vec![fixed; FRESH], (0..FRESH).map(|_| key()).collect()];
        let mut rng = os_rng()?;
        let mut message = || (0..slots).map(|_| rng.random_range(-1.0..1.0)).collect();
        let fresh = (0..FRESH).map(|_| message()).collect();
        Ok(Self {
            context: context.clone(),
            keys,
            messages: [vec![vec![0.0; slots]; FRESH], fresh],
        })
    }

    /// A key of a class, in memory that the last one used.
    fn key(&self, class: usize, i: usize) -> SecretKey {
        SecretKey::from_bytes(&self.context, &self.keys[class][i]).expect("a key of our own")
    }

    fn plaintext(&self, class: usize, i: usize) -> Plaintext {
        let level = self.context.parameters().max_level();
        let encoded = self
            .context
            .encode(&self.messages[class][i], 30f64.exp2(), level);
        encoded.expect("small values")
    }
}

fn measure_all(samples: usize, instructions: Instructions) -> Result<f64, Failure> {
    let mut primes = ntt_primes(12, &[36, 30, 37])?;
    let special = primes.split_off(2);
    let parameters = Parameters::new(12, primes, special, SecurityLevel::Bits128)?;
    let context = Context::with_instructions(parameters, instructions)?;
    let secrets = Secrets::new(&context)?;
    println!("2^12, 2 primes and a special one, {}", instructions.name());
    let mut worst: f64 = 0.0;
    // For each class of samples, which key and which message it has: 0 the fixed one, 1 fresh ones.
    for (name, of) in [("keys", [[0, 1], [1, 1]]), ("messages", [[1, 0], [1, 1]])] {
        let mut rng = os_rng()?;
        let encrypted = welch(samples, |class, i| {
            let [key, message] = of[class];
            let (key, plaintext) = (secrets.key(key, i), secrets.plaintext(message, i));
            time(|| context.encrypt_seeded(&key, &plaintext, &mut rng))
        })?;
        let mut rng = os_rng()?;
        let decrypted = welch(samples, |class, i| {
            let [key, message] = of[class];
            let (key, plaintext) = (secrets.key(key, i), secrets.plaintext(message, i));
            let ciphertext = context.encrypt_secret(&key, &plaintext, &mut rng)?;
            time(|| context.decrypt(&key, &ciphertext))
        })?;
        for (operation, t) in [("encryption", encrypted), ("decryption", decrypted)] {
            let t = t.abs();
            println!("{operation}, fixed and fresh {name}: |t| = {t:.2} after {samples} samples");
            worst = worst.max(t);
        }
    }
    Ok(worst)
}

/// Nanoseconds of one operation.
fn time<R>(run: impl FnOnce() -> Result<R, hemet_ckks::Error>) -> Result<f64, hemet_ckks::Error> {
    let start = thread_ns();
    black_box(run()?);
    Ok(thread_ns() - start)
}

/// Welch's t of the times of two classes; `run` gets the class and which of its secrets.
fn welch(
    samples: usize,
    mut run: impl FnMut(usize, usize) -> Result<f64, hemet_ckks::Error>,
) -> Result<f64, Failure> {
    let mut rng = os_rng()?;
    let mut times: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..samples {
        let word = rng.next_u64();
        let (class, secret) = (word as usize % 2, (word >> 32) as usize % FRESH);
        times[class].push(run(class, secret)?);
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
