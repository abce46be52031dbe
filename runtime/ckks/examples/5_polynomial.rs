//! Polynomial: the logistic function on [-8, 8] by Chebyshev polynomials of degree 15, in one call. `cargo run
//! --release -p hemet-ckks --example 5_polynomial`

use hemet_ckks::params::{SecurityLevel, ntt_primes};
use hemet_ckks::{
    Basis, Context, EvaluationKeys, KeyRequest, Parameters, Polynomial, SecretKey, os_rng,
};

const DEGREE: usize = 15;
const LIMIT: f64 = 8.0;

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The coefficients of the interpolation at the Chebyshev nodes of [-LIMIT, LIMIT].
fn interpolate(f: impl Fn(f64) -> f64) -> Vec<f64> {
    let n = DEGREE + 1;
    let angle = |k: usize| (k as f64 + 0.5) * std::f64::consts::PI / n as f64;
    let coefficient = |j: usize| {
        let terms = (0..n).map(|k| f(LIMIT * angle(k).cos()) * (j as f64 * angle(k)).cos());
        terms.sum::<f64>() * if j == 0 { 1.0 } else { 2.0 } / n as f64
    };
    (0..n).map(coefficient).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let basis = Basis::Chebyshev {
        from: -LIMIT,
        to: LIMIT,
    };
    let polynomial = Polynomial::new(basis, &interpolate(logistic))?;
    let cost = polynomial.cost();
    println!(
        "degree {}: {} levels, {} products, {} relinearizations",
        polynomial.degree(),
        polynomial.depth(),
        cost.products,
        cost.relinearizations
    );

    let mut primes = ntt_primes(14, &[50, 40, 40, 40, 40, 40, 50, 50])?;
    let special = primes.split_off(6);
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
    let values: Vec<f64> = (0..5).map(|i| f64::from(i) * 3.0 - 6.0).collect();
    let x = context.encrypt_secret(&secret, &context.encode(&values, scale, top)?, &mut rng)?;

    // The result is at exactly the scale that is asked for, whatever the primes.
    let result = context.evaluate(&x, &polynomial, scale, &keys)?;
    println!("level {} -> {}", x.level(), result.level());
    let slots = context.decode(&context.decrypt(&secret, &result)?)?;
    for (x, found) in values.iter().zip(slots) {
        println!("x = {x:4}: {found:.6}, logistic {:.6}", logistic(*x));
    }
    Ok(())
}
