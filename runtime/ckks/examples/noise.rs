//! Measures the noise of every operation against its predicted bound, over random cases.
//!
//! `cargo run --release -p hemet-ckks --example noise -- [--preset n13-128] [--cases 1000] [--seed 1]`
//!
//! Prints for each preset and operation how many bits the bound lies above the largest error over all slots: on
//! average, and at the least. Fails when an error is above its bound, or the average is 4 bits or more.

#[path = "../tests/noise_cases/mod.rs"]
mod noise_cases;

use hemet_ckks::params::Preset;
use noise_cases::{Cases, Failure, OPERATIONS};

fn main() -> Result<(), Failure> {
    let (mut name, mut cases, mut seed) = (None, 1000u32, 1);
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        let value = arguments.next();
        let value = value.ok_or_else(|| format!("{option} needs a value"))?;
        match option.as_str() {
            "--preset" => name = Some(value),
            "--cases" => cases = value.parse()?,
            "--seed" => seed = value.parse()?,
            other => return Err(format!("unknown option {other}").into()),
        }
    }
    println!("| preset | operation | cases | bits above, average | least |\n|---|---|---|---|---|");
    for preset in Preset::ALL {
        if name.as_deref().is_none_or(|name| name == preset.name) {
            measure(&preset, cases, seed)?;
        }
    }
    Ok(())
}

fn measure(preset: &Preset, cases: u32, seed: u64) -> Result<(), Failure> {
    let mut all = Cases::new(preset, seed)?;
    for operation in OPERATIONS.iter().filter(|o| o.1 <= preset.depth) {
        let (mut sum, mut least) = (0.0, f64::INFINITY);
        for _ in 0..cases {
            let (error, bound) = all.run(operation)?;
            let bits = (bound / error).log2();
            sum += bits;
            least = least.min(bits);
        }
        let average = sum / f64::from(cases);
        let (preset, operation) = (preset.name, operation.0);
        println!("| {preset} | {operation} | {cases} | {average:.2} | {least:.2} |");
        if least < 0.0 || average >= 4.0 {
            return Err(format!("{preset}, {operation}: the prediction does not hold").into());
        }
    }
    Ok(())
}
