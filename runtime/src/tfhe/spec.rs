//! What a client must know of an integer network: how images become integers, and the parameter sets of its keys.

use hemet_schedule::tfhe::SECURITY_BITS;
use hemet_schedule::{InputColumn, PictureNote, Scheme as SchemeId};
use hemet_tfhe::Spec as KeySpec;
use serde::{Deserialize, Serialize};

use super::encoding::Encoding;
use super::error::refused;
use crate::error::{Result, RuntimeError};
use crate::facts::{Facts, InputRange};
use crate::files::{ArtifactId, FileKind, KeyBinding};

/// The client's side of an artifact.
#[derive(Clone, Debug, PartialEq)]
pub struct TfheSpec {
    /// The artifact.
    pub artifact: ArtifactId,
    /// What is told of the network.
    pub about: About,
    /// How images become integers.
    pub encoding: Encoding,
    /// What keys, inputs and outputs look like.
    pub keys: KeySpec,
}

/// What is told of a network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Its name; empty where a key file of an older program does not say it.
    pub network: String,
    /// What the outputs stand for, in order; empty if not known.
    pub classes: Vec<String>,
    /// How raw data become the network's input, in words.
    pub normalization: String,
    /// How a picture becomes an input, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<PictureNote>,
    /// The columns that an input is made of, where it is the row of a table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<InputColumn>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpecText {
    about: About,
    encoding: Encoding,
    keys: String,
}

impl TfheSpec {
    /// Refuses a spec whose images have another number of elements than its keys encrypt.
    pub(super) fn check(&self) -> Result<()> {
        self.encoding.check()?;
        let takes = self.keys.input.count as usize;
        InputColumn::check(&self.about.columns, takes).map_err(malformed)?;
        if let Some(pictures) = &self.about.pictures {
            let channels = self.encoding.shape[0] as usize;
            pictures.check(channels).map_err(malformed)?;
        }
        match takes == self.encoding.len() {
            true => Ok(()),
            false => Err(malformed(format!(
                "it encrypts {takes} values, its images have {}",
                self.encoding.len()
            ))),
        }
    }

    /// As JSON.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_json(&self) -> Result<String> {
        let text = SpecText {
            about: self.about.clone(),
            encoding: self.encoding.clone(),
            keys: self.keys.to_json().map_err(refused)?,
        };
        serde_json::to_string(&text).map_err(|e| malformed(e.to_string()))
    }

    /// From [`TfheSpec::to_json`].
    ///
    /// # Errors
    /// Anything missing, unknown, or out of range.
    pub fn from_json(artifact: ArtifactId, json: &str) -> Result<Self> {
        let text: SpecText = serde_json::from_str(json).map_err(|e| malformed(e.to_string()))?;
        let spec = Self {
            artifact,
            about: text.about,
            encoding: text.encoding,
            keys: KeySpec::from_json(&text.keys).map_err(refused)?,
        };
        spec.check()?;
        Ok(spec)
    }

    /// What is told of the artifact.
    pub fn facts(&self) -> Facts {
        let (keys, encoding) = (&self.keys, &self.encoding);
        // Numbers a little outside take the nearest level.
        let margin = (encoding.high - encoding.low) / 2.0;
        Facts {
            artifact: self.artifact,
            binding: KeyBinding::of(SchemeId::Tfhe, &keys.key_list()),
            network: self.about.network.clone(),
            classes: self.about.classes.clone(),
            normalization: self.about.normalization.clone(),
            pictures: self.about.pictures.clone(),
            shape: encoding.shape,
            range: Some(InputRange {
                low: encoding.low - margin,
                high: encoding.high + margin,
                transform: None,
            }),
            device: None,
            outputs: None,
            columns: self.about.columns.clone(),
            images: 1,
            exact: true,
            precision: None,
            trusted_output: None,
            output_edge: None,
            shown: None,
            parameters: format!("parameter sets {}", keys.bootstraps.join(", ")),
            security_bits: SECURITY_BITS,
            evaluation_key_bytes: keys.evaluation_key_bytes(),
        }
    }
}

fn malformed(reason: String) -> RuntimeError {
    RuntimeError::Malformed {
        what: FileKind::Spec.name(),
        reason,
    }
}
