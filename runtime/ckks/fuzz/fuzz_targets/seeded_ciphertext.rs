//! A seeded ciphertext from bytes: refused, or the same bytes again and an expansion.
#![no_main]

use hemet_ckks::SeededCiphertext;
use hemet_ckks_fuzz::{bytes_of, setup, templates};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let s = setup();
    let bytes = bytes_of(&templates()[5], input);
    if let Ok(seeded) = SeededCiphertext::from_bytes(&s.context, &bytes) {
        assert_eq!(seeded.to_bytes(&s.context), bytes);
        let ciphertext = s.context.expand(&seeded).expect("own ciphertext");
        s.context.decrypt(&s.secret, &ciphertext).expect("own ciphertext");
    }
});
