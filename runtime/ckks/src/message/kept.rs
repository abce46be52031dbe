//! Diagonals in a file that is used where it lies: a server that starts again encodes nothing, and processes share the
//! pages.
//!
//! The head is an envelope (see `bytes/mod.rs`) whose payload is its own length with everything around it (u64), the
//! label of what the diagonals belong to (32 bytes), their number (u32), and of each diagonal its level (u32), how many
//! residues of each limb it keeps (u32; 0 where all are the same), its scale (f64), and a blake3 of its words, or the
//! residue of each limb where all are the same. The words of the packed ones follow, each at a multiple of 64 bytes, as
//! they are in memory. All is verified when the file is opened, checksums and residues, which reads it once.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use super::ciphertext::{Diagonal, DiagonalData, DiagonalWords};
use crate::bytes::{HEADER, Kind, Reader, Writer, check_residues, write_words};
use crate::context::Context;
use crate::error::{BytesError, Error};
use crate::kernels::{MIN_RESIDUES, PADDING, Packed};
use crate::mapping::{MappedRange, Mapping};
use crate::parallel::{map, sequentially};

const KIND: Kind = Kind::MappedDiagonals;
/// Words of a diagonal begin at a cache line.
const LINE: usize = 64;
const CHECKSUM: usize = 32;
/// Length, label and number.
const FIXED: usize = 8 + 32 + 4;
/// Level, residues and scale.
const ENTRY: usize = 4 + 4 + 8;

/// What the head says of a diagonal.
struct Entry {
    level: usize,
    scale: f64,
    form: Form,
}

enum Form {
    Packed {
        residues: usize,
        /// The checksum of its words.
        sum: [u8; CHECKSUM],
        /// Where they lie, in bytes.
        place: Range<usize>,
    },
    Constant(Vec<u64>),
}

impl Context {
    /// Writes diagonals for [`Context::map_diagonals`]. `label` says what they belong to, such as a hash of the id of
    /// an artifact.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_diagonals(
        &self,
        diagonals: &[&Diagonal],
        label: &[u8; 32],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let details = map(diagonals, |diagonal| match &diagonal.data {
            DiagonalData::Packed {
                words, residues, ..
            } => (*residues, sum_of(words).to_vec()),
            DiagonalData::Constant(residues) => {
                let bytes = residues.iter().flat_map(|residue| residue.to_le_bytes());
                (0, bytes.collect())
            }
        });
        let payload = details.iter().map(|(_, bytes)| ENTRY + bytes.len());
        let payload = FIXED + payload.sum::<usize>();
        let mut writer = Writer::new(KIND, &self.fingerprint, payload);
        writer.put(&((HEADER + payload + CHECKSUM) as u64).to_le_bytes());
        writer.put(label);
        writer.put(&(diagonals.len() as u32).to_le_bytes());
        for (diagonal, (residues, bytes)) in diagonals.iter().zip(&details) {
            writer.put(&(diagonal.level as u32).to_le_bytes());
            writer.put(&(*residues as u32).to_le_bytes());
            writer.put(&diagonal.scale.to_le_bytes());
            writer.put(bytes);
        }
        let head = writer.finish();
        out.write_all(&head)?;
        let mut at = head.len();
        for diagonal in diagonals {
            if let DiagonalData::Packed { words, .. } = &diagonal.data {
                let start = at.next_multiple_of(LINE);
                out.write_all(&vec![0; start - at])?;
                write_words(out, &mut blake3::Hasher::new(), words)?;
                at = start + 8 * words.len();
            }
        }
        Ok(())
    }

    /// Uses the diagonals of a file where they lie, from byte `offset` (a multiple of 64) to its end, in the order in
    /// which they were written. All of them are verified, in the caller's rayon pool.
    ///
    /// **The file must not be changed or cut while these diagonals or clones of them exist**: keep it where only the
    /// server can write, and replace it by renaming another one over it.
    ///
    /// # Errors
    /// `Stream` when the file cannot be mapped, `Bytes` for a file that was not written by
    /// [`Context::write_diagonals`] for these parameters and this label, has another length or was changed.
    pub fn map_diagonals(
        &self,
        file: &File,
        label: &[u8; 32],
        offset: u64,
    ) -> Result<Vec<Diagonal>, Error> {
        let failed = |reason: String| Error::Stream { at: 0, reason };
        let mapping = Arc::new(Mapping::of(file).map_err(|e| failed(e.to_string()))?);
        let from = usize::try_from(offset).ok().filter(|at| at % LINE == 0);
        let bytes = from.and_then(|at| mapping.bytes().get(at..));
        let (Some(from), Some(bytes)) = (from, bytes) else {
            let length = mapping.bytes().len();
            return Err(failed(format!(
                "diagonals should start at byte {offset} of {length}; the place must be a multiple of {LINE} within the file"
            )));
        };
        let entries = self.diagonal_entries(bytes, label, from)?;
        mapping.bring(from, bytes.len());
        let made = map(&entries, |entry| {
            sequentially(|| self.mapped_diagonal(entry, &mapping))
        });
        made.into_iter().collect()
    }

    /// Reads and checks the head of mapped diagonals that begin at byte `from` of their file.
    fn diagonal_entries(
        &self,
        bytes: &[u8],
        label: &[u8; 32],
        from: usize,
    ) -> Result<Vec<Entry>, BytesError> {
        Reader::check_header(KIND, bytes, Some(&self.fingerprint))?;
        let (kind, given) = (KIND.name(), bytes.len());
        let length = bytes
            .get(HEADER..HEADER + 8)
            .and_then(|b| b.try_into().ok());
        let expected = length.map_or(0, u64::from_le_bytes);
        let head = usize::try_from(expected).ok().and_then(|l| bytes.get(..l));
        // Shorter than what every head has: the header check refuses it.
        let head = head.ok_or(BytesError::Length {
            kind,
            given,
            expected: usize::try_from(expected).unwrap_or(usize::MAX),
        })?;
        let mut reader = Reader::open(KIND, head, Some(&self.fingerprint))?;
        reader.u64()?;
        let theirs: [u8; 32] = reader.array()?;
        if theirs != *label {
            return Err(BytesError::Label { kind });
        }
        let most = head.len() / ENTRY;
        let count = reader.number("number of diagonals", 0, most)?;
        let mut end = head.len();
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            let entry = self.diagonal_entry(&mut reader, &mut end, from)?;
            entries.push(entry);
        }
        reader.check_rest(0)?;
        match given == end {
            true => Ok(entries),
            false => Err(BytesError::Length {
                kind,
                given,
                expected: end,
            }),
        }
    }

    /// The next diagonal of a head; those before it end at byte `end` behind `from`.
    fn diagonal_entry(
        &self,
        reader: &mut Reader<'_>,
        end: &mut usize,
        from: usize,
    ) -> Result<Entry, BytesError> {
        let level = reader.number("the level of a diagonal", 0, self.parameters.max_level())?;
        let slots = self.parameters.slots();
        let kept = reader.number("the residues of a diagonal", 0, slots)?;
        if kept > 0 && !(kept.is_power_of_two() && kept >= MIN_RESIDUES) {
            let allowed = format!("0, or a power of two from {MIN_RESIDUES} on");
            return Err(reader.field("the residues of a diagonal", kept, &allowed));
        }
        let scale = reader.scale()?;
        if kept > 0 {
            let sum = reader.array()?;
            let words = self.diagonal_starts(level, kept)[level + 1] + PADDING;
            let start = end.next_multiple_of(LINE);
            *end = start + 8 * words;
            return Ok(Entry {
                level,
                scale,
                form: Form::Packed {
                    residues: kept,
                    sum,
                    place: from + start..from + *end,
                },
            });
        }
        let mut residues = Vec::with_capacity(level + 1);
        for (index, m) in self.moduli[..=level].iter().enumerate() {
            let residue = reader.u64()?;
            check_residues(KIND, index, m, &[residue])?;
            residues.push(residue);
        }
        Ok(Entry {
            level,
            scale,
            form: Form::Constant(residues),
        })
    }

    /// The diagonal of an entry, its words verified.
    fn mapped_diagonal(&self, entry: &Entry, mapping: &Arc<Mapping>) -> Result<Diagonal, Error> {
        let data = match &entry.form {
            Form::Constant(residues) => DiagonalData::Constant(residues.clone()),
            Form::Packed {
                residues,
                sum,
                place,
            } => {
                let bytes = mapping.bytes().get(place.clone()).unwrap_or(&[]);
                if blake3::hash(bytes) != *sum {
                    return Err(BytesError::Part {
                        kind: KIND.name(),
                        part: "diagonal".into(),
                        from: place.start as u64,
                        to: place.end as u64,
                    }
                    .into());
                }
                DiagonalData::Packed {
                    words: DiagonalWords::Mapped(MappedRange::new(mapping, place.clone())),
                    starts: self.diagonal_starts(entry.level, *residues),
                    residues: *residues,
                }
            }
        };
        if let DiagonalData::Packed {
            words,
            starts,
            residues,
        } = &data
        {
            self.check_diagonal(words, starts, *residues)?;
        }
        Ok(Diagonal {
            data,
            level: entry.level,
            scale: entry.scale,
            tag: self.tag(),
        })
    }

    /// Whether every residue of a packed diagonal is below its modulus.
    fn check_diagonal(
        &self,
        words: &[u64],
        starts: &[usize],
        residues: usize,
    ) -> Result<(), BytesError> {
        let mut limb = self.pool.take(residues);
        for (index, pair) in starts.windows(2).enumerate() {
            let m = &self.moduli[index];
            let packed = Packed {
                words: &words[pair[0]..pair[1] + PADDING],
                bits: m.bits(),
            };
            self.kernels.unpack(&mut limb, packed);
            check_residues(KIND, index, m, &limb)?;
        }
        Ok(())
    }
}

/// The checksum of words.
fn sum_of(words: &[u64]) -> [u8; CHECKSUM] {
    let mut hasher = blake3::Hasher::new();
    // A sink takes everything.
    let _ = write_words(&mut io::sink(), &mut hasher, words);
    *hasher.finalize().as_bytes()
}
