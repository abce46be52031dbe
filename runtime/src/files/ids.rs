//! What files are told apart by: the artifact, what its keys depend on, and the keys that were made together.

use std::fmt;

use hemet_schedule::Scheme as SchemeId;

use crate::error::{Result, RuntimeError};

/// The identity of an artifact: blake3 of its content.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ArtifactId(pub(crate) [u8; 32]);

/// What evaluation keys depend on: blake3 of the scheme, the parameters and the list of keys. Artifacts with the same
/// binding take the same keys, whatever their weights and names are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyBinding(pub(super) [u8; 32]);

/// The identity of what one `keygen` made: random.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeySetId(pub(crate) [u8; 16]);

impl ArtifactId {
    /// From the 64 hexadecimal digits that `Artifact::id` gives.
    ///
    /// # Errors
    /// [`RuntimeError::Malformed`] if they are not that.
    pub fn from_hex(text: &str) -> Result<Self> {
        let malformed = || RuntimeError::Malformed {
            what: "the artifact's id",
            reason: format!("`{text}` is not 64 hexadecimal digits"),
        };
        blake3::Hash::from_hex(text)
            .map(|hash| Self(*hash.as_bytes()))
            .map_err(|_| malformed())
    }

    /// Refuses `what`, which was made for artifact `theirs`, where that is another one.
    pub(crate) fn check(self, what: &'static str, theirs: ArtifactId) -> Result<()> {
        if self == theirs {
            return Ok(());
        }
        Err(RuntimeError::ForeignArtifact {
            what,
            theirs: theirs.to_string(),
            ours: self.to_string(),
        })
    }
}

impl KeyBinding {
    /// Of keys that `text` describes whole.
    pub(crate) fn of(scheme: SchemeId, text: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"hemet key binding 1\n");
        hasher.update(scheme.name().as_bytes());
        hasher.update(b"\n");
        hasher.update(text.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    /// Refuses `what`, which is for artifacts of binding `theirs`, where that is another one.
    pub(crate) fn check(self, what: &'static str, theirs: KeyBinding) -> Result<()> {
        if self == theirs {
            return Ok(());
        }
        Err(RuntimeError::ForeignBinding {
            what,
            theirs: theirs.to_string(),
            ours: self.to_string(),
        })
    }
}

impl KeySetId {
    /// Of a file that belongs to no keys.
    pub(crate) fn none() -> Self {
        Self([0; 16])
    }

    pub(crate) fn random(rng: &mut impl rand::CryptoRng) -> Self {
        let mut id = [0; 16];
        rng.fill_bytes(&mut id);
        Self(id)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// All digits; `{:.16}` gives the first 16.
impl fmt::Display for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0))
    }
}

/// All digits; `{:.16}` gives the first 16.
impl fmt::Display for KeyBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0))
    }
}

/// All digits.
impl fmt::Display for KeySetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0))
    }
}

impl fmt::Debug for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for KeyBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for KeySetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
