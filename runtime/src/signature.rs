//! Signed artifacts: ed25519 (RFC 8032) over an artifact's id and what its clients must know.
//!
//! The id is the hash of everything that an artifact does: parameters, layouts, schedule, weights. A client has no
//! weights, so the signature covers the hash of its spec too: whoever holds the artifact checks the first part, whoever
//! holds the spec checks the second, and one signature binds both.
//!
//! Predicted latencies, the machine that they are for and the notes on layers are covered by neither.

use std::fmt;
use std::path::Path;

use ed25519_dalek::{Signer, VerifyingKey};
use hemet_ckks::os_rng;
use hemet_files::sealed::{Damage, Fields, from_hex, hex, seal, unseal};
use hemet_schedule::Signature;
use rand::Rng;
use zeroize::Zeroizing;

use crate::door::{Model, Spec};
use crate::error::{Result, RuntimeError};
use crate::files::{ArtifactId, Opened};
use crate::keeping::{Kept, Note, Passphrase};

/// What a signature begins with, so that it is of nothing else.
const DOMAIN: &[u8] = b"hemet artifact signature 1\n";
/// The mark of a signing key's file.
const MARK: &[u8] = b"HEMETSIG";
const VERSION: u16 = 1;
/// Most bytes of a signing key's file, or of a public key's.
const MOST_BYTES: usize = 1 << 17;
/// The words before the digits of a public key's file.
const PUBLIC: &str = "hemet-public-key 1 ";
const WHAT: &str = "the signing key";

/// The secret key of who vouches for artifacts; wiped when dropped. It has no `Debug`.
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    note: Note,
}

impl SigningKey {
    /// A new key, from the operating system's randomness.
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub fn generate(note: Note) -> Result<Self> {
        let mut secret = Zeroizing::new([0; 32]);
        os_rng()?.fill_bytes(secret.as_mut());
        let key = ed25519_dalek::SigningKey::from_bytes(&secret);
        Ok(Self { key, note })
    }

    /// What is noted of it.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.key.verifying_key())
    }

    /// Writes its file, readable by the user only, under a passphrase where one is given.
    ///
    /// # Errors
    /// What the system says.
    pub fn save(&self, path: &Path, passphrase: Option<&Passphrase>) -> Result<()> {
        let bytes = self.to_bytes(passphrase)?;
        Ok(hemet_files::write_atomically_private(path, &bytes)?)
    }

    /// The bytes of its file; **secret** without a passphrase. Wiped when dropped.
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub fn to_bytes(&self, passphrase: Option<&Passphrase>) -> Result<Zeroizing<Vec<u8>>> {
        let kept = Kept::to_bytes(&self.note, self.key.as_bytes(), passphrase, MARK)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(kept.len() + 64));
        bytes.extend_from_slice(MARK);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&kept);
        seal(&mut bytes);
        Ok(bytes)
    }

    /// Signs an artifact and what its clients must know.
    ///
    /// # Errors
    /// As [`Model::spec`].
    pub fn sign(&self, model: &mut dyn Model) -> Result<()> {
        let spec = model.spec()?;
        let hash = spec_hash(spec.as_ref())?;
        let message = message(spec.facts().artifact, &hash);
        model.set_signature(Signature {
            key: hex(self.key.verifying_key().as_bytes()),
            spec: hex(&hash),
            signature: hex(&self.key.sign(&message).to_bytes()),
        });
        Ok(())
    }
}

/// The file of a signing key, maybe under a passphrase.
pub struct SigningKeyFile(Kept);

impl SigningKeyFile {
    /// Reads what [`SigningKey::save`] wrote; nothing is decrypted yet.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes, and what the system says.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = Zeroizing::new(Opened::open(path, MOST_BYTES)?.into_start());
        Self::from_bytes(&bytes)
    }

    /// Reads the bytes of the file.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if !bytes.starts_with(MARK) {
            return Err(RuntimeError::NotOurs { what: WHAT });
        }
        let kept = kept(bytes).map_err(|damage| malformed(damage.to_string()))?;
        Ok(Self(Kept::from_bytes(WHAT, kept)?))
    }

    /// Whether it is under a passphrase.
    pub fn is_locked(&self) -> bool {
        self.0.is_locked()
    }

    /// The key; a passphrase is needed where it is locked.
    ///
    /// # Errors
    /// A passphrase that is missing or wrong; a secret that is none.
    pub fn open(&self, passphrase: Option<&Passphrase>) -> Result<SigningKey> {
        let secret = self.0.open(WHAT, passphrase, MARK)?;
        let Ok(bytes) = secret.as_slice().try_into() else {
            let got = secret.len();
            return Err(malformed(format!("it has {got} bytes, 32 are needed")));
        };
        Ok(SigningKey {
            key: ed25519_dalek::SigningKey::from_bytes(bytes),
            note: self.0.note.clone(),
        })
    }
}

/// What lies between mark, version and sum.
fn kept(bytes: &[u8]) -> std::result::Result<&[u8], Damage> {
    let mut fields = Fields::of(WHAT, unseal(WHAT, bytes)?);
    fields.mark(MARK)?;
    let version = fields.u16()?;
    fields.check_version(version.into(), VERSION.into())?;
    Ok(fields.rest())
}

/// The public key of who vouches for artifacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Its id: the first 16 of its hexadecimal digits. Keys are compared whole.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0.as_bytes()[..8]))
    }
}

impl PublicKey {
    /// Its file: a line of text.
    pub fn to_text(&self) -> String {
        format!("{PUBLIC}{}\n", hex(self.0.as_bytes()))
    }

    /// Reads [`PublicKey::to_text`].
    ///
    /// # Errors
    /// Other text, or a point that is no key.
    pub fn from_text(text: &str) -> Result<Self> {
        let what = "the public key";
        let digits = text.strip_prefix(PUBLIC);
        let digits = digits.ok_or(RuntimeError::NotOurs { what })?;
        let key =
            from_hex(digits.trim_end()).and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
        match key.filter(|key| !key.is_weak()) {
            Some(key) => Ok(Self(key)),
            None => Err(RuntimeError::Malformed {
                what,
                reason: "its digits are those of no ed25519 key".into(),
            }),
        }
    }

    /// Reads the file of a public key.
    ///
    /// # Errors
    /// As [`PublicKey::from_text`], and what the system says.
    pub fn read(path: &Path) -> Result<Self> {
        let opened = Opened::open(path, MOST_BYTES)?;
        Self::from_text(&String::from_utf8_lossy(opened.start()))
    }

    /// Refuses an artifact that this key has not signed.
    ///
    /// # Errors
    /// [`RuntimeError::Unsigned`], [`RuntimeError::WrongSignature`].
    pub fn check_model(&self, model: &dyn Model) -> Result<()> {
        let artifact = model.spec()?.facts().artifact;
        self.check(model.manifest().signature.as_ref(), artifact, None)
    }

    /// Refuses what clients know of an artifact where this key has not signed it.
    ///
    /// # Errors
    /// As [`PublicKey::check_model`].
    pub fn check_spec(&self, spec: &dyn Spec, signature: Option<&Signature>) -> Result<()> {
        let hash = spec_hash(spec)?;
        self.check(signature, spec.facts().artifact, Some(hash))
    }

    fn check(
        &self,
        signature: Option<&Signature>,
        artifact: ArtifactId,
        spec: Option<[u8; 32]>,
    ) -> Result<()> {
        let trusted = self.to_string();
        let Some(signature) = signature else {
            return Err(RuntimeError::Unsigned { trusted });
        };
        let signer = from_hex(&signature.key).and_then(|key| VerifyingKey::from_bytes(&key).ok());
        let is_valid = signer.is_some_and(|signer| fits(&signer, signature, artifact, spec));
        match is_valid && signer == Some(self.0) {
            true => Ok(()),
            false => Err(RuntimeError::WrongSignature {
                signer: signature.key.chars().take(16).collect(),
                trusted,
                is_valid,
            }),
        }
    }
}

/// Whether a key has signed this artifact, and this spec where there is one.
fn fits(
    signer: &VerifyingKey,
    signature: &Signature,
    artifact: ArtifactId,
    spec: Option<[u8; 32]>,
) -> bool {
    let (Some(signed), Some(bytes)) = (from_hex(&signature.spec), from_hex(&signature.signature))
    else {
        return false;
    };
    let bytes = ed25519_dalek::Signature::from_bytes(&bytes);
    spec.is_none_or(|spec| spec == signed)
        && signer
            .verify_strict(&message(artifact, &signed), &bytes)
            .is_ok()
}

/// What is signed.
fn message(artifact: ArtifactId, spec: &[u8; 32]) -> Vec<u8> {
    [DOMAIN, &artifact.0, spec].concat()
}

/// Refuses a signature that is not of what clients know of the artifact, whoever made it.
///
/// # Errors
/// [`RuntimeError::WrongSignature`].
pub fn check_own(spec: &dyn Spec, signature: &Signature) -> Result<()> {
    let wrong = || malformed("the artifact's signature names no key".into());
    let key = from_hex(&signature.key).and_then(|key| VerifyingKey::from_bytes(&key).ok());
    PublicKey(key.ok_or_else(wrong)?).check_spec(spec, Some(signature))
}

/// Refuses an artifact, of which clients know `spec`, that does not have the signer of the one before it.
///
/// # Errors
/// [`RuntimeError::OtherSigner`].
pub(crate) fn check_successor(
    before: &Signature,
    spec: &dyn Spec,
    signature: Option<&Signature>,
) -> Result<()> {
    let key = from_hex(&before.key).and_then(|key| VerifyingKey::from_bytes(&key).ok());
    let is_same = key.is_some_and(|key| PublicKey(key).check_spec(spec, signature).is_ok());
    match is_same {
        true => Ok(()),
        false => Err(RuntimeError::OtherSigner {
            signer: before.key.chars().take(16).collect(),
            is_signed: signature.is_some(),
        }),
    }
}

fn spec_hash(spec: &dyn Spec) -> Result<[u8; 32]> {
    Ok(*blake3::hash(spec.signed_text()?.as_bytes()).as_bytes())
}

fn malformed(reason: String) -> RuntimeError {
    RuntimeError::Malformed { what: WHAT, reason }
}
