//! Where an artifact goes: never over another network's without a word.

use super::Args;
use crate::error::Error;
use crate::run::folder::RunFolder;
use crate::schemes;

/// By what an artifact is told from others, before it is compiled.
struct Network {
    name: String,
    architecture: Option<String>,
}

impl Network {
    fn of(args: &Args) -> Result<Self, Error> {
        let (true, Some(number)) = (args.source.is_dir(), args.trial) else {
            let stem = args.source.file_stem().unwrap_or_default();
            return Ok(Self {
                name: stem.to_string_lossy().into_owned(),
                architecture: None,
            });
        };
        let run = RunFolder::open(&args.source)?;
        let experiment = run.experiment()?;
        let trial = run.trial(&experiment, number)?;
        Ok(Self {
            architecture: Some(experiment.space()?.describe(&trial.architecture)?),
            name: experiment.name,
        })
    }
}

/// Refuses to write over what is no earlier artifact of the network.
pub(super) fn check(args: &Args) -> Result<(), Error> {
    let path = &args.out;
    if !path.is_file() {
        return Ok(());
    }
    let network = Network::of(args)?;
    let there = match schemes::open(path) {
        Err(_) => "something that is no artifact".to_owned(),
        Ok(model) => {
            let manifest = model.manifest();
            match (&manifest.architecture, &network.architecture) {
                _ if manifest.network != network.name => {
                    format!("network `{}`, not `{}`", manifest.network, network.name)
                }
                (theirs, ours) if theirs != ours => {
                    format!("another network of `{}`", network.name)
                }
                (_, _) => return Ok(()),
            }
        }
    };
    let why = format!("it holds {there}; choose another --out, or give --force to write over it");
    Err(Error::file(path, why))
}
