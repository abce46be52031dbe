//! The reader `schedule text`; see `src/lib.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hemet_fuzz::read("schedule text", input));
