//! Key switches of lists, in batches: each piece of the key is read once for a whole batch.
//!
//! A key switching key has tens of megabytes, so one ciphertext at a time waits for memory. A test compares each
//! result with the library's own key switch.

use rayon::prelude::*;
use tfhe::core_crypto::prelude::*;

use crate::bootstrap::batch_len;

/// Switches every ciphertext of `list` to the key's small key.
pub(crate) fn switch(key: &LweKeyswitchKeyOwned<u64>, list: &[u64]) -> Vec<u64> {
    let from = key.input_key_lwe_dimension().0 + 1;
    let to = key.output_key_lwe_dimension().0 + 1;
    let count = list.len() / from;
    let batch = batch_len(count);
    let mut result = vec![0u64; count * to];
    (result
        .par_chunks_mut(batch * to)
        .zip(list.par_chunks(batch * from)))
    .for_each(|(out, input)| switch_batch(key, input, out));
    result
}

/// Rows that are multiplied in one pass over the result.
const GROUP: usize = 3;

fn switch_batch(key: &LweKeyswitchKeyOwned<u64>, input: &[u64], out: &mut [u64]) {
    let from = key.input_key_lwe_dimension().0 + 1;
    let to = key.output_key_lwe_dimension().0 + 1;
    let decomposer = SignedDecomposer::<u64>::new(
        key.decomposition_base_log(),
        key.decomposition_level_count(),
    );
    for (out, input) in out.chunks_exact_mut(to).zip(input.chunks_exact(from)) {
        out[to - 1] = input[from - 1];
    }
    let levels = key.decomposition_level_count().0;
    let processor = pulp::Arch::new();
    let mut digits = vec![0u64; levels.next_multiple_of(GROUP)];
    for (position, block) in key.as_ref().chunks_exact(to * levels).enumerate() {
        for (out, input) in out.chunks_exact_mut(to).zip(input.chunks_exact(from)) {
            let terms = decomposer.decompose(input[position]);
            digits
                .iter_mut()
                .zip(terms)
                .for_each(|(digit, term)| *digit = term.value());
            for (rows, digits) in block.chunks(to * GROUP).zip(digits.chunks_exact(GROUP)) {
                subtract(processor, out, rows, digits);
            }
        }
    }
}

/// `out −= Σ digit·row` over up to [`GROUP`] rows; the digits of rows that are not there are 0. Compiled for the
/// processor at hand, because a 64-bit product is one instruction only on the widest.
fn subtract(processor: pulp::Arch, out: &mut [u64], rows: &[u64], digits: &[u64]) {
    let to = out.len();
    let row = |index: usize| {
        rows.get(index * to..(index + 1) * to)
            .unwrap_or(&rows[..to])
    };
    let [first, second, third] = [row(0), row(1), row(2)];
    let (a, b, c) = (digits[0], digits[1], digits[2]);
    processor.dispatch(|| {
        for (((o, x), y), z) in out.iter_mut().zip(first).zip(second).zip(third) {
            let sum = x
                .wrapping_mul(a)
                .wrapping_add(y.wrapping_mul(b))
                .wrapping_add(z.wrapping_mul(c));
            *o = o.wrapping_sub(sum);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{EvaluationKeys, SecretKeys, encrypt, expand_keyswitch_key, expand_list};
    use crate::random::OsSeeder;
    use crate::spec::{InputSpec, OutputSpec, Spec};

    #[test]
    fn a_batch_switches_as_the_library_does_one_by_one() {
        let set = hemet_schedule::tfhe::SetId::find("1_0").unwrap();
        let parameters = set.get();
        let mut seeder = OsSeeder::new().unwrap();
        let secrets = SecretKeys::generate(parameters, &mut seeder);
        let points: Vec<u64> = (0..5).map(|i| i << 60).collect();
        let list = encrypt(&points, &secrets.big, parameters.glwe_std, &mut seeder);
        let spec = Spec {
            bootstraps: vec![],
            keyswitches: vec![("1_0".into(), "1_0".into())],
            input: InputSpec {
                count: 1,
                set: "1_0".into(),
                small: false,
                turn: 2,
                low: 0,
                high: 1,
            },
            outputs: vec![OutputSpec {
                count: 1,
                set: "1_0".into(),
                small: true,
                turn: 2,
                low: 0,
            }],
            output_bytes: 8,
            label: false,
        };
        let secrets = [(set, secrets)].into();
        let keys = EvaluationKeys::generate(&spec, [0; 16], &secrets, &mut seeder).unwrap();
        let key = expand_keyswitch_key(parameters, parameters, &keys.keyswitches[0]);
        let list = expand_list(&list, parameters.big_dimension());
        let batch = switch(&key, &list);
        for (input, found) in list
            .chunks(parameters.big_dimension() + 1)
            .zip(batch.chunks(parameters.lwe_dimension + 1))
        {
            let modulus = CiphertextModulus::new_native();
            let mut expected = LweCiphertext::new(
                0u64,
                LweDimension(parameters.lwe_dimension).to_lwe_size(),
                modulus,
            );
            keyswitch_lwe_ciphertext(
                &key,
                &LweCiphertext::from_container(input, modulus),
                &mut expected,
            );
            assert_eq!(found, expected.as_ref());
        }
    }
}
