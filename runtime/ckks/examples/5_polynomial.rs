//! Polynomial: 0.5 + 0.25·x - 0.1·x³ with exact scales at every sum. `cargo run --release -p hemet-ckks
//! --example 5_polynomial`

use hemet_ckks::params::{SecurityLevel, ntt_primes};
use hemet_ckks::{Context, EvaluationKeys, KeyRequest, Parameters, SecretKey, os_rng};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut primes = ntt_primes(14, &[50, 40, 40, 40, 50])?;
    let special = primes.split_off(4);
    let context = Context::new(Parameters::new(
        14,
        primes,
        special,
        SecurityLevel::Bits128,
    )?);
    let mut rng = os_rng()?;
    let secret = SecretKey::generate(&context, &mut rng);
    let (scale, top) = (40f64.exp2(), context.parameters().max_level());
    let request = KeyRequest {
        relinearize: Some(top),
        ..KeyRequest::default()
    };
    let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng)?;
    let values: Vec<f64> = (0..5).map(|i| f64::from(i) / 2.0 - 1.0).collect();
    let x = context.encrypt_secret(&secret, &context.encode(&values, scale, top)?, &mut rng)?;
    let moduli = context.parameters().moduli();

    // -0.1·x at the level of x²; then (-0.1·x)·x² needs one more rescale.
    let square = context.relinearize_rescale(&context.square(&x)?, &keys)?;
    let tenth = context.encode_constant(-0.1, moduli[top] as f64, top)?;
    let scaled = context.rescale(&context.mul_plain(&x, &tenth)?)?;
    let cubic = context.relinearize_rescale(&context.multiply(&scaled, &square)?, &keys)?;
    // 0.25·x straight to the level and scale of the cubic term.
    let low = context.level_drop(&x, cubic.level() + 1)?;
    let q = moduli[low.level()] as f64;
    let quarter = context.encode_constant(0.25, cubic.scale() * q / low.scale(), low.level())?;
    let linear = context.rescale(&context.mul_plain(&low, &quarter)?)?;
    let half = context.encode_constant(0.5, cubic.scale(), cubic.level())?;
    let result = context.add_plain(&context.add(&cubic, &linear)?, &half)?;
    let slots = context.decode(&context.decrypt(&secret, &result)?)?;
    for (x, found) in values.iter().zip(slots) {
        println!(
            "x = {x:5.2}: {found:.7}, in the clear {:.7}",
            0.5 + 0.25 * x - 0.1 * x * x * x
        );
    }
    Ok(())
}
