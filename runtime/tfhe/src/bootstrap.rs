//! Programmable bootstraps of lists, in batches: each piece of the key is read once for a whole batch.
//!
//! The table of a channel becomes a polynomial: position `i` of `2N` holds the value of message `round(i·turn / 2N)`, so
//! any even number of boxes is possible. What is looked up is `value − flip/2`, whose sign changes half a turn
//! further, as the ring's does; `flip/2` is added behind.

use hemet_tfhe_schedule::{ParameterSet, TableConstant};
use rayon::prelude::*;
use tfhe::core_crypto::prelude::*;

use crate::encode::encode;

/// Most ciphertexts of a batch: their accumulators (32 to 64 KiB each) stay in the second-level cache beside the key's piece.
const MAX_BATCH: usize = 8;

/// The length of batches that shares `count` ciphertexts evenly among threads.
pub(crate) fn batch_len(count: usize) -> usize {
    let threads = rayon::current_num_threads().max(1);
    let rounds = count.div_ceil(threads * MAX_BATCH).max(1);
    count.div_ceil(threads * rounds).max(1)
}

/// The tables of one bootstrap instruction as polynomials.
pub(crate) struct Tables {
    /// `[channel][N]`.
    polynomials: Vec<Vec<u64>>,
    /// Added to the body behind, one a channel.
    offsets: Vec<u64>,
    channel_len: usize,
}

impl Tables {
    /// `turn` is the operand's, `result_turn` the result's.
    pub fn new(set: &ParameterSet, table: &TableConstant, turn: u32, result_turn: u32) -> Self {
        let size = set.polynomial_size as u64;
        let twice = 2 * u64::from(result_turn);
        let polynomial = |channel: usize| {
            (0..size).map(move |i| {
                let message = (i * u64::from(turn) + size) / (2 * size);
                let flip = i64::from(table.flip[channel]);
                encode(2 * table.value(channel, message as u32) - flip, twice)
            })
        };
        Self {
            polynomials: (0..table.values.len())
                .map(|c| polynomial(c).collect())
                .collect(),
            offsets: table
                .flip
                .iter()
                .map(|flip| encode(i64::from(*flip), twice))
                .collect(),
            channel_len: table.channel_len as usize,
        }
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
        let channel = |position: usize| (first + position) / tables.channel_len;
        let mut accumulators = vec![0u64; count * glwe_size.0 * size.0];
        for (position, glwe) in accumulators
            .chunks_exact_mut(glwe_size.0 * size.0)
            .enumerate()
        {
            glwe[(glwe_size.0 - 1) * size.0..]
                .copy_from_slice(&tables.polynomials[channel(position)]);
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
            out[to - 1] = out[to - 1].wrapping_add(tables.offsets[channel(position)]);
        }
    }
}
