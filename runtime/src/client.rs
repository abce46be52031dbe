//! The client's half, of any scheme: makes keys, encrypts inputs, decrypts answers.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::door::{Answer, Secret, Spec};
use crate::error::{Result, RuntimeError};
use crate::facts::Facts;
use crate::files::{ArtifactId, Belongs, Envelope, FileKind, KeySetId, MadeFor, read_sealed, seal};
use crate::keeping::{Kept, Note, Passphrase};
use crate::message::{Asked, Message};
use crate::schemes::{Known, required};
use crate::signature::check_successor;

/// Most bytes of a client key file: 64 MiB.
const MAX_KEY_BYTES: u64 = 64 << 20;

/// Most bytes of a response: 4 GiB.
const MAX_RESPONSE_BYTES: u64 = 4 << 30;

/// A client key file, maybe under a passphrase; what it says in the clear can be asked.
pub struct KeyFile {
    belongs: Belongs,
    artifact: ArtifactId,
    kept: Kept,
}

impl KeyFile {
    /// Reads a client key file; nothing is decrypted yet.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes, and what the system says.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = read_sealed(path, FileKind::ClientKey, MAX_KEY_BYTES, |_| Ok(()))?;
        Self::from_bytes(&Zeroizing::new(bytes))
    }

    /// Reads the bytes of a client key file. Version 1 was the secret half alone.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let envelope = Envelope::open(bytes, FileKind::ClientKey)?;
        let kept = match envelope.version {
            1 => Kept::old(envelope.payload),
            _ => Kept::from_bytes(FileKind::ClientKey.name(), envelope.payload)?,
        };
        let belongs = envelope.belongs;
        Ok(Self {
            artifact: belongs.artifact(FileKind::ClientKey.name())?,
            belongs,
            kept,
        })
    }

    /// What is noted of it. Whoever can write to the file can change the note of one without a passphrase.
    pub fn note(&self) -> &Note {
        &self.kept.note
    }

    /// Whether it is under a passphrase.
    pub fn is_locked(&self) -> bool {
        self.kept.is_locked()
    }

    /// The artifact that it was made for.
    pub fn artifact(&self) -> ArtifactId {
        self.artifact
    }

    /// What one `keygen` made.
    pub fn key_set(&self) -> KeySetId {
        self.belongs.keys
    }

    /// The client; a passphrase is needed where it is locked.
    ///
    /// # Errors
    /// A passphrase that is missing or wrong; a secret half that cannot be read.
    pub fn open(&self, passphrase: Option<&Passphrase>) -> Result<Client> {
        let (what, belongs) = (FileKind::ClientKey.name(), self.belongs);
        let payload = self.kept.open(what, passphrase, &belongs.to_bytes())?;
        let scheme = required(belongs.scheme, what)?;
        let (spec, secret) = scheme.secret(self.artifact, &payload)?;
        let note = self.kept.note.clone();
        Ok(Client {
            spec,
            note,
            belongs,
            secret,
        })
    }
}

/// A client: what it knows of an artifact, and the secret half for it. It has no `Debug`, and keys are wiped when it
/// is dropped.
pub struct Client {
    spec: Arc<dyn Spec>,
    note: Note,
    belongs: Belongs,
    secret: Box<dyn Secret>,
}

impl Client {
    /// Makes a secret half, and the evaluation key file for the server, from the operating system's randomness.
    ///
    /// # Errors
    /// As [`Spec::generate`].
    pub fn generate(spec: Arc<dyn Spec>) -> Result<(Self, Vec<u8>)> {
        let made = spec.generate()?;
        let facts = spec.facts();
        let belongs = |made_for| Belongs {
            scheme: spec.scheme(),
            made_for,
            keys: made.key_set,
        };
        let public = belongs(MadeFor::Binding(facts.binding));
        let keys = seal(FileKind::EvaluationKeys, public, &[&made.keys]);
        let belongs = belongs(MadeFor::Artifact(facts.artifact));
        let secret = made.secret;
        let note = Note {
            network: facts.network,
            ..Note::default()
        };
        let client = Self {
            spec,
            note,
            belongs,
            secret,
        };
        Ok((client, keys))
    }

    /// The same client with another note.
    ///
    /// # Errors
    /// As [`Note::check`].
    pub fn noted(self, note: Note) -> Result<Self> {
        note.check()?;
        Ok(Self { note, ..self })
    }

    /// The same keys for another artifact: one that needs the same keys, as a network does that was trained anew and
    /// compiled to the same schedule. Where a signature stood behind the artifact before, the same signer must stand
    /// behind this one. If results are shown, those of all artifacts count together ([`Facts::shown`]).
    ///
    /// # Errors
    /// [`RuntimeError::ForeignBinding`] where it needs other keys; [`RuntimeError::OtherSigner`];
    /// [`RuntimeError::NotShown`] where results were shown and those of this artifact may not be.
    pub fn rebound(self, known: &Known) -> Result<Self> {
        let (spec, facts) = (self.known_device(known)?, known.spec.facts());
        let made_for = |binding| Belongs {
            made_for: MadeFor::Binding(binding),
            ..self.belongs
        };
        let theirs = Belongs {
            scheme: spec.scheme(),
            ..made_for(facts.binding)
        };
        let what = FileKind::ClientKey.name();
        theirs.check(what, made_for(self.facts().binding))?;
        if self.facts().shown.is_some() && facts.shown.is_none() {
            return Err(RuntimeError::NotShown);
        }
        if let Some(before) = &self.note.signature {
            check_successor(before, spec.as_ref(), known.signature.as_ref())?;
        }
        Ok(Self {
            secret: self.secret.rebound(spec.as_ref())?,
            spec: spec.clone(),
            note: Note {
                network: facts.network,
                signature: known.signature.clone(),
                ..self.note
            },
            belongs: Belongs {
                made_for: MadeFor::Artifact(facts.artifact),
                ..self.belongs
            },
        })
    }

    /// What is known of an artifact, with the layers on the device of the one before where they are the same and are
    /// not known with it: a server does not give them.
    fn known_device(&self, known: &Known) -> Result<Arc<dyn Spec>> {
        let theirs = known.spec.facts().device.filter(|device| !device.is_here);
        match (theirs, self.spec.device(), self.spec.facts().device) {
            (Some(theirs), Some(part), Some(ours)) if theirs.note.part == ours.note.part => {
                known.spec.with_device(part.clone())
            }
            (Some(_) | None, _, _) => Ok(known.spec.clone()),
        }
    }

    /// What its key file notes.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// What it must know of the artifact.
    pub fn spec(&self) -> &Arc<dyn Spec> {
        &self.spec
    }

    /// What the client knows of the artifact.
    pub fn facts(&self) -> Facts {
        self.spec.facts()
    }

    /// The client key file in the clear; **secret**. Wiped when dropped.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>> {
        self.to_locked_bytes(None)
    }

    /// The client key file, under a passphrase where one is given.
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub fn to_locked_bytes(&self, passphrase: Option<&Passphrase>) -> Result<Zeroizing<Vec<u8>>> {
        let (secret, bound) = (self.secret.to_payload()?, self.belongs.to_bytes());
        let payload = Kept::to_bytes(&self.note, &secret, passphrase, &bound)?;
        let file = seal(FileKind::ClientKey, self.belongs, &[&payload]);
        Ok(Zeroizing::new(file))
    }

    /// Reads a client key file that is in the clear.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes; one under a passphrase.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        KeyFile::from_bytes(bytes)?.open(None)
    }

    /// Writes the client key file, readable by the user only, under a passphrase where one is given.
    ///
    /// # Errors
    /// What the system says.
    pub fn save(&self, path: &Path, passphrase: Option<&Passphrase>) -> Result<()> {
        let bytes = self.to_locked_bytes(passphrase)?;
        Ok(hemet_files::write_atomically_private(path, &bytes)?)
    }

    /// Reads a client key file that is in the clear.
    ///
    /// # Errors
    /// As [`Client::from_bytes`], and what the system says.
    pub fn load(path: &Path) -> Result<Self> {
        KeyFile::read(path)?.open(None)
    }

    /// Encrypts an input, given in channel-major order, as a request.
    ///
    /// # Errors
    /// An input of another size, or with a number that is not finite or outside the artifact's range.
    pub fn encrypt(&self, input: &[f64]) -> Result<Vec<u8>> {
        self.encrypt_batch(&[input])
    }

    /// Encrypts up to [`Facts::images`] inputs as one request.
    ///
    /// # Errors
    /// As [`Client::encrypt`]; none, or more than one request takes.
    pub fn encrypt_batch(&self, inputs: &[&[f64]]) -> Result<Vec<u8>> {
        let facts = self.spec.facts();
        if let Some(range) = &facts.range {
            inputs.iter().try_for_each(|input| range.check(input))?;
        }
        let features = self.spec.features(inputs)?;
        if let Some(device) = &facts.device {
            features
                .iter()
                .try_for_each(|features| device.check(features))?;
        }
        self.encrypt_features(&features)
    }

    /// As [`Client::encrypt_batch`], also of inputs outside the artifact's range, for which it promises nothing: for
    /// measuring.
    ///
    /// # Errors
    /// As [`Client::encrypt_batch`].
    pub fn encrypt_any(&self, inputs: &[&[f64]]) -> Result<Vec<u8>> {
        self.encrypt_features(&self.spec.features(inputs)?)
    }

    fn encrypt_features(&self, features: &[Cow<'_, [f64]>]) -> Result<Vec<u8>> {
        let features: Vec<&[f64]> = features.iter().map(AsRef::as_ref).collect();
        let payload = self.secret.encrypt(&features)?;
        let number = Asked::new_number()?;
        let parts: [&[u8]; 2] = [&number, &payload];
        Ok(seal(FileKind::Request, self.belongs, &parts))
    }

    /// Reads a response file; its length is checked before it is read.
    ///
    /// # Errors
    /// A file of another kind or length, and what the system says.
    pub fn read_response(&self, path: &Path) -> Result<Vec<u8>> {
        read_sealed(path, FileKind::Response, MAX_RESPONSE_BYTES, |head| {
            self.belongs.check(FileKind::Response.name(), head.belongs)
        })
    }

    /// Decrypts a response.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes, or bytes that are no result of the network.
    pub fn decrypt(&self, response: &[u8]) -> Result<Answer> {
        let one = self.decrypt_batch(response, 1)?.pop();
        Ok(one.unwrap_or(Answer::Logits(Vec::new())))
    }

    /// Decrypts the response to a request of at least `count` inputs: the answers to the first `count` of them.
    ///
    /// # Errors
    /// As [`Client::decrypt`]; more than one request takes.
    pub fn decrypt_batch(&self, response: &[u8], count: usize) -> Result<Vec<Answer>> {
        let message = self.response(response)?;
        self.secret.decrypt(message.payload, count)
    }

    /// As [`Client::decrypt_batch`], of an answer that must be to `request`.
    ///
    /// # Errors
    /// As [`Client::decrypt_batch`]; [`RuntimeError::OtherRequest`] for an answer to another request.
    pub fn decrypt_for(
        &self,
        request: &[u8],
        response: &[u8],
        count: usize,
    ) -> Result<Vec<Answer>> {
        let sent = Envelope::open(request, FileKind::Request)?.of(self.belongs)?;
        let asked = Message::of_request(&sent)?.asked(request);
        let message = self.response(response)?;
        match (asked, message.asked) {
            (Some(ours), Some(theirs)) if ours == theirs => {}
            (ours, theirs) => {
                let name = |asked: Option<Asked>| asked.map_or("none".into(), |a| a.to_string());
                let reason = format!("it answers {}, this is {}", name(theirs), name(ours));
                return Err(RuntimeError::OtherRequest { reason });
            }
        }
        self.secret.decrypt(message.payload, count)
    }

    fn response<'a>(&self, response: &'a [u8]) -> Result<Message<'a>> {
        let envelope = Envelope::open(response, FileKind::Response)?;
        Message::of_response(&envelope.of(self.belongs)?)
    }
}
