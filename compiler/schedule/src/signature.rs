//! The signature of an artifact, as it stands in files; the runtime makes and checks it.

use serde::{Deserialize, Serialize};

/// An ed25519 signature of an artifact's id and of what its clients must know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The public key of who signed: 32 bytes in hexadecimal digits.
    pub key: String,
    /// BLAKE3 of the client's spec: 32 bytes in hexadecimal digits.
    pub spec: String,
    /// The signature: 64 bytes in hexadecimal digits.
    pub signature: String,
}
