//! A secret key from bytes: refused, or the same bytes again.
#![no_main]

use hemet_ckks::SecretKey;
use hemet_ckks_fuzz::{bytes_of, setup, templates};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let s = setup();
    let bytes = bytes_of(&templates()[1], input);
    if let Ok(key) = SecretKey::from_bytes(&s.context, &bytes) {
        assert_eq!(*key.to_bytes(&s.context), bytes);
        s.context.decrypt(&key, &s.ciphertext).expect("own key");
    }
});
