//! Evaluation keys to bytes and back, as a client sends them: half of each key, the other half comes from the seed.
//!
//! After the head (`list.rs`) each key: per extended limb of its level, per digit, packed; then a blake3 of the head's
//! checksum, the key's number and those bytes. A reader holds no more than a few keys' halves beside the keys
//! themselves.

use std::io::{self, Read, Write};

use super::evaluation::EvaluationKeys;
use super::list::{CHECKSUM, Entry, Head, Input, NO_LABEL, key_hasher};
use super::request::KeyRequest;
use super::switching::{SwitchingKey, key_stream};
use super::words::KeyWords;
use crate::bytes::{Kind, check_residues, packed_bytes, write_words};
use crate::context::Context;
use crate::error::{BytesError, Error};
use crate::kernels::{PADDING, Packed, packed_words};
use crate::parallel::map;
use crate::sampling::expand_uniform;

impl EvaluationKeys {
    /// The keys as bytes: a seed, the list of keys with their levels, and half of each key.
    pub fn to_bytes(&self, context: &Context) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(context.serialized_len(&self.entries()));
        // A vector takes whatever is written to it.
        let written = self.write_to(context, &mut bytes);
        debug_assert!(written.is_ok());
        bytes
    }

    /// Writes [`EvaluationKeys::to_bytes`] piece by piece.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_to(&self, context: &Context, out: &mut dyn Write) -> io::Result<()> {
        let head = Head::bytes(
            Kind::EvaluationKeys,
            context,
            &self.seed,
            &self.entries(),
            &NO_LABEL,
        );
        out.write_all(&head)?;
        let mut sum = [0; CHECKSUM];
        sum.copy_from_slice(&head[head.len() - CHECKSUM..]);
        for (index, key) in self.in_order().enumerate() {
            let mut hasher = key_hasher(&sum, index);
            for u in 0..context.extended_limbs(key.level) {
                for j in 0..key.digits {
                    let packed = key.pair(context, u, j).0;
                    let words = &packed.words[..packed.words.len() - PADDING];
                    write_words(out, &mut hasher, words)?;
                }
            }
            out.write_all(hasher.finalize().as_bytes())?;
        }
        Ok(())
    }

    /// Reads keys of this context's parameters and expands their uniform halves.
    ///
    /// # Errors
    /// `Bytes` for anything else; `NoSpecialPrimes` when the parameters allow no such keys.
    pub fn from_bytes(context: &Context, bytes: &[u8]) -> Result<Self, Error> {
        let mut rest = bytes;
        let mut input = Input {
            stream: &mut rest,
            at: 0,
        };
        let head = Head::read(Kind::EvaluationKeys, context, &mut input)?;
        let expected = context.serialized_len(&head.entries);
        if bytes.len() != expected {
            let (kind, given) = (head.kind.name(), bytes.len());
            return Err(BytesError::Length {
                kind,
                given,
                expected,
            }
            .into());
        }
        context.read_keys(&head, &mut input)
    }

    /// As [`EvaluationKeys::read_from`], and refuses keys beyond those of `request` before any key is read: what a
    /// server takes from a client that it does not trust. Keys may serve higher levels than asked for, and some may be
    /// missing.
    ///
    /// # Errors
    /// As [`EvaluationKeys::read_from`], and `OtherKeys` for a key that `request` does not name.
    pub fn read_requested(
        context: &Context,
        request: &KeyRequest<'_>,
        input: &mut dyn Read,
    ) -> Result<Self, Error> {
        let wanted = request.entries(context)?;
        let mut input = Input {
            stream: input,
            at: 0,
        };
        let head = Head::read(Kind::EvaluationKeys, context, &mut input)?;
        let asked = |key: &&Entry| wanted.iter().any(|w| w.element == key.element);
        let unasked = head.entries.len() - head.entries.iter().filter(asked).count();
        if unasked > 0 {
            return Err(Error::OtherKeys {
                given: head.entries.len(),
                wanted: wanted.len(),
                unasked,
            });
        }
        context.read_keys(&head, &mut input)
    }

    /// As [`EvaluationKeys::from_bytes`] from a stream, each key verified as soon as it has arrived; what follows the
    /// keys is not read.
    ///
    /// # Errors
    /// As [`EvaluationKeys::from_bytes`], `Stream` for errors of `input`; a key that was changed or cut is named with
    /// the place of its bytes.
    pub fn read_from(context: &Context, input: &mut dyn Read) -> Result<Self, Error> {
        let mut input = Input {
            stream: input,
            at: 0,
        };
        let head = Head::read(Kind::EvaluationKeys, context, &mut input)?;
        context.read_keys(&head, &mut input)
    }
}

impl Context {
    /// Bytes that the evaluation keys of a request take when serialized: half of each key and 32 for its checksum, 8
    /// for each rotation or conjugation and 4 for relinearization in the list, and 116 around them.
    ///
    /// # Errors
    /// `NoSpecialPrimes` and `Level`, as [`EvaluationKeys::generate`].
    pub fn evaluation_key_bytes(&self, request: &KeyRequest<'_>) -> Result<usize, Error> {
        Ok(self.serialized_len(&request.entries(self)?))
    }

    fn serialized_len(&self, entries: &[Entry]) -> usize {
        Head::len(Kind::EvaluationKeys, entries) + self.key_halves(entries)
    }

    /// Bytes of half a switching key for a level.
    fn packed_key(&self, level: usize) -> usize {
        let all = self.special.iter().chain(&self.moduli[..=level]);
        let one: usize = all.map(|m| packed_bytes(m.q, self.degree())).sum();
        self.digits(level) * one
    }

    /// Bytes of the listed keys with their checksums.
    fn key_halves(&self, entries: &[Entry]) -> usize {
        let halves = entries.iter().map(|e| self.packed_key(e.level) + CHECKSUM);
        halves.sum()
    }

    /// Reads the keys after a head, as many at a time as there are threads to expand them.
    fn read_keys(&self, head: &Head, input: &mut Input<'_>) -> Result<EvaluationKeys, Error> {
        let total = input.at + self.key_halves(&head.entries) as u64;
        let mut keys = Vec::with_capacity(head.entries.len());
        let mut index = 0;
        for entries in head.entries.chunks(rayon::current_num_threads()) {
            let mut halves = Vec::with_capacity(entries.len());
            for &entry in entries {
                halves.push((entry, self.read_half(head, index, input, total)?));
                index += 1;
            }
            for key in map(&halves, |(entry, half)| self.expand_key(head, entry, half)) {
                keys.push(key?);
            }
        }
        Ok(EvaluationKeys::assemble(
            self,
            head.seed,
            &head.entries,
            keys,
        ))
    }

    /// Reads and verifies half of key `index` of a file of `total` bytes.
    fn read_half(
        &self,
        head: &Head,
        index: usize,
        input: &mut Input<'_>,
        total: u64,
    ) -> Result<Vec<u8>, Error> {
        let entry = &head.entries[index];
        let (length, from) = (self.packed_key(entry.level), input.at);
        let mut half = Vec::new();
        input.fill(&mut half, length + CHECKSUM)?;
        if half.len() < length + CHECKSUM {
            let (kind, part) = (head.kind.name(), entry.name());
            let (given, expected) = (input.at, total);
            return Err(BytesError::Cut {
                kind,
                part,
                given,
                expected,
            }
            .into());
        }
        let sum = half.split_off(length);
        if head.key_sum(index, &half)[..] != sum[..] {
            return Err(head.changed(index, from, length).into());
        }
        Ok(half)
    }

    fn expand_key(
        &self,
        head: &Head,
        &Entry { element, level, .. }: &Entry,
        packed: &[u8],
    ) -> Result<SwitchingKey, BytesError> {
        let n = self.degree();
        let digits = self.digits(level);
        let length = self.key_words(level);
        let mut words = self.pool.take(length);
        words[length - PADDING..].fill(0);
        let mut limb = self.pool.take(n);
        let (mut rest, mut at) = (packed, 0);
        for u in 0..self.extended_limbs(level) {
            let m = self.extended(u).0;
            for j in 0..digits {
                let (now, later) = rest.split_at(packed_bytes(m.q, n));
                // The packed form in memory is that of the bytes; it is unpacked only to be checked.
                let length = packed_words(n, m.bits());
                for (word, bytes) in words[at..at + length]
                    .iter_mut()
                    .zip(now.as_chunks::<8>().0)
                {
                    *word = u64::from_le_bytes(*bytes);
                }
                let packed = Packed {
                    words: &words[at..at + length + PADDING],
                    bits: m.bits(),
                };
                self.kernels.unpack(&mut limb, packed);
                check_residues(head.kind, u, m, &limb)?;
                at += length;
                expand_uniform(&head.seed, key_stream(element, u, j), m.q, &mut limb);
                self.kernels.pack(&mut words[at..], &limb, m.bits());
                at += packed_words(n, m.bits());
                rest = later;
            }
        }
        Ok(SwitchingKey {
            words: KeyWords::Owned(words),
            level,
            digits,
        })
    }
}
