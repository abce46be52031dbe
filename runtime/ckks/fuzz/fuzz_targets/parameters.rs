//! Parameters from bytes: refused, or the same bytes again and a context that can be made.
#![no_main]

use hemet_ckks::{Context, parameters_from_bytes, parameters_to_bytes};
use hemet_ckks_fuzz::{bytes_of, templates};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let bytes = bytes_of(&templates()[0], input);
    let Ok(parameters) = parameters_from_bytes(&bytes) else {
        return;
    };
    assert_eq!(parameters_to_bytes(&parameters), bytes);
    let primes = parameters.moduli().len() + parameters.special().len();
    if parameters.log_n() <= 11 && primes <= 6 {
        let context = Context::new(parameters);
        let top = context.parameters().max_level();
        let plaintext = context.encode(&[1.0], 1000.0, top).expect("11 bits fit 17");
        context.decode(&plaintext).expect("own plaintext");
    }
});
