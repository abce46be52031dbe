//! Hypervolumes of strategies on the benchmark of twelve genes of four options, as JSON for
//! `search/benches/against_optuna.py`: `cargo run --release -p hemet-search --example strategy_benchmark -- BUDGET
//! SEEDS`.

use hemet_search::strategy::{benchmark, strategy};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args()
        .skip(1)
        .map(|number| number.parse::<usize>());
    let mut next = || numbers.next().ok_or("give a budget and a number of seeds");
    let (budget, seeds) = (next()??, next()??);
    let volumes = |name: &str| -> Result<Vec<f64>, hemet_search::Error> {
        let strategy = strategy(name)?;
        let volume = |seed| benchmark::hypervolume(strategy, seed, budget);
        Ok((0..seeds as u64).map(volume).collect())
    };
    // Both programs must mean the same benchmark.
    let probes: Vec<_> = (0..4)
        .map(|option| benchmark::figures(&[f64::from(option); 12]))
        .chain([benchmark::figures(&std::array::from_fn::<f64, 12, _>(
            |i| (i % 4) as f64,
        ))])
        .collect();
    let found = serde_json::json!({
        "probes": probes,
        "reference": [benchmark::REFERENCE_LATENCY_MS, benchmark::REFERENCE_ACCURACY],
        "bound": benchmark::bound(),
        "nsga2": volumes("nsga2")?,
        "random": volumes("random")?,
    });
    println!("{found}");
    Ok(())
}
