//! Times the operations of the engine and prints one JSON object (or a table).
//!
//! `cargo run --release -p hemet-ckks --example bench -- --json [--log-n 15 --primes 12 --threads 1]`
//!
//! Each figure is the median of at least 20 repetitions after a warm-up. The chain has `--primes` primes of
//! `--bits` bits (40) and `--special` special primes of 50 bits (as many as a third of the chain needs);
//! `--instructions` chooses `avx512-ifma`, `avx2` or `portable` (the fastest of the machine). The
//! repetitions of all operations are interleaved, so that a drift of the machine's speed meets them all.

use std::error::Error;
use std::sync::{Arc, Mutex};

use hemet_ckks::params::{Security, SecurityLevel, ntt_primes, special_sizes};
use hemet_ckks::{
    Ciphertext, Context, Diagonal, EvaluationKeys, Instructions, KeyRequest, LinearPlan,
    LinearTerm, Parameters, Plaintext, SecretKey, os_rng,
};
use rustix::time::{ClockId, clock_gettime};

/// Rotations of one ciphertext in the hoisted loop.
const HOISTED: usize = 32;
/// Baby and giant steps of the linear map: 256 diagonals.
const STEPS: i64 = 16;
const REPETITIONS: usize = 21;

struct Options {
    log_n: u32,
    primes: usize,
    bits: u32,
    special: Option<usize>,
    threads: usize,
    repetitions: usize,
    json: bool,
    /// The smallest instead of the median, on one thread of its processor time: for a machine that others load.
    smallest: bool,
    instructions: Instructions,
    /// Only the operation of this name, for profilers.
    only: Option<String>,
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options {
        log_n: 15,
        primes: 12,
        bits: 40,
        special: None,
        threads: 1,
        repetitions: REPETITIONS,
        json: false,
        smallest: false,
        instructions: Instructions::fastest(),
        only: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--json" || name == "--smallest" {
            options.json |= name == "--json";
            options.smallest |= name == "--smallest";
            continue;
        }
        let value = arguments
            .next()
            .ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--log-n" => options.log_n = value.parse()?,
            "--primes" => options.primes = value.parse()?,
            "--bits" => options.bits = value.parse()?,
            "--special" => options.special = Some(value.parse()?),
            "--threads" => options.threads = value.parse()?,
            "--instructions" => options.instructions = instructions(&value)?,
            "--only" => options.only = Some(value),
            "--repetitions" => options.repetitions = value.parse()?,
            other => {
                return Err(
                    format!("unknown option {other}; see the first lines of this example").into(),
                );
            }
        }
    }
    Ok(options)
}

fn instructions(name: &str) -> Result<Instructions, Box<dyn Error>> {
    let found = Instructions::ALL.into_iter().find(|i| i.name() == name);
    let names = Instructions::ALL.map(Instructions::name).join(", ");
    found.ok_or_else(|| format!("no instructions {name}; there are {names}").into())
}

fn parameters(options: &Options) -> Result<Parameters, Box<dyn Error>> {
    let mut sizes = vec![options.bits; options.primes];
    // A chain that leaves no room in the table is still worth timing; the output then says 0 bits.
    let chosen = match options.special {
        Some(count) => vec![50; count],
        None => special_sizes(options.log_n, &sizes, SecurityLevel::Bits128)
            .unwrap_or_else(|| vec![50; options.primes.div_ceil(3)]),
    };
    sizes.extend(chosen);
    let mut moduli = ntt_primes(options.log_n, &sizes)?;
    let special = moduli.split_off(options.primes);
    let secure = Parameters::new(
        options.log_n,
        moduli.clone(),
        special.clone(),
        SecurityLevel::Bits128,
    );
    Ok(secure.or_else(|_| Parameters::new_insecure(options.log_n, moduli, special))?)
}

struct Bench {
    context: Arc<Context>,
    keys: EvaluationKeys,
    ciphertexts: Vec<Ciphertext>,
    plaintexts: Vec<Plaintext>,
    diagonals: Vec<Diagonal>,
    plan: LinearPlan,
    values: Vec<f64>,
    steps: Vec<i64>,
    scale: f64,
    limb: Mutex<Vec<u64>>,
    sum: Mutex<Ciphertext>,
}

impl Bench {
    fn new(parameters: Parameters, options: &Options) -> Result<Self, Box<dyn Error>> {
        let context = Context::with_instructions(parameters, options.instructions)?;
        let mut rng = os_rng()?;
        let secret = SecretKey::generate(&context, &mut rng);
        let giants = (1..STEPS).map(|g| g * STEPS);
        let steps: Vec<i64> = (1..=HOISTED as i64).collect();
        let level = context.parameters().max_level();
        let all = steps.iter().copied().chain(giants);
        let rotations: Vec<(i64, usize)> = all.map(|step| (step, level)).collect();
        let request = KeyRequest {
            relinearize: Some(level),
            rotations: &rotations,
            conjugate: None,
        };
        let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng)?;
        let slots = context.parameters().slots();
        let scale = f64::from(options.bits).exp2();
        let values: Vec<f64> = (0..slots).map(|i| (i as f64 * 0.7).sin()).collect();
        let plaintexts = (0..4)
            .map(|_| context.encode(&values, scale, level))
            .collect::<Result<Vec<_>, _>>()?;
        let ciphertexts = plaintexts
            .iter()
            .map(|p| context.encrypt_secret(&secret, p, &mut rng))
            .collect::<Result<Vec<_>, _>>()?;
        let terms: Vec<LinearTerm> = (0..STEPS * STEPS)
            .map(|k| LinearTerm {
                output: 0,
                giant: k / STEPS * STEPS,
                input: 0,
                baby: k % STEPS,
                diagonal: k as usize,
            })
            .collect();
        let one = context.encode_diagonal(&values, scale, level)?;
        let sum = context.mul_plain(&ciphertexts[0], &plaintexts[0])?;
        Ok(Self {
            sum: Mutex::new(sum),
            keys,
            ciphertexts,
            plaintexts,
            // Copies: each term reads other memory, as in a network.
            diagonals: vec![one; terms.len()],
            plan: LinearPlan::new(1, 1, &terms)?,
            limb: Mutex::new(vec![1; 2 * slots + 8]),
            values,
            steps,
            scale,
            context,
        })
    }

    /// The operations in the order of `NAMES`; each returns nothing but its time matters.
    fn run(&self, operation: usize, i: usize) -> Result<(), Box<dyn Error>> {
        let (context, keys) = (&self.context, &self.keys);
        let x = &self.ciphertexts[i % 4];
        let level = x.level();
        match operation {
            0 => {
                let mut limb = self.limb.lock().map_err(|_| "another measurement failed")?;
                // On a cache line's boundary, as the limbs of the engine are.
                let start = limb.as_ptr().align_offset(64);
                let words = &mut limb[start..start + 2 * self.values.len()];
                context.transform_unit(i % (level + 1), words)?;
            }
            1 => drop(context.rotate(x, self.steps[i % HOISTED], keys)?),
            2 => drop(context.rotate_many(x, &self.steps, keys)?),
            3 => drop(context.linear(&[x], &self.plan, &self.diagonals, keys)?),
            4 => {
                let product = context.multiply(x, &self.ciphertexts[(i + 1) % 4])?;
                drop(context.relinearize_rescale(&product, keys)?);
            }
            5 => drop(context.mul_plain(x, &self.plaintexts[i % 4])?),
            6 => drop(context.rescale(x)?),
            7 => drop(context.encode(&self.values, self.scale, level)?),
            8 => drop(context.relinearize(&context.square(x)?, keys)?),
            9 => {
                // One sum and one ciphertext, as in a dot product; the plaintexts change.
                let mut sum = self.sum.lock().map_err(|_| "another measurement failed")?;
                let (x, plain) = (&self.ciphertexts[0], &self.plaintexts[i % 4]);
                context.mul_plain_add(&mut sum, x, plain)?;
            }
            _ => drop(context.encode_diagonal(&self.values, self.scale, level)?),
        }
        Ok(())
    }
}

/// Name, divisor of the time, unit in seconds.
const NAMES: [(&str, f64, f64); 11] = [
    ("ntt_us", 1.0, 1e-6),
    ("rotate_ms", 1.0, 1e-3),
    ("hoisted_rotate_ms", HOISTED as f64, 1e-3),
    ("linear_per_diagonal_ms", (STEPS * STEPS) as f64, 1e-3),
    ("mul_relin_rescale_ms", 1.0, 1e-3),
    ("ct_pt_ms", 1.0, 1e-3),
    ("rescale_ms", 1.0, 1e-3),
    ("encode_ms", 1.0, 1e-3),
    ("square_relin_ms", 1.0, 1e-3),
    ("ct_pt_accumulate_ms", 1.0, 1e-3),
    ("encode_diagonal_ms", 1.0, 1e-3),
];

/// Where the product with a plaintext is accumulated in `NAMES`.
const ACCUMULATE: usize = 9;

/// Bytes that one accumulation reads and writes: two parts of the sum twice, two of the ciphertext, the plaintext.
fn accumulated_bytes(options: &Options) -> f64 {
    7.0 * 8.0 * (options.primes << options.log_n) as f64
}

/// Seconds of a clock that only goes on.
fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn measure(bench: &Bench, options: &Options) -> Result<Vec<f64>, Box<dyn Error>> {
    let (repetitions, smallest) = (options.repetitions, options.smallest);
    // What others do on the machine does not count where one thread does all the work.
    let clock = if smallest && options.threads == 1 {
        ClockId::ThreadCPUTime
    } else {
        ClockId::Monotonic
    };
    let mut times = vec![Vec::with_capacity(repetitions); NAMES.len()];
    for round in 0..=repetitions {
        for (operation, times) in times.iter_mut().enumerate() {
            if options
                .only
                .as_ref()
                .is_some_and(|only| only != NAMES[operation].0)
            {
                times.push(f64::NAN);
                continue;
            }
            // Cheap operations several times in a row, so that the clock's resolution does not matter.
            let times_in_row = if NAMES[operation].1 > 1.0 { 1 } else { 8 };
            let start = seconds(clock);
            for i in 0..times_in_row {
                bench.run(operation, round + i)?;
            }
            let seconds = (seconds(clock) - start) / f64::from(times_in_row as u32);
            // The first round warms up.
            if round > 0 {
                times.push(seconds / NAMES[operation].1 / NAMES[operation].2);
            }
        }
    }
    Ok(times
        .into_iter()
        .map(|mut t| {
            t.sort_unstable_by(f64::total_cmp);
            if smallest { t[0] } else { t[t.len() / 2] }
        })
        .collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let bench = Bench::new(parameters(&options)?, &options)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()?;
    let figures = pool.install(|| measure(&bench, &options).map_err(|error| error.to_string()))?;
    let parameters = bench.context.parameters();
    let security = match parameters.security() {
        Security::Level(level) => level.bits(),
        Security::Insecure => 0,
    };
    let one = KeyRequest {
        rotations: &[(1, parameters.max_level())],
        ..KeyRequest::default()
    };
    let one_key = bench.context.evaluation_key_bytes(&one)?;
    if options.json {
        let mut object = serde_json::Map::new();
        for ((name, _, _), figure) in NAMES.iter().zip(&figures) {
            object.insert((*name).into(), (*figure).into());
        }
        let rate = accumulated_bytes(&options) / figures[ACCUMULATE] * 1e-6;
        object.insert("ct_pt_accumulate_gb_per_s".into(), rate.into());
        object.insert("rotation_key_bytes".into(), one_key.into());
        object.insert("log_qp".into(), parameters.log_qp_bits().into());
        object.insert("security_bits".into(), security.into());
        object.insert("log_n".into(), options.log_n.into());
        object.insert("primes".into(), options.primes.into());
        object.insert("special".into(), parameters.special().len().into());
        object.insert("digits".into(), parameters.digits().into());
        object.insert("threads".into(), options.threads.into());
        object.insert("kernels".into(), bench.context.instructions().name().into());
        println!("{}", serde_json::Value::Object(object));
        return Ok(());
    }
    println!(
        "log_n {}, {} + {} primes, {} digits, log QP {:.0}, {} bits, {} threads, {}",
        options.log_n,
        options.primes,
        parameters.special().len(),
        parameters.digits(),
        parameters.log_qp_bits(),
        security,
        options.threads,
        bench.context.instructions().name()
    );
    for ((name, _, unit), figure) in NAMES.iter().zip(&figures) {
        println!(
            "{name:24} {figure:9.3}   {:8.1} transforms",
            figure * unit / (figures[0] * 1e-6)
        );
    }
    println!("rotation_key_bytes       {one_key:9}");
    Ok(())
}
