//! What an evaluation would take on more cores: predicted from a cost table, as no such machine need be at hand.

use hemet_schedule::cost::{critical_path_ms, threads_ms};
use hemet_schedule::{CostTable, Schedule};
use serde::Serialize;

use crate::error::Error;

/// Numbers of cores that are told of.
const CORES: [usize; 4] = [1, 4, 16, 64];

/// Predictions, none of them measured.
#[derive(Serialize)]
pub struct Cores {
    /// The longest chain of instructions that wait for each other, on one core.
    critical_path_ms: f64,
    /// By number of cores.
    predicted: Vec<Prediction>,
}

#[derive(Serialize)]
struct Prediction {
    cores: usize,
    latency_ms: f64,
    /// Times as fast as on one core.
    speed_up: f64,
}

impl Cores {
    /// Of a schedule on machines like that of a table.
    ///
    /// # Errors
    /// A table without the ring degree.
    pub fn of(schedule: &Schedule, table: &CostTable) -> Result<Self, Error> {
        let ms = |cores| threads_ms(schedule, table, cores);
        let alone = ms(1)?;
        let predicted = CORES.into_iter().map(|cores| {
            let latency_ms = ms(cores)?;
            Ok(Prediction {
                cores,
                latency_ms,
                speed_up: alone / latency_ms,
            })
        });
        Ok(Self {
            critical_path_ms: critical_path_ms(schedule, table)?,
            predicted: predicted.collect::<Result<_, Error>>()?,
        })
    }

    /// Prints them.
    pub fn show(&self) {
        let ms = hemet_reports::number::milliseconds;
        for Prediction {
            cores,
            latency_ms,
            speed_up,
        } in &self.predicted
        {
            println!(
                "on {cores:>2} cores    {} ms, {speed_up:.2} times as fast (predicted, not measured)",
                ms(*latency_ms)
            );
        }
        println!(
            "critical path  {} ms: instructions that wait for each other",
            ms(self.critical_path_ms)
        );
    }
}
