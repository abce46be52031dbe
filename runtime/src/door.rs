//! What a scheme does, over bytes and 64-bit floats: the door through which commands, clients and servers use it.
//!
//! A [`Scheme`] opens artifacts ([`Model`]) and what clients know of them ([`Spec`]). A spec makes a client's secret
//! half ([`Secret`]) and the evaluation keys for the server; a model becomes a [`Service`], which admits any number of
//! clients' keys ([`Admitted`]). What travels between them is a payload: [`crate::Client`] and [`crate::Server`] put it
//! into the one envelope of all schemes, which names artifact (or binding) and key set and is summed. So a scheme never
//! sees a foreign or damaged file.
//!
//! [`crate::schemes`] is the list of all; [`crate::conformance::door`] is the suite that each one passes.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use hemet_schedule::{DevicePart, Manifest, Scheme as SchemeId, Signature};
use zeroize::Zeroizing;

pub use crate::answer::Answer;
use crate::error::{Result, RuntimeError};
use crate::facts::Facts;
use crate::files::{ArtifactId, FileKind, KeySetId, Opened, read};
use crate::observe::Observer;

/// A scheme of homomorphic encryption.
pub trait Scheme: Send + Sync {
    /// Which scheme it is.
    fn id(&self) -> SchemeId;

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

    /// Reads what [`Spec::to_json`] wrote of the artifact `artifact`.
    ///
    /// # Errors
    /// Anything missing, unknown or out of range, or a spec of another artifact.
    fn spec(&self, artifact: ArtifactId, json: &str) -> Result<Arc<dyn Spec>>;

    /// Reads the payload of a client key file, by [`Secret::to_payload`]: the secret half, and what it knows of the
    /// artifact `artifact`.
    ///
    /// # Errors
    /// Truncated bytes, or a spec that is not valid or of another artifact.
    fn secret(&self, artifact: ArtifactId, payload: &[u8]) -> Result<ClientHalf>;
}

/// What a client key file holds.
pub type ClientHalf = (Arc<dyn Spec>, Box<dyn Secret>);

/// What the network gives in the clear, input by input, each as [`Spec::features`] gives it: the reference that
/// encrypted answers are compared with.
pub type Reference = Box<dyn Fn(&[&[f64]]) -> Result<Vec<Answer>> + Send + Sync>;

/// An artifact that was read and verified.
pub trait Model: Send + Sync {
    /// What it is.
    fn manifest(&self) -> &Manifest;

    /// Replaces the signature in its manifest.
    fn set_signature(&mut self, signature: Signature);

    /// Gives it the layers that its clients run, so that its spec has them; its own file never does.
    ///
    /// # Errors
    /// Other layers than it was compiled behind; an artifact that has none in front of it.
    fn set_device(&mut self, _part: Arc<DevicePart>) -> Result<()> {
        Err(no_device())
    }

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

    /// Makes it ready to answer, in the caller's rayon pool. Prepared constants take at most `constant_bytes` where
    /// the scheme can prepare them again for each answer.
    ///
    /// # Errors
    /// A constant that cannot be used.
    fn service(self: Box<Self>, constant_bytes: usize) -> Result<Box<dyn Service>>;

    /// As [`Model::service`], with the constants that [`Service::keep`] wrote behind the start of a file, used where
    /// they lie if the scheme prepares any.
    ///
    /// # Errors
    /// As [`Model::service`], constants that were changed, and what the system says.
    fn kept_service(self: Box<Self>, _kept: &Opened) -> Result<Box<dyn Service>> {
        self.service(usize::MAX)
    }
}

/// What a client knows of an artifact.
pub trait Spec: Send + Sync {
    /// The scheme.
    fn scheme(&self) -> SchemeId;

    /// What is told of the artifact.
    fn facts(&self) -> Facts;

    /// What a client must know as JSON, for [`Scheme::spec`]; it holds no weight but those of the device part.
    ///
    /// # Errors
    /// None in practice.
    fn to_json(&self) -> Result<String>;

    /// The text that a signature covers: as [`Spec::to_json`], of the device part the hash alone.
    ///
    /// # Errors
    /// None in practice.
    fn signed_text(&self) -> Result<String> {
        self.to_json()
    }

    /// The layers that the client runs before it encrypts, where they are here.
    fn device(&self) -> Option<&Arc<DevicePart>> {
        None
    }

    /// The same with these layers.
    ///
    /// # Errors
    /// Other layers than the artifact was compiled behind.
    fn with_device(&self, _part: Arc<DevicePart>) -> Result<Arc<dyn Spec>> {
        Err(no_device())
    }

    /// What is encrypted of each input: what the layers on the device make of it, and the input itself where there are
    /// none.
    ///
    /// # Errors
    /// Layers that are not here; an input of another length.
    fn features<'a>(&self, inputs: &[&'a [f64]]) -> Result<Vec<Cow<'a, [f64]>>> {
        Ok(inputs.iter().map(|input| Cow::Borrowed(*input)).collect())
    }

    /// Makes a secret half from the operating system's randomness, and the payload of the evaluation keys.
    ///
    /// # Errors
    /// If the system gives no randomness, or the spec is not valid.
    fn generate(&self) -> Result<Generated>;

    /// Writes evaluation keys as a server keeps them, for [`Service::admit_kept`]: a file of `head` and, behind it,
    /// the keys.
    ///
    /// # Errors
    /// Truncated keys, what the system says.
    fn keep(&self, keys: &[u8], path: &Path, head: &[u8]) -> Result<()> {
        Ok(hemet_files::write_atomically(path, &[head, keys].concat())?)
    }
}

fn no_device() -> RuntimeError {
    let reason = "the artifact has no layers that run on a device".into();
    let what = "the device part";
    RuntimeError::Malformed { what, reason }
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

    /// Encrypts one or more inputs, each in channel-major order and as [`Spec::features`] gives it.
    ///
    /// # Errors
    /// An input of another size or with a number that is not finite; more inputs than a request takes.
    fn encrypt(&self, inputs: &[&[f64]]) -> Result<Vec<u8>>;

    /// Decrypts the answers to the first `count` inputs of a request.
    ///
    /// # Errors
    /// Bytes that are no answer; more answers than a request takes.
    fn decrypt(&self, answer: &[u8], count: usize) -> Result<Vec<Answer>>;

    /// The same keys for the artifact of `spec`, which has the binding of the one before.
    ///
    /// # Errors
    /// A spec of another scheme, or one that needs other keys.
    fn rebound(self: Box<Self>, spec: &dyn Spec) -> Result<Box<dyn Secret>>;
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

    /// Writes its prepared constants for [`Model::kept_service`]: a file of `head` and, behind it, the constants, where
    /// the scheme prepares any.
    ///
    /// # Errors
    /// A service that does not hold all of them, and what the system says.
    fn keep(&self, path: &Path, head: &[u8]) -> Result<()> {
        Ok(hemet_files::write_atomically(path, head)?)
    }

    /// Reads a client's evaluation keys and checks that they are what the artifact needs.
    ///
    /// # Errors
    /// Truncated or unfitting keys.
    fn admit(&self, keys: &[u8]) -> Result<Box<dyn Admitted>>;

    /// As [`Service::admit`], from a stream of so many bytes, which need not be in memory together if the scheme can.
    ///
    /// # Errors
    /// As [`Service::admit`], and those of the stream.
    fn admit_from(&self, keys: &mut dyn Read, bytes: u64) -> Result<Box<dyn Admitted>> {
        let mut all = Vec::new();
        let read = keys.take(bytes).read_to_end(&mut all);
        read.map_err(|source| RuntimeError::Malformed {
            what: FileKind::EvaluationKeys.name(),
            reason: source.to_string(),
        })?;
        self.admit(&all)
    }

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
