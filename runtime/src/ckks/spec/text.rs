//! The JSON of a spec, as clients and key files keep it.

use std::sync::Arc;

use hemet_ckks_params::{Parameters, Security, SecurityLevel};
use hemet_schedule::{
    DeviceNote, DevicePart, Digit, InputColumn, InputTransform, Layout, Level, OutputTransform,
    PictureNote, Scale, Sharing, Type,
};
use serde::{Deserialize, Serialize};

use super::{CkksSpec, malformed};
use crate::error::Result;
use crate::facts::Precision;
use crate::files::ArtifactId;

impl CkksSpec {
    /// As JSON.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_json(&self) -> Result<String> {
        let layout = |l: &Layout| LayoutText {
            shape: l.shape,
            axes: l
                .axes
                .each_ref()
                .map(|axis| axis.iter().map(|d| (d.extent, d.stride)).collect()),
            period: l.period,
        };
        let ty = |t: &Type| TypeText {
            level: t.level.0,
            log2_scale: t.scale.log2_exponent(),
            scale_primes: t.scale.prime_exponents().collect(),
        };
        let text = SpecText {
            artifact: self.artifact.to_string(),
            network: self.network.clone(),
            classes: self.classes.clone(),
            normalization: self.normalization.clone(),
            pictures: self.pictures.clone(),
            input_transform: self.input_transform.clone(),
            device: self.device.clone(),
            part: self.part.as_deref().cloned(),
            output_transform: self.output_transform.clone(),
            columns: self.columns.clone(),
            sharing: self.sharing,
            input_range: self.input_range,
            precision_bits: match self.precision {
                Some(Precision::Bits(bits)) => Some(bits),
                Some(Precision::Absolute(_) | Precision::Growing { .. }) | None => None,
            },
            promised_error: match self.precision {
                Some(Precision::Absolute(error) | Precision::Growing { error, .. }) => Some(error),
                Some(Precision::Bits(_)) | None => None,
            },
            promised_up_to: match self.precision {
                Some(Precision::Growing { up_to, .. }) => Some(up_to),
                Some(Precision::Bits(_) | Precision::Absolute(_)) | None => None,
            },
            trusted_output: self.trusted_output,
            log_n: self.parameters.log_n(),
            moduli: self.parameters.moduli().to_vec(),
            special: self.parameters.special().to_vec(),
            security_bits: self.parameters.security().bits(),
            input: layout(&self.input),
            input_type: ty(&self.input_type),
            output: layout(&self.output),
            output_type: ty(&self.output_type),
            rotations: self.rotations.iter().map(|(s, l)| (*s, l.0)).collect(),
            relinearize: self.relinearize.map(|level| level.0),
        };
        serde_json::to_string(&text).map_err(|e| malformed(e.to_string()))
    }

    /// From [`CkksSpec::to_json`].
    ///
    /// # Errors
    /// Anything missing, unknown, or out of range.
    pub fn from_json(text: &str) -> Result<Self> {
        let text: SpecText = serde_json::from_str(text).map_err(|e| malformed(e.to_string()))?;
        let parameters = match text.security_bits {
            0 => Parameters::new_insecure(text.log_n, text.moduli, text.special)?,
            bits => {
                let level = security_level(bits)
                    .ok_or_else(|| malformed(format!("security of {bits} bits is unknown")))?;
                Parameters::new(text.log_n, text.moduli, text.special, level)?
            }
        };
        let spec = Self {
            artifact: ArtifactId::from_hex(&text.artifact)?,
            network: text.network,
            classes: text.classes,
            normalization: text.normalization,
            pictures: text.pictures,
            input_transform: text.input_transform,
            device: text.device,
            part: text.part.map(Arc::new),
            output_transform: text.output_transform,
            columns: text.columns,
            sharing: text.sharing,
            input_range: text.input_range,
            precision: match (text.promised_error, text.promised_up_to) {
                (Some(error), Some(up_to)) => Some(Precision::Growing { error, up_to }),
                (Some(error), None) => Some(Precision::Absolute(error)),
                (None, _) => text.precision_bits.map(Precision::Bits),
            },
            trusted_output: text.trusted_output,
            parameters,
            input: text.input.layout(),
            input_type: text.input_type.ty(),
            output: text.output.layout(),
            output_type: text.output_type.ty(),
            rotations: text
                .rotations
                .into_iter()
                .map(|(s, l)| (s, Level(l)))
                .collect(),
            relinearize: text.relinearize.map(Level),
        };
        spec.check()?;
        Ok(spec)
    }
}

fn security_level(bits: u32) -> Option<SecurityLevel> {
    [
        SecurityLevel::Bits128,
        SecurityLevel::Bits192,
        SecurityLevel::Bits256,
    ]
    .into_iter()
    .find(|level| Security::Level(*level).bits() == bits)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpecText {
    artifact: String,
    network: String,
    classes: Vec<String>,
    normalization: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pictures: Option<PictureNote>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input_transform: Option<InputTransform>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<DeviceNote>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part: Option<DevicePart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_transform: Option<OutputTransform>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    columns: Vec<InputColumn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sharing: Option<Sharing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input_range: Option<[f64; 2]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    precision_bits: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    promised_error: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    promised_up_to: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trusted_output: Option<f64>,
    log_n: u32,
    moduli: Vec<u64>,
    special: Vec<u64>,
    security_bits: u32,
    input: LayoutText,
    input_type: TypeText,
    output: LayoutText,
    output_type: TypeText,
    rotations: Vec<(u32, u32)>,
    relinearize: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LayoutText {
    shape: [u32; 3],
    axes: [Vec<(u32, u32)>; 3],
    period: u32,
}

impl LayoutText {
    fn layout(&self) -> Layout {
        Layout {
            shape: self.shape,
            axes: self.axes.each_ref().map(|axis| {
                axis.iter()
                    .map(|(extent, stride)| Digit {
                        extent: *extent,
                        stride: *stride,
                    })
                    .collect()
            }),
            period: self.period,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TypeText {
    level: u32,
    log2_scale: i64,
    scale_primes: Vec<(u32, i64)>,
}

impl TypeText {
    fn ty(&self) -> Type {
        let scale = self
            .scale_primes
            .iter()
            .fold(Scale::pow2(self.log2_scale), |scale, (index, exponent)| {
                scale.times(&prime_power(*index, *exponent))
            });
        Type {
            level: Level(self.level),
            scale,
            degree: 1,
        }
    }
}

/// The prime at `index` to the power of `exponent`, by squaring; exponents beyond anything possible give scale 0, which
/// the check refuses.
fn prime_power(index: u32, exponent: i64) -> Scale {
    if exponent.unsigned_abs() > 1 << 16 {
        return Scale::pow2(i64::from(i32::MIN));
    }
    let mut power = Scale::pow2(0);
    let mut square = Scale::prime(index);
    let mut rest = exponent.unsigned_abs();
    while rest > 0 {
        if rest & 1 == 1 {
            power = power.times(&square);
        }
        square = square.times(&square);
        rest >>= 1;
    }
    if exponent < 0 { power.inverse() } else { power }
}
