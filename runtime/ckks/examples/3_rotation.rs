//! Rotation: several rotations that share their decomposition, and a sum over slots. `cargo run
//! --release -p hemet-ckks --example 3_rotation`

use hemet_ckks::params::{SecurityLevel, ntt_primes};
use hemet_ckks::{Context, EvaluationKeys, KeyRequest, Parameters, SecretKey, Strided, os_rng};

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
    let top = context.parameters().max_level();
    let eight = Strided::new(1, 8)?;
    let steps = [eight.inner_sum_steps(), vec![1, 2, -1]].concat();
    let rotations: Vec<(i64, usize)> = steps.into_iter().map(|step| (step, top)).collect();
    let request = KeyRequest {
        rotations: &rotations,
        ..KeyRequest::default()
    };
    let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng)?;
    println!(
        "keys for (step, level) {:?}, {} bytes",
        keys.rotations(),
        keys.to_bytes(&context).len()
    );

    let values: Vec<f64> = (0..8).map(f64::from).collect();
    let plaintext = context.encode(&values, 36f64.exp2(), top)?;
    let x = context.encrypt_secret(&secret, &plaintext, &mut rng)?;
    let show = |name: &str, c: &hemet_ckks::Ciphertext| -> Result<(), hemet_ckks::Error> {
        let slots = context.decode(&context.decrypt(&secret, c)?)?;
        println!("{name:10} {:.3?}", &slots[..8]);
        Ok(())
    };
    show("x", &x)?;
    for (step, rotated) in
        [1, 2, -1]
            .into_iter()
            .zip(context.rotate_many(&x, &[1, 2, -1], &keys)?)
    {
        show(&format!("by {step}"), &rotated)?;
    }
    show("sum of 8", &context.inner_sum(&x, eight, &keys)?)?;
    Ok(())
}
