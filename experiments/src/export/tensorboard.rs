//! TensorBoard's event files: a folder a trial with what each epoch gave, and one of the search, counted in trials.
//!
//! A file is a row of TFRecords (tensorflow, `tensorflow/core/lib/io/record_writer.h`): length, its checksum, the
//! bytes, their checksum; checksums are CRC-32C (Castagnoli), turned and shifted so that they may stand in data that is
//! itself checked. The bytes are the protobuf message `Event` (`tensorflow/core/util/event.proto`), of which four
//! fields are needed, so they are written here by hand. The journal holds no times: all events have the time 0 and are
//! told apart by their step.

use hemet_search::hypervolume::HypervolumeCurve;

use super::Exported;
use crate::error::Error;

/// TensorBoard looks for files with `tfevents` in their names.
const FILE: &str = "events.out.tfevents.0.hemet";

/// The files by their paths in the folder.
///
/// # Errors
/// A curve that is damaged, objectives that mean nothing.
pub fn files(study: &Exported<'_>) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut files = vec![(format!("search/{FILE}"), search(study)?)];
    for trial in study.trials {
        let Some(epochs) = study.folder.read_curve(trial.number)? else {
            continue;
        };
        let mut events = Events::new();
        for report in &epochs {
            let step = report.epoch as u64;
            events.add(step, "training/loss", report.loss);
            events.add(step, "training/accuracy", report.training_accuracy);
            if let Some(accuracy) = report.validation_accuracy {
                events.add(step, "validation/accuracy", accuracy);
            }
        }
        if let (Some(last), Some(accuracy)) = (epochs.last(), trial.outcome.accuracy())
            && last.validation_accuracy.is_none()
        {
            events.add(last.epoch as u64, "validation/accuracy", accuracy);
        }
        files.push((format!("trial-{:04}/{FILE}", trial.number), events.0));
    }
    Ok(files)
}

/// What each trial of the search gave.
fn search(study: &Exported<'_>) -> Result<Vec<u8>, Error> {
    let mut events = Events::new();
    let curve = HypervolumeCurve::of(study.trials, &study.experiment.objectives()?);
    let mut best = 0.0_f64;
    for trial in study.trials {
        let step = trial.number as u64;
        if let Some(accuracy) = trial.outcome.accuracy() {
            best = best.max(accuracy);
            events.add(step, "search/accuracy", accuracy);
            events.add(step, "search/best_accuracy", best);
        }
        if let Some(cost) = &trial.cost {
            events.add(step, "search/predicted_latency_ms", cost.latency_ms);
            events.add(step, "search/depth", cost.depth as f64);
        }
        if let Some(share) = curve.as_ref().and_then(|c| c.shares.get(trial.number)) {
            events.add(step, "search/hypervolume", *share);
        }
    }
    Ok(events.0)
}

/// An event file.
struct Events(Vec<u8>);

impl Events {
    /// A file with the event that tells its version.
    fn new() -> Self {
        let mut events = Self(Vec::new());
        let mut event = Vec::new();
        bytes_field(&mut event, 3, b"brain.Event:2");
        events.record(&event);
        events
    }

    /// Adds a number under a name.
    fn add(&mut self, step: u64, tag: &str, value: f64) {
        let mut scalar = Vec::new();
        bytes_field(&mut scalar, 1, tag.as_bytes());
        // simple_value, field 2, a 32-bit float.
        scalar.push(2 << 3 | 5);
        scalar.extend((value as f32).to_le_bytes());
        let mut summary = Vec::new();
        bytes_field(&mut summary, 1, &scalar);
        // step, field 2, a varint.
        let mut event = vec![2 << 3];
        varint(&mut event, step);
        bytes_field(&mut event, 5, &summary);
        self.record(&event);
    }

    fn record(&mut self, event: &[u8]) {
        let length = (event.len() as u64).to_le_bytes();
        self.0.extend(length);
        self.0.extend(masked_crc(&length).to_le_bytes());
        self.0.extend(event);
        self.0.extend(masked_crc(event).to_le_bytes());
    }
}

/// A field of bytes of a protobuf message; its number is below 16.
fn bytes_field(message: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    message.push(number << 3 | 2);
    varint(message, bytes.len() as u64);
    message.extend(bytes);
}

/// Seven bits a byte, the lowest first.
fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

/// CRC-32C as TFRecords hold it.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (RFC 3720, appendix B.4), bit by bit: a file here has some kilobytes.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = match crc & 1 {
                1 => (crc >> 1) ^ 0x82f6_3b78,
                _ => crc >> 1,
            };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_rfc_3720() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        let ascending: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&ascending), 0x46dd_794e);
    }

    #[test]
    fn an_event_is_framed_and_read_back_by_hand() {
        let mut events = Events::new();
        let version = events.0.len();
        // Length 15, its checksum, field 3 of 13 bytes, the checksum.
        assert_eq!(version, 8 + 4 + 15 + 4);
        assert_eq!(&events.0[12..14], [3 << 3 | 2, 13]);
        events.add(300, "a", 0.5);
        let record = &events.0[version..];
        assert_eq!(record[..8], 15_u64.to_le_bytes());
        assert_eq!(record[8..12], masked_crc(&record[..8]).to_le_bytes());
        let event = &record[12..27];
        assert_eq!(event[..3], [2 << 3, 0xac, 0x02], "step 300");
        assert_eq!(event[3..5], [5 << 3 | 2, 10], "a summary of 10 bytes");
        assert_eq!(event[5..10], [1 << 3 | 2, 8, 1 << 3 | 2, 1, b'a']);
        assert_eq!(event[10], 2 << 3 | 5);
        assert_eq!(event[11..], 0.5_f32.to_le_bytes());
        assert_eq!(record[27..], masked_crc(event).to_le_bytes());
    }
}
