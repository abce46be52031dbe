//! When trials ran: `times.jsonl` in the run folder, a line a training that ended. The journal holds no times, so that
//! it is the same for the same experiment; what is here decides nothing.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::run::folder::RunFolder;

/// When the training of a trial ran.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Time {
    /// Number of the trial.
    pub trial: usize,
    /// Seconds of the search, over all its sittings, at which it began (or was gone on with).
    pub begin_s: f64,
    /// Those at which it ended.
    pub end_s: f64,
    /// The moment of its end, in seconds since 1970 in UTC.
    pub ended_unix_s: f64,
}

impl Time {
    /// The moments at which it began and ended.
    pub fn moments(&self) -> [SystemTime; 2] {
        let moment = |seconds: f64| {
            let since = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO);
            UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
        };
        let took_s = (self.end_s - self.begin_s).max(0.0);
        [
            moment(self.ended_unix_s - took_s),
            moment(self.ended_unix_s),
        ]
    }
}

/// Adds that a training ended now, which began at `begin_s` seconds of the search; now are `end_s`.
///
/// # Errors
/// A file that cannot be written.
pub fn add(run: &RunFolder, trial: usize, begin_s: f64, end_s: f64) -> Result<(), Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = Time {
        trial,
        begin_s,
        end_s,
        ended_unix_s: now.unwrap_or(Duration::ZERO).as_secs_f64(),
    };
    let line = format!("{}\n", serde_json::to_string(&time)?);
    let path = run.times_path();
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).open(&path);
    // In one piece, so that threads do not mix their lines.
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .map_err(|e| Error::file(&path, e))
}

/// The times of a run folder by trial, the last of each; of a folder without them none. A line that cannot be read,
/// such as one that a kill cut off, is left out.
pub fn read(run: &RunFolder) -> BTreeMap<usize, Time> {
    let text = std::fs::read_to_string(run.times_path()).unwrap_or_default();
    let times = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Time>(line).ok());
    let sound = times
        .filter(|time| time.begin_s >= 0.0 && time.end_s >= time.begin_s && time.end_s.is_finite());
    sound.map(|time| (time.trial, time)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_back_and_a_line_cut_off_is_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = RunFolder {
            root: folder.path().to_owned(),
        };
        assert!(read(&run).is_empty());
        add(&run, 0, 0.5, 2.0).expect("written");
        add(&run, 1, 1.0, 3.5).expect("written");
        add(&run, 0, 4.0, 5.0).expect("gone on with");
        let mut text = std::fs::read_to_string(run.times_path()).expect("written");
        text += "{\"trial\": 9, \"beg";
        std::fs::write(run.times_path(), text).expect("written");
        let times = read(&run);
        assert_eq!(times.keys().copied().collect::<Vec<usize>>(), [0, 1]);
        assert_eq!((times[&0].begin_s, times[&1].end_s), (4.0, 3.5));
        let [begun, ended] = times[&1].moments();
        assert_eq!(
            ended.duration_since(begun).expect("later").as_secs_f64(),
            2.5
        );
    }
}
