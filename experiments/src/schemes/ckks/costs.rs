//! Cost tables: from a file, or of this machine, measured once and kept.

use std::path::{Path, PathBuf};

use hemet_runtime::calibrate::{self, CalibrationStep, Options, Watch, machine_name};
use hemet_schedule::CostTable;

use super::known;
use crate::cli::machine;
use crate::cli::progress::Progress;
use crate::error::Error;
use crate::schemes::CostSource;

/// Reads a cost table: the file at `path`, or that of the machine which it names.
pub fn read(path: &Path) -> Result<CostTable, Error> {
    if let Some(known) = known::named(path) {
        return CostTable::from_json(known.table).map_err(|e| Error::file(path, e));
    }
    if let Some(what) = known::unknown(path) {
        return Err(Error::user(what));
    }
    let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, e))?;
    CostTable::from_json(&text).map_err(|e| Error::file(path, e))
}

/// The table that a run folder began with, so that it goes on the same way; else the user's or this machine's, which
/// the folder then keeps.
pub fn from(source: &CostSource<'_>) -> Result<CostTable, Error> {
    let Some(run) = source.run else {
        return match source.given {
            Some(path) => read(path),
            None => of_this_machine(source.quiet),
        };
    };
    let path = run.costs_path();
    if source.kept_only {
        return read(&path);
    }
    let kept = path.exists().then(|| read(&path)).transpose()?;
    let given = source.given.map(read).transpose()?;
    let table = match (kept, given) {
        (Some(kept), Some(given)) if kept != given => {
            return Err(Error::file(
                &path,
                "the search in this folder began with another cost table; leave --costs away",
            ));
        }
        (Some(kept), _) => return Ok(kept),
        (None, Some(given)) => given,
        (None, None) => of_this_machine(source.quiet)?,
    };
    keep(&path, &table)?;
    Ok(table)
}

/// The table of this machine: the kept one, with a quick measurement of what it lacks, which is then kept. A kept table
/// of an older form is measured again.
pub fn of_this_machine(quiet: bool) -> Result<CostTable, Error> {
    let say = |line: String| {
        if !quiet {
            eprintln!("{line}");
        }
    };
    let path = kept_path();
    let text = path.as_deref().map(std::fs::read_to_string);
    let known = match text {
        None | Some(Err(_)) => None,
        Some(Ok(text)) => CostTable::from_json(&text)
            .map_err(|error| say(format!("the kept cost table is measured again: {error}")))
            .ok(),
    };
    let place = match &path {
        Some(path) => path.display().to_string(),
        None => "memory only, as neither XDG_CACHE_HOME nor HOME is set".into(),
    };
    let options = Options::quick()?;
    match known {
        Some(table) if calibrate::lacking(&options, &table).is_empty() => {
            say(format!(
                "cost table of this machine: {place} (`hemet calibrate` measures it again)"
            ));
            Ok(table)
        }
        known => {
            let table = measure(&options, known, path.as_deref(), quiet)?;
            say(format!(
                "cost table of this machine: measured, kept in {place}"
            ));
            Ok(table)
        }
    }
}

/// Measures with a progress bar what `known` lacks; writes the table so far to `path` after each ring degree, so that
/// an interrupted measurement can go on.
pub fn measure(
    options: &Options,
    known: Option<CostTable>,
    path: Option<&Path>,
    quiet: bool,
) -> Result<CostTable, Error> {
    machine::tell_unless(quiet);
    let total: usize = options.points.iter().map(|p| p.limbs.len()).sum();
    let mut watch = Watching {
        progress: Progress::new("calibrate", total as u64, quiet),
        path,
        kept: Ok(()),
    };
    let table = calibrate::calibrate(options, known, &mut watch)?;
    watch.kept?;
    watch.progress.finish();
    Ok(table)
}

/// Shows the progress of a calibration and keeps what there is.
struct Watching<'a> {
    progress: Progress,
    path: Option<&'a Path>,
    kept: Result<(), Error>,
}

impl Watch for Watching<'_> {
    fn step(&mut self, step: &CalibrationStep) {
        let message = format!(
            "ring degree 2^{}, {} special primes, {} limbs",
            step.log_n, step.special, step.limbs
        );
        self.progress.set(step.done as u64, &message);
    }

    fn degree(&mut self, table: &CostTable) {
        if let (Some(path), Ok(())) = (self.path, &self.kept) {
            self.kept = keep(path, table);
        }
    }
}

/// Writes a table to `path`, making its folder.
pub fn keep(path: &Path, table: &CostTable) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| Error::file(folder, e))?;
    }
    Ok(hemet_files::write_atomically(
        path,
        table.to_json().as_bytes(),
    )?)
}

/// Where this machine's table is kept: the user's cache folder, by processor and version.
pub fn kept_path() -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    let machine: String = machine_name()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    Some(cache.join(format!("hemet/costs-{version}-{machine}.json")))
}
