//! The one error type of this crate.

use hemet_ckks_params::ParamError;
use thiserror::Error;

/// Why an operation was refused.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The parameter set is not usable.
    #[error(transparent)]
    Parameters(#[from] ParamError),
    /// The operating system gave no randomness.
    #[error(
        "the operating system's random source failed ({reason}); no key or ciphertext can be made"
    )]
    Randomness {
        /// What the system said.
        reason: String,
    },
    /// Instructions that this machine does not have.
    #[error(
        "this machine has no {wanted} instructions, the fastest that it has are {fastest}; use those"
    )]
    Instructions {
        /// The instructions asked for.
        wanted: &'static str,
        /// The fastest that there are.
        fastest: &'static str,
    },
    /// An object was made under another context.
    #[error(
        "this {what} belongs to other parameters than this context; load both from the same artifact"
    )]
    Foreign {
        /// Which object.
        what: &'static str,
    },
    /// A list of evaluation keys holds more than was asked for.
    #[error(
        "the file lists {given} evaluation keys, {unasked} of them not asked for; {wanted} keys are needed, and no \
         others are read: make the keys with the description of this artifact"
    )]
    OtherKeys {
        /// Keys in the list.
        given: usize,
        /// Keys that were asked for.
        wanted: usize,
        /// Keys in the list that were not asked for.
        unasked: usize,
    },
    /// More values than slots.
    #[error(
        "{given} values were given, a plaintext has {slots} slots; split the vector or choose a larger log_n"
    )]
    TooManyValues {
        /// Values given.
        given: usize,
        /// Slots there are.
        slots: usize,
    },
    /// A value or scale that cannot be encoded.
    #[error("{what} is {value}, which cannot be encoded; give finite values and a scale above 0")]
    NotEncodable {
        /// `scale` or which value.
        what: String,
        /// The offending number.
        value: f64,
    },
    /// A value times the scale does not fit the modulus of the level.
    #[error(
        "an encoded coefficient has {bits:.1} bits, level {level} holds {limit:.1} bits; lower the scale or the \
         values, or use a higher level"
    )]
    EncodingOverflow {
        /// log2 of the largest coefficient.
        bits: f64,
        /// The level asked for.
        level: usize,
        /// log2 of half the modulus (at most 119).
        limit: f64,
    },
    /// A level outside the chain, or below what an operation needs.
    #[error("{operation} needs a level from {min} to {max}, it was given level {given}; {advice}")]
    Level {
        /// The operation.
        operation: &'static str,
        /// The level given.
        given: usize,
        /// Smallest level that would do.
        min: usize,
        /// Largest level that would do.
        max: usize,
        /// What to do.
        advice: &'static str,
    },
    /// Two operands at different levels.
    #[error(
        "{operation} was given operands at levels {left} and {right}; drop the higher one with `level_drop`"
    )]
    LevelMismatch {
        /// The operation.
        operation: &'static str,
        /// Level of the first operand.
        left: usize,
        /// Level of the second operand.
        right: usize,
    },
    /// Two operands whose scales differ.
    #[error(
        "{operation} was given operands at scales 2^{left:.9} and 2^{right:.9}; encode or rescale so that they agree \
         to 2^-40"
    )]
    ScaleMismatch {
        /// The operation.
        operation: &'static str,
        /// log2 of the first scale.
        left: f64,
        /// log2 of the second scale.
        right: f64,
    },
    /// A ciphertext of the wrong degree.
    #[error(
        "{operation} needs a ciphertext of degree {expected}, it was given degree {given}; {advice}"
    )]
    Degree {
        /// The operation.
        operation: &'static str,
        /// The degree given.
        given: usize,
        /// The degree needed.
        expected: usize,
        /// What to do.
        advice: &'static str,
    },
    /// Key switching without special primes.
    #[error(
        "the parameters have 0 special primes, switching keys need at least 1; add special primes to the parameters"
    )]
    NoSpecialPrimes,
    /// An evaluation key that was not generated.
    #[error(
        "the evaluation keys have no {key}; there are {available} rotation keys: add this one to the request and \
         generate the keys again"
    )]
    MissingKey {
        /// Which key.
        key: String,
        /// How many rotation keys there are.
        available: usize,
    },
    /// An evaluation key that was made for lower levels.
    #[error(
        "the {key} serves levels up to {serves}, the ciphertext has level {needed}; drop it to level {serves}, or \
         request the key for level {needed} and generate the keys again"
    )]
    KeyLevel {
        /// Which key.
        key: String,
        /// The highest level at which it can be used.
        serves: usize,
        /// The level of the ciphertext.
        needed: usize,
    },
    /// A linear plan that refers to what it does not have.
    #[error("linear plan: {what} is {given}, there are {count}")]
    Plan {
        /// What is out of range.
        what: &'static str,
        /// The index given.
        given: usize,
        /// How many there are.
        count: usize,
    },
    /// A polynomial of a degree that is not supported.
    #[error(
        "a polynomial has from 1 to {max} coefficients, it was given {given}; approximate at a lower degree"
    )]
    Polynomial {
        /// Coefficients given.
        given: usize,
        /// Most coefficients there may be.
        max: usize,
    },
    /// A run of slots that cannot be summed by doubling.
    #[error(
        "{count} slots with stride {stride} cannot be summed; take a power of two that is at most the number of \
         slots, and a stride other than 0"
    )]
    Stride {
        /// The distance of the slots.
        stride: i64,
        /// How many there are.
        count: usize,
    },
    /// A stream or file that could not be read.
    #[error("reading stopped at byte {at}: {reason}")]
    Stream {
        /// Bytes read before.
        at: u64,
        /// What the system said.
        reason: String,
    },
    /// Bytes that are not what they should be.
    #[error(transparent)]
    Bytes(#[from] BytesError),
}

/// Why bytes were refused.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum BytesError {
    /// Not made by this crate.
    #[error("these bytes do not start with the mark of hemet-ckks; this is another kind of file")]
    Magic,
    /// A newer or older format.
    #[error(
        "this {kind} has format version {found}, this build reads version {supported}; make it again with this build, \
         or use the build that made it"
    )]
    Version {
        /// Which kind of object.
        kind: &'static str,
        /// The version in the bytes.
        found: u16,
        /// The version that is read.
        supported: u16,
    },
    /// Mapped keys that belong to something else than what they stand with.
    #[error(
        "this {kind} belongs to another client or artifact than its file says; write it again from the client's keys"
    )]
    Label {
        /// Which kind of object.
        kind: &'static str,
    },
    /// Another object.
    #[error("these bytes hold a {found}, a {expected} was expected; pass the matching file")]
    Kind {
        /// What the bytes hold.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// Made under other parameters.
    #[error(
        "this {kind} was made under other parameters (fingerprint {found}, this context has {expected}); use keys \
         and ciphertexts of the same artifact"
    )]
    OtherParameters {
        /// What the bytes hold.
        kind: &'static str,
        /// Fingerprint in the bytes, first 16 hex digits.
        found: String,
        /// Fingerprint of the context, first 16 hex digits.
        expected: String,
    },
    /// Too short or too long.
    #[error(
        "this {kind} has {given} bytes, {expected} were expected; it was truncated or extended: transfer it again"
    )]
    Length {
        /// What the bytes hold.
        kind: &'static str,
        /// Bytes given.
        given: usize,
        /// Bytes expected.
        expected: usize,
    },
    /// A part that ends too early.
    #[error(
        "this {kind} ends at byte {given}, within the {part}; {expected} bytes were expected: transfer it again"
    )]
    Cut {
        /// What the bytes hold.
        kind: &'static str,
        /// In which part the end came.
        part: String,
        /// Bytes that there were.
        given: u64,
        /// Bytes that there should be.
        expected: u64,
    },
    /// A part with changed bytes.
    #[error(
        "the {part} in this {kind}, bytes {from} to {to}, does not match its checksum; it was corrupted: transfer it \
         again"
    )]
    Part {
        /// What the bytes hold.
        kind: &'static str,
        /// Which part.
        part: String,
        /// Its first byte.
        from: u64,
        /// The byte after its last.
        to: u64,
    },
    /// Changed bytes.
    #[error("this {kind} does not match its checksum; it was corrupted: transfer it again")]
    Checksum {
        /// What the bytes hold.
        kind: &'static str,
    },
    /// A field outside its range.
    #[error(
        "this {kind} has {field} = {value}, allowed is {allowed}; it was not made by this crate"
    )]
    Field {
        /// What the bytes hold.
        kind: &'static str,
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A residue that is not below its modulus.
    #[error(
        "this {kind} has residue {residue} at position {position} of limb {limb}, its modulus is {modulus}; it was \
         not made by this crate"
    )]
    Residue {
        /// What the bytes hold.
        kind: &'static str,
        /// Which limb.
        limb: usize,
        /// Which coefficient.
        position: usize,
        /// The residue.
        residue: u64,
        /// The modulus.
        modulus: u64,
    },
}
