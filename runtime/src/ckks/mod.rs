//! CKKS behind the door: approximate arithmetic on thousands of numbers a ciphertext.

mod client;
mod keys;
pub(crate) mod packing;
mod plausible;
mod server;
mod sizes;
mod spec;

use std::path::Path;
use std::sync::Arc;

use hemet_schedule::{Artifact, DevicePart, Manifest, Scheme as SchemeId, Signature, text};

use crate::backend::ClearBackend;
use crate::door::{Answer, ClientHalf, Model, Reference, Scheme, Service, Spec};
use crate::error::Result;
use crate::execute::Program;
use crate::files::{ArtifactId, FileKind, Opened};
use crate::observe::unobserved;

pub use packing::{pack, pack_batch, unpack, unpack_batch};
pub use sizes::{Sizes, constant_bytes};
pub use spec::CkksSpec;

/// The scheme.
pub struct Ckks;

impl Scheme for Ckks {
    fn id(&self) -> SchemeId {
        SchemeId::Ckks
    }

    fn artifact(&self, bytes: &[u8]) -> Result<Box<dyn Model>> {
        Ok(Box::new(Artifact::from_bytes(bytes)?))
    }

    fn read(&self, path: &Path) -> Result<Box<dyn Model>> {
        Ok(Box::new(Artifact::read(path)?))
    }

    fn spec(&self, artifact: ArtifactId, json: &str) -> Result<Arc<dyn Spec>> {
        let spec = CkksSpec::from_json(json)?;
        artifact.check(FileKind::Spec.name(), spec.artifact)?;
        Ok(Arc::new(spec))
    }

    fn secret(&self, artifact: ArtifactId, payload: &[u8]) -> Result<ClientHalf> {
        client::read(artifact, payload)
    }
}

impl Model for Artifact {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn set_signature(&mut self, signature: Signature) {
        self.manifest.signature = Some(signature);
    }

    fn set_device(&mut self, part: Arc<DevicePart>) -> Result<()> {
        let before = self.device.replace(part);
        // A spec is checked as it is made.
        if let Err(error) = CkksSpec::new(self) {
            self.device = before;
            return Err(error);
        }
        Ok(())
    }

    fn spec(&self) -> Result<Arc<dyn Spec>> {
        Ok(Arc::new(CkksSpec::new(self)?))
    }

    fn instructions(&self) -> usize {
        self.schedule.instructions.len()
    }

    fn text(&self) -> String {
        text::print(&self.schedule)
    }

    fn to_bytes(&self) -> Result<Vec<u8>> {
        Ok(Artifact::to_bytes(self)?)
    }

    fn reference(&self) -> Result<Reference> {
        let slots = self.schedule.header.parameters.slots();
        let program = Program::new(self.schedule.clone(), ClearBackend::new(slots))?;
        let transform = self.manifest.input_transform.clone();
        Ok(Box::new(move |inputs| {
            let header = &program.schedule().header;
            let repeated = |v: Vec<f64>| v.iter().copied().cycle().take(slots).collect();
            let prepared = spec::transformed(transform.as_ref(), header.input.len(), inputs);
            let prepared: Vec<&[f64]> = prepared.iter().map(Vec::as_slice).collect();
            let packed = pack_batch(&header.input, &prepared, slots)?;
            let packed = packed.into_iter().map(repeated).collect();
            let outputs = program.run(&(), packed, &mut unobserved)?;
            let logits = unpack_batch(&header.output, &outputs, slots, inputs.len())?;
            Ok(logits.into_iter().map(Answer::Logits).collect())
        }))
    }

    fn service(self: Box<Self>, constant_bytes: usize) -> Result<Box<dyn Service>> {
        Ok(Box::new(server::CkksService::new(*self, constant_bytes)?))
    }

    fn kept_service(self: Box<Self>, kept: &Opened) -> Result<Box<dyn Service>> {
        Ok(Box::new(server::CkksService::kept(*self, kept)?))
    }
}
