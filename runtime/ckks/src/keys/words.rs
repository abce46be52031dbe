//! The words of a switching key, in memory or in a file.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::list::{CHECKSUM, Head};
use crate::error::{BytesError, Error};
use crate::mapping::Mapping;
use crate::pool::Buf;

/// The words of a switching key.
#[derive(Clone)]
pub(crate) enum KeyWords {
    Owned(Buf),
    Mapped(MappedWords),
}

impl Deref for KeyWords {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        match self {
            Self::Owned(words) => words,
            Self::Mapped(words) => words.words(),
        }
    }
}

/// A file with its head, shared by its keys.
pub(crate) struct MappedFile {
    pub(crate) mapping: Mapping,
    pub(crate) head: Head,
}

/// The words of one key in a file.
#[derive(Clone)]
pub(crate) struct MappedWords {
    pub(crate) file: Arc<MappedFile>,
    /// Which key of the head's list it is.
    pub(crate) index: usize,
    /// The first byte.
    pub(crate) start: usize,
    /// In words.
    pub(crate) length: usize,
    /// The outcome of the verification at the first use.
    pub(crate) verified: Arc<OnceLock<Result<(), BytesError>>>,
}

impl MappedWords {
    fn words(&self) -> &[u64] {
        let end = self.start + 8 * self.length;
        self.file.mapping.words(self.start..end)
    }

    /// Verifies the key, once: its checksum, then its residues.
    pub(crate) fn verify(
        &self,
        residues: impl FnOnce(&Head) -> Result<(), BytesError>,
    ) -> Result<(), Error> {
        let outcome = self.verified.get_or_init(|| {
            self.file.mapping.bring(self.start, 8 * self.length);
            self.check_sum()?;
            residues(&self.file.head)
        });
        Ok(outcome.clone()?)
    }

    fn check_sum(&self) -> Result<(), BytesError> {
        let end = self.start + 8 * self.length;
        let head = &self.file.head;
        let bytes = self.file.mapping.bytes();
        let (words, sum) = (bytes.get(self.start..end), bytes.get(end..end + CHECKSUM));
        let found = words.map(|words| head.key_sum(self.index, words));
        if found.as_ref().map(|found| &found[..]) == sum {
            return Ok(());
        }
        Err(head.changed(self.index, self.start as u64, 8 * self.length))
    }
}
