//! The errors of this crate.

/// What can go wrong with keys, ciphertexts and their files.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness: {0}")]
    Randomness(String),
    /// Bytes that are not what was expected.
    #[error("{what}: {why}")]
    Bytes {
        /// What was read.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Keys or ciphertexts made for another schedule.
    #[error(
        "{what} belongs to another compiled network (spec {found}, expected {expected}); use the one it was made for"
    )]
    ForeignSpec {
        /// What was given.
        what: &'static str,
        /// Fingerprint of its spec.
        found: String,
        /// Fingerprint that was expected.
        expected: String,
    },
    /// Keys or ciphertexts made with another client key.
    #[error(
        "{what} belongs to the client key {found}, expected {expected}; encrypt and evaluate with keys of one client"
    )]
    ForeignKey {
        /// What was given.
        what: &'static str,
        /// Id of its client key.
        found: String,
        /// Id that was expected.
        expected: String,
    },
    /// Another number of values than the network takes.
    #[error("the network takes {expected} values, {found} given")]
    InputLength {
        /// How many it takes.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// A value outside the network's input range.
    #[error(
        "input value {index} is {value}, the network takes {low} to {high}; quantize the input"
    )]
    InputValue {
        /// Which value.
        index: usize,
        /// What it is.
        value: i64,
        /// The least that is possible.
        low: i64,
        /// The greatest that is possible.
        high: i64,
    },
    /// A spec that no schedule gives.
    #[error("the spec is not valid: {0}")]
    Spec(String),
}

/// Refuses what belongs to another spec or client key.
pub(crate) fn same(
    what: &'static str,
    found: (&str, [u8; 16]),
    expected: (&str, [u8; 16]),
) -> Result<(), Error> {
    if found.0 != expected.0 {
        return Err(Error::ForeignSpec {
            what,
            found: found.0.to_owned(),
            expected: expected.0.to_owned(),
        });
    }
    let hex = |id: [u8; 16]| {
        id[..6]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<String>()
    };
    match found.1 == expected.1 {
        true => Ok(()),
        false => Err(Error::ForeignKey {
            what,
            found: hex(found.1),
            expected: hex(expected.1),
        }),
    }
}
