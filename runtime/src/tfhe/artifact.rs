//! The artifact of an integer network: manifest, how images become integers, schedule with constants. It holds no
//! secret.
//!
//! ```text
//! mark (8 bytes)  version (u32)  length of head (u32)  head (JSON)  schedule (safetensors)
//! BLAKE3 of all before (32 bytes)
//! ```

use std::path::Path;
use std::sync::Arc;

use hemet_files::sealed::{Damage, Fields, SUM_BYTES, seal, unseal, within};
use hemet_schedule::tfhe::{OutputForm, Verified, from_bytes, interpret, print, to_bytes};
use hemet_schedule::{Manifest, Scheme, Signature};
use serde::{Deserialize, Serialize};

use super::encoding::Encoding;
use super::server::TfheService;
use super::spec::{About, TfheSpec};
use crate::door::{Answer, Model, Reference, Service, Spec};
use crate::error::{Result, RuntimeError};
use crate::files::{ArtifactId, read};

const VERSION: u32 = 1;
const FIXED: usize = 16;
/// Longest head that is read.
const MAX_HEAD: u64 = 1 << 20;
const WHAT: &str = "the TFHE artifact";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    manifest: Manifest,
    encoding: Encoding,
}

/// A compiled integer network.
#[derive(Clone, Debug, PartialEq)]
pub struct TfheArtifact {
    /// What it is.
    pub manifest: Manifest,
    /// How images become its input.
    pub encoding: Encoding,
    /// The schedule with its constants.
    pub schedule: Verified,
}

impl TfheArtifact {
    /// BLAKE3 of the content. Predictions, their machine and the signature are left out, as with CKKS.
    ///
    /// # Errors
    /// None in practice.
    pub fn id(&self) -> Result<ArtifactId> {
        let plain = Self {
            manifest: self.manifest.identity(),
            ..self.clone()
        };
        Ok(ArtifactId(*blake3::hash(&plain.to_bytes()?).as_bytes()))
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// Only what the format cannot hold.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let head = Head {
            manifest: self.manifest.clone(),
            encoding: self.encoding.clone(),
        };
        let head = serde_json::to_vec(&head).map_err(|e| malformed(e.to_string()))?;
        let schedule = to_bytes(&self.schedule).map_err(|e| malformed(e.to_string()))?;
        let mut bytes = Vec::with_capacity(FIXED + head.len() + schedule.len() + SUM_BYTES);
        bytes.extend(Scheme::Tfhe.mark());
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((head.len() as u32).to_le_bytes());
        bytes.extend(head);
        bytes.extend(schedule);
        seal(&mut bytes);
        Ok(bytes)
    }

    /// Reads what [`Self::to_bytes`] wrote; the schedule is parsed and verified.
    ///
    /// # Errors
    /// Foreign, truncated or altered bytes; a schedule that is not valid or does not fit the encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if !bytes.starts_with(Scheme::Tfhe.mark()) {
            return Err(RuntimeError::NotOurs { what: WHAT });
        }
        let (head, schedule) = parts(bytes).map_err(|damage| malformed(damage.to_string()))?;
        let head: Head = serde_json::from_slice(head).map_err(|e| malformed(e.to_string()))?;
        head.encoding.check()?;
        let schedule = from_bytes(schedule).map_err(|e| malformed(e.to_string()))?;
        let takes = schedule.input_type().map_or(0, |t| t.count as usize);
        let top = i64::from(head.encoding.levels) - 1;
        if takes != head.encoding.len() || (schedule.input_low, schedule.input_high) != (0, top) {
            return Err(malformed(format!(
                "its schedule takes {takes} values from {} to {}, its images have {} from 0 to {top}",
                schedule.input_low,
                schedule.input_high,
                head.encoding.len()
            )));
        }
        Ok(Self {
            manifest: head.manifest,
            encoding: head.encoding,
            schedule,
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`Self::from_bytes`], and what the system says.
    pub fn read(path: &Path) -> Result<Self> {
        Self::from_bytes(&read(path)?)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// What the system says.
    pub fn write_to(&self, path: &Path) -> Result<()> {
        Ok(hemet_files::write_atomically(path, &self.to_bytes()?)?)
    }
}

impl Model for TfheArtifact {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn set_signature(&mut self, signature: Signature) {
        self.manifest.signature = Some(signature);
    }

    fn spec(&self) -> Result<Arc<dyn Spec>> {
        Ok(Arc::new(TfheSpec {
            artifact: self.id()?,
            about: About {
                network: self.manifest.network.clone(),
                classes: self.manifest.classes.clone(),
                normalization: self.manifest.normalization.clone(),
                pictures: self.manifest.pictures.clone(),
                columns: self.manifest.columns.clone(),
            },
            encoding: self.encoding.clone(),
            keys: hemet_tfhe::Spec::of(&self.schedule),
        }))
    }

    fn instructions(&self) -> usize {
        self.schedule.instructions.len()
    }

    fn text(&self) -> String {
        print(&self.schedule)
    }

    fn to_bytes(&self) -> Result<Vec<u8>> {
        TfheArtifact::to_bytes(self)
    }

    fn reference(&self) -> Result<Reference> {
        let (schedule, encoding) = (self.schedule.clone(), self.encoding.clone());
        let one = move |image: &[f64]| -> Result<Answer> {
            let outputs = interpret(&schedule, &encoding.integers(image)?);
            let outputs = outputs.map_err(|e| malformed(e.to_string()))?;
            Ok(match schedule.output_form {
                OutputForm::Label => {
                    let class = outputs.first().and_then(|c| usize::try_from(*c).ok());
                    Answer::Label(class.unwrap_or(0))
                }
                OutputForm::Logits => {
                    let logit = |v: &i64| *v as f64 * encoding.logit_scale;
                    Answer::Logits(outputs.iter().map(logit).collect())
                }
            })
        };
        Ok(Box::new(move |inputs| {
            inputs.iter().map(|image| one(image)).collect()
        }))
    }

    /// Tables are small: all are kept.
    fn service(self: Box<Self>, _constant_bytes: usize) -> Result<Box<dyn Service>> {
        Ok(Box::new(TfheService::new(self.schedule)?))
    }
}

/// Head and schedule.
fn parts(bytes: &[u8]) -> std::result::Result<(&[u8], &[u8]), Damage> {
    let mut start = Fields::of(WHAT, bytes);
    start.mark(Scheme::Tfhe.mark())?;
    let version = start.u32()?;
    start.check_version(version, VERSION)?;
    let length = start.u32()?;
    let length = within(WHAT, length.into(), MAX_HEAD)?;
    let mut fields = Fields::of(WHAT, unseal(WHAT, bytes)?);
    fields.take(FIXED)?;
    Ok((fields.take(length)?, fields.rest()))
}

pub(super) fn malformed(reason: String) -> RuntimeError {
    RuntimeError::Malformed { what: WHAT, reason }
}
