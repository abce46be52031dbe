//! Levels: a product doubles the scale's bits, a rescale takes a prime away. `cargo run --release -p
//! hemet-ckks --example 1_levels`

use hemet_ckks::params::{SecurityLevel, ntt_primes};
use hemet_ckks::{Context, EvaluationKeys, KeyRequest, Parameters, SecretKey, os_rng};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The base prime is larger than the scale, so that values up to 2^10 fit at the last level.
    let mut primes = ntt_primes(14, &[50, 40, 40, 40, 40, 50])?;
    let special = primes.split_off(5);
    let context = Context::new(Parameters::new(
        14,
        primes,
        special,
        SecurityLevel::Bits128,
    )?);
    let mut rng = os_rng()?;
    let secret = SecretKey::generate(&context, &mut rng);
    let top = context.parameters().max_level();
    let request = KeyRequest {
        relinearize: Some(top),
        ..KeyRequest::default()
    };
    let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng)?;

    let plaintext = context.encode(&[1.01, 0.5, -1.0], 40f64.exp2(), top)?;
    let mut x = context.encrypt_secret(&secret, &plaintext, &mut rng)?;
    for power in [1, 2, 4, 8, 16] {
        let slots = context.decode(&context.decrypt(&secret, &x)?)?;
        println!(
            "level {}, scale 2^{:.4}: x^{power} = {:.9}",
            x.level(),
            x.scale().log2(),
            slots[0]
        );
        if x.level() > 0 {
            // A square has three parts; relinearization brings it back to two.
            x = context.relinearize_rescale(&context.square(&x)?, &keys)?;
        }
    }
    Ok(())
}
