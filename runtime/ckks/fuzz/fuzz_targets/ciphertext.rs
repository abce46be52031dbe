//! A ciphertext from bytes: refused, or the same bytes again and operations that give a result or an error.
#![no_main]

use hemet_ckks::Ciphertext;
use hemet_ckks_fuzz::{bytes_of, setup, templates};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let s = setup();
    let (context, keys) = (&s.context, &s.keys);
    let bytes = bytes_of(&templates()[4], input);
    let Ok(a) = Ciphertext::from_bytes(context, &bytes) else {
        return;
    };
    assert_eq!(a.to_bytes(context), bytes);
    let plaintext = context.decrypt(&s.secret, &a).expect("own ciphertext");
    context.decode(&plaintext).expect("own plaintext");
    let _ = context.add(&a, &s.ciphertext);
    let _ = context.rotate(&a, 1, keys);
    let _ = context.conjugate(&a, keys);
    let _ = context.rescale(&a);
    let square = context.square(&a).unwrap_or(a);
    let _ = context.relinearize_rescale(&square, keys);
});
