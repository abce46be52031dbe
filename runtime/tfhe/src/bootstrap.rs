//! Programmable bootstraps of lists, in batches: each piece of the key is read once for a whole batch.
//!
//! The table of a channel becomes a polynomial: position `i` of `2N` holds the value of message `round(i·turn / 2N)`,
//! so any even number of boxes is possible. What is looked up is `value − flip/2`, whose sign changes half a turn
//! further, as the ring's does; `flip/2` is added behind.

use std::collections::HashMap;

use hemet_schedule::tfhe::{ParameterSet, TableConstant};
use rayon::prelude::*;
use tfhe::core_crypto::prelude::*;

use crate::Error;
use crate::encode::encode;

/// Most ciphertexts of a batch: their accumulators (32 to 64 KiB each) stay in the second-level cache beside the
/// key's piece.
const MAX_BATCH: usize = 8;

/// The length of batches that shares `count` ciphertexts evenly among threads.
pub(crate) fn batch_len(count: usize) -> usize {
    let threads = rayon::current_num_threads().max(1);
    let rounds = count.div_ceil(threads * MAX_BATCH).max(1);
    count.div_ceil(threads * rounds).max(1)
}

/// Most bytes of the polynomials of one instruction: 1 GiB.
const MAX_TABLE_BYTES: usize = 1 << 30;

/// The tables of one bootstrap instruction as polynomials; channels with equal tables share one.
pub(crate) struct Tables {
    /// Distinct polynomials of `N` numbers, each with what is added to the body behind.
    polynomials: Vec<(Vec<u64>, u64)>,
    /// The polynomial of each channel.
    of_channel: Vec<usize>,
    channel_len: usize,
}

impl Tables {
    /// `turn` is the operand's, `result_turn` the result's.
    ///
    /// # Errors
    /// More distinct tables than memory should hold.
    pub fn new(
        set: &ParameterSet,
        table: &TableConstant,
        turn: u32,
        result_turn: u32,
    ) -> Result<Self, Error> {
        let size = set.polynomial_size as u64;
        let twice = 2 * u64::from(result_turn);
        let mut tables = Self {
            polynomials: Vec::new(),
            of_channel: Vec::new(),
            channel_len: table.channel_len as usize,
        };
        let mut known: HashMap<(&[i32], i32), usize> = HashMap::new();
        for (channel, (values, flip)) in table.values.iter().zip(&table.flip).enumerate() {
            let next = tables.polynomials.len();
            let index = *known.entry((values, *flip)).or_insert(next);
            tables.of_channel.push(index);
            if index < next {
                continue;
            }
            let bytes = (next + 1) * 8 * set.polynomial_size;
            if bytes > MAX_TABLE_BYTES {
                let why =
                    format!("tables of {bytes} bytes, at most {MAX_TABLE_BYTES} are possible");
                return Err(Error::Spec(why));
            }
            let flip = i64::from(*flip);
            let value = |i: u64| {
                let message = (i * u64::from(turn) + size) / (2 * size);
                encode(2 * table.value(channel, message as u32) - flip, twice)
            };
            tables
                .polynomials
                .push(((0..size).map(value).collect(), encode(flip, twice)));
        }
        Ok(tables)
    }

    fn of(&self, element: usize) -> &(Vec<u64>, u64) {
        &self.polynomials[self.of_channel[element / self.channel_len]]
    }
}

/// A bootstrapping key with the plan of its transforms.
pub(crate) struct BootstrapKey {
    pub key: FourierLweBootstrapKeyOwned,
    pub fft: Fft,
}

impl BootstrapKey {
    /// Each ciphertext of `list` through the table of its channel.
    pub fn apply(&self, tables: &Tables, list: &[u64]) -> Vec<u64> {
        let from = self.key.input_lwe_dimension().0 + 1;
        let to = self.key.output_lwe_dimension().0 + 1;
        let count = list.len() / from;
        let batch = batch_len(count);
        let mut result = vec![0u64; count * to];
        (result
            .par_chunks_mut(batch * to)
            .zip(list.par_chunks(batch * from))
            .enumerate())
        .for_each(|(index, (out, input))| self.apply_batch(tables, index * batch, input, out));
        result
    }

    fn apply_batch(&self, tables: &Tables, first: usize, input: &[u64], out: &mut [u64]) {
        let modulus = CiphertextModulus::<u64>::new_native();
        let (size, glwe_size) = (self.key.polynomial_size(), self.key.glwe_size());
        let from = self.key.input_lwe_dimension().to_lwe_size().0;
        let to = self.key.output_lwe_dimension().to_lwe_size().0;
        let count = input.len() / from;
        let mut accumulators = vec![0u64; count * glwe_size.0 * size.0];
        for (position, glwe) in accumulators
            .chunks_exact_mut(glwe_size.0 * size.0)
            .enumerate()
        {
            glwe[(glwe_size.0 - 1) * size.0..].copy_from_slice(&tables.of(first + position).0);
        }
        let log_modulus = size.to_blind_rotation_input_modulus_log();
        let switched: Vec<_> = (input.chunks_exact(from))
            .map(|c| LweCiphertext::from_container(c, modulus))
            .map(|c| lwe_ciphertext_centered_binary_modulus_switch::<u64, usize, _>(c, log_modulus))
            .collect();
        let fft = self.fft.as_view();
        let needed = batch_programmable_bootstrap_lwe_ciphertext_mem_optimized_requirement::<u64>(
            glwe_size,
            size,
            CiphertextCount(count),
            fft,
        );
        let mut memory = vec![0u8; needed.unaligned_bytes_required()];
        let mut list =
            GlweCiphertextList::from_container(&mut accumulators[..], glwe_size, size, modulus);
        self.key.as_view().batch_blind_rotate_assign(
            list.as_mut_view(),
            &switched,
            fft,
            PodStack::new(&mut memory),
        );
        for ((position, glwe), out) in list.iter().enumerate().zip(out.chunks_exact_mut(to)) {
            let mut sample = LweCiphertext::from_container(&mut *out, modulus);
            extract_lwe_sample_from_glwe_ciphertext(&glwe, &mut sample, MonomialDegree(0));
            out[to - 1] = out[to - 1].wrapping_add(tables.of(first + position).1);
        }
    }
}

#[cfg(test)]
mod tests {
    use hemet_schedule::tfhe::SetId;
    use hemet_schedule::tfhe::noise::{bootstrap_variance, keyswitch_variance};

    use super::*;
    use crate::keys::{
        EvaluationKeys, SecretKeys, encrypt, expand_bootstrap_key, expand_keyswitch_key,
        expand_list,
    };
    use crate::random::OsSeeder;
    use crate::spec::{InputSpec, OutputSpec, Spec};

    /// The mean square of what ciphertexts of the point 0 decrypt to, in turns².
    fn variance(list: &[u64], key: &[u64]) -> f64 {
        let square = |ciphertext: &[u64]| {
            let (body, mask) = ciphertext.split_last().unwrap();
            let product = mask
                .iter()
                .zip(key)
                .fold(0u64, |sum, (a, s)| sum.wrapping_add(a * s));
            (body.wrapping_sub(product) as i64 as f64 / 2f64.powi(64)).powi(2)
        };
        let count = list.len() / (key.len() + 1);
        list.chunks_exact(key.len() + 1).map(square).sum::<f64>() / count as f64
    }

    #[test]
    fn measured_noise_is_what_the_model_says() {
        const COUNT: usize = 72;
        let name = "1_1";
        let id = SetId::find(name).unwrap();
        let set = id.get();
        let mut seeder = OsSeeder::new().unwrap();
        let secrets = [(id, SecretKeys::generate(set, &mut seeder))].into();
        let spec = Spec {
            bootstraps: vec![name.into()],
            keyswitches: vec![(name.into(), name.into())],
            input: InputSpec {
                count: 1,
                set: name.into(),
                small: true,
                turn: 2,
                low: 0,
                high: 1,
            },
            outputs: vec![OutputSpec {
                count: 1,
                set: name.into(),
                small: true,
                turn: 2,
                low: 0,
            }],
            output_bytes: 8,
            label: false,
        };
        let keys = EvaluationKeys::generate(&spec, [0; 16], &secrets, &mut seeder).unwrap();
        let secrets = &secrets[&id];
        let input = encrypt(&[0; COUNT], &secrets.small, set.lwe_std, &mut seeder);
        let key = expand_bootstrap_key(set, &keys.bootstraps[0]);
        let key = BootstrapKey {
            key,
            fft: Fft::new(PolynomialSize(set.polynomial_size)),
        };
        // The box of message 0 gives 0, and the input's points are 0.
        let table = TableConstant {
            half: 4,
            channel_len: COUNT as u32,
            values: vec![vec![0, 1, 2, 3]],
            flip: vec![0],
        };
        let tables = Tables::new(set, &table, 8, 8).unwrap();
        let bootstrapped = key.apply(&tables, &expand_list(&input, set.lwe_dimension));
        let switch = expand_keyswitch_key(set, set, &keys.keyswitches[0]);
        let switched = crate::keyswitch::switch(&switch, &bootstrapped);
        let after_bootstrap = variance(&bootstrapped, &secrets.big) / bootstrap_variance(set);
        let after_switch = variance(&switched, &secrets.small)
            / (keyswitch_variance(set, set) + bootstrap_variance(set));
        // A variance from 72 samples deviates by a sixth in the mean; five times that happens once in millions. The
        // model may be careful, so only too much noise is a fault, and far too little a sign that it is another one.
        for (what, ratio) in [("bootstrap", after_bootstrap), ("key switch", after_switch)] {
            assert!(
                ratio < 1.0 + 5.0 / 6.0,
                "{name} {what}: {ratio} times the model's variance"
            );
            assert!(
                ratio > 0.1,
                "{name} {what}: {ratio} times the model's variance"
            );
        }
    }
}
