//! Cost tables: from a file, or of this machine, measured once and kept.

use std::path::{Path, PathBuf};

use hemet_runtime::calibrate::{self, Options, calibrate, machine_name};
use hemet_schedule::CostTable;

use crate::error::Error;
use crate::progress::Progress;

/// Reads a cost table.
pub fn read(path: &Path) -> Result<CostTable, Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, e))?;
    CostTable::from_json(&text).map_err(|e| Error::file(path, e))
}

/// The table of this machine: the kept one, or a quick measurement that is then kept.
pub fn of_this_machine(quiet: bool) -> Result<CostTable, Error> {
    let kept = kept_path();
    if let Some(path) = kept.as_ref().filter(|path| path.exists()) {
        let table = read(path)?;
        if !quiet {
            eprintln!(
                "cost table of this machine: {} (`hemet calibrate` measures it again)",
                path.display()
            );
        }
        return Ok(table);
    }
    let table = measure(&Options::quick().map_err(Error::user)?, quiet)?;
    if let Some(path) = kept {
        keep(&path, &table)?;
        if !quiet {
            eprintln!(
                "cost table of this machine: measured, kept in {}",
                path.display()
            );
        }
    }
    Ok(table)
}

/// Measures with a progress bar.
pub fn measure(options: &Options, quiet: bool) -> Result<CostTable, Error> {
    let total: usize = options.points.iter().map(|p| p.limbs.len()).sum();
    let mut progress = Progress::new("calibrate", total as u64, quiet);
    let mut step = |step: &calibrate::CalibrationStep| {
        let message = format!(
            "ring degree 2^{}, {} special primes, {} limbs",
            step.log_n, step.special, step.limbs
        );
        progress.set(step.done as u64, &message);
    };
    let table = calibrate(options, &mut step).map_err(Error::user)?;
    progress.finish();
    Ok(table)
}

/// Writes a table to `path`, making its folder.
pub fn keep(path: &Path, table: &CostTable) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| Error::file(folder, e))?;
    }
    hemet_files::write_atomically(path, table.to_json().as_bytes()).map_err(Error::user)
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
