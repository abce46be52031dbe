//! What a scheme does, over bytes and 64-bit floats: the door through which commands, clients and servers use it.
//!
//! A [`Scheme`] opens artifacts ([`Model`]) and what clients know of them ([`Spec`]). A spec makes a client's secret half
//! ([`Secret`]) and the evaluation keys for the server; a model becomes a [`Service`], which admits any number of clients'
//! keys ([`Admitted`]). What travels between them is a payload: [`crate::Client`] and [`crate::Server`] put it into the one
//! envelope of all schemes, which names artifact and key set and is summed. So a scheme never sees a foreign or damaged file.
//!
//! [`door`] is the list of all; [`crate::conformance::door`] is the suite that each one passes.

use std::path::Path;
use std::sync::Arc;

use hemet_schedule::{Manifest, Scheme as SchemeId};
use zeroize::Zeroizing;

use crate::error::{Result, RuntimeError};
use crate::files::{ArtifactId, KeySetId, Opened, read, read_start};
use crate::observe::Observer;

/// The door of a scheme; none where this build does not have it.
pub fn door(id: SchemeId) -> Option<&'static dyn Scheme> {
    match id {
        SchemeId::Ckks => Some(&crate::ckks::Ckks),
        #[cfg(feature = "tfhe")]
        SchemeId::Tfhe => Some(&crate::tfhe::Tfhe),
        #[cfg(not(feature = "tfhe"))]
        SchemeId::Tfhe => None,
    }
}

/// The schemes of this build.
pub fn schemes() -> impl Iterator<Item = &'static dyn Scheme> {
    SchemeId::ALL.into_iter().filter_map(door)
}

/// The first bytes of a file, which say whose artifact it is.
const START: usize = 64;

/// The scheme whose artifact lies at `path`.
///
/// # Errors
/// A file of another kind, one of a scheme that this build does not have, or one that cannot be read.
pub fn scheme_at(path: &Path) -> Result<&'static dyn Scheme> {
    let what = "an artifact";
    let id = SchemeId::of_file(&read_start(path, START)?);
    let id = id.ok_or(RuntimeError::NotOurs { what })?;
    door(id).ok_or(RuntimeError::NoScheme { what, scheme: id })
}

/// The artifact at `path`, of whichever scheme.
///
/// # Errors
/// As [`scheme_at`]; a damaged artifact, or one that is not valid.
pub fn open(path: &Path) -> Result<Box<dyn Model>> {
    scheme_at(path)?.read(path)
}

/// A scheme of homomorphic encryption.
pub trait Scheme: Send + Sync {
    /// Which scheme it is.
    fn id(&self) -> SchemeId;

    /// The bits of a file's kind that say that it is of this scheme; no two schemes have the same. One of 0x00, 0x20, 0x80, 0xa0.
    fn mark(&self) -> u8;

    /// Reads and verifies the bytes of an artifact.
    ///
    /// # Errors
    /// Foreign, truncated or altered bytes; a schedule that is not valid.
    fn artifact(&self, bytes: &[u8]) -> Result<Box<dyn Model>>;

    /// As [`Scheme::artifact`], from a file.
    ///
    /// # Errors
    /// As [`Scheme::artifact`], and what the system says.
    fn read(&self, path: &Path) -> Result<Box<dyn Model>> {
        self.artifact(&read(path)?)
    }

    /// Reads the payload of a client key file, by [`Secret::to_payload`]: the secret half, and what it knows of the artifact
    /// `artifact`.
    ///
    /// # Errors
    /// Truncated bytes, or a spec that is not valid or of another artifact.
    fn secret(&self, artifact: ArtifactId, payload: &[u8]) -> Result<ClientHalf>;
}

/// What a client key file holds.
pub type ClientHalf = (Arc<dyn Spec>, Box<dyn Secret>);

/// That results may be shown to others than the owner of the key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// How many, over the life of a key.
    pub results: u64,
    /// Deviation of the noise that decryption adds to every output.
    pub noise: f64,
}

/// What clients and users are told of an artifact; nothing of its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The artifact.
    pub artifact: ArtifactId,
    /// Name of the network; empty where a key file of an older program does not say it.
    pub network: String,
    /// What the outputs stand for, in order; empty if not known.
    pub classes: Vec<String>,
    /// How raw data become the network's input, in words.
    pub normalization: String,
    /// Channels, height and width of an input.
    pub shape: [u32; 3],
    /// Inputs that one request takes.
    pub images: usize,
    /// Whether decrypted numbers are those of the clear reference exactly, so that a difference is a fault and no noise.
    pub exact: bool,
    /// Magnitude from which on an output decrypts to a wrong number, where there is one.
    pub output_edge: Option<f64>,
    /// How many results may be shown to others, where decryption hides their errors; nothing where none may.
    pub shown: Option<Shown>,
    /// The parameters of the encryption, in words.
    pub parameters: String,
    /// Bits of security; 0 for parameters that promise none.
    pub security_bits: u32,
    /// Bytes of the evaluation keys as a client sends them, without heads.
    pub evaluation_key_bytes: u64,
}

/// What a client decrypts.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The logits, in order.
    Logits(Vec<f64>),
    /// The class alone, where the artifact was compiled so.
    Label(usize),
}

impl Answer {
    /// The class: the largest logit, the first of equals.
    pub fn class(&self) -> usize {
        match self {
            Answer::Label(class) => *class,
            Answer::Logits(logits) => {
                let larger =
                    |best: usize, i: usize| if logits[i] > logits[best] { i } else { best };
                (0..logits.len()).reduce(larger).unwrap_or(0)
            }
        }
    }

    /// The logits; of a class alone 1 for it and 0 for the others of `classes`.
    pub fn scores(self, classes: usize) -> Vec<f64> {
        match self {
            Answer::Logits(logits) => logits,
            Answer::Label(class) => (0..classes.max(class + 1))
                .map(|other| f64::from(u8::from(other == class)))
                .collect(),
        }
    }

    /// The logits; none where the client learns the class alone.
    pub fn logits(self) -> Vec<f64> {
        match self {
            Answer::Logits(logits) => logits,
            Answer::Label(_) => Vec::new(),
        }
    }
}

/// What the network gives in the clear, input by input: the reference that encrypted answers are compared with.
pub type Reference = Box<dyn Fn(&[&[f64]]) -> Result<Vec<Answer>> + Send + Sync>;

/// An artifact that was read and verified.
pub trait Model: Send + Sync {
    /// What it is.
    fn manifest(&self) -> &Manifest;

    /// What its clients must know. Costs one pass over the artifact, for its id.
    ///
    /// # Errors
    /// None for an artifact that was read or compiled.
    fn spec(&self) -> Result<Arc<dyn Spec>>;

    /// Number of instructions of its schedule.
    fn instructions(&self) -> usize;

    /// Its schedule as text.
    fn text(&self) -> String;

    /// The bytes of its file.
    ///
    /// # Errors
    /// What the format cannot hold.
    fn to_bytes(&self) -> Result<Vec<u8>>;

    /// The network in the clear.
    ///
    /// # Errors
    /// A constant that cannot be used.
    fn reference(&self) -> Result<Reference>;

    /// Makes it ready to answer, in the caller's rayon pool. Prepared constants take at most `constant_bytes` where the scheme
    /// can prepare them again for each answer.
    ///
    /// # Errors
    /// A constant that cannot be used.
    fn service(self: Box<Self>, constant_bytes: usize) -> Result<Box<dyn Service>>;
}

/// What a client knows of an artifact.
pub trait Spec: Send + Sync {
    /// The scheme.
    fn scheme(&self) -> &'static dyn Scheme;

    /// What is told of the artifact.
    fn facts(&self) -> Facts;

    /// Makes a secret half from the operating system's randomness, and the payload of the evaluation keys.
    ///
    /// # Errors
    /// If the system gives no randomness, or the spec is not valid.
    fn generate(&self) -> Result<Generated>;

    /// Writes evaluation keys as a server keeps them, for [`Service::admit_kept`]: a file of `head` and, behind it, the keys.
    ///
    /// # Errors
    /// Truncated keys, what the system says.
    fn keep(&self, keys: &[u8], path: &Path, head: &[u8]) -> Result<()> {
        Ok(hemet_files::write_atomically(path, &[head, keys].concat())?)
    }
}

/// What one `keygen` makes.
pub struct Generated {
    /// Its random identity.
    pub key_set: KeySetId,
    /// What stays with the client.
    pub secret: Box<dyn Secret>,
    /// The payload of the evaluation key file, for the server.
    pub keys: Vec<u8>,
}

/// A client's secret half. No implementation has `Debug`, and each wipes its keys when it is dropped.
pub trait Secret: Send + Sync {
    /// The payload of the client key file, for [`Scheme::secret`].
    ///
    /// # Errors
    /// None in practice.
    fn to_payload(&self) -> Result<Zeroizing<Vec<u8>>>;

    /// Encrypts one or more inputs, each in channel-major order.
    ///
    /// # Errors
    /// An input of another size or with a number that is not finite; more inputs than a request takes.
    fn encrypt(&self, inputs: &[&[f64]]) -> Result<Vec<u8>>;

    /// Decrypts the answers to the first `count` inputs of a request.
    ///
    /// # Errors
    /// Bytes that are no answer; more answers than a request takes.
    fn decrypt(&self, answer: &[u8], count: usize) -> Result<Vec<Answer>>;
}

/// How much a server reads from a client at most, in bytes of payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of an evaluation key file.
    pub key_bytes: u64,
    /// Of a request.
    pub request_bytes: u64,
}

/// An artifact ready to answer requests, of any number of clients. Nothing here can decrypt.
pub trait Service: Send + Sync {
    /// How much a client may send.
    fn limits(&self) -> Limits;

    /// Reads a client's evaluation keys and checks that they are what the artifact needs.
    ///
    /// # Errors
    /// Truncated or unfitting keys.
    fn admit(&self, keys: &[u8]) -> Result<Box<dyn Admitted>>;

    /// Uses kept keys, which follow the start of a file, where they lie if the scheme can.
    ///
    /// # Errors
    /// As [`Service::admit`], and what the system says.
    fn admit_kept(&self, kept: &Opened) -> Result<Box<dyn Admitted>> {
        self.admit(&kept.next(u64::MAX)?)
    }
}

/// A service with the keys of one client.
pub trait Admitted: Send + Sync {
    /// Runs the network on an encrypted input, in the caller's rayon pool.
    ///
    /// # Errors
    /// Bytes that are no input for this artifact.
    fn answer(&self, request: &[u8], observe: &mut Observer<'_>) -> Result<Vec<u8>>;
}
