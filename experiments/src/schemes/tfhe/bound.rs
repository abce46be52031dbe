//! The machine's bound on a prediction: its bootstraps × the time of one in a loop of the crate `tfhe` / threads. Key
//! switches, dot products and the expansion of inputs, which a prediction has besides, are not in it.

use std::collections::BTreeMap;

use hemet_runtime::calibrate::thread_time_us;
use hemet_schedule::tfhe::{SetId, Summary};
use hemet_tfhe::calibrate::library_bootstrap_us;

use crate::error::Error;

/// Measurements of each set, of which the least counts.
const RUNS: usize = 5;

/// What one bootstrap takes the library, by parameter set; measured when first asked for.
#[derive(Default)]
pub struct LibraryTimes {
    us: BTreeMap<SetId, f64>,
}

impl LibraryTimes {
    /// The bound for a schedule with these op counts on `threads` threads (0 counts as 1), in milliseconds.
    ///
    /// # Errors
    /// No randomness for the keys of the measurement.
    pub fn bound_ms(&mut self, summary: &Summary, threads: usize) -> Result<f64, Error> {
        let mut us = 0.0;
        for (name, count) in &summary.bootstraps {
            let set = SetId::find(name)
                .ok_or_else(|| Error::user(format!("there is no parameter set `{name}`")))?;
            us += *count as f64 * self.of(set)?;
        }
        Ok(us / 1e3 / threads.max(1) as f64)
    }

    fn of(&mut self, set: SetId) -> Result<f64, Error> {
        if let Some(us) = self.us.get(&set) {
            return Ok(*us);
        }
        let us = library_bootstrap_us(set, RUNS, thread_time_us)?;
        self.us.insert(set, us);
        Ok(us)
    }
}
