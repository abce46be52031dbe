//! Messages: encoded, encrypted, decrypted, decoded, and as bytes.

mod ciphertext;
mod compose;
mod decode;
mod decrypt;
mod diagonal;
mod encode;
mod encrypt;
mod flooding;
mod integers;
mod kept;
mod repeated;
mod wire;

pub use ciphertext::{Ciphertext, Diagonal, Plaintext, SeededCiphertext};
pub(crate) use ciphertext::{DiagonalLimb, PlainData};
pub use diagonal::diagonal_bytes;
pub use flooding::Flooding;
