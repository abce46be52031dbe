//! The reader `public key`; see `src/lib.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hemet_fuzz::read("public key", input));
