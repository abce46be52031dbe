//! A seeded ciphertext from bytes; see `src/lib.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    hemet_ckks_fuzz::seeded_ciphertext(input);
});
