//! Evaluation keys from bytes: refused, or the same bytes again and key switches that run.
#![no_main]

use hemet_ckks::EvaluationKeys;
use hemet_ckks_fuzz::{key_bytes_of, setup, templates};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let s = setup();
    let bytes = key_bytes_of(&templates()[3], input);
    let Ok(keys) = EvaluationKeys::from_bytes(&s.context, &bytes) else {
        return;
    };
    assert_eq!(keys.to_bytes(&s.context), bytes);
    for (step, level) in keys.rotations() {
        let low = s.context.level_drop(&s.ciphertext, level).expect("a level of the chain");
        s.context.rotate(&low, step, &keys).expect("the key is there");
    }
    if let Some(level) = keys.relinearization_level() {
        let low = s.context.level_drop(&s.ciphertext, level).expect("a level of the chain");
        let square = s.context.square(&low).expect("degree 1");
        s.context.relinearize(&square, &keys).expect("the key is there");
    }
});
