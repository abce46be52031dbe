//! A secret key from bytes; see `src/lib.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    hemet_ckks_fuzz::secret_key(input);
});
