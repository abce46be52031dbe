//! The engine's side of the comparison with another library: reads a case as JSON, prints results as JSON.
//!
//! `cargo run --release -p hemet-ckks --example oracle < case.json`; `tests/oracle/compare.py` writes the case.
//!
//! Each operation comes with its decrypted values, a bound on their error (predicted for an encryption with the public
//! key), and the smallest time of its repetitions on one thread.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use hemet_ckks::noise::{self, LinearNoise, Noise};
use hemet_ckks::params::{SecurityLevel, ntt_primes};
use hemet_ckks::{
    Basis, Ciphertext, Context, Diagonal, Estimate, EvaluationKeys, KeyRequest, LinearPlan,
    LinearTerm, Parameters, Polynomial, PublicKey, SecretKey, os_rng,
};
use serde_json::{Map, Value, json};

type Failure = Box<dyn Error>;

struct Case {
    context: Arc<Context>,
    secret: SecretKey,
    public: PublicKey,
    keys: EvaluationKeys,
    scale: f64,
    steps: Vec<i64>,
    repetitions: usize,
    results: Map<String, Value>,
}

fn numbers(value: &Value) -> Result<Vec<f64>, Failure> {
    Ok(serde_json::from_value(value.clone())?)
}

fn main() -> Result<(), Failure> {
    let input: Value = serde_json::from_reader(std::io::stdin())?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let result = pool.install(|| run(&input).map_err(|error| error.to_string()));
    println!("{}", result?);
    Ok(())
}

fn run(input: &Value) -> Result<Value, Failure> {
    let (x, y) = (numbers(&input["x"])?, numbers(&input["y"])?);
    let matrix: Vec<Vec<f64>> = serde_json::from_value(input["matrix"].clone())?;
    let step = input["step"].as_i64().ok_or("step is a number")?;
    let mut case = Case::new(input, step, matrix.len())?;
    let (a, b) = (case.encrypt(&x)?, case.encrypt(&y)?);
    let top = a.level();
    let (parameters, scale) = (case.context.parameters().clone(), case.scale);
    let fresh = noise::fresh_public(&parameters);
    let product = |noise: Noise| noise.key_switch(&parameters, top).rescale(&parameters, top);
    case.measure("add", fresh.plus(fresh), |s| Ok(s.context.add(&a, &b)?))?;
    case.measure("rotate", fresh.key_switch(&parameters, top), |s| {
        Ok(s.context.rotate(&a, step, &s.keys)?)
    })?;
    case.measure(
        "multiply",
        product(fresh.multiply(fresh, scale, scale)),
        |s| {
            let product = s.context.multiply(&a, &b)?;
            Ok(s.context.relinearize_rescale(&product, &s.keys)?)
        },
    )?;
    let polynomial = Polynomial::new(Basis::Powers, &numbers(&input["polynomial"])?)?;
    let argument = Estimate {
        level: top,
        scale,
        noise: fresh,
        magnitude: 1.0,
    };
    let noise = polynomial.estimate(&parameters, argument, scale).noise;
    case.measure("polynomial", noise, |s| {
        Ok(s.context.evaluate(&a, &polynomial, scale, &s.keys)?)
    })?;
    let (plan, diagonals) = case.map(&matrix)?;
    let map = LinearNoise {
        message: scale,
        plain: scale,
        products: matrix.len(),
        giants: case.steps.len(),
    };
    let noise = fresh
        .linear(&parameters, top, map)
        .rescale(&parameters, top);
    case.measure("matrix", noise, |s| {
        let mut outputs = s
            .context
            .linear_rescale(&[&a], &plan, &diagonals, &s.keys)?;
        Ok(outputs.remove(0))
    })?;
    Ok(json!({
        "log_qp": parameters.log_qp_bits(),
        "security_bits": parameters.security().bits(),
        "instructions": case.context.instructions().name(),
        "results": case.results,
    }))
}

impl Case {
    fn new(input: &Value, step: i64, size: usize) -> Result<Self, Failure> {
        let log_n = input["log_n"].as_u64().ok_or("log_n is a number")? as u32;
        let mut sizes: Vec<u32> = serde_json::from_value(input["moduli_bits"].clone())?;
        let chain = sizes.len();
        sizes.push(
            input["special_bits"]
                .as_u64()
                .ok_or("special_bits is a number")? as u32,
        );
        let mut moduli = ntt_primes(log_n, &sizes)?;
        let special = moduli.split_off(chain);
        let parameters = Parameters::new(log_n, moduli, special, SecurityLevel::Bits128)?;
        let context = Context::new(parameters);
        let mut rng = os_rng()?;
        let secret = SecretKey::generate(&context, &mut rng);
        let top = context.parameters().max_level();
        let baby = size.isqrt() as i64;
        let giants = (1..size as i64 / baby).map(|g| g * baby);
        let steps: Vec<i64> = (1..baby).chain(giants).chain([step]).collect();
        let rotations: Vec<(i64, usize)> = steps.iter().map(|&step| (step, top)).collect();
        let request = KeyRequest {
            relinearize: Some(top),
            rotations: &rotations,
            conjugate: None,
        };
        let scale_bits = input["scale_bits"]
            .as_f64()
            .ok_or("scale_bits is a number")?;
        let repetitions = input["repetitions"]
            .as_u64()
            .ok_or("repetitions is a number")?;
        Ok(Self {
            public: PublicKey::generate(&context, &secret, &mut rng)?,
            keys: EvaluationKeys::generate(&context, &secret, &request, &mut rng)?,
            secret,
            scale: scale_bits.exp2(),
            steps,
            repetitions: repetitions as usize,
            results: Map::new(),
            context,
        })
    }

    fn encrypt(&self, values: &[f64]) -> Result<Ciphertext, Failure> {
        let top = self.context.parameters().max_level();
        let plaintext = self.context.encode(values, self.scale, top)?;
        Ok(self
            .context
            .encrypt_public(&self.public, &plaintext, &mut os_rng()?)?)
    }

    /// A square matrix times the vector, which stands repeated in the slots, by diagonals.
    fn map(&self, matrix: &[Vec<f64>]) -> Result<(LinearPlan, Vec<Diagonal>), Failure> {
        let (size, slots) = (matrix.len(), self.context.parameters().slots());
        let baby = size.isqrt();
        let top = self.context.parameters().max_level();
        let (mut terms, mut diagonals) = (Vec::new(), Vec::new());
        for k in 0..size {
            let giant = k / baby * baby;
            let rows = (0..slots).map(|i| (i + slots - giant) % size);
            let diagonal: Vec<f64> = rows.map(|row| matrix[row][(row + k) % size]).collect();
            diagonals.push(self.context.encode_diagonal(&diagonal, self.scale, top)?);
            terms.push(LinearTerm {
                output: 0,
                giant: giant as i64,
                input: 0,
                baby: (k % baby) as i64,
                diagonal: k,
            });
        }
        Ok((LinearPlan::new(1, 1, &terms)?, diagonals))
    }

    fn measure(
        &mut self,
        name: &str,
        noise: Noise,
        operation: impl Fn(&Self) -> Result<Ciphertext, Failure>,
    ) -> Result<(), Failure> {
        let result = operation(self)?;
        let mut ms = f64::INFINITY;
        for _ in 0..self.repetitions {
            let start = Instant::now();
            operation(self)?;
            ms = ms.min(start.elapsed().as_secs_f64() * 1e3);
        }
        let plaintext = self.context.decrypt(&self.secret, &result)?;
        let entry = json!({
            "values": self.context.decode(&plaintext)?,
            "bound": noise.bound(result.scale()),
            "ms": ms,
        });
        self.results.insert(name.to_owned(), entry);
        Ok(())
    }
}
