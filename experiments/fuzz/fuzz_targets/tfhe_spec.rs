//! The reader `tfhe spec`; see `src/lib.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hemet_fuzz::read("tfhe spec", input));
