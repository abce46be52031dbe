//! What a client hands to a server: evaluation keys, and what they belong to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hemet_ckks::{Context, EvaluationKeys};
use hemet_schedule::Level;

use crate::error::{Result, RuntimeError};
use crate::files::{
    ArtifactId, ClientSpec, Envelope, FileKind, HEADER, KeySetId, read_start, seal,
};

/// Where mapped keys begin in their file: after the envelope, at a page.
const MAPPED_AT: usize = 4096;

/// Evaluation keys of one client for one artifact. They are public: nothing can be decrypted with them.
pub struct ServerKeys {
    context: Arc<Context>,
    artifact: ArtifactId,
    key_set: KeySetId,
    keys: EvaluationKeys,
}

impl ServerKeys {
    pub(crate) fn new(
        context: &Arc<Context>,
        artifact: ArtifactId,
        key_set: KeySetId,
        keys: EvaluationKeys,
    ) -> Self {
        Self {
            context: context.clone(),
            artifact,
            key_set,
            keys,
        }
    }

    /// The artifact that they were made for.
    pub fn artifact(&self) -> ArtifactId {
        self.artifact
    }

    /// Which key set they are.
    pub fn key_set(&self) -> KeySetId {
        self.key_set
    }

    pub(crate) fn keys(&self) -> &EvaluationKeys {
        &self.keys
    }

    /// The evaluation key file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let keys = self.keys.to_bytes(&self.context);
        seal(
            FileKind::EvaluationKeys,
            self.artifact,
            self.key_set,
            &[&keys],
        )
    }

    /// Writes the evaluation key file.
    ///
    /// # Errors
    /// What the system says.
    pub fn save(&self, path: &Path) -> Result<()> {
        Ok(hemet_files::write_atomically(path, &self.to_bytes())?)
    }

    /// Writes the keys as a server keeps them, for [`Server::map_keys`](crate::Server::map_keys): about twice as large as the
    /// evaluation key file.
    ///
    /// # Errors
    /// What the system says.
    pub fn save_mapped(&self, path: &Path) -> Result<()> {
        let mut head = seal(FileKind::MappedKeys, self.artifact, self.key_set, &[]);
        head.resize(MAPPED_AT, 0);
        Ok(hemet_files::write_atomically_with(path, |file| {
            file.write_all(&head)?;
            self.keys.write_mapped(&self.context, file)
        })?)
    }

    /// Uses the keys of a file by [`ServerKeys::save_mapped`] where they lie.
    pub(crate) fn map(context: &Arc<Context>, spec: &ClientSpec, path: &Path) -> Result<Self> {
        let head = read_start(path, HEADER)?;
        let envelope = Envelope::open(&head, FileKind::MappedKeys)?.of_artifact(spec.artifact)?;
        let keys = EvaluationKeys::map(context, path, MAPPED_AT as u64)?;
        let keys = Self::new(context, envelope.artifact, envelope.keys, keys);
        keys.check(spec)?;
        Ok(keys)
    }

    /// Reads an evaluation key file for the artifact of `spec`; a key that the artifact needs must be there.
    pub(crate) fn from_bytes(
        context: &Arc<Context>,
        spec: &ClientSpec,
        bytes: &[u8],
    ) -> Result<Self> {
        let envelope =
            Envelope::open(bytes, FileKind::EvaluationKeys)?.of_artifact(spec.artifact)?;
        let keys = EvaluationKeys::from_bytes(context, envelope.payload)?;
        let keys = Self::new(context, envelope.artifact, envelope.keys, keys);
        keys.check(spec)?;
        Ok(keys)
    }

    /// Whether every key that the artifact of `spec` needs is there and serves up to the level where it is needed.
    pub(crate) fn check(&self, spec: &ClientSpec) -> Result<()> {
        let there: BTreeMap<i64, usize> = self.keys.rotations().into_iter().collect();
        let serves = |step: u32| there.get(&i64::from(step)).copied();
        let needed = spec.rotations.keys();
        let lacking = needed.filter(|step| serves(**step).is_none()).count();
        let relinearization = self.keys.relinearization_level();
        let lacks_relinearization = spec.relinearize.is_some() && relinearization.is_none();
        if lacking > 0 || lacks_relinearization {
            return Err(RuntimeError::MissingKeys {
                rotations: lacking,
                needed: spec.rotations.len(),
                relinearization: lacks_relinearization,
            });
        }
        for (step, level) in &spec.rotations {
            check_level(serves(*step), *level, || {
                format!("the key for rotation by {step}")
            })?;
        }
        spec.relinearize.map_or(Ok(()), |level| {
            check_level(relinearization, level, || "the relinearization key".into())
        })
    }

    /// Bytes that the keys take in memory; of mapped keys what they take in their file.
    pub fn memory_bytes(&self) -> usize {
        self.keys.size_bytes()
    }
}

fn check_level(serves: Option<usize>, needed: Level, key: impl Fn() -> String) -> Result<()> {
    match serves {
        Some(serves) if serves < needed.0 as usize => Err(RuntimeError::KeyLevel {
            key: key(),
            serves,
            needed: needed.0 as usize,
        }),
        Some(_) | None => Ok(()),
    }
}
