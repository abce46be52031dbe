//! The head of a file of evaluation keys: which keys follow, for which levels, under which seed.
//!
//! It is an envelope (see `bytes/mod.rs`) whose payload is the seed (32 bytes), the numbers of relinearization keys (0
//! or 1) and of Galois keys, the level of the relinearization key, and the step and level of each Galois key, all u32;
//! for mapped keys also the label of what they belong to (32 bytes). The keys follow it one by one, each with its own
//! checksum, so that a reader verifies what it has read so far and can say where a file was cut or changed.

use std::io::Read;

use crate::bytes::{HEADER, Kind, Reader, Writer};
use crate::context::Context;
use crate::error::{BytesError, Error};
use crate::galois::{conjugation_element, rotation_element};

/// Stands for relinearization where Galois elements, which are odd, stand for the other keys.
pub(crate) const RELINEARIZATION: u64 = 0;
/// How conjugation is written in the list of steps; steps are below the slots.
const CONJUGATION: u32 = u32::MAX;
/// Seed and counts.
const FIXED: usize = 40;
/// Bytes of a checksum.
pub(crate) const CHECKSUM: usize = 32;
/// Bytes of a label.
const LABEL: usize = 32;

/// What mapped keys belong to, as their owner says it.
pub(crate) type Label = [u8; LABEL];

/// That of keys on their way, which belong to whatever is around them.
pub(crate) const NO_LABEL: Label = [0; LABEL];

/// A key in the list.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) element: u64,
    /// `None` for relinearization and conjugation.
    pub(crate) step: Option<i64>,
    pub(crate) level: usize,
}

impl Entry {
    /// The words for it in messages.
    pub(crate) fn name(&self) -> String {
        match self.step {
            Some(step) => format!("key for rotation by {step}"),
            None if self.element == RELINEARIZATION => "relinearization key".into(),
            None => "key for conjugation".into(),
        }
    }
}

/// What precedes the keys.
pub(crate) struct Head {
    pub(crate) kind: Kind,
    pub(crate) seed: [u8; 32],
    /// Relinearization first, then by Galois element.
    pub(crate) entries: Vec<Entry>,
    /// What mapped keys belong to.
    pub(crate) label: Label,
    /// The checksum of all that, which goes into those of the keys.
    pub(crate) sum: [u8; CHECKSUM],
}

/// A stream that counts its bytes.
pub(crate) struct Input<'a> {
    pub(crate) stream: &'a mut dyn Read,
    pub(crate) at: u64,
}

impl Input<'_> {
    /// Appends `count` bytes, or as many as there are; memory grows with what arrives.
    pub(crate) fn fill(&mut self, bytes: &mut Vec<u8>, count: usize) -> Result<(), Error> {
        let read = (&mut *self.stream).take(count as u64).read_to_end(bytes);
        let read = read.map_err(|e| Error::Stream {
            at: self.at,
            reason: e.to_string(),
        })?;
        self.at += read as u64;
        Ok(())
    }
}

impl Head {
    /// Bytes of the head of these keys.
    pub(crate) fn len(kind: Kind, entries: &[Entry]) -> usize {
        let relinearizations = entries.iter().filter(|e| e.element == RELINEARIZATION);
        let relinearizations = relinearizations.count();
        Self::counted_len(kind, relinearizations, entries.len() - relinearizations)
    }

    fn counted_len(kind: Kind, relinearizations: usize, galois: usize) -> usize {
        let label = match kind == Kind::MappedKeys {
            true => LABEL,
            false => 0,
        };
        HEADER + FIXED + 4 * relinearizations + 8 * galois + label + CHECKSUM
    }

    /// The bytes of a head, of which the last [`CHECKSUM`] are its checksum.
    pub(crate) fn bytes(
        kind: Kind,
        context: &Context,
        seed: &[u8; 32],
        entries: &[Entry],
        label: &Label,
    ) -> Vec<u8> {
        let relinearizations = entries.iter().filter(|e| e.element == RELINEARIZATION);
        let relinearizations = relinearizations.count();
        let galois = entries.len() - relinearizations;
        let length = Self::len(kind, entries);
        let mut writer = Writer::new(kind, &context.fingerprint, length);
        writer.put(seed);
        writer.put(&(relinearizations as u32).to_le_bytes());
        writer.put(&(galois as u32).to_le_bytes());
        for entry in entries {
            if entry.element != RELINEARIZATION {
                let step = entry.step.map_or(CONJUGATION, |step| step as u32);
                writer.put(&step.to_le_bytes());
            }
            writer.put(&(entry.level as u32).to_le_bytes());
        }
        if kind == Kind::MappedKeys {
            writer.put(label);
        }
        writer.finish()
    }

    /// Reads and checks a head.
    pub(crate) fn read(
        kind: Kind,
        context: &Context,
        input: &mut Input<'_>,
    ) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        input.fill(&mut bytes, HEADER + FIXED)?;
        // The mark and the parameters are wrong more often than the length.
        Reader::check_header(kind, &bytes, Some(&context.fingerprint))?;
        let slots = context.parameters.slots();
        let count = |at: usize| {
            let four = bytes.get(at..at + 4).and_then(|b| b.try_into().ok());
            four.map_or(0, u32::from_le_bytes) as usize
        };
        // Numbers above the limits are refused below.
        let relinearizations = count(HEADER + 32).min(1);
        let galois = count(HEADER + 36).min(slots);
        let length = Self::counted_len(kind, relinearizations, galois);
        input.fill(&mut bytes, length.saturating_sub(HEADER + FIXED))?;
        let mut reader = Reader::open(kind, &bytes, Some(&context.fingerprint))?;
        let seed = reader.array()?;
        let entries = context.take_entries(&mut reader)?;
        let label: Label = match kind == Kind::MappedKeys {
            true => reader.array()?,
            false => NO_LABEL,
        };
        reader.check_rest(0)?;
        if !entries.is_empty() && context.special.is_empty() {
            return Err(Error::NoSpecialPrimes);
        }
        let mut sum = [0; CHECKSUM];
        sum.copy_from_slice(&bytes[bytes.len() - CHECKSUM..]);
        Ok(Self {
            kind,
            seed,
            entries,
            label,
            sum,
        })
    }

    /// The checksum of key `index`, from its bytes.
    pub(crate) fn key_sum(&self, index: usize, bytes: &[u8]) -> [u8; CHECKSUM] {
        let mut hasher = key_hasher(&self.sum, index);
        hasher.update(bytes);
        *hasher.finalize().as_bytes()
    }

    /// That a key's bytes do not match their checksum; they start at `from`.
    pub(crate) fn changed(&self, index: usize, from: u64, length: usize) -> BytesError {
        BytesError::Part {
            kind: self.kind.name(),
            part: self.entries[index].name(),
            from,
            to: from + length as u64,
        }
    }
}

/// The start of the checksum of key `index` under a head with checksum `sum`.
pub(crate) fn key_hasher(sum: &[u8; CHECKSUM], index: usize) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.update(sum);
    hasher.update(&(index as u32).to_le_bytes());
    hasher
}

impl Context {
    /// Reads the list of keys.
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
}
