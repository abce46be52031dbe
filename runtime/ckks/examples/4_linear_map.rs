//! Linear map: a matrix times an encrypted vector, by diagonals with baby and giant steps. `cargo run
//! --release -p hemet-ckks --example 4_linear_map`

use hemet_ckks::params::{SecurityLevel, ntt_primes};
use hemet_ckks::{
    Context, EvaluationKeys, KeyRequest, LinearPlan, LinearTerm, Parameters, SecretKey, os_rng,
};

const SIZE: usize = 64;
const BABY: usize = 8;

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
    let matrix = |row: usize, column: usize| ((row * 7 + column * 3) % 11) as f64 / 11.0 - 0.5;

    // Diagonal k holds matrix[i][i + k]; k = giant + baby. It is turned back by the giant step, which is applied
    // to the sum of its products.
    let (mut terms, mut diagonals) = (Vec::new(), Vec::new());
    for k in 0..SIZE {
        let (giant, baby) = (k / BABY * BABY, k % BABY);
        let diagonal: Vec<f64> = (0..context.parameters().slots())
            .map(|i| (i + context.parameters().slots() - giant) % SIZE)
            .map(|row| matrix(row, (row + k) % SIZE))
            .collect();
        diagonals.push(context.encode_diagonal(&diagonal, scale, top)?);
        let (giant, baby) = (giant as i64, baby as i64);
        terms.push(LinearTerm {
            output: 0,
            giant,
            input: 0,
            baby,
            diagonal: k,
        });
    }
    let plan = LinearPlan::new(1, 1, &terms)?;
    let steps = plan.rotations().into_iter();
    let rotations: Vec<(i64, usize)> = steps.map(|step| (step, top)).collect();
    println!(
        "{} diagonals, {} rotation keys",
        diagonals.len(),
        rotations.len()
    );
    let request = KeyRequest {
        rotations: &rotations,
        ..KeyRequest::default()
    };
    let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng)?;

    // The vector is repeated, so that rotations wrap around within its length.
    let x: Vec<f64> = (0..context.parameters().slots())
        .map(|i| (i % SIZE) as f64 / 64.0)
        .collect();
    let encrypted = context.encrypt_secret(&secret, &context.encode(&x, scale, top)?, &mut rng)?;
    let result = context.linear_rescale(&[&encrypted], &plan, &diagonals, &keys)?;
    let slots = context.decode(&context.decrypt(&secret, &result[0])?)?;
    for (row, found) in slots.iter().take(4).enumerate() {
        let expected: f64 = (0..SIZE)
            .map(|column| matrix(row, column) * x[column])
            .sum();
        println!("row {row}: {found:.6}, in the clear {expected:.6}");
    }
    Ok(())
}
