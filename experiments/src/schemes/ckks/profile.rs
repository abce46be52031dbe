//! Where the time of a prediction goes: measured and predicted time of every kind of instruction and of every layer.

use std::collections::BTreeMap;
use std::time::Instant;

use hemet_runtime::{Moment, Progress};
use hemet_schedule::{CostTable, Schedule, cost};
use serde::Serialize;

use crate::error::Error;

/// Measured and predicted time, in milliseconds a prediction.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Times {
    /// Instructions of a prediction.
    pub count: usize,
    /// Mean over the runs.
    pub measured_ms: f64,
    /// From the cost table; 0 where none was given.
    pub predicted_ms: f64,
}

/// Times of instructions, gathered over several runs.
pub struct Profile {
    begun: Vec<Instant>,
    seconds: Vec<f64>,
    runs: usize,
}

/// A profile by the word of the instruction, and by layer in the order of the schedule.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// By instruction; a rescale that runs inside its linear map or relinearization takes no time of its own.
    pub instructions: BTreeMap<String, Times>,
    /// By layer.
    pub layers: Vec<(String, Times)>,
}

impl Profile {
    /// For runs of this schedule.
    pub fn new(schedule: &Schedule) -> Self {
        Self {
            begun: vec![Instant::now(); schedule.instructions.len()],
            seconds: vec![0.0; schedule.instructions.len()],
            runs: 0,
        }
    }

    /// Hears of an instruction that begins or ends.
    pub fn observe(&mut self, progress: &Progress<'_>) {
        match progress.moment {
            Moment::Begin => self.begun[progress.instruction] = Instant::now(),
            Moment::End => {
                self.seconds[progress.instruction] +=
                    self.begun[progress.instruction].elapsed().as_secs_f64();
                self.runs += usize::from(progress.instruction + 1 == progress.total);
            }
        }
    }

    /// The means, beside what `table` predicts.
    pub fn summary(
        &self,
        schedule: &Schedule,
        table: Option<&CostTable>,
    ) -> Result<Summary, Error> {
        let predicted = match table {
            Some(table) => cost::per_instruction_us(schedule, table)?,
            None => vec![0.0; self.seconds.len()],
        };
        let layer = |name: &String| (name.clone(), Times::default());
        let mut layers: Vec<_> = schedule.header.layers.iter().map(layer).collect();
        let mut instructions: BTreeMap<String, Times> = BTreeMap::new();
        for (index, instruction) in schedule.instructions.iter().enumerate() {
            let word = instruction.op.name().to_owned();
            let times = instructions.entry(word).or_default();
            for times in [times, &mut layers[instruction.layer.0 as usize].1] {
                times.count += 1;
                times.measured_ms += self.seconds[index] * 1e3 / self.runs.max(1) as f64;
                times.predicted_ms += predicted[index] / 1e3;
            }
        }
        Ok(Summary {
            instructions,
            layers,
        })
    }
}

impl Summary {
    /// Prints it as a table.
    pub fn print(&self) {
        println!(
            "{:<24} {:>6} {:>12} {:>12}",
            "", "count", "measured ms", "predicted ms"
        );
        let rows = self.layers.iter().map(|(name, times)| (name, times));
        for (name, times) in self.instructions.iter().chain(rows) {
            println!(
                "{name:<24} {:>6} {:>12.3} {:>12.3}",
                times.count, times.measured_ms, times.predicted_ms
            );
        }
    }
}
