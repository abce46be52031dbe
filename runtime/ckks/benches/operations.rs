//! The operations at the reference set: degree 2^15, 12 primes of 40 bits, 4 special primes of 50 bits, one thread.
//!
//! `cargo bench -p hemet-ckks`, about two minutes. Absolute times drift with the machine, so each sample also times the
//! engine's own forward transform right before the operation; the table at the end has the medians and that multiple.

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, criterion_group, criterion_main};
use hemet_ckks::params::{SecurityLevel, ntt_primes};
use hemet_ckks::{
    Basis, Ciphertext, Context, Diagonal, Error, EvaluationKeys, KeyRequest, LinearPlan,
    LinearTerm, Parameters, Plaintext, Polynomial, SecretKey, os_rng,
};

/// Baby and giant steps of the linear map: 256 diagonals.
const STEPS: i64 = 16;
/// Rotations of one ciphertext in the hoisted loop.
const HOISTED: i64 = 32;
/// Transforms before each sample.
const UNITS: u32 = 16;
const SCALE: f64 = (1u64 << 40) as f64;

struct Setup {
    context: Arc<Context>,
    keys: EvaluationKeys,
    x: Ciphertext,
    plain: Plaintext,
    values: Vec<f64>,
    plan: LinearPlan,
    diagonals: Vec<Diagonal>,
}

fn setup() -> Result<Setup, Box<dyn std::error::Error>> {
    let mut primes = ntt_primes(15, &[[40; 12].as_slice(), &[50; 4]].concat())?;
    let special = primes.split_off(12);
    let parameters = Parameters::new(15, primes, special, SecurityLevel::Bits128)?;
    let context = Context::new(parameters);
    let mut rng = os_rng()?;
    let secret = SecretKey::generate(&context, &mut rng);
    let level = context.parameters().max_level();
    let giants = (1..STEPS).map(|giant| giant * STEPS);
    let steps = (1..=HOISTED).chain(giants);
    let rotations: Vec<(i64, usize)> = steps.map(|step| (step, level)).collect();
    let request = KeyRequest {
        relinearize: Some(level),
        rotations: &rotations,
        conjugate: None,
    };
    let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng)?;
    let values: Vec<f64> = (0..1 << 14).map(|i| f64::from(i).sin()).collect();
    let plain = context.encode(&values, SCALE, level)?;
    let x = context.encrypt_secret(&secret, &plain, &mut rng)?;
    let term = |k: i64| LinearTerm {
        output: 0,
        giant: k / STEPS * STEPS,
        input: 0,
        baby: k % STEPS,
        diagonal: k as usize,
    };
    let terms: Vec<LinearTerm> = (0..STEPS * STEPS).map(term).collect();
    let diagonal = context.encode_diagonal(&values, SCALE, level)?;
    Ok(Setup {
        plan: LinearPlan::new(1, 1, &terms)?,
        // Copies: each term reads other memory, as in a network.
        diagonals: vec![diagonal; terms.len()],
        context,
        keys,
        x,
        plain,
        values,
    })
}

/// Times operations with criterion and beside the transform.
struct Bench<'a> {
    group: BenchmarkGroup<'a, WallTime>,
    context: Arc<Context>,
    limb: Vec<u64>,
    /// Name, milliseconds, multiple of a transform.
    rows: Vec<(String, f64, f64)>,
}

impl Bench<'_> {
    /// Times `operation`, which does `count` of what the row is about.
    fn row<R>(&mut self, name: &str, count: u32, mut operation: impl FnMut() -> Result<R, Error>) {
        let samples = RefCell::new(Vec::new());
        let (context, limb) = (&self.context, &mut self.limb);
        self.group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                let start = Instant::now();
                for _ in 0..UNITS {
                    context
                        .transform_unit(0, limb)
                        .expect("a limb of the chain");
                }
                let unit = start.elapsed() / UNITS;
                let start = Instant::now();
                for _ in 0..iterations {
                    black_box(operation().expect("a valid operation"));
                }
                let time = start.elapsed();
                samples
                    .borrow_mut()
                    .push((seconds(time, iterations, count), unit));
                time
            });
        });
        let samples = samples.into_inner();
        let milliseconds = median(samples.iter().map(|(time, _)| time * 1e3));
        let multiple = median(samples.iter().map(|(time, unit)| time / unit.as_secs_f64()));
        self.rows.push((name.into(), milliseconds, multiple));
    }
}

fn seconds(time: Duration, iterations: u64, count: u32) -> f64 {
    time.as_secs_f64() / iterations as f64 / f64::from(count)
}

/// NaN of nothing (when criterion was told to leave the row out).
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn operations(criterion: &mut Criterion) {
    // One thread: the engine uses the pool that it is called in.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_global();
    pool.expect("the first pool");
    let s = setup().expect("the reference set is valid");
    let (context, keys, x) = (&s.context, &s.keys, &s.x);
    let (level, steps) = (x.level(), (1..=HOISTED).collect::<Vec<i64>>());
    let mut group = criterion.benchmark_group("2^15, 12 primes");
    group
        .sample_size(20)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_secs(1));
    let mut bench = Bench {
        group,
        context: Arc::clone(context),
        limb: vec![1; 1 << 15],
        rows: Vec::new(),
    };
    let mut limb = vec![1; 1 << 15];
    bench.row("transform", 1, || context.transform_unit(0, &mut limb));
    bench.row("rotate", 1, || context.rotate(x, 1, keys));
    bench.row("rotate, hoisted, of 32", HOISTED as u32, || {
        context.rotate_many(x, &steps, keys)
    });
    bench.row(
        "linear map, per diagonal of 256",
        (STEPS * STEPS) as u32,
        || context.linear(&[x], &s.plan, &s.diagonals, keys),
    );
    bench.row("multiply, relinearize, rescale", 1, || {
        context.relinearize_rescale(&context.multiply(x, x)?, keys)
    });
    bench.row("ct·pt", 1, || context.mul_plain(x, &s.plain));
    let mut sum = context.mul_plain(x, &s.plain).expect("same level");
    bench.row("ct·pt multiply-accumulate", 1, || {
        context.mul_plain_add(&mut sum, x, &s.plain)
    });
    // As many bytes as that reads and writes: two parts three times, a plaintext once.
    let moved = 7 * context.plaintext_bytes(level).expect("its level") / 8;
    let (from, mut to) = (vec![1u64; moved / 2], vec![0u64; moved / 2]);
    bench.row("copy of as many bytes", 1, || {
        to.copy_from_slice(&from);
        Ok(to[0])
    });
    bench.row("rescale", 1, || context.rescale(x));
    bench.row("encode", 1, || context.encode(&s.values, SCALE, level));
    bench.row("encode for a linear map", 1, || {
        context.encode_diagonal(&s.values, SCALE, level)
    });
    let polynomial = Polynomial::new(Basis::Powers, &[0.5; 8]).expect("eight coefficients");
    bench.row("polynomial of degree 7", 1, || {
        context.evaluate(x, &polynomial, SCALE, keys)
    });
    bench.group.finish();
    println!(
        "\n{:34} {:>10} {:>12}",
        "2^15, 12 primes, one thread", "ms", "transforms"
    );
    for (name, milliseconds, multiple) in &bench.rows {
        println!("{name:34} {milliseconds:10.3} {multiple:12.1}");
    }
}

criterion_group!(benches, operations);
criterion_main!(benches);
