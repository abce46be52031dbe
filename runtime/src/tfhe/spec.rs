//! What a client must know of an integer network: how images become integers, and the parameter sets of its keys.

use hemet_schedule::tfhe::SECURITY_BITS;
use hemet_tfhe::{ClientKey, Spec as KeySpec};

use super::artifact::Encoding;
use super::client::TfheSecret;
use super::{Tfhe, refused};
use crate::door::{Facts, Generated, Scheme, Spec};
use crate::error::Result;
use crate::files::{ArtifactId, KeySetId};

/// The client's side of an artifact.
#[derive(Clone, Debug, PartialEq)]
pub struct TfheSpec {
    /// The artifact.
    pub artifact: ArtifactId,
    /// Name of the network; empty where a key file does not say it.
    pub network: String,
    /// What the outputs stand for, in order; empty if not known.
    pub classes: Vec<String>,
    /// How raw data become the network's input, in words.
    pub normalization: String,
    /// How images become integers.
    pub encoding: Encoding,
    /// What keys, inputs and outputs look like.
    pub keys: KeySpec,
}

impl Spec for TfheSpec {
    fn scheme(&self) -> &'static dyn Scheme {
        &Tfhe
    }

    fn facts(&self) -> Facts {
        let bootstraps = self.keys.bootstraps.join(", ");
        Facts {
            artifact: self.artifact,
            network: self.network.clone(),
            classes: self.classes.clone(),
            normalization: self.normalization.clone(),
            shape: self.encoding.shape,
            images: 1,
            exact: true,
            output_edge: None,
            shown: None,
            parameters: format!("parameter sets {bootstraps}"),
            security_bits: SECURITY_BITS,
            evaluation_key_bytes: self.keys.evaluation_key_bytes(),
        }
    }

    fn generate(&self) -> Result<Generated> {
        let key = ClientKey::generate(&self.keys).map_err(refused)?;
        let keys = key.evaluation_keys().map_err(refused)?;
        Ok(Generated {
            key_set: KeySetId(key.id()),
            keys: keys.to_bytes().map_err(refused)?,
            secret: Box::new(TfheSecret {
                encoding: self.encoding.clone(),
                key,
            }),
        })
    }
}
