//! `--trust`: artifacts and specs are refused that a given key has not signed.

use std::path::{Path, PathBuf};

use hemet_runtime::Client;
use hemet_runtime::door::Model;
use hemet_runtime::schemes::Known;
use hemet_runtime::signature::PublicKey;

use crate::error::Error;

/// Whose signature is asked for.
#[derive(clap::Args, Debug)]
pub struct Trust {
    /// Refuse what this public key (of `hemet keys signing`) has not signed
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
}

impl Trust {
    /// Refuses an artifact that the trusted key has not signed.
    ///
    /// # Errors
    /// The ids of both keys.
    pub fn model(&self, path: &Path, model: &dyn Model) -> Result<(), Error> {
        self.check(path, |key| key.check_model(model))
    }

    /// Refuses a spec that the trusted key has not signed.
    ///
    /// # Errors
    /// As [`Trust::model`].
    pub fn known(&self, path: &Path, known: &Known) -> Result<(), Error> {
        self.check(path, |key| {
            key.check_spec(known.spec.as_ref(), known.signature.as_ref())
        })
    }

    /// Refuses a client's key for an artifact that the trusted key has not signed.
    ///
    /// # Errors
    /// As [`Trust::model`].
    pub fn client(&self, path: &Path, client: &Client) -> Result<(), Error> {
        let signature = client.note().signature.as_ref();
        self.check(path, |key| {
            key.check_spec(client.spec().as_ref(), signature)
        })
    }

    fn check(
        &self,
        path: &Path,
        check: impl FnOnce(&PublicKey) -> hemet_runtime::Result<()>,
    ) -> Result<(), Error> {
        let Some(trusted) = &self.trust else {
            return Ok(());
        };
        let key = PublicKey::read(trusted).map_err(|e| Error::file(trusted, e))?;
        check(&key).map_err(|e| Error::file(path, e))
    }
}
