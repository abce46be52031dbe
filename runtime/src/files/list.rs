//! A list of byte strings, each with its length before it: the payload of requests and responses.

use crate::error::{Result, RuntimeError};

/// `parts`, each with its length (64 bits, little endian) before it, after their number (32 bits).
pub(crate) fn join(parts: &[Vec<u8>]) -> Vec<u8> {
    let length: usize = parts.iter().map(|p| p.len() + 8).sum();
    let mut bytes = Vec::with_capacity(4 + length);
    bytes.extend_from_slice(&(parts.len() as u32).to_le_bytes());
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// Takes [`join`]ed bytes apart; `expected` is the number of parts, `what` and `advice` stand in errors.
pub(crate) fn split<'a>(
    bytes: &'a [u8],
    expected: usize,
    what: &'static str,
    advice: &'static str,
) -> Result<Vec<&'a [u8]>> {
    let mut reader = Reader { what, rest: bytes };
    let count = u32::from_le_bytes(reader.array()?) as usize;
    if count != expected {
        return Err(RuntimeError::Count {
            what,
            expected,
            got: count,
            advice,
        });
    }
    let mut parts = Vec::with_capacity(expected);
    for _ in 0..count {
        let length = u64::from_le_bytes(reader.array()?);
        parts.push(reader.take(length)?);
    }
    reader.end()?;
    Ok(parts)
}

/// Reads bytes from the front, refusing to run over the end.
pub(crate) struct Reader<'a> {
    pub(crate) what: &'static str,
    pub(crate) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, length: u64) -> Result<&'a [u8]> {
        let cut = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length));
        let (taken, rest) = cut.ok_or(RuntimeError::Length {
            what: self.what,
            expected: length,
            got: self.rest.len() as u64,
        })?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const LEN: usize>(&mut self) -> Result<[u8; LEN]> {
        let mut out = [0; LEN];
        out.copy_from_slice(self.take(LEN as u64)?);
        Ok(out)
    }

    pub(crate) fn end(&self) -> Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(RuntimeError::Length {
            what: self.what,
            expected: 0,
            got: self.rest.len() as u64,
        })
    }
}
