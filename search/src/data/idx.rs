//! IDX files (the format of LeCun's MNIST files): unsigned bytes in a box of up to 4 axes, plain or gzipped.
//!
//! Layout: two zero bytes, type `0x08`, number of axes, each axis as a big-endian `u32`, then the bytes, row-major.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::Error;

/// No file is read beyond this, whatever its header says: 1 GiB.
const MAX_ELEMENTS: usize = 1 << 30;
const UNSIGNED_BYTE: u8 = 0x08;

/// The content of an IDX file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// Extent of each axis.
    pub axes: Vec<usize>,
    /// The elements, row-major; as many as the product of `axes`.
    pub bytes: Vec<u8>,
    /// BLAKE3 sum of the uncompressed file, in hexadecimal.
    pub blake3: String,
}

impl Idx {
    /// What came from a file of another format; the sum is that of `bytes` alone.
    pub(super) fn new(axes: Vec<usize>, bytes: Vec<u8>) -> Self {
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        Self {
            axes,
            bytes,
            blake3,
        }
    }
}

/// Reads an IDX file of `rank` axes from its (plain or gzipped) bytes; `file` names it in errors.
pub fn read(file: &str, content: &[u8], rank: usize) -> Result<Idx, Error> {
    if content.starts_with(&[0x1f, 0x8b]) {
        read_plain(file, GzDecoder::new(content), rank)
    } else {
        read_plain(file, content, rank)
    }
}

fn read_plain(file: &str, mut reader: impl Read, rank: usize) -> Result<Idx, Error> {
    let refuse = |why: String| Error::DataFormat {
        file: file.to_owned(),
        why,
    };
    let mut hasher = blake3::Hasher::new();
    let header = take(&mut reader, 4 + 4 * rank).map_err(&refuse)?;
    hasher.update(&header);
    let axes = parse_header(&header, rank).map_err(&refuse)?;
    let expected = axes
        .iter()
        .try_fold(1usize, |product, axis| product.checked_mul(*axis))
        .filter(|len| *len <= MAX_ELEMENTS)
        .ok_or_else(|| {
            refuse(format!(
                "its header claims {axes:?} elements, more than the limit of {MAX_ELEMENTS}"
            ))
        })?;
    // Memory grows with the bytes that are there, not with what the header claims.
    let mut bytes = Vec::new();
    reader
        .take(expected as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| {
            refuse(format!(
                "damaged after {} of {expected} data bytes ({error}); fetch it again",
                bytes.len()
            ))
        })?;
    if bytes.len() != expected {
        let found = match bytes.len() > expected {
            true => "more".to_owned(),
            false => bytes.len().to_string(),
        };
        return Err(refuse(format!(
            "its header {axes:?} announces {expected} data bytes, {found} found; fetch it again"
        )));
    }
    hasher.update(&bytes);
    Ok(Idx {
        axes,
        bytes,
        blake3: hasher.finalize().to_hex().to_string(),
    })
}

/// Exactly `len` bytes, or why not.
fn take(reader: &mut impl Read, len: usize) -> Result<Vec<u8>, String> {
    let mut header = Vec::new();
    reader
        .take(len as u64)
        .read_to_end(&mut header)
        .map_err(|error| format!("not a readable gzip stream ({error}); fetch it again"))?;
    match header.len() == len {
        true => Ok(header),
        false => Err(format!(
            "an IDX header here has {len} bytes, {} found; the file is truncated",
            header.len()
        )),
    }
}

fn parse_header(header: &[u8], rank: usize) -> Result<Vec<usize>, String> {
    let (magic, axes) = header.split_at(4);
    let expected = [0, 0, UNSIGNED_BYTE, rank as u8];
    if magic != expected {
        return Err(format!(
            "it begins with {magic:02x?}, an IDX file of unsigned bytes with {rank} axes with {expected:02x?}"
        ));
    }
    Ok(axes
        .chunks_exact(4)
        .map(|axis| u32::from_be_bytes([axis[0], axis[1], axis[2], axis[3]]) as usize)
        .collect())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn plain() -> Vec<u8> {
        let mut file = vec![0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3];
        file.extend([1, 2, 3, 4, 5, 6]);
        file
    }

    fn gz(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).expect("memory");
        encoder.finish().expect("memory")
    }

    fn why(content: &[u8]) -> String {
        read("x.gz", content, 2).expect_err("refused").to_string()
    }

    #[test]
    fn plain_and_gzipped_files_read_the_same() {
        let idx = read("x", &plain(), 2).expect("sound");
        assert_eq!(
            (idx.axes.clone(), idx.bytes.clone()),
            (vec![2, 3], vec![1, 2, 3, 4, 5, 6])
        );
        assert_eq!(idx, read("x", &gz(&plain()), 2).expect("sound"));
    }

    #[test]
    fn damaged_files_are_refused_with_both_sizes() {
        let mut longer = plain();
        longer.push(7);
        let mut huge = plain();
        huge[4..12].fill(0xff);
        let zipped = gz(&plain());
        let cases: [(Vec<u8>, &str); 7] = [
            (plain()[..15].to_vec(), "announces 6 data bytes, 3 found"),
            (plain()[..7].to_vec(), "has 12 bytes, 7 found"),
            (Vec::new(), "has 12 bytes, 0 found"),
            (longer, "announces 6 data bytes, more found"),
            (huge, "more than the limit"),
            (zipped[..zipped.len() - 9].to_vec(), "x.gz"),
            (vec![0, 0, 13, 2, 0, 0, 0, 2, 0, 0, 0, 3], "it begins with"),
        ];
        for (content, message) in cases {
            assert!(why(&content).contains(message), "{}", why(&content));
            assert!(why(&content).contains("`x.gz`"), "{}", why(&content));
        }
    }

    #[test]
    fn a_flipped_byte_in_a_gzip_stream_is_noticed() {
        let zipped = gz(&plain());
        for position in 10..zipped.len() {
            let mut damaged = zipped.clone();
            damaged[position] ^= 0x55;
            assert!(read("x.gz", &damaged, 2).is_err(), "byte {position}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(content in proptest::collection::vec(any::<u8>(), 0..200), rank in 1usize..4) {
            let _ = read("x", &content, rank);
            let mut headed = vec![0, 0, 8, rank as u8];
            headed.extend(content);
            let _ = read("x", &headed, rank);
        }
    }
}
