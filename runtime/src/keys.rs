//! What a client hands to a server: evaluation keys, and what they belong to.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use hemet_ckks::{Context, EvaluationKeys};

use crate::error::{Result, RuntimeError};
use crate::files::{ArtifactId, ClientSpec, Envelope, FileKind, KeySetId, seal};

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

    /// Reads an evaluation key file for the artifact of `spec`; a key that the artifact needs must be there.
    pub(crate) fn from_bytes(
        context: &Arc<Context>,
        spec: &ClientSpec,
        bytes: &[u8],
    ) -> Result<Self> {
        let envelope =
            Envelope::open(bytes, FileKind::EvaluationKeys)?.of_artifact(spec.artifact)?;
        let keys = EvaluationKeys::from_bytes(context, envelope.payload)?;
        let there: BTreeSet<i64> = keys.rotations().into_iter().collect();
        let missing = |step: &&u32| !there.contains(&i64::from(**step));
        let lacking = spec.rotations.iter().filter(missing).count();
        if lacking > 0 || (spec.relinearize && !keys.can_relinearize()) {
            return Err(RuntimeError::MissingKeys {
                rotations: lacking,
                needed: spec.rotations.len(),
                relinearization: spec.relinearize && !keys.can_relinearize(),
            });
        }
        Ok(Self::new(context, envelope.artifact, envelope.keys, keys))
    }

    /// Bytes that the keys take in memory.
    pub fn memory_bytes(&self) -> usize {
        self.keys.size_bytes()
    }
}
