//! Trains a small integer network on handwritten digits, compiles it, and classifies encrypted test images.
//!
//! ```text
//! cargo run --release -p hemet-tfhe --example digits -- images=300 hidden=64 half=14 step=2 label=0
//! cargo run --release -p hemet-tfhe --example digits -- mnist=FOLDER hidden=128 levels=2 half=26 step=4 epochs=6
//! ```
//! Every encrypted result is compared with the integer reference; the example fails at the first difference.

mod data;
mod train;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::OnceLock;
use std::time::Instant;

use hemet_compiler::tfhe::{Compiled, Options, compile};
use hemet_schedule::tfhe::{FailureGoal, OutputForm, estimate, print};
use hemet_spaces::QuantizedNetwork;
use hemet_spaces::quantized::label;
use hemet_tfhe::calibrate::calibrate;
use hemet_tfhe::{ClientKey, EncryptedInput, EncryptedOutput, EvaluationKeys, Server, Spec};
use train::Recipe;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    let number = |name: &str, default: i64| match arguments.get(name) {
        Some(text) => text.parse().unwrap_or(default),
        None => default,
    };
    let mnist = arguments.get("mnist").map(String::as_str);
    let recipe = Recipe {
        hidden: number("hidden", 64) as usize,
        input_levels: number("levels", 4),
        weight_1: number("w1", 1) as i32,
        weight_2: number("w2", 1) as i32,
        half: number("half", 14) as u32,
        step: number("step", 2) as f64,
        levels: number("act", 4) as i32,
        epochs: number("epochs", 40) as usize,
        rate: number("rate", 50) as f64 * 1e-4,
        temperature: number("temperature", 120) as f64 / 100.0,
        augment: number("augment", 0) == 1,
    };
    let start = Instant::now();
    let training = data::digits(mnist, true, recipe.input_levels)?;
    let network = train::train(&recipe, &training, number("seed", 8) as u64)?;
    let test = data::digits(mnist, false, recipe.input_levels)?;
    println!("{recipe:?}");
    println!(
        "trained in {:.1} s, accuracy {:.2} % in training, {:.2} % in test",
        start.elapsed().as_secs_f64(),
        100.0 * accuracy(&network, &training)?,
        100.0 * accuracy(&network, &test)?
    );
    let failure = match number("bootstrap_failure", 0) {
        0 => FailureGoal::Prediction(40),
        bits => FailureGoal::Bootstrap(bits as u32),
    };
    let output = if number("label", 0) == 1 {
        OutputForm::Label
    } else {
        OutputForm::Logits
    };
    let compiled = compile(
        &network,
        &Options {
            failure,
            output,
            ..Options::default()
        },
    )?;
    println!("{}{}", print(&compiled.verified), compiled.summary);
    match number("images", 5) {
        0 => Ok(()),
        images => predict(&network, compiled, &test, images as usize),
    }
}

fn arguments() -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let pair = |argument: String| -> Result<(String, String), Box<dyn Error>> {
        let (name, value) = argument
            .split_once('=')
            .ok_or(format!("`{argument}` is not name=value"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    std::env::args().skip(1).map(pair).collect()
}

fn accuracy(network: &QuantizedNetwork, test: &data::Digits) -> Result<f64, Box<dyn Error>> {
    let mut right = 0;
    for (image, expected) in test.images.iter().zip(&test.labels) {
        right += usize::from(label(&network.evaluate(image)?) == *expected);
    }
    Ok(right as f64 / test.images.len() as f64)
}

fn predict(
    network: &QuantizedNetwork,
    compiled: Compiled,
    test: &data::Digits,
    images: usize,
) -> Result<(), Box<dyn Error>> {
    let sets: Vec<_> = compiled.verified.bootstrap_sets();
    let costs = calibrate(&sets, 5, wall_us)?;
    let predicted_ms = estimate(&compiled.verified, &costs)?.total_ms;
    println!("measured costs, us: {:?}", costs.us);
    let spec = Spec::of(&compiled.verified);
    let start = Instant::now();
    let client = ClientKey::generate(&spec)?;
    let keys = client.evaluation_keys()?.to_bytes()?;
    println!(
        "keys made in {:.2} s, {:.1} MB",
        start.elapsed().as_secs_f64(),
        keys.len() as f64 / 1e6
    );
    let start = Instant::now();
    let server = Server::new(compiled.verified, &EvaluationKeys::from_bytes(&keys)?)?;
    println!("keys loaded in {:.2} s", start.elapsed().as_secs_f64());
    let mut times_ms = Vec::new();
    let mut right = 0;
    let mut bytes = (0, 0);
    for (image, expected) in test.images.iter().zip(&test.labels).take(images) {
        let input = client.encrypt(image)?.to_bytes();
        let input_ciphertext = EncryptedInput::from_bytes(&input)?;
        let start = Instant::now();
        let output = server.execute(&input_ciphertext)?;
        times_ms.push(start.elapsed().as_secs_f64() * 1e3);
        let output = output.to_bytes();
        bytes = (input.len(), output.len());
        let found = client.decrypt(&EncryptedOutput::from_bytes(&output)?)?;
        let logits = network.evaluate(image)?;
        let reference = if spec.label {
            vec![label(&logits) as i64]
        } else {
            logits
        };
        if found != reference {
            return Err(format!("encrypted {found:?}, reference {reference:?}").into());
        }
        let class = if spec.label {
            found[0] as usize
        } else {
            label(&found)
        };
        right += usize::from(class == *expected);
    }
    times_ms.sort_by(f64::total_cmp);
    println!(
        "{images} encrypted images equal to the integer reference, {right} right; input {} bytes, output {} bytes",
        bytes.0, bytes.1
    );
    println!(
        "ms a prediction on {} threads: predicted {predicted_ms:.0}, median {:.0}, least {:.0}, greatest {:.0}",
        costs.threads,
        times_ms[images / 2],
        times_ms[0],
        times_ms[images - 1]
    );
    Ok(())
}

/// Microseconds on the wall since the first call.
fn wall_us() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e6
}
