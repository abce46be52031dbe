//! NPZ files (a zip of NumPy arrays, as `numpy.savez` and `savez_compressed` write): arrays of integers by name.
//!
//! Formats: PKWARE APPNOTE 6.3.10 (stored and deflated entries up to 4 GiB, found through the central directory,
//! checked by CRC-32); NumPy Enhancement Proposal 1 (`.npy` versions 1 to 3, C order).

use std::io::Read;

use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::files::refuse;
use super::idx::Idx;
use crate::Error;

/// No array is unpacked beyond this, whatever the directory says: 1 GiB.
const MAX_BYTES: usize = 1 << 30;

/// An NPZ file in memory.
pub struct Npz<'a> {
    file: &'a str,
    content: &'a [u8],
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    method: usize,
    crc: u32,
    packed: usize,
    plain: usize,
    offset: usize,
}

/// An array with the type of its elements, such as `|u1`.
struct Array {
    kind: String,
    axes: Vec<usize>,
    bytes: Vec<u8>,
}

impl<'a> Npz<'a> {
    /// Reads the directory of the file's bytes; `file` names it in errors.
    pub fn new(file: &'a str, content: &'a [u8]) -> Result<Self, Error> {
        match directory(content) {
            Some(entries) => Ok(Self {
                file,
                content,
                entries,
            }),
            None => refuse(file, "not a whole zip file of below 4 GiB; fetch it again"),
        }
    }

    /// Whether there is an array of this name.
    pub fn has(&self, name: &str) -> bool {
        self.entries
            .iter()
            .any(|e| e.name.strip_suffix(".npy") == Some(name))
    }

    /// Images of bytes, `[n][height][width]` or, with channels last, `[n][height][width][channels]`: axes
    /// `[n, channels, height, width]`, planar.
    pub fn images(&self, name: &str) -> Result<Idx, Error> {
        let array = self.array(name)?;
        if array.kind != "|u1" {
            let why = format!(
                "array `{name}` is of type {}, images are bytes (|u1)",
                array.kind
            );
            return refuse(self.file, why);
        }
        match array.axes[..] {
            [n, height, width] => Ok(Idx::new(vec![n, 1, height, width], array.bytes)),
            [n, height, width, channels @ 1..=4] => {
                let pixels = height * width;
                let image = pixels * channels;
                let mut planar = vec![0; array.bytes.len()];
                for (from, to) in array
                    .bytes
                    .chunks_exact(image.max(1))
                    .zip(planar.chunks_exact_mut(image.max(1)))
                {
                    for (index, value) in from.iter().enumerate() {
                        to[index % channels * pixels + index / channels] = *value;
                    }
                }
                Ok(Idx::new(vec![n, channels, height, width], planar))
            }
            _ => refuse(
                self.file,
                format!(
                    "array `{name}` has axes {:?}; images have [n, height, width] or [n, height, width, 1 to 4 channels]",
                    array.axes
                ),
            ),
        }
    }

    /// Class numbers 0 to 255 of any integer type, `[n]` or `[n][1]`: axes `[n]`.
    pub fn labels(&self, name: &str) -> Result<Idx, Error> {
        let array = self.array(name)?;
        let (n, width) = match (&array.axes[..], integer_bytes(&array.kind)) {
            ([n] | [n, 1], Some(width)) => (*n, width),
            (axes, _) => {
                let kind = &array.kind;
                let why = format!(
                    "array `{name}` has axes {axes:?} of type {kind}; labels are little-endian integers with [n] or [n, 1]"
                );
                return refuse(self.file, why);
            }
        };
        let small = |number: &[u8]| {
            let (first, rest) = number.split_first()?;
            let signed = array.kind.contains('i') && rest.is_empty() && *first > 127;
            (rest.iter().all(|byte| *byte == 0) && !signed).then_some(*first)
        };
        let labels: Option<Vec<u8>> = array.bytes.chunks_exact(width).map(small).collect();
        match labels {
            Some(labels) => Ok(Idx::new(vec![n], labels)),
            None => refuse(
                self.file,
                format!("array `{name}` holds a label below 0 or above 255"),
            ),
        }
    }

    fn array(&self, name: &str) -> Result<Array, Error> {
        let npy = format!("{name}.npy");
        let Some(entry) = self.entries.iter().find(|e| e.name == npy) else {
            let names: Vec<&str> = self.entries.iter().map(|e| e.name.as_str()).collect();
            let names = names.join(", ");
            return refuse(self.file, format!("no array is named `{name}` in {names}"));
        };
        let plain = match unpack(self.content, entry) {
            Ok(plain) => plain,
            Err(why) => return refuse(self.file, format!("array `{name}`: {why}")),
        };
        match parse(&plain) {
            Some(array) => Ok(array),
            None => refuse(
                self.file,
                format!("array `{name}` is no whole NumPy array in C order"),
            ),
        }
    }
}

/// Little-endian number of `width` bytes at `at`.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |n, byte| n << 8 | usize::from(*byte)),
    )
}

/// The entries of the central directory; `None` where a part is missing or has the wrong signature.
fn directory(content: &[u8]) -> Option<Vec<Entry>> {
    const END: usize = 22;
    let last = content.len().checked_sub(END)?;
    let end = (last.saturating_sub(usize::from(u16::MAX))..=last)
        .rev()
        .find(|at| content[*at..].starts_with(b"PK\x05\x06"))?;
    let count = number(content, end + 10, 2)?;
    let mut at = number(content, end + 16, 4)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        if !content.get(at..)?.starts_with(b"PK\x01\x02") {
            return None;
        }
        let field = |offset, width| number(content, at + offset, width);
        let name_len = field(28, 2)?;
        let name = content.get(at + 46..at + 46 + name_len)?;
        entries.push(Entry {
            name: String::from_utf8_lossy(name).into_owned(),
            method: field(10, 2)?,
            crc: u32::try_from(field(16, 4)?).ok()?,
            packed: field(20, 4)?,
            plain: field(24, 4)?,
            offset: field(42, 4)?,
        });
        at += 46 + name_len + field(30, 2)? + field(32, 2)?;
    }
    Some(entries)
}

fn unpack(content: &[u8], entry: &Entry) -> Result<Vec<u8>, String> {
    let damaged = |why: &str| format!("{why}; fetch the file again");
    let start = || {
        let header = content.get(entry.offset..)?;
        let lengths = number(header, 26, 2)? + number(header, 28, 2)?;
        let data = header.get(30 + lengths..)?.get(..entry.packed)?;
        header.starts_with(b"PK\x03\x04").then_some(data)
    };
    let data = start().ok_or_else(|| damaged("its data are not where the directory says"))?;
    if entry.plain > MAX_BYTES {
        let size = entry.plain;
        return Err(format!("{size} bytes announced, the limit is {MAX_BYTES}"));
    }
    let limit = entry.plain as u64 + 1;
    let mut plain = Vec::new();
    let result = match entry.method {
        0 => data.take(limit).read_to_end(&mut plain),
        8 => DeflateDecoder::new(data)
            .take(limit)
            .read_to_end(&mut plain),
        other => {
            return Err(format!(
                "packed by method {other}; only stored (0) and deflated (8) arrays are read"
            ));
        }
    };
    result.map_err(|error| damaged(&format!("damaged ({error})")))?;
    let mut crc = Crc::new();
    crc.update(&plain);
    match plain.len() == entry.plain && crc.sum() == entry.crc {
        true => Ok(plain),
        false => Err(damaged(&format!(
            "{} bytes with CRC-32 {:08x} found, {} with {:08x} announced",
            plain.len(),
            crc.sum(),
            entry.plain,
            entry.crc
        ))),
    }
}

/// The array of a `.npy` file; `None` where its header is not understood or its size is another.
fn parse(npy: &[u8]) -> Option<Array> {
    let (width, from) = match npy.get(..8)? {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _] => (2, 10usize),
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _] => (4, 12),
        _ => return None,
    };
    let len = number(npy, 8, width)?;
    let header = std::str::from_utf8(npy.get(from..from.checked_add(len)?)?).ok()?;
    let value = |key: &str| Some(header.split_once(key)?.1.split_once(':')?.1.trim_start());
    if !value("'fortran_order'")?.starts_with("False") {
        return None;
    }
    let kind = value("'descr'")?.strip_prefix('\'')?.split_once('\'')?.0;
    let shape = value("'shape'")?.strip_prefix('(')?.split_once(')')?.0;
    let axes: Vec<usize> = shape
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty())
        .map(|axis| axis.parse().ok())
        .collect::<Option<_>>()?;
    let bytes = npy[from + len..].to_vec();
    let width: usize = integer_bytes(kind).unwrap_or(1);
    let expected = axes
        .iter()
        .try_fold(width, |n: usize, axis| n.checked_mul(*axis))?;
    // Types that are no integers are refused by name later.
    (integer_bytes(kind).is_none() || bytes.len() == expected).then_some(Array {
        kind: kind.to_owned(),
        axes,
        bytes,
    })
}

/// Bytes of an element of a little-endian integer type.
fn integer_bytes(kind: &str) -> Option<usize> {
    match kind {
        "|u1" | "|i1" => Some(1),
        "<u2" | "<i2" => Some(2),
        "<u4" | "<i4" => Some(4),
        "<u8" | "<i8" => Some(8),
        _ => None,
    }
}
