//! What binds an answer to its request: a request has a random number, and an answer names that number and the hash
//! of the request's file.
//!
//! | payload of | bytes | content |
//! |---|---|---|
//! | a request | 0..16 | random number |
//! | | 16.. | the scheme's input |
//! | a response | 0..16 | the request's number |
//! | | 16..48 | BLAKE3 of the request's file |
//! | | 48.. | the scheme's output |
//!
//! Version 1 of both had the last part only. A server can still compute something else: this finds answers that were
//! exchanged, repeated or meant for another client, not a server that lies.

use std::fmt;

use hemet_ckks::os_rng;
use rand::Rng;

use crate::error::Result;
use crate::files::{Envelope, Reader};

/// The request that is or was answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    number: [u8; 16],
    hash: [u8; 32],
}

impl Asked {
    /// A number for a new request, from the operating system's randomness.
    pub(crate) fn new_number() -> Result<[u8; 16]> {
        let mut number = [0; 16];
        os_rng()?.fill_bytes(&mut number);
        Ok(number)
    }

    /// What an answer begins with.
    pub(crate) fn to_bytes(self) -> [u8; 48] {
        let mut bytes = [0; 48];
        bytes[..16].copy_from_slice(&self.number);
        bytes[16..].copy_from_slice(&self.hash);
        bytes
    }
}

/// The beginnings of number and hash.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        write!(
            f,
            "request {} (hash {})",
            hex(&self.number[..8]),
            hex(&self.hash[..8])
        )
    }
}

/// An opened request or response.
pub(crate) struct Message<'a> {
    number: Option<[u8; 16]>,
    /// Of a response, the request that it answers; none in version 1.
    pub(crate) asked: Option<Asked>,
    /// What the scheme reads.
    pub(crate) payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// The parts of a request.
    pub(crate) fn of_request(envelope: &Envelope<'a>) -> Result<Self> {
        let mut reader = Self::reader(envelope);
        let number = match envelope.version {
            1 => None,
            _ => Some(reader.array()?),
        };
        Ok(Self {
            number,
            asked: None,
            payload: reader.rest,
        })
    }

    /// The parts of a response.
    pub(crate) fn of_response(envelope: &Envelope<'a>) -> Result<Self> {
        let mut reader = Self::reader(envelope);
        let asked = match envelope.version {
            1 => None,
            _ => Some(Asked {
                number: reader.array()?,
                hash: reader.array()?,
            }),
        };
        Ok(Self {
            number: None,
            asked,
            payload: reader.rest,
        })
    }

    /// What an answer to this request, whose file is `bytes`, must name; none for a request of version 1.
    pub(crate) fn asked(&self, bytes: &[u8]) -> Option<Asked> {
        let hash = *blake3::hash(bytes).as_bytes();
        self.number.map(|number| Asked { number, hash })
    }

    /// As [`Message::asked`], with the number 0 for a request that has none.
    pub(crate) fn answered(&self, bytes: &[u8]) -> Asked {
        Asked {
            number: self.number.unwrap_or_default(),
            hash: *blake3::hash(bytes).as_bytes(),
        }
    }

    fn reader(envelope: &Envelope<'a>) -> Reader<'a> {
        Reader {
            what: envelope.kind.name(),
            rest: envelope.payload,
        }
    }
}
