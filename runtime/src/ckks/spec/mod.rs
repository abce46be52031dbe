//! What a client must know of an artifact, and nothing of its weights: it lies in the client key file, so that
//! encrypting and decrypting need no artifact.

mod text;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use hemet_ckks::Flooding;
use hemet_ckks_params::Parameters;
use hemet_schedule::{
    Artifact, Basis, DeviceNote, DevicePart, InputColumn, InputTransform, Layout, Level,
    OutputTransform, PictureNote, Promise, Scale, Scheme as SchemeId, Sharing, Type,
    half_key_bytes,
};
use serde_json::json;

use crate::error::{Result, RuntimeError};
use crate::execute::input_type;
use crate::facts::{DeviceFacts, Facts, InputRange, Precision, Shown};
use crate::files::{ArtifactId, KeyBinding};

/// More than a key takes beside its half: its place in the list and its checksum.
const KEY_HEAD: u64 = 64;
/// More than the head of a key file takes beside the keys.
const KEYS_HEAD: u64 = 400;

const WHAT: &str = "the client's description of the artifact";

/// The client's side of an artifact.
#[derive(Clone, Debug, PartialEq)]
pub struct CkksSpec {
    /// The artifact.
    pub artifact: ArtifactId,
    /// Name of the network.
    pub network: String,
    /// What the outputs stand for, in order; empty if not known.
    pub classes: Vec<String>,
    /// How raw data become the network's input, in words.
    pub normalization: String,
    /// How a picture becomes an input, where that is known.
    pub pictures: Option<PictureNote>,
    /// What is done to an input before it is packed; nothing where there is none.
    pub input_transform: Option<InputTransform>,
    /// The layers in front of the artifact's, which the client runs; nothing where there are none.
    pub device: Option<DeviceNote>,
    /// These layers, where they are here.
    pub part: Option<Arc<DevicePart>>,
    /// What is made of decrypted outputs; nothing where there is nothing to do.
    pub output_transform: Option<OutputTransform>,
    /// The columns that an input is made of, where it is the row of a table.
    pub columns: Vec<InputColumn>,
    /// How many results may be shown to others, and the errors that decryption hides for it; nothing where none may.
    pub sharing: Option<Sharing>,
    /// The least and the greatest number of an input after the transform, where that is known.
    pub input_range: Option<[f64; 2]>,
    /// How exact outputs are promised to be, where a key file says it.
    pub precision: Option<Precision>,
    /// Largest magnitude of an output for which that holds; nothing where it holds for all.
    pub trusted_output: Option<f64>,
    /// Ring degree, prime chain, special primes, security.
    pub parameters: Parameters,
    /// Where the input tensor lies.
    pub input: Layout,
    /// The type of every input ciphertext.
    pub input_type: Type,
    /// Where the output tensor lies.
    pub output: Layout,
    /// The type of every output ciphertext.
    pub output_type: Type,
    /// The steps that the server must rotate by, each with the highest level at which it does.
    pub rotations: BTreeMap<u32, Level>,
    /// The highest level at which the server must relinearize; `None` if it need not.
    pub relinearize: Option<Level>,
}

impl CkksSpec {
    /// The client's side of `artifact`. Costs one pass over the constants, for the id.
    ///
    /// # Errors
    /// None for an artifact that was read or compiled; what is wrong otherwise.
    pub fn new(artifact: &Artifact) -> Result<Self> {
        let (manifest, schedule) = (&artifact.manifest, artifact.schedule.schedule());
        let header = &schedule.header;
        let output = schedule.outputs.first();
        let output_type = output.and_then(|v| schedule.types.get(v.0 as usize));
        let spec = Self {
            artifact: ArtifactId::from_hex(&artifact.id())?,
            network: manifest.network.clone(),
            classes: manifest.classes.clone(),
            normalization: manifest.normalization.clone(),
            pictures: manifest.pictures.clone(),
            input_transform: manifest.input_transform.clone(),
            device: manifest.device.clone(),
            part: artifact.device.clone(),
            output_transform: manifest.output_transform.clone(),
            columns: manifest.columns.clone(),
            sharing: manifest.sharing,
            input_range: manifest.input_range,
            precision: Some(match &manifest.promise {
                Some(promise) => promised(promise),
                None => Precision::Bits(header.precision_bits),
            }),
            trusted_output: manifest.promise.as_ref().and_then(|p| p.trusted_output),
            parameters: header.parameters.clone(),
            input: header.input.clone(),
            input_type: input_type(header),
            output: header.output.clone(),
            output_type: output_type
                .ok_or_else(|| malformed("there is no output".into()))?
                .clone(),
            rotations: schedule.rotation_levels(),
            relinearize: schedule.relinearization_level(),
        };
        spec.check()?;
        Ok(spec)
    }

    /// How many images one request takes.
    pub fn images(&self) -> usize {
        let slots = self.parameters.slots();
        match self.input.is_batched(slots) && self.output.is_batched(slots) {
            true => slots,
            false => 1,
        }
    }

    /// Channels, height and width of what clients take.
    fn shape(&self) -> [u32; 3] {
        let device = self.device.as_ref();
        device.map_or(self.input.shape, |note| note.input)
    }

    /// The scale of input ciphertexts as a float.
    pub(crate) fn input_scale(&self) -> Result<f64> {
        self.float(&self.input_type.scale)
    }

    /// The scale of output ciphertexts as a float.
    pub(crate) fn output_scale(&self) -> Result<f64> {
        self.float(&self.output_type.scale)
    }

    fn float(&self, scale: &Scale) -> Result<f64> {
        let float = scale.to_f64(self.parameters.moduli());
        float.ok_or_else(|| malformed(format!("scale {scale} is out of range")))
    }

    /// Magnitude from which on an output decrypts to a wrong number: half the modulus of the output's level, at its
    /// scale.
    ///
    /// # Errors
    /// None for a spec that was checked.
    pub fn output_edge(&self) -> Result<f64> {
        let level = self.output_type.level.0 as usize;
        let moduli = self.parameters.moduli().iter().take(level + 1);
        let modulus: f64 = moduli.map(|q| *q as f64).product();
        Ok(modulus / 2.0 / self.output_scale()?)
    }

    /// The inputs as they are packed: transformed where the artifact wants it.
    pub(super) fn prepare(&self, inputs: &[&[f64]]) -> Vec<Vec<f64>> {
        transformed(self.input_transform.as_ref(), self.input.len(), inputs)
    }

    /// What the layers on the device make of the inputs; the inputs themselves where there are none.
    pub(super) fn features<'a>(&self, inputs: &[&'a [f64]]) -> Result<Vec<Cow<'a, [f64]>>> {
        let run = |part: &DevicePart, input: &[f64]| {
            let features = part.run(input).map_err(device_fault)?;
            Ok(Cow::Owned(features))
        };
        let inputs = inputs.iter().copied();
        match (&self.device, &self.part) {
            (None, _) => Ok(inputs.map(Cow::Borrowed).collect()),
            (Some(_), Some(part)) => inputs.map(|input| run(part, input)).collect(),
            (Some(note), None) => Err(RuntimeError::NoDevicePart {
                layers: note.layers,
            }),
        }
    }

    /// Refuses layers on the device that do not belong in front of the artifact's.
    fn check_device(&self) -> Result<()> {
        let Some(note) = &self.device else {
            let why = || device_fault("the artifact has no layers that run on a device".into());
            return self.part.as_ref().map_or(Ok(()), |_| Err(why()));
        };
        note.check().map_err(device_fault)?;
        let Some(part) = &self.part else {
            return Ok(());
        };
        note.check_part(part).map_err(device_fault)?;
        match part.output() == self.input.shape {
            true => Ok(()),
            false => Err(device_fault(format!(
                "it gives features of {:?}, the artifact takes {:?}",
                part.output(),
                self.input.shape
            ))),
        }
    }

    /// What its keys depend on: parameters and the list of keys.
    fn binding(&self) -> KeyBinding {
        let parameters = &self.parameters;
        let rotations = self.rotations.iter();
        let rotations: Vec<(u32, u32)> = rotations.map(|(step, level)| (*step, level.0)).collect();
        let text = json!([
            parameters.log_n(),
            parameters.moduli(),
            parameters.special(),
            parameters.security().bits(),
            rotations,
            self.relinearize.map(|level| level.0),
        ]);
        KeyBinding::of(SchemeId::Ckks, &text.to_string())
    }

    /// What is told of the artifact.
    pub fn facts(&self) -> Facts {
        let levels = self.rotations.values().chain(&self.relinearize);
        let range = self.input_range.map(|[low, high]| InputRange {
            low,
            high,
            transform: self.input_transform.clone(),
        });
        let device = |note: &DeviceNote| DeviceFacts {
            note: note.clone(),
            is_here: self.part.is_some(),
            features: range.clone(),
        };
        let keys = levels.map(|level| half_key_bytes(&self.parameters, *level));
        Facts {
            artifact: self.artifact,
            binding: self.binding(),
            network: self.network.clone(),
            classes: self.classes.clone(),
            normalization: self.normalization.clone(),
            pictures: self.pictures.clone(),
            shape: self.shape(),
            range: match &self.device {
                Some(note) => note.input_range.map(|[low, high]| InputRange {
                    low,
                    high,
                    transform: None,
                }),
                None => range.clone(),
            },
            device: self.device.as_ref().map(device),
            outputs: self.output_transform.clone(),
            columns: self.columns.clone(),
            images: self.images(),
            exact: false,
            precision: self.precision,
            trusted_output: self.trusted_output,
            output_edge: self.output_edge().ok(),
            shown: self.shown(),
            parameters: format!(
                "ring degree 2^{} with log2(QP) = {:.0} bits",
                self.parameters.log_n(),
                self.parameters.log_qp_bits()
            ),
            security_bits: self.parameters.security().bits(),
            evaluation_key_bytes: keys.sum(),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let slots = self.parameters.slots();
        if let Some([low, high]) = self.input_range
            && !(low.is_finite() && high.is_finite() && low < high)
        {
            return Err(malformed(format!("inputs from {low} to {high}")));
        }
        if let Some(Precision::Growing { up_to, .. }) = self.precision
            && !(up_to.is_finite() && up_to > 0.0)
        {
            return Err(malformed(format!(
                "errors are promised for outputs up to {up_to}"
            )));
        }
        if let Some(transform) = &self.input_transform {
            transform.check(self.input.len()).map_err(malformed)?;
        }
        if let Some(transform) = &self.output_transform {
            transform.check(self.output.len()).map_err(malformed)?;
        }
        self.check_device()?;
        let takes = self.device.as_ref();
        let takes = takes.map_or(self.input.len(), DeviceNote::elements);
        InputColumn::check(&self.columns, takes).map_err(malformed)?;
        if let Some(pictures) = &self.pictures {
            pictures
                .check(self.shape()[0] as usize)
                .map_err(malformed)?;
        }
        self.flooding()?;
        for (layout, ty) in [
            (&self.input, &self.input_type),
            (&self.output, &self.output_type),
        ] {
            layout.check().map_err(malformed)?;
            if ty.level.0 as usize > self.parameters.max_level() || ty.degree != 1 {
                return Err(malformed(format!(
                    "a ciphertext of type {ty} is impossible"
                )));
            }
            self.float(&ty.scale)?;
        }
        if let Some(step) = self.rotations.keys().find(|s| **s as usize >= slots) {
            return Err(malformed(format!("rotation by {step} with {slots} slots")));
        }
        let max = self.parameters.max_level();
        let mut levels = self.rotations.values().chain(&self.relinearize);
        if let Some(level) = levels.find(|level| level.0 as usize > max) {
            return Err(malformed(format!(
                "a key for level {}, the highest is {max}",
                level.0
            )));
        }
        Ok(())
    }

    /// The noise that decryption adds to outputs that may be shown to others.
    pub(super) fn flooding(&self) -> Result<Option<Flooding>> {
        let numbers = self.output.len();
        let of = |sharing: Sharing| Flooding::new(sharing.error, sharing.results, numbers);
        Ok(self.sharing.map(of).transpose()?)
    }

    fn shown(&self) -> Option<Shown> {
        let results = self.sharing?.results;
        let noise = self.flooding().ok()??.deviation();
        Some(Shown { results, noise })
    }

    /// Bytes that a client's evaluation keys take at most: each for the highest level, with its head.
    pub(super) fn most_key_bytes(&self) -> u64 {
        let keys = self.rotations.len() + usize::from(self.relinearize.is_some());
        let level = Level(self.parameters.max_level() as u32);
        let one = half_key_bytes(&self.parameters, level) + KEY_HEAD;
        KEYS_HEAD + keys as u64 * one
    }
}

/// The inputs after a transform of `len` numbers. Inputs of another length stay as they are, for packing to refuse.
pub(super) fn transformed(
    transform: Option<&InputTransform>,
    len: usize,
    inputs: &[&[f64]],
) -> Vec<Vec<f64>> {
    let one = |input: &&[f64]| match transform {
        Some(transform) if input.len() == len => transform.apply(input),
        Some(_) | None => input.to_vec(),
    };
    inputs.iter().map(one).collect()
}

fn device_fault(reason: String) -> RuntimeError {
    let what = "the device part";
    RuntimeError::Malformed { what, reason }
}

fn malformed(reason: String) -> RuntimeError {
    RuntimeError::Malformed { what: WHAT, reason }
}

/// What an artifact promises of the errors of its outputs.
fn promised(promise: &Promise) -> Precision {
    match promise.basis {
        Basis::Assumed if promise.output_seen > 0.0 => Precision::Growing {
            error: promise.error,
            up_to: promise.output_seen,
        },
        Basis::Assumed | Basis::Samples => Precision::Absolute(promise.error),
    }
}
