//! `--spec`: a client's keys used for another artifact than the one that they were made for.

use std::path::PathBuf;

use hemet_runtime::Client;

use crate::error::Error;
use crate::schemes;

/// For which artifact a client's key is used.
#[derive(clap::Args, Debug)]
pub struct Rebind {
    /// Spec (or artifact), where it is another one than the key was made for: a network that was trained anew and
    /// compiled to the same schedule takes the same keys
    #[arg(long, value_name = "FILE")]
    pub spec: Option<PathBuf>,
}

impl Rebind {
    /// The client for that artifact.
    ///
    /// # Errors
    /// A file that is no spec; an artifact that needs other keys, or that another key has signed.
    pub fn client(&self, client: Client) -> Result<Client, Error> {
        let Some(path) = &self.spec else {
            return Ok(client);
        };
        let known = schemes::known(path)?;
        client.rebound(&known).map_err(|e| Error::file(path, e))
    }
}
