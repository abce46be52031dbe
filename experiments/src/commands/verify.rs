//! `hemet verify`: checks a schedule or an artifact and lists every fault.

use std::path::{Path, PathBuf};

use hemet_schedule::{Constants, Verified, text, verify};

use crate::cli::trust::Trust;
use crate::common::{self, Output};
use crate::error::{Error, Place};
use crate::schemes;

/// Check a schedule or an artifact and list every fault
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet verify model.hemet\n  hemet inspect model.hemet --schedule > schedule.txt\n  hemet verify schedule.txt --constants model.hemet"
)]
pub struct Args {
    /// A .hemet artifact, or a schedule's text
    pub file: PathBuf,
    /// For a schedule's text: the artifact with the constants that it names
    #[arg(long, value_name = "ARTIFACT")]
    pub constants: Option<PathBuf>,
    /// Whose signature the artifact must have
    #[command(flatten)]
    pub trust: Trust,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let bytes = std::fs::read(&args.file).map_err(|e| Error::file(&args.file, e))?;
    let count = match std::str::from_utf8(&bytes) {
        Ok(source) if source.starts_with("hemet-schedule") => {
            if args.trust.trust.is_some() {
                return Err(Error::file(
                    &args.file,
                    "a schedule's text has no signature; give the artifact with --trust",
                ));
            }
            let verified = read_schedule(&args.file, source, args.constants.as_deref())?;
            verified.schedule().instructions.len()
        }
        Ok(_) | Err(_) => {
            let model = schemes::open(&args.file)?;
            args.trust.model(&args.file, model.as_ref())?;
            common::tell(&model.spec()?.facts().notices());
            model.instructions()
        }
    };
    if args.output.json {
        let told = serde_json::json!({"file": args.file, "instructions": count});
        return common::print_json(&told);
    }
    println!("{}: {count} instructions, no fault", args.file.display());
    Ok(())
}

/// Reads and verifies a schedule's text; its constants come from the artifact `constants`.
pub fn read_schedule(
    path: &Path,
    source: &str,
    constants: Option<&Path>,
) -> Result<Verified, Error> {
    let values = match constants {
        Some(artifact) => {
            common::read_artifact(artifact)?
                .schedule
                .into_schedule()
                .constants
        }
        None => Constants::default(),
    };
    let schedule = text::parse(source, values).map_err(|e| {
        let help = constants.is_none().then(|| {
            "constants live apart: name the artifact that has them with --constants".into()
        });
        let place = Place {
            line: e.line,
            column: e.column,
        };
        Error::at(path, source, place, &e.message, help)
    })?;
    verify(schedule).map_err(|faults| Error::file(path, faults))
}
