//! The state of a training after an epoch, in a file that is written aside and renamed.
//!
//! A line of JSON (what training it is of, how far it came, the sum of the rest), then all numbers as 32-bit floats,
//! little endian. Floats of the line are kept as their bits: a training that goes on from here must end bit for bit
//! as if it had never been stopped.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::report::EpochReport;
use crate::Error;

/// The state of a training.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Checkpoint {
    /// Of which training: a hash of network, data, options, seed and what it started from.
    pub training: String,
    /// Batches done.
    pub step: usize,
    /// Position of the generator that shuffles and moves images.
    pub generator: u128,
    /// Of the epochs done.
    pub reports: Vec<EpochReport>,
    /// Parameters, statistics, momenta and averages, in the order of the training.
    pub values: Vec<f32>,
}

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    version: u32,
    training: String,
    step: usize,
    generator: String,
    epochs: usize,
    reports: Vec<[u64; 3]>,
    values: usize,
    blake3: String,
}

/// Stands for a validation accuracy that was not measured: no number between 0 and 1 has these bits.
const NONE: u64 = u64::MAX;

impl Checkpoint {
    /// Writes the file: whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let body: Vec<u8> = self.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let report = |r: &EpochReport| {
            let validation = r.validation_accuracy.map_or(NONE, f64::to_bits);
            [r.loss.to_bits(), r.training_accuracy.to_bits(), validation]
        };
        let head = Head {
            version: VERSION,
            training: self.training.clone(),
            step: self.step,
            generator: self.generator.to_string(),
            epochs: self.reports.first().map_or(0, |r| r.epochs),
            reports: self.reports.iter().map(report).collect(),
            values: self.values.len(),
            blake3: blake3::hash(&body).to_hex().to_string(),
        };
        let mut bytes =
            serde_json::to_vec(&head).expect("strings and numbers are always valid JSON");
        bytes.push(b'\n');
        bytes.extend(body);
        Ok(hemet_files::write_atomically(path, &bytes)?)
    }

    /// Reads the checkpoint at `path`, which must be of `training` and hold `values` numbers; none where there is no
    /// file.
    ///
    /// # Errors
    /// A file that cannot be read, is damaged, or is of another training.
    pub fn read(path: &Path, training: &str, values: usize) -> Result<Option<Self>, Error> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(Error::Io {
                    action: "cannot read",
                    path: path.to_owned(),
                    source,
                });
            }
        };
        let refuse = |why: String| Error::Checkpoint {
            path: path.to_owned(),
            why,
        };
        let checkpoint = Self::parse(&bytes).map_err(refuse)?;
        if checkpoint.training != training || checkpoint.values.len() != values {
            return Err(refuse(
                "it is of another training (network, data, options or seed)".into(),
            ));
        }
        Ok(Some(checkpoint))
    }

    /// Puts the numbers in their places: as many as were read for.
    pub fn fill<'a>(&self, places: impl Iterator<Item = &'a mut Vec<f32>>) {
        let mut rest = self.values.as_slice();
        for place in places {
            let (own, others) = rest.split_at(place.len());
            place.copy_from_slice(own);
            rest = others;
        }
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let end = bytes.iter().position(|b| *b == b'\n');
        let (head, body) = bytes.split_at(end.ok_or("it has no first line")?);
        let body = &body[1..];
        let head: Head = serde_json::from_slice(head).map_err(|e| e.to_string())?;
        if head.version != VERSION {
            return Err(format!(
                "its version is {}, this program reads {VERSION}",
                head.version
            ));
        }
        let found = blake3::hash(body).to_hex().to_string();
        if found != head.blake3 || body.len() != head.values.saturating_mul(4) {
            return Err(format!("its sum is {found}, it should be {}", head.blake3));
        }
        let float = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        let report = |(index, bits): (usize, &[u64; 3])| EpochReport {
            epoch: index + 1,
            epochs: head.epochs,
            loss: f64::from_bits(bits[0]),
            training_accuracy: f64::from_bits(bits[1]),
            validation_accuracy: (bits[2] != NONE).then(|| f64::from_bits(bits[2])),
        };
        Ok(Self {
            training: head.training.clone(),
            step: head.step,
            generator: head
                .generator
                .parse()
                .map_err(|_| "its generator is no number")?,
            reports: head.reports.iter().enumerate().map(report).collect(),
            values: body.chunks_exact(4).map(float).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let report = |epoch, validation_accuracy| EpochReport {
            epoch,
            epochs: 5,
            loss: 0.1 + 0.2,
            training_accuracy: 1.0 / 3.0,
            validation_accuracy,
        };
        Checkpoint {
            training: "a".into(),
            step: 7,
            generator: u128::MAX,
            reports: vec![report(1, None), report(2, Some(0.7))],
            values: vec![0.1, -0.0, f32::MIN_POSITIVE],
        }
    }

    #[test]
    fn a_checkpoint_is_read_as_it_was_written_bit_for_bit() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("c");
        assert_eq!(Checkpoint::read(&path, "a", 3).expect("no file"), None);
        checkpoint().write(&path).expect("written");
        let found = Checkpoint::read(&path, "a", 3).expect("sound");
        let found = found.expect("there");
        assert_eq!(found, checkpoint());
        assert_eq!(found.values[1].to_bits(), (-0.0f32).to_bits());
    }

    #[test]
    fn damaged_and_foreign_checkpoints_are_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("c");
        checkpoint().write(&path).expect("written");
        let whole = std::fs::read(&path).expect("written");
        for (training, values) in [("b", 3), ("a", 4)] {
            let error = Checkpoint::read(&path, training, values).expect_err("refused");
            assert!(error.to_string().contains("another training"), "{error}");
        }
        let flipped = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            bytes
        };
        let cases = [
            whole[..whole.len() - 1].to_vec(),
            flipped(whole.len() - 2),
            flipped(2),
            vec![],
        ];
        for bytes in cases {
            std::fs::write(&path, bytes).expect("written");
            assert!(Checkpoint::read(&path, "a", 3).is_err());
        }
    }
}
