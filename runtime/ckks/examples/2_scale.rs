//! Scale: sums need equal scales, so a constant is encoded at the scale that makes them equal. `cargo run
//! --release -p hemet-ckks --example 2_scale`

use hemet_ckks::params::{SecurityLevel, ntt_primes};
use hemet_ckks::{Context, EvaluationKeys, KeyRequest, Parameters, SecretKey, os_rng};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut primes = ntt_primes(13, &[45, 36, 36, 46])?;
    let special = primes.split_off(3);
    let context = Context::new(Parameters::new(
        13,
        primes,
        special,
        SecurityLevel::Bits128,
    )?);
    let mut rng = os_rng()?;
    let secret = SecretKey::generate(&context, &mut rng);
    let (scale, top) = (36f64.exp2(), context.parameters().max_level());
    let request = KeyRequest {
        relinearize: Some(top),
        ..KeyRequest::default()
    };
    let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng)?;
    let x = context.encrypt_secret(&secret, &context.encode(&[3.0], scale, top)?, &mut rng)?;

    // x² + 2x: the square is at scale²/q after its rescale, which is near the scale but not equal.
    let square = context.relinearize_rescale(&context.square(&x)?, &keys)?;
    let nearly = context.level_drop(&x, square.level())?;
    if let Err(error) = context.add(&square, &nearly) {
        println!("refused: {error}");
    }
    // Encode 2 so that scale(x)·scale(2)/q is exactly the scale of the square.
    let q = context.parameters().moduli()[top] as f64;
    let two = context.encode_constant(2.0, square.scale() * q / x.scale(), top)?;
    let twice = context.rescale(&context.mul_plain(&x, &two)?)?;
    let sum = context.add(&square, &twice)?;
    let slots = context.decode(&context.decrypt(&secret, &sum)?)?;
    println!("3² + 2·3 = {:.6}", slots[0]);
    Ok(())
}
