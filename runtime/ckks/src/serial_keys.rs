//! Evaluation keys to bytes and back.
//!
//! Payload: seed (32 bytes), number of relinearization keys (0 or 1) and of Galois keys, the level of the
//! relinearization key, for each Galois key its step and level, all u32; then half of each key: per extended limb of its
//! level, per digit, packed. The other half is expanded from the seed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bytes::{Kind, Reader, Writer, check_residues, packed_bytes};
use crate::context::Context;
use crate::error::{BytesError, Error};
use crate::galois::{Automorphism, conjugation_element, rotation_element};
use crate::kernels::{PADDING, Packed, packed_words};
use crate::keys::{EvaluationKeys, GaloisKey, KeyRequest};
use crate::parallel::map;
use crate::sampling::expand_uniform;
use crate::switching::{RELINEARIZATION, SwitchingKey, key_stream};

/// How conjugation is written in the list of steps; steps are below the slots.
const CONJUGATION: u32 = u32::MAX;

/// A key in the list that precedes the keys.
struct Entry {
    element: u64,
    /// `None` for relinearization and conjugation.
    step: Option<i64>,
    level: usize,
}

impl EvaluationKeys {
    /// The keys as bytes: a seed, the list of keys with their levels, and half of each key.
    pub fn to_bytes(&self, context: &Context) -> Vec<u8> {
        let galois = self.galois.values().map(|key| &key.key);
        let keys: Vec<&SwitchingKey> = self.relinearization.iter().chain(galois).collect();
        let halves: usize = keys.iter().map(|key| context.packed_key(key.level)).sum();
        let payload = 40 + 8 * keys.len() + halves;
        let mut writer = Writer::new(Kind::EvaluationKeys, &context.fingerprint, payload);
        writer.put(&self.seed);
        writer.put(&u32::from(self.relinearization.is_some()).to_le_bytes());
        writer.put(&(self.galois.len() as u32).to_le_bytes());
        if let Some(key) = &self.relinearization {
            writer.put(&(key.level as u32).to_le_bytes());
        }
        for key in self.galois.values() {
            let step = key.step.map_or(CONJUGATION, |step| step as u32);
            writer.put(&step.to_le_bytes());
            writer.put(&(key.key.level as u32).to_le_bytes());
        }
        keys.into_iter()
            .for_each(|key| context.put_key(&mut writer, key));
        writer.finish()
    }

    /// Reads keys of this context's parameters and expands their uniform halves.
    ///
    /// # Errors
    /// `Bytes` for anything else; `NoSpecialPrimes` when the parameters allow no such keys.
    pub fn from_bytes(context: &Context, bytes: &[u8]) -> Result<Self, Error> {
        let kind = Kind::EvaluationKeys;
        let mut reader = Reader::open(kind, bytes, Some(&context.fingerprint))?;
        let seed: [u8; 32] = reader.array()?;
        let entries = context.take_entries(&mut reader)?;
        if !entries.is_empty() && context.special.is_empty() {
            return Err(Error::NoSpecialPrimes);
        }
        let halves = entries.iter().map(|key| context.packed_key(key.level));
        reader.check_rest(halves.sum())?;
        let items = entries
            .into_iter()
            .map(|key| {
                let packed = reader.take(context.packed_key(key.level))?;
                Ok((key, packed))
            })
            .collect::<Result<Vec<_>, BytesError>>()?;
        let keys = map(&items, |(key, packed)| {
            context.expand_key(&seed, key, packed)
        });
        let mut relinearization = None;
        let mut galois = BTreeMap::new();
        for ((Entry { element, step, .. }, _), key) in items.into_iter().zip(keys) {
            let key = key?;
            if element == RELINEARIZATION {
                relinearization = Some(key);
            } else {
                let automorphism = Automorphism::new(context.parameters.log_n(), element);
                let automorphism = Arc::new(automorphism);
                galois.insert(
                    element,
                    GaloisKey {
                        step,
                        key,
                        automorphism,
                    },
                );
            }
        }
        Ok(Self {
            seed,
            relinearization,
            galois,
            tag: context.tag(),
        })
    }
}

impl Context {
    /// Bytes that the evaluation keys of a request take when serialised: half of each key, 8 for each rotation or
    /// conjugation and 4 for relinearization in the list, and 116 around them.
    ///
    /// # Errors
    /// `NoSpecialPrimes` and `Level`, as [`EvaluationKeys::generate`].
    pub fn evaluation_key_bytes(&self, request: &KeyRequest<'_>) -> Result<usize, Error> {
        let galois = request.galois(self)?;
        let list = 8 * galois.len() + 4 * usize::from(request.relinearize.is_some());
        let levels = galois.values().map(|(_, level)| *level);
        let halves = levels
            .chain(request.relinearize)
            .map(|level| self.packed_key(level));
        Ok(116 + list + halves.sum::<usize>())
    }

    /// Reads the list of keys: relinearization first, then by Galois element.
    fn take_entries(&self, reader: &mut Reader<'_>) -> Result<Vec<Entry>, BytesError> {
        let (log_n, slots) = (self.parameters.log_n(), self.parameters.slots());
        let max_level = self.parameters.max_level();
        let relinearizations = reader.number("number of relinearization keys", 0, 1)?;
        let count = reader.number("number of rotation keys", 0, slots)?;
        let mut entries: Vec<Entry> = Vec::new();
        for at in 0..relinearizations + count {
            let (element, step) = if at < relinearizations {
                (RELINEARIZATION, None)
            } else {
                match reader.u32()? {
                    CONJUGATION => (conjugation_element(log_n), None),
                    step if (1..slots).contains(&(step as usize)) => {
                        let step = i64::from(step);
                        (rotation_element(log_n, step), Some(step))
                    }
                    step => return Err(reader.field("a step", step, "1 to slots - 1")),
                }
            };
            let level = reader.number("the level of a key", 0, max_level)?;
            if entries.last().is_some_and(|last| last.element >= element) {
                let allowed = "each key once, in order";
                return Err(reader.field("the order of steps", "wrong", allowed));
            }
            entries.push(Entry {
                element,
                step,
                level,
            });
        }
        Ok(entries)
    }

    /// Bytes of half a switching key for a level.
    fn packed_key(&self, level: usize) -> usize {
        let all = self.special.iter().chain(&self.moduli[..=level]);
        let one: usize = all.map(|m| packed_bytes(m.q, self.degree())).sum();
        self.digits(level) * one
    }

    fn put_key(&self, writer: &mut Writer, key: &SwitchingKey) {
        for u in 0..self.extended_limbs(key.level) {
            for j in 0..key.digits {
                let packed = key.pair(self, u, j).0;
                writer.put_words(&packed.words[..packed.words.len() - PADDING]);
            }
        }
    }

    fn expand_key(
        &self,
        seed: &[u8; 32],
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
                check_residues(Kind::EvaluationKeys, u, m, &limb)?;
                at += length;
                expand_uniform(seed, key_stream(element, u, j), m.q, &mut limb);
                self.kernels.pack(&mut words[at..], &limb, m.bits());
                at += packed_words(n, m.bits());
                rest = later;
            }
        }
        Ok(SwitchingKey {
            words,
            level,
            digits,
        })
    }
}
