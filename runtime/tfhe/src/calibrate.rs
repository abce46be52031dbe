//! Measures a machine's cost table, with a clock that the caller gives.
//!
//! Each cost is measured as it occurs: full batches on all threads at the same time, the best of several runs.

use hemet_schedule::tfhe::{CostKind, CostTable, MapConstant, SetId, TableConstant};
use tfhe::core_crypto::prelude::*;

use crate::bootstrap::{BootstrapKey, Tables};
use crate::keys::{
    EvaluationKeys, SecretKeys, encrypt, expand_bootstrap_key, expand_keyswitch_key, expand_list,
};
use crate::random::OsSeeder;
use crate::spec::{InputSpec, OutputSpec, Spec};
use crate::{Error, keyswitch, linear};

/// Microseconds since any moment. Where one thread computes, the time that it computed is the better clock, because
/// what else runs on the machine is not in it; of several threads only the time on the wall tells.
pub type Clock = fn() -> f64;

/// Ciphertexts a thread in each measurement.
const PER_THREAD: usize = 8;

/// Measures bootstraps and key switches of these sets (among each other), linear maps and expansion of inputs, with the
/// threads of the current rayon pool; the least of `runs` runs each.
///
/// # Errors
/// No randomness.
pub fn calibrate(sets: &[SetId], runs: usize, clock: Clock) -> Result<CostTable, Error> {
    let threads = rayon::current_num_threads().max(1);
    let count = threads * PER_THREAD;
    let mut seeder = OsSeeder::new()?;
    let mut table = CostTable {
        threads: threads as u32,
        us: Default::default(),
    };
    let mut secrets = std::collections::BTreeMap::new();
    for set in sets {
        secrets.insert(*set, SecretKeys::generate(set.get(), &mut seeder));
    }
    for set in sets {
        let parameters = set.get();
        let keys = EvaluationKeys::generate(&spec(*set, sets), [0; 16], &secrets, &mut seeder)?;
        let points = vec![0u64; count];
        let small = encrypt(
            &points,
            &secrets[set].small,
            parameters.lwe_std,
            &mut seeder,
        );
        let small = expand_list(&small, parameters.lwe_dimension);
        let key = expand_bootstrap_key(parameters, &keys.bootstraps[0]);
        let key = BootstrapKey {
            key,
            fft: Fft::new(PolynomialSize(parameters.polynomial_size)),
        };
        let bit = TableConstant {
            half: 1,
            channel_len: count as u32,
            values: vec![vec![0]],
            flip: vec![1],
        };
        let tables = Tables::new(parameters, &bit, 2, 2)?;
        let us = least_us(runs, clock, || key.apply(&tables, &small)) / PER_THREAD as f64;
        table.us.insert(CostKind::Bootstrap(*set).key(), us);
        for (from, key) in sets.iter().zip(&keys.keyswitches) {
            let big = encrypt(
                &points,
                &secrets[from].big,
                from.get().glwe_std,
                &mut seeder,
            );
            let big = expand_list(&big, from.get().big_dimension());
            let key = expand_keyswitch_key(from.get(), parameters, key);
            let us = least_us(runs, clock, || keyswitch::switch(&key, &big)) / PER_THREAD as f64;
            table.us.insert(CostKind::KeySwitch(*from, *set).key(), us);
        }
    }
    table.us.insert(
        CostKind::LinearKiloword.key(),
        linear_us(threads, runs, clock),
    );
    table.us.insert(
        CostKind::ExpandKiloword.key(),
        expand_us(threads, runs, clock, &mut seeder),
    );
    Ok(table)
}

/// Microseconds of one programmable bootstrap with `set` in a loop of the crate `tfhe` alone, on the calling thread:
/// no batches, no tables of ours. Number of bootstraps × this / cores is what a prediction cannot be expected to fall
/// far below; the least of `runs` runs.
///
/// # Errors
/// No randomness.
pub fn library_bootstrap_us(set: SetId, runs: usize, clock: Clock) -> Result<f64, Error> {
    let parameters = set.get();
    let mut seeder = OsSeeder::new()?;
    let secrets = [(set, SecretKeys::generate(parameters, &mut seeder))].into();
    let keys = EvaluationKeys::generate(&spec(set, &[]), [0; 16], &secrets, &mut seeder)?;
    let key = expand_bootstrap_key(parameters, &keys.bootstraps[0]);
    let points = [0u64; PER_THREAD];
    let std = parameters.lwe_std;
    let small = encrypt(&points, &secrets[&set].small, std, &mut seeder);
    let small = expand_list(&small, parameters.lwe_dimension);
    let modulus = CiphertextModulus::<u64>::new_native();
    let (glwe_size, size) = (key.glwe_size(), key.polynomial_size());
    let accumulator = GlweCiphertext::new(0u64, glwe_size, size, modulus);
    let mut out = LweCiphertext::new(0u64, key.output_lwe_dimension().to_lwe_size(), modulus);
    let us = least_us(runs, clock, || {
        for sample in small.chunks_exact(parameters.lwe_dimension + 1) {
            let sample = LweCiphertext::from_container(sample, modulus);
            programmable_bootstrap_lwe_ciphertext(&sample, &mut out, &accumulator, &key);
        }
    });
    Ok(us / PER_THREAD as f64)
}

/// A spec that asks for a set's bootstrapping key and the key switches to it from all sets.
fn spec(set: SetId, from: &[SetId]) -> Spec {
    let name = set.to_string();
    Spec {
        bootstraps: vec![name.clone()],
        keyswitches: from.iter().map(|f| (f.to_string(), name.clone())).collect(),
        input: InputSpec {
            count: 1,
            set: name.clone(),
            small: true,
            turn: 2,
            low: 0,
            high: 1,
        },
        outputs: vec![OutputSpec {
            count: 1,
            set: name,
            small: true,
            turn: 2,
            low: 0,
        }],
        output_bytes: 8,
        label: false,
    }
}

fn least_us<T>(runs: usize, clock: Clock, mut work: impl FnMut() -> T) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..runs.max(1) {
        let start = clock();
        std::hint::black_box(work());
        least = least.min(clock() - start);
    }
    least
}

fn linear_us(threads: usize, runs: usize, clock: Clock) -> f64 {
    let (columns, size, rows) = (64usize, 1025usize, 32 * threads);
    let map = MapConstant {
        inputs: columns as u32,
        row_starts: (0..=rows as u32).map(|r| r * columns as u32).collect(),
        columns: (0..rows).flat_map(|_| 0..columns as u32).collect(),
        weights: vec![3; rows * columns],
        bias: vec![0; rows],
    };
    let operand = vec![0x0123_4567_89ab_cdefu64; columns * size];
    let kilowords = (rows / threads * columns * size) as f64 / 1e3;
    least_us(runs, clock, || linear::apply(&map, 1, &[&operand], size, 2)) / kilowords
}

fn expand_us(threads: usize, runs: usize, clock: Clock, seeder: &mut OsSeeder) -> f64 {
    let (dimension, each) = (1024usize, 64usize);
    let list = encrypt(&vec![0; each * threads], &vec![0; dimension], 1e-9, seeder);
    least_us(runs, clock, || expand_list(&list, dimension)) / (each * (dimension + 1)) as f64 * 1e3
}
