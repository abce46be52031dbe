//! Trials that run in other processes: the search's side, the workers' side, and what both must know of a study.
//!
//! The search proposes, journals and compiles; workers train. What a worker needs travels through the queue: the
//! resolved experiment once a study, an order a trial, and back the weights with all that was heard while training.
//! Nothing but the queue and the data set need be reachable, no shared folder. The journal in the run folder is the
//! one truth; a trial's proposal never depends on which worker was faster (see `hemet_search::study`), so the front
//! is that of a single worker, on machines that train bit for bit alike.
//!
//! A database carries messages and is trusted with no more: record, orders and deliveries are sealed with the study's
//! key (`key.rs`), and the search measures the accuracy of delivered weights itself.

pub mod coordinator;
pub mod key;
mod local;
pub mod trainer;

use hemet_queue::{Address, Heartbeat, Key, Purpose};
use hemet_search::data::Dataset;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::images;

/// How often a trial may be taken before it is given up as deadly, or its workers as unfit.
pub const ATTEMPTS: usize = 3;

/// Signs of life of workers that one search starts and watches on its own machine: soon missed.
pub const LOCAL_HEARTBEAT: Heartbeat = Heartbeat {
    every: std::time::Duration::from_secs(2),
    missed: 4,
};

/// What a worker must know of a study.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of the program that leads the study.
    pub hemet_version: String,
    /// The resolved experiment.
    pub experiment: String,
    /// Sum over the training images and labels.
    pub images: String,
}

impl Record {
    /// Of this experiment and its training images.
    pub fn new(experiment: &Experiment, data: &Dataset) -> Result<Self, Error> {
        Ok(Self {
            hemet_version: env!("CARGO_PKG_VERSION").to_owned(),
            experiment: experiment.to_yaml()?,
            images: images::sum(data),
        })
    }

    /// As it travels, sealed with the study's key.
    pub fn seal(&self, key: &Key, study: &str) -> Result<String, Error> {
        let text = serde_json::to_string(self)?;
        Ok(key.seal(Purpose::Record, study, &text))
    }

    /// Reads [`Self::seal`]'s result back; refuses what another version wrote, as it may train otherwise.
    pub fn open(key: &Key, study: &str, sealed: &str) -> Result<Self, Error> {
        let text = key
            .open(Purpose::Record, study, sealed)
            .map_err(|e| Error::user(format!("the record of study {study}: {e}")))?;
        let record: Self = serde_json::from_str(text)
            .map_err(|e| Error::user(format!("the study's record cannot be read: {e}")))?;
        let own = env!("CARGO_PKG_VERSION");
        if record.hemet_version != own {
            return Err(Error::user(format!(
                "the study is led by hemet {}, this worker is {own}; use the same version",
                record.hemet_version
            )));
        }
        Ok(record)
    }
}

/// Reads the address of a queue as it stands on a command line.
///
/// # Errors
/// An address of an unknown kind.
pub fn address(text: &str) -> Result<Address, Error> {
    let address = Address::parse(text)?;
    if address.names_password() {
        eprintln!(
            "warning: other users of this machine can read the password in --storage; put it into ~/.pgpass, or into PGPASSWORD"
        );
    }
    Ok(address)
}

/// What a search writes to the standard input of a worker that it starts. The worker ends when that input ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hired {
    /// Address of the queue, which may hold a password: so it is no argument, which others could see.
    pub storage: String,
    /// Id of the study.
    pub study: String,
    /// Its key, in hexadecimal digits.
    pub key: String,
    /// The run folder.
    pub run: std::path::PathBuf,
}
