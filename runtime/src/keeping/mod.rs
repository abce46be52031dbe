//! How a secret lies in a file: what is noted of it in the clear, and the secret, under a passphrase or not.
//!
//! | bytes | content |
//! |---|---|
//! | 0..4 | length of the note, little endian |
//! | .. | the note as JSON, with the lock where there is one |
//! | .. | the secret, or what the lock makes of it |
//!
//! Under a passphrase nobody can change the note or put the secret into another file: the encryption covers both.

mod lock;

use hemet_schedule::Signature;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Result, RuntimeError};
use crate::files::Reader;

use lock::Lock;
pub use lock::Passphrase;

/// Longest note in a file.
const MOST_NOTE: u64 = 64 << 10;
/// Longest label, in bytes.
const MOST_LABEL: usize = 200;

/// What is noted of a key in the clear.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// What its owner calls it; empty if nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// The network that it is for; empty if none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network: String,
    /// When it was made, in seconds after 1 January 1970; nothing where a file of an older program does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_s: Option<u64>,
    /// From when on nothing is to be encrypted with it, in seconds after 1 January 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u64>,
    /// The signature of the artifact that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

impl Note {
    /// Refuses a label that is too long, or with a control character.
    ///
    /// # Errors
    /// The label's length and the limit.
    pub fn check(&self) -> Result<()> {
        let label = &self.label;
        if label.len() > MOST_LABEL || label.chars().any(char::is_control) {
            return Err(RuntimeError::Label {
                got: label.len(),
                most: MOST_LABEL,
            });
        }
        Ok(())
    }
}

/// The note with the lock, as in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    note: Note,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lock: Option<Lock>,
}

/// A secret as it lies in a file, maybe under a passphrase.
pub(crate) struct Kept {
    pub(crate) note: Note,
    lock: Option<Lock>,
    /// The bytes before the secret.
    head: Vec<u8>,
    secret: Zeroizing<Vec<u8>>,
}

impl Kept {
    /// The bytes of a secret with its note, under a passphrase where one is given; `bound` is what else stands in the
    /// file and must not be changed.
    ///
    /// # Errors
    /// A note that [`Note::check`] refuses; no randomness.
    pub(crate) fn to_bytes(
        note: &Note,
        secret: &[u8],
        passphrase: Option<&Passphrase>,
        bound: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        note.check()?;
        let lock = passphrase.map(|_| Lock::new()).transpose()?;
        let head = Head {
            note: note.clone(),
            lock,
        };
        let json = serde_json::to_vec(&head).map_err(|e| malformed(e.to_string()))?;
        let mut before = (json.len() as u32).to_le_bytes().to_vec();
        before.extend(json);
        let bytes = match (&head.lock, passphrase) {
            (Some(lock), Some(passphrase)) => {
                let closed = lock.close(passphrase, secret, &[bound, &before].concat())?;
                [before, closed].concat()
            }
            (_, None) | (None, _) => [&before, secret].concat(),
        };
        Ok(Zeroizing::new(bytes))
    }

    /// Reads what [`Kept::to_bytes`] wrote; nothing is decrypted yet.
    ///
    /// # Errors
    /// Truncated bytes, or a note that is none.
    pub(crate) fn from_bytes(what: &'static str, bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader { what, rest: bytes };
        let length = u64::from(u32::from_le_bytes(reader.array()?));
        if length > MOST_NOTE {
            return Err(RuntimeError::TooLong {
                what: "the note of a key",
                got: length,
                most: MOST_NOTE,
            });
        }
        let head: Head = serde_json::from_slice(reader.take(length)?)
            .map_err(|e| malformed(format!("its note: {e}")))?;
        head.note.check()?;
        let (before, secret) = bytes.split_at(4 + length as usize);
        Ok(Self {
            note: head.note,
            lock: head.lock,
            head: before.to_vec(),
            secret: Zeroizing::new(secret.to_vec()),
        })
    }

    /// A secret of an older file, which had no note.
    pub(crate) fn old(secret: &[u8]) -> Self {
        Self {
            note: Note::default(),
            lock: None,
            head: Vec::new(),
            secret: Zeroizing::new(secret.to_vec()),
        }
    }

    /// Whether it is under a passphrase.
    pub(crate) fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// The secret; a passphrase is used where there is a lock, and passed over where there is none.
    ///
    /// # Errors
    /// [`RuntimeError::Locked`] without a passphrase, [`RuntimeError::WrongPassphrase`].
    pub(crate) fn open(
        &self,
        what: &'static str,
        passphrase: Option<&Passphrase>,
        bound: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        match (&self.lock, passphrase) {
            (None, _) => Ok(self.secret.clone()),
            (Some(_), None) => Err(RuntimeError::Locked { what }),
            (Some(lock), Some(passphrase)) => {
                let beside = [bound, &self.head].concat();
                lock.open(passphrase, &self.secret, &beside)
            }
        }
    }
}

fn malformed(reason: String) -> RuntimeError {
    let what = "a key file";
    RuntimeError::Malformed { what, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase() -> Passphrase {
        Passphrase::new(Zeroizing::new(b"correct horse".to_vec())).unwrap()
    }

    fn note() -> Note {
        Note {
            label: "mine".into(),
            created_s: Some(1),
            ..Note::default()
        }
    }

    #[test]
    fn a_secret_comes_back_with_its_note_and_opens_where_it_was_put_alone() {
        let right = passphrase();
        for given in [None, Some(&right)] {
            let bytes = Kept::to_bytes(&note(), b"secret", given, b"here").unwrap();
            let kept = Kept::from_bytes("it", &bytes).unwrap();
            assert_eq!(kept.note, note());
            assert_eq!(kept.is_locked(), given.is_some());
            let opened = kept.open("it", given, b"here").unwrap();
            assert_eq!(*opened, b"secret");
            let elsewhere = kept.open("it", given, b"there").is_err();
            assert_eq!(elsewhere, given.is_some());
            let shows = bytes.windows(6).any(|part| part == b"secret");
            assert_eq!(shows, given.is_none());
        }
    }

    #[test]
    fn a_locked_note_that_is_changed_opens_no_more() {
        let right = passphrase();
        let bytes = Kept::to_bytes(&note(), b"secret", Some(&right), b"").unwrap();
        let at = bytes.windows(4).position(|part| part == b"mine").unwrap();
        let mut changed = bytes.to_vec();
        changed[at] = b'M';
        let kept = Kept::from_bytes("it", &changed).unwrap();
        assert_eq!(kept.note.label, "Mine");
        let said = kept.open("it", Some(&right), b"");
        assert!(matches!(said, Err(RuntimeError::WrongPassphrase)));
        let kept = Kept::from_bytes("it", &bytes).unwrap();
        let said = kept
            .open("it", None, b"")
            .map(drop)
            .unwrap_err()
            .to_string();
        assert!(said.contains("passphrase"), "{said}");
    }

    #[test]
    fn notes_that_are_none_are_refused() {
        for label in ["a\nb".to_owned(), "x".repeat(201)] {
            let wrong = Note { label, ..note() };
            assert!(Kept::to_bytes(&wrong, b"secret", None, b"").is_err());
        }
        let bytes = Kept::to_bytes(&note(), b"secret", None, b"").unwrap();
        for bytes in [b"".as_slice(), &[255; 8], &bytes[..20], b"\x02\0\0\0{}"] {
            assert!(Kept::from_bytes("it", bytes).is_err(), "{bytes:?}");
        }
    }
}
