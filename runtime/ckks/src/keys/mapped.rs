//! Evaluation keys in a file that is used where it lies: for servers that hold the keys of many clients.
//!
//! After the head (`list.rs`) each key begins at a multiple of 4096 bytes: its words as they are in memory, both
//! halves, then a blake3 of the head's checksum, the key's number and those bytes. Twice as large as what a client
//! sends; in exchange nothing is expanded, keys that are not in use take no memory, and processes share them.
//!
//! Opening reads the head only. A key is verified (checksum and every residue) when it is used for the first time,
//! about as long as reading it takes; after that the file is trusted. Checking everything when a file is opened would
//! read gigabytes for clients that may send nothing today.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use super::evaluation::EvaluationKeys;
use super::list::{CHECKSUM, Head, Input, key_hasher};
use super::switching::SwitchingKey;
use super::words::{KeyWords, MappedFile, MappedWords};
use crate::bytes::{Kind, write_words};
use crate::context::Context;
use crate::error::{BytesError, Error};
use crate::mapping::Mapping;

/// Where keys begin: a page on most machines.
const PAGE: usize = 4096;

impl EvaluationKeys {
    /// Writes the keys for [`EvaluationKeys::map`]: both halves of each. `label` says what they belong to, such as a
    /// hash of the ids of client and artifact; the checksum of every key covers it.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_mapped(
        &self,
        context: &Context,
        label: &[u8; 32],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let entries = self.entries();
        let head = Head::bytes(Kind::MappedKeys, context, &self.seed, &entries, label);
        let mut sum = [0; CHECKSUM];
        sum.copy_from_slice(&head[head.len() - CHECKSUM..]);
        out.write_all(&head)?;
        let mut at = head.len();
        for (index, key) in self.in_order().enumerate() {
            let start = at.next_multiple_of(PAGE);
            out.write_all(&vec![0; start - at])?;
            let mut hasher = key_hasher(&sum, index);
            write_words(out, &mut hasher, &key.words)?;
            out.write_all(hasher.finalize().as_bytes())?;
            at = start + 8 * key.words.len() + CHECKSUM;
        }
        Ok(())
    }

    /// Uses the keys of a file where they lie, from byte `offset` (a multiple of 8) to the end of the file. Reads the
    /// head; the operating system brings the rest into memory as it is used, and takes it out again when memory is
    /// short.
    ///
    /// **The file must not be changed or cut while these keys or clones of them exist**: keep it where only the server
    /// can write, and replace it by renaming another one over it.
    ///
    /// # Errors
    /// `Stream` when the file cannot be mapped, `Bytes` for a file that was not written by
    /// [`EvaluationKeys::write_mapped`] for these parameters and this label, or has another length. A key whose bytes
    /// were changed is refused when it is used.
    pub fn map(
        context: &Context,
        file: &File,
        label: &[u8; 32],
        offset: u64,
    ) -> Result<Self, Error> {
        let failed = |reason: String| Error::Stream { at: 0, reason };
        let mapping = Mapping::of(file).map_err(|e| failed(e.to_string()))?;
        let from = usize::try_from(offset).ok().filter(|at| at % 8 == 0);
        let bytes = from.and_then(|at| mapping.bytes().get(at..));
        let (Some(from), Some(mut rest)) = (from, bytes) else {
            let length = mapping.bytes().len();
            return Err(failed(format!(
                "keys should start at byte {offset} of {length}; the place must be a multiple of 8 within the file"
            )));
        };
        let given = rest.len();
        let mut input = Input {
            stream: &mut rest,
            at: 0,
        };
        let head = Head::read(Kind::MappedKeys, context, &mut input)?;
        if head.label != *label {
            let kind = head.kind.name();
            return Err(BytesError::Label { kind }.into());
        }
        let (places, expected) = context.mapped_places(&head);
        if given != expected {
            return Err(BytesError::Length {
                kind: head.kind.name(),
                given,
                expected,
            }
            .into());
        }
        let file = Arc::new(MappedFile { mapping, head });
        let places = places.into_iter().enumerate();
        let keys = places.map(|(index, (start, length))| {
            let level = file.head.entries[index].level;
            let words = MappedWords {
                file: Arc::clone(&file),
                index,
                start: from + start,
                length,
                verified: Arc::default(),
            };
            SwitchingKey {
                words: KeyWords::Mapped(words),
                level,
                digits: context.digits(level),
            }
        });
        let (seed, entries) = (file.head.seed, &file.head.entries);
        Ok(Self::assemble(context, seed, entries, keys.collect()))
    }
}

impl Context {
    /// Where the keys of a head lie, as (first byte, words), and where the file ends.
    fn mapped_places(&self, head: &Head) -> (Vec<(usize, usize)>, usize) {
        let mut end = Head::len(head.kind, &head.entries);
        let places = head.entries.iter().map(|entry| {
            let (start, length) = (end.next_multiple_of(PAGE), self.key_words(entry.level));
            end = start + 8 * length + CHECKSUM;
            (start, length)
        });
        (places.collect(), end)
    }
}
