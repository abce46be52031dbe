//! Evaluation keys in a mapped file; see `src/lib.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    hemet_ckks_fuzz::mapped_keys(input);
});
