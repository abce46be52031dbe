//! The reader `signing key`; see `src/lib.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hemet_fuzz::read("signing key", input));
