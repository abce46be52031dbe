//! Bytes that tell when they are damaged: fields read one by one, lengths checked before memory is taken, BLAKE3 sums.
//!
//! Every binary file of ours is built from these pieces, each in an order of its own: a mark, a version, lengths, a
//! payload, and a sum of what must not change. A sum finds accidents; it is no signature. A reader checks, in this
//! order, mark, version, lengths against its limits, and the sum; only then does it look at what the bytes mean.
//!
//! ```
//! use hemet_files::sealed::{Damage, Fields, seal, unseal};
//! let mut bytes = b"NOTE".to_vec();
//! bytes.extend(1u16.to_le_bytes());
//! bytes.extend(b"some text");
//! seal(&mut bytes);
//!
//! let mut fields = Fields::of("the note", unseal("the note", &bytes)?);
//! fields.mark(b"NOTE")?;
//! let version = fields.u16()?;
//! fields.check_version(version.into(), 1)?;
//! assert_eq!(fields.rest(), b"some text");
//! # Ok::<(), Damage>(())
//! ```

use std::io::{self, Read};

/// Bytes of a sum.
pub const SUM_BYTES: usize = 32;

/// What is wrong with bytes before anybody looks at what they mean.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// They begin differently: another kind of file.
    #[error(
        "{part} does not begin with its mark; this is another kind of file, or none of ours ({bytes} bytes)"
    )]
    Mark {
        /// What was to be read.
        part: String,
        /// How many bytes there are.
        bytes: u64,
    },
    /// A newer program wrote them, or none.
    #[error(
        "{part} has format version {found}, this program reads 1 to {newest}; use a newer hemet"
    )]
    Version {
        /// What was to be read.
        part: String,
        /// The version in the file.
        found: u32,
        /// The newest known version.
        newest: u32,
    },
    /// They end early, or something follows their end.
    #[error("{part} is damaged: it needs {wanted} bytes, {found} are there; get it again")]
    Length {
        /// What was to be read.
        part: String,
        /// Bytes that it should have.
        wanted: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// They are more than a reader takes.
    #[error("{part} has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// What was to be read.
        part: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Their sum differs.
    #[error("{part} is damaged: its checksum is {found}, it should be {wanted}; get it again")]
    Checksum {
        /// What was to be read.
        part: String,
        /// The sum in the file, in hexadecimal digits.
        wanted: String,
        /// The sum of the bytes, in hexadecimal digits.
        found: String,
    },
}

/// Bytes that are read field by field; numbers are little endian.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    part: &'static str,
    whole: usize,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of `part`, the words for these bytes in errors.
    pub fn of(part: &'static str, bytes: &'a [u8]) -> Self {
        Self {
            part,
            whole: bytes.len(),
            rest: bytes,
        }
    }

    /// What is not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`Damage::Length`] where fewer are left.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            let read = self.whole - self.rest.len();
            return Err(length(
                self.part,
                read.saturating_add(count) as u64,
                self.whole as u64,
            ));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// The next `COUNT` bytes.
    ///
    /// # Errors
    /// As [`Fields::take`].
    pub fn array<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], Damage> {
        let mut array = [0; COUNT];
        array.copy_from_slice(self.take(COUNT)?);
        Ok(array)
    }

    /// A byte.
    ///
    /// # Errors
    /// As [`Fields::take`].
    pub fn u8(&mut self) -> Result<u8, Damage> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// A number of 2 bytes.
    ///
    /// # Errors
    /// As [`Fields::take`].
    pub fn u16(&mut self) -> Result<u16, Damage> {
        self.array().map(u16::from_le_bytes)
    }

    /// A number of 4 bytes.
    ///
    /// # Errors
    /// As [`Fields::take`].
    pub fn u32(&mut self) -> Result<u32, Damage> {
        self.array().map(u32::from_le_bytes)
    }

    /// A number of 8 bytes.
    ///
    /// # Errors
    /// As [`Fields::take`].
    pub fn u64(&mut self) -> Result<u64, Damage> {
        self.array().map(u64::from_le_bytes)
    }

    /// A length of 8 bytes, at most `limit`: checked before anybody takes memory for it.
    ///
    /// # Errors
    /// As [`Fields::take`], or [`Damage::TooLarge`].
    pub fn length(&mut self, limit: u64) -> Result<usize, Damage> {
        let length = self.u64()?;
        within(self.part, length, limit)
    }

    /// Takes the mark that these bytes must begin with.
    ///
    /// # Errors
    /// [`Damage::Mark`] where they begin differently.
    pub fn mark(&mut self, mark: &[u8]) -> Result<(), Damage> {
        let Some(rest) = self.rest.strip_prefix(mark) else {
            return Err(Damage::Mark {
                part: self.part.to_owned(),
                bytes: self.whole as u64,
            });
        };
        self.rest = rest;
        Ok(())
    }

    /// Whether a version is one from 1 to `newest`.
    ///
    /// # Errors
    /// [`Damage::Version`].
    pub fn check_version(&self, found: u32, newest: u32) -> Result<(), Damage> {
        match (1..=newest).contains(&found) {
            true => Ok(()),
            false => Err(Damage::Version {
                part: self.part.to_owned(),
                found,
                newest,
            }),
        }
    }

    /// Ends reading.
    ///
    /// # Errors
    /// [`Damage::Length`] where something is left.
    pub fn end(self) -> Result<(), Damage> {
        match self.rest.len() {
            0 => Ok(()),
            more => Err(length(
                self.part,
                (self.whole - more) as u64,
                self.whole as u64,
            )),
        }
    }
}

/// The BLAKE3 sum of pieces, one after another.
pub fn sum(pieces: &[&[u8]]) -> [u8; SUM_BYTES] {
    let mut hasher = blake3::Hasher::new();
    for piece in pieces {
        hasher.update(piece);
    }
    *hasher.finalize().as_bytes()
}

/// Compares a sum with the one in a file.
///
/// # Errors
/// [`Damage::Checksum`] with both where they differ.
pub fn check_sum(
    part: &str,
    found: &[u8; SUM_BYTES],
    wanted: &[u8; SUM_BYTES],
) -> Result<(), Damage> {
    if found == wanted {
        return Ok(());
    }
    Err(Damage::Checksum {
        part: part.to_owned(),
        wanted: hex(wanted),
        found: hex(found),
    })
}

/// Appends the sum of all bytes.
pub fn seal(bytes: &mut Vec<u8>) {
    let sum = sum(&[bytes]);
    bytes.extend(sum);
}

/// What [`seal`] sealed, without the sum at its end.
///
/// # Errors
/// [`Damage::Length`] where there is no room for a sum, [`Damage::Checksum`] where it differs.
pub fn unseal<'a>(part: &str, bytes: &'a [u8]) -> Result<&'a [u8], Damage> {
    let Some((body, wanted)) = bytes.split_last_chunk() else {
        return Err(length(part, SUM_BYTES as u64, bytes.len() as u64));
    };
    check_sum(part, &sum(&[body]), wanted)?;
    Ok(body)
}

/// Checks a size against a limit, and that this machine can count it.
///
/// # Errors
/// [`Damage::TooLarge`] with both numbers.
pub fn within(part: &str, bytes: u64, limit: u64) -> Result<usize, Damage> {
    usize::try_from(bytes)
        .ok()
        .filter(|_| bytes <= limit)
        .ok_or_else(|| Damage::TooLarge {
            part: part.to_owned(),
            bytes,
            limit,
        })
}

/// Reads `length` bytes or as many as there are. Memory grows with what is there, not with what is asked for.
///
/// # Errors
/// What the source says.
pub fn read_at_most(source: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The digits of bytes.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The bytes that [`hex`] wrote; nothing for other digits or another number of them.
pub fn from_hex<const COUNT: usize>(text: &str) -> Option<[u8; COUNT]> {
    let digits = text.as_bytes();
    let mut bytes = [0; COUNT];
    if digits.len() != 2 * COUNT {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let [high, low] = [digit(pair[0])?, digit(pair[1])?];
        *byte = (16 * high + low) as u8;
    }
    Some(bytes)
}

/// [`Damage::Length`].
pub fn length(part: &str, wanted: u64, found: u64) -> Damage {
    Damage::Length {
        part: part.to_owned(),
        wanted,
        found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(text: &[u8]) -> Vec<u8> {
        let mut bytes = [
            b"NOTE".as_slice(),
            &1u16.to_le_bytes(),
            &(text.len() as u64).to_le_bytes(),
            text,
        ]
        .concat();
        seal(&mut bytes);
        bytes
    }

    fn read(bytes: &[u8], limit: u64) -> Result<&[u8], Damage> {
        let mut fields = Fields::of("the note", unseal("the note", bytes)?);
        fields.mark(b"NOTE")?;
        let version = fields.u16()?;
        fields.check_version(version.into(), 1)?;
        let length = fields.length(limit)?;
        let text = fields.take(length)?;
        fields.end()?;
        Ok(text)
    }

    #[test]
    fn sealed_bytes_come_back_and_every_changed_bit_and_length_is_refused() {
        let bytes = note(b"some text");
        assert_eq!(read(&bytes, 9), Ok(b"some text".as_slice()));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&changed, 9).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length], 9).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn a_length_above_the_limit_is_refused_with_both_numbers() {
        let error = read(&note(b"some text"), 8).unwrap_err();
        assert_eq!(error.to_string(), "the note has 9 bytes, the limit is 8");
        let huge = within("it", u64::MAX, u64::MAX - 1).unwrap_err();
        assert!(huge.to_string().contains("18446744073709551615 bytes"));
    }

    #[test]
    fn marks_versions_and_ends_are_named() {
        let sealed = |body: &[u8]| {
            let mut bytes = body.to_vec();
            seal(&mut bytes);
            bytes
        };
        for (body, words) in [
            (b"".as_slice(), "does not begin with its mark"),
            (b"NOTA", "does not begin with its mark"),
            (b"NOTE\0\0", "format version 0"),
            (b"NOTE\x09\0", "format version 9, this program reads 1 to 1"),
            (b"NOTE\x01\0\x05", "needs 14 bytes, 7 are there"),
            (
                b"NOTE\x01\0\x05\0\0\0\0\0\0\0abcdeX",
                "needs 19 bytes, 20 are there",
            ),
        ] {
            let message = read(&sealed(body), 100).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn digits_are_read_back_and_others_are_refused() {
        let bytes = [0, 1, 0x9f, 0xff];
        assert_eq!(from_hex(&hex(&bytes)), Some(bytes));
        for wrong in [
            "",
            "00019ff",
            "00019fffa",
            "00019ffg",
            "00019f+f",
            "ü019fff",
        ] {
            assert_eq!(from_hex::<4>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn reading_takes_as_much_memory_as_there_are_bytes() {
        let bytes = read_at_most(&mut [1u8, 2, 3].as_slice(), u64::MAX).unwrap();
        assert_eq!(bytes, [1, 2, 3]);
        assert!(bytes.capacity() < 1 << 16);
    }
}
