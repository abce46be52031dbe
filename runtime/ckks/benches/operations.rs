//! The operations at the reference set: degree 2^15, 12 primes of 40 bits, 4 special primes of 50 bits, one thread.
//!
//! `cargo bench -p hemet-ckks`. Absolute times drift with the machine: compare each with `ntt` of the same run, or use
//! the example `bench`, which interleaves the operations and prints the ratios.

use criterion::{Criterion, criterion_group, criterion_main};
use hemet_ckks::params::{SecurityLevel, ntt_primes};
use hemet_ckks::{
    Context, EvaluationKeys, KeyRequest, LinearPlan, LinearTerm, Parameters, SecretKey, os_rng,
};

const STEPS: i64 = 16;
const HOISTED: i64 = 32;

fn operations(criterion: &mut Criterion) {
    let mut sizes = vec![40; 12];
    sizes.extend([50; 4]);
    let mut primes = ntt_primes(15, &sizes).expect("the reference set exists");
    let special = primes.split_off(12);
    let parameters =
        Parameters::new(15, primes, special, SecurityLevel::Bits128).expect("it is secure");
    let context = Context::new(parameters);
    let mut rng = os_rng().expect("the system has randomness");
    let secret = SecretKey::generate(&context, &mut rng);
    let giants = (1..STEPS).map(|g| g * STEPS);
    let level = context.parameters().max_level();
    let steps = (1..=HOISTED).chain(giants);
    let rotations: Vec<(i64, usize)> = steps.map(|step| (step, level)).collect();
    let request = KeyRequest {
        relinearize: Some(level),
        rotations: &rotations,
        conjugate: None,
    };
    let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng).expect("valid");
    let scale = 40f64.exp2();
    let values: Vec<f64> = (0..1 << 14).map(|i| f64::from(i).sin()).collect();
    let plain = context.encode(&values, scale, level).expect("valid");
    let x = context
        .encrypt_secret(&secret, &plain, &mut rng)
        .expect("valid");
    let diagonal = context
        .encode_diagonal(&values, scale, level)
        .expect("valid");
    let terms: Vec<LinearTerm> = (0..STEPS * STEPS)
        .map(|k| LinearTerm {
            output: 0,
            giant: k / STEPS * STEPS,
            input: 0,
            baby: k % STEPS,
            diagonal: k as usize,
        })
        .collect();
    let plan = LinearPlan::new(1, 1, &terms).expect("valid");
    let diagonals = vec![diagonal; terms.len()];
    let steps: Vec<i64> = (1..=HOISTED).collect();
    let mut limb = vec![1u64; 1 << 15];
    let sum = context.mul_plain(&x, &plain).expect("valid");
    // One thread: the engine uses the pool that it is called in.
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_global()
        .expect("the first pool");

    let mut group = criterion.benchmark_group("2^15, 12 primes");
    group.sample_size(20);
    group.bench_function("ntt", |b| b.iter(|| context.transform_unit(0, &mut limb)));
    group.bench_function("rotate", |b| b.iter(|| context.rotate(&x, 1, &keys)));
    group.bench_function("rotate_many, 32", |b| {
        b.iter(|| context.rotate_many(&x, &steps, &keys));
    });
    group.bench_function("linear, 256 diagonals", |b| {
        b.iter(|| context.linear(&[&x], &plan, &diagonals, &keys));
    });
    group.bench_function("multiply, relinearize, rescale", |b| {
        b.iter(|| {
            let product = context.multiply(&x, &x)?;
            context.relinearize_rescale(&product, &keys)
        });
    });
    group.bench_function("mul_plain", |b| b.iter(|| context.mul_plain(&x, &plain)));
    let mut sum = sum;
    group.bench_function("mul_plain_add", |b| {
        b.iter(|| context.mul_plain_add(&mut sum, &x, &plain));
    });
    group.bench_function("rescale", |b| b.iter(|| context.rescale(&x)));
    group.bench_function("encode", |b| {
        b.iter(|| context.encode(&values, scale, level))
    });
    group.bench_function("encode_diagonal", |b| {
        b.iter(|| context.encode_diagonal(&values, scale, level));
    });
    group.finish();
}

criterion_group!(benches, operations);
criterion_main!(benches);
