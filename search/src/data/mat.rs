//! MATLAB's MAT files, level 5 (as `save` and `scipy.io.savemat` write them): arrays of small whole numbers by name.
//!
//! MathWorks, MAT-File Format, "Level 5 MAT-File Format": a head of 128 bytes, then elements with a tag of type and
//! size, padded to eight bytes; an array is an element of flags, axes, name and numbers, and may be packed by zlib.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::ZlibDecoder;

use super::files::refuse;
use crate::Error;

/// An array, the first axis moving fastest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Array {
    pub axes: Vec<usize>,
    pub numbers: Vec<u8>,
}

const HEAD: usize = 128;
/// No array is unpacked beyond this, whatever the file says: 1 GiB.
const MAX_BYTES: u64 = 1 << 30;
/// Types of elements.
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

/// The arrays of whole numbers from 0 to 255 in a file's content; others are passed over.
///
/// # Errors
/// Content that is no such file, or damaged.
pub(super) fn read(file: &str, content: &[u8]) -> Result<BTreeMap<String, Array>, Error> {
    let is_little_endian = content.get(126..HEAD) == Some(b"IM");
    if !is_little_endian {
        return refuse(
            file,
            "no MAT file of level 5 (little-endian); fetch it again",
        );
    }
    arrays(&content[HEAD..]).map_or_else(|| refuse(file, "a damaged MAT file; fetch it again"), Ok)
}

fn arrays(mut rest: &[u8]) -> Option<BTreeMap<String, Array>> {
    let mut found = BTreeMap::new();
    while !rest.is_empty() {
        let (kind, content, after) = element(rest)?;
        let mut unpacked = Vec::new();
        let (kind, content) = match kind {
            COMPRESSED => {
                let mut reader = ZlibDecoder::new(content).take(MAX_BYTES);
                reader.read_to_end(&mut unpacked).ok()?;
                let (kind, content, _) = element(&unpacked)?;
                (kind, content)
            }
            kind => (kind, content),
        };
        if kind == MATRIX
            && let Some((name, array)) = array(content)?
        {
            found.insert(name, array);
        }
        rest = after;
    }
    Some(found)
}

/// Type and content of the first element, and what comes after it. Packed elements are not padded.
fn element(bytes: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..at + 4)?.first_chunk()?));
    let first = word(0)?;
    // Up to four bytes stand in the tag itself.
    if first >> 16 != 0 {
        let content = bytes.get(4..4 + (first >> 16) as usize)?;
        return Some((first & 0xffff, content, bytes.get(8..)?));
    }
    let size = word(4)? as usize;
    let content = bytes.get(8..8usize.checked_add(size)?)?;
    let padded = match first {
        COMPRESSED => size,
        _ => size.next_multiple_of(8),
    };
    let after = bytes.get(8 + padded..).unwrap_or_default();
    Some((first, content, after))
}

/// Name and numbers of an array; `Some(None)` where it holds others than small whole numbers.
fn array(bytes: &[u8]) -> Option<Option<(String, Array)>> {
    let (_, _flags, rest) = element(bytes)?;
    let (_, axes, rest) = element(rest)?;
    let (_, name, rest) = element(rest)?;
    let Some((kind, numbers, _)) = element(rest) else {
        return Some(None);
    };
    let (axes, _) = axes.as_chunks::<4>();
    let axes: Vec<usize> = axes
        .iter()
        .map(|axis| u32::from_le_bytes(*axis) as usize)
        .collect();
    let Some(numbers) = small(kind, numbers) else {
        return Some(None);
    };
    let count = axes
        .iter()
        .try_fold(1usize, |all, axis| all.checked_mul(*axis))?;
    let name = String::from_utf8_lossy(name).into_owned();
    (count == numbers.len()).then_some(Some((name, Array { axes, numbers })))
}

/// Numbers of a type as bytes; none where one is no whole number from 0 to 255.
fn small(kind: u32, bytes: &[u8]) -> Option<Vec<u8>> {
    fn all<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Option<Vec<u8>> {
        let (chunks, _) = bytes.as_chunks::<N>();
        let byte = |chunk: &[u8; N]| {
            let number = number(*chunk);
            let is_byte = number.fract() == 0.0 && (0.0..=255.0).contains(&number);
            is_byte.then_some(number as u8)
        };
        chunks.iter().map(byte).collect()
    }
    match kind {
        1 => all(bytes, |[byte]: [u8; 1]| f64::from(byte as i8)),
        2 => Some(bytes.to_vec()),
        3 => all(bytes, |b| f64::from(i16::from_le_bytes(b))),
        4 => all(bytes, |b| f64::from(u16::from_le_bytes(b))),
        5 => all(bytes, |b| f64::from(i32::from_le_bytes(b))),
        6 => all(bytes, |b| f64::from(u32::from_le_bytes(b))),
        7 => all(bytes, |b| f64::from(f32::from_le_bytes(b))),
        9 => all(bytes, f64::from_le_bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKED: &[u8] = include_bytes!("../../tests/mat/packed.mat");
    const PLAIN: &[u8] = include_bytes!("../../tests/mat/plain.mat");

    #[test]
    fn arrays_of_scipy_are_read_packed_and_plain() {
        let packed = read("packed.mat", PACKED).expect("sound");
        assert_eq!(packed["X"].axes, [32, 32, 3, 3]);
        // Row 1, column 2, channel 2 of image 1.
        let place = 1 + 32 * 2 + 1024 * 2 + 3072;
        assert_eq!(packed["X"].numbers[place], 3 * 2 + 2 + 2 * 40 + 1);
        assert_eq!(packed["y"].numbers, [1, 10, 7]);
        let plain = read("plain.mat", PLAIN).expect("sound");
        assert_eq!(plain["y"].numbers, [1, 10, 7]);
        assert_eq!(plain["X"].axes, [4, 2, 1, 2]);
        assert!(!plain.contains_key("note"), "halves are no labels");
    }

    #[test]
    fn damaged_files_are_refused_without_a_panic() {
        for content in [PACKED, PLAIN] {
            for len in 0..content.len() {
                let _ = read("cut.mat", &content[..len]);
            }
            for place in 0..content.len() {
                let mut changed = content.to_vec();
                changed[place] ^= 0xff;
                let _ = read("changed.mat", &changed);
            }
        }
        let error = read("text.mat", b"not one").expect_err("refused");
        assert!(error.to_string().contains("no MAT file"), "{error}");
    }
}
