//! Clock: the time that a search has used, over all its sittings. It is kept in the run folder, so that a search that
//! was stopped or killed and resumed tells the whole; a kill loses what came after the last epoch that was heard of.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::run::folder::RunFolder;

/// How long epochs may pass before the time is kept anew.
const PAUSE: Duration = Duration::from_secs(1);

/// `time.json` in the run folder.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of all sittings so far.
    seconds: f64,
}

/// The clock of one sitting.
pub struct Clock<'a> {
    run: &'a RunFolder,
    /// Seconds of the sittings before this one.
    earlier: f64,
    begun: Instant,
    kept: Mutex<Instant>,
}

impl<'a> Clock<'a> {
    /// The clock of a sitting that began at `begun`, after those whose time lies in the run folder. Of a folder from
    /// before time was kept the last sitting that came to its end is known, by its summary; without one that can be
    /// read, nothing.
    ///
    /// # Errors
    /// A kept time that cannot be read.
    pub fn resume(run: &'a RunFolder, begun: Instant) -> Result<Self, Error> {
        let path = run.time_path();
        let earlier = match std::fs::read(&path) {
            Ok(bytes) => {
                let kept = serde_json::from_slice::<Kept>(&bytes);
                kept.map_err(|e| Error::file(&path, e))?.seconds
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let summary = run.summary().ok().flatten();
                summary.map_or(0.0, |summary| summary.seconds)
            }
            Err(error) => return Err(Error::file(&path, error)),
        };
        Ok(Self {
            run,
            earlier,
            begun,
            kept: Mutex::new(begun),
        })
    }

    /// Seconds of all sittings, this one until now.
    pub fn seconds(&self) -> f64 {
        self.earlier + self.begun.elapsed().as_secs_f64()
    }

    /// Keeps the time until now, unless it was kept just now. To be called often.
    pub fn tick(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.elapsed() < PAUSE {
            return;
        }
        *kept = Instant::now();
        // A folder that cannot be written to is told of by the journal, which is written to as often, and at the end.
        let _ = self.keep();
    }

    /// Keeps the time until now, and gives it in seconds.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn keep(&self) -> Result<f64, Error> {
        let seconds = self.seconds();
        let json = serde_json::to_vec(&Kept { seconds })?;
        self.run.write(&self.run.time_path(), &json)?;
        Ok(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sittings_add_up_though_one_is_killed() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = RunFolder {
            root: folder.path().to_owned(),
        };
        let ago = |seconds| Instant::now() - Duration::from_secs(seconds);
        let first = Clock::resume(&run, ago(100)).expect("nothing is kept");
        // Killed after this: nothing but ticks has kept its time.
        first.tick();
        let second = Clock::resume(&run, ago(20)).expect("kept");
        assert!(second.seconds() >= 120.0 && second.seconds() < 130.0);
        assert!(second.keep().expect("written") >= 120.0);
        let third = Clock::resume(&run, Instant::now()).expect("kept");
        assert!(third.seconds() >= 120.0);
        // So soon that it is not kept again.
        third.tick();
        std::fs::write(run.time_path(), "{}").expect("written");
        let refused = format!("{:?}", Clock::resume(&run, Instant::now()).err());
        assert!(refused.contains("time.json"), "{refused}");
    }
}
