//! A public key from bytes: refused, or the same bytes again and encryptions with it.
#![no_main]

use hemet_ckks::PublicKey;
use hemet_ckks_fuzz::{bytes_of, setup, templates};
use libfuzzer_sys::fuzz_target;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

fuzz_target!(|input: &[u8]| {
    let s = setup();
    let bytes = bytes_of(&templates()[2], input);
    if let Ok(key) = PublicKey::from_bytes(&s.context, &bytes) {
        assert_eq!(key.to_bytes(&s.context), bytes);
        let plaintext = s.context.encode(&[1.0], 1e6, 2).expect("small value");
        let mut rng = ChaCha20Rng::from_seed([2; 32]);
        s.context
            .encrypt_public(&key, &plaintext, &mut rng)
            .expect("own key");
    }
});
