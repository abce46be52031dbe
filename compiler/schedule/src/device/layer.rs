//! Layers of the device part: what each computes, in the numbers that it needs and no others.

use serde::{Deserialize, Serialize};

use super::Numbers;

/// Largest kernel, stride, dilation and padding.
const MOST_SIDE: u64 = 1 << 16;

/// A layer of the device part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceLayer {
    /// Its name.
    pub name: String,
    /// The tensors that it reads: 0 is the input, `n` the result of layer `n`, counted from 1.
    pub from: Vec<usize>,
    /// What it computes.
    pub kind: DeviceKind,
}

/// What a layer of the device part computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A convolution.
    Conv(DeviceConv),
    /// A matrix product of all elements, `[outputs][elements]`, plus a constant for each output.
    Dense {
        /// The matrix, row by row.
        weights: Numbers,
        /// A constant for each output.
        bias: Numbers,
    },
    /// `scale · x + shift`, a number of each for each channel.
    Affine {
        /// Factors.
        scale: Numbers,
        /// Summands.
        shift: Numbers,
    },
    /// A polynomial for each channel: coefficients from the constant on, channel by channel.
    Poly {
        /// `[channels][degree + 1]`.
        coefficients: Numbers,
    },
    /// The mean over each window.
    AveragePool {
        /// The windows.
        window: DeviceWindow,
        /// Whether places beside the map count as zeros.
        counts_padding: bool,
    },
    /// `slope · x` below 0, `x` up to `cap`, `cap` above.
    Relu {
        /// Slope below 0.
        slope: f32,
        /// The greatest result; nothing where there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cap: Option<f32>,
    },
    /// The greatest element of each window; places beside the map hold none.
    MaxPool {
        /// The windows.
        window: DeviceWindow,
    },
    /// A linear map given entry by entry.
    Sparse(DeviceSparse),
    /// The sum of tensors of one shape.
    Add,
    /// Tensors joined along the channels.
    Concat,
}

/// Windows that slide over a map: rows first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceWindow {
    /// Places of a window.
    pub kernel: [u32; 2],
    /// Steps from window to window.
    pub stride: [u32; 2],
    /// Zeros above, left, below and right of the map.
    pub padding: [u32; 4],
    /// Distance between places.
    pub dilation: [u32; 2],
}

/// A convolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceConv {
    /// The windows.
    pub window: DeviceWindow,
    /// Groups of channels that do not see each other.
    pub groups: u32,
    /// `[output channels][input channels of a group][rows][columns]`.
    pub weights: Numbers,
    /// A constant for each output channel.
    pub bias: Numbers,
}

/// A linear map given entry by entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceSparse {
    /// Channels, height and width of the result.
    pub shape: [u32; 3],
    /// Entries of each element of the result.
    pub lengths: Vec<u32>,
    /// The element of the input of each entry.
    pub columns: Vec<u32>,
    /// The factor of each entry; all are 1 where there are none.
    pub weights: Numbers,
    /// A constant for each element of the result; none where there are none.
    pub bias: Numbers,
}

/// Elements of a tensor; more than any tensor may have where the product is too large.
pub(super) fn elements(shape: [u32; 3]) -> usize {
    let product = shape.iter().try_fold(1usize, |product, extent| {
        product.checked_mul(*extent as usize)
    });
    product.unwrap_or(usize::MAX)
}

impl DeviceKind {
    /// The shape of the result, or why the layer cannot take these inputs.
    pub(super) fn shape(&self, inputs: &[[u32; 3]]) -> Result<[u32; 3], String> {
        if let Self::Add | Self::Concat = self {
            return joined(matches!(self, Self::Add), inputs);
        }
        let [input] = inputs else {
            return Err(format!("it reads {} tensors, not 1", inputs.len()));
        };
        let channels = input[0] as usize;
        match self {
            Self::Conv(conv) => conv.shape(*input),
            Self::Dense { weights, bias } => {
                let (outputs, inner) = (bias.len(), elements(*input));
                need("weights", weights.len(), outputs.checked_mul(inner))?;
                Ok([positive("outputs", outputs)?, 1, 1])
            }
            Self::Affine { scale, shift } => {
                need("factors", scale.len(), Some(channels))?;
                need("summands", shift.len(), Some(channels))?;
                Ok(*input)
            }
            Self::Poly { coefficients } => {
                let terms = coefficients.len() / channels.max(1);
                positive("coefficients", terms)?;
                need("coefficients", coefficients.len(), Some(terms * channels))?;
                Ok(*input)
            }
            Self::Relu { slope, cap } => {
                match slope.is_finite() && cap.is_none_or(|cap| cap > 0.0 && cap.is_finite()) {
                    true => Ok(*input),
                    false => Err(format!(
                        "a ReLU of slope {slope} up to {cap:?} is impossible"
                    )),
                }
            }
            Self::MaxPool { window } => {
                let [height, width] = window.outputs(*input)?;
                Ok([input[0], height, width])
            }
            Self::AveragePool { window, .. } => {
                let [height, width] = window.outputs(*input)?;
                Ok([input[0], height, width])
            }
            Self::Sparse(sparse) => sparse.shape(*input),
            Self::Add | Self::Concat => joined(true, inputs),
        }
    }

    /// Multiplications of accepted inputs.
    pub(super) fn products(&self, inputs: &[[u32; 3]], output: [u32; 3]) -> u64 {
        let outputs = elements(output) as u64;
        match self {
            Self::Conv(conv) => {
                let each = conv.weights.len() as u64 / u64::from(output[0]).max(1);
                outputs.saturating_mul(each)
            }
            Self::Dense { weights, .. } => weights.len() as u64,
            Self::Affine { .. } => outputs,
            Self::Poly { coefficients } => {
                let terms = coefficients.len() as u64 / u64::from(output[0]).max(1);
                outputs.saturating_mul(terms)
            }
            Self::Relu { .. } => outputs,
            Self::AveragePool { window, .. } | Self::MaxPool { window } => {
                outputs.saturating_mul(window.area())
            }
            Self::Sparse(sparse) => sparse.columns.len() as u64,
            Self::Add | Self::Concat => outputs.saturating_mul(inputs.len() as u64),
        }
    }
}

fn joined(sum: bool, inputs: &[[u32; 3]]) -> Result<[u32; 3], String> {
    let (Some(first), true) = (inputs.first(), inputs.len() >= 2) else {
        return Err(format!("it reads {} tensors, not 2 or more", inputs.len()));
    };
    let alike = |shape: &[u32; 3]| match sum {
        true => shape == first,
        false => shape[1..] == first[1..],
    };
    if !inputs.iter().all(alike) {
        return Err(format!("tensors of {inputs:?} do not go together"));
    }
    let channels = inputs
        .iter()
        .try_fold(0u32, |sum, shape| sum.checked_add(shape[0]));
    let channels = if sum { Some(first[0]) } else { channels };
    let channels = channels.ok_or("it has too many channels")?;
    Ok([channels, first[1], first[2]])
}

fn need(what: &str, found: usize, needed: Option<usize>) -> Result<(), String> {
    match needed == Some(found) {
        true => Ok(()),
        false => {
            let needed = needed.map_or("fewer".into(), |needed| needed.to_string());
            Err(format!("it has {found} {what}, {needed} are needed"))
        }
    }
}

fn positive(what: &str, number: usize) -> Result<u32, String> {
    match u32::try_from(number) {
        Ok(number) if number > 0 => Ok(number),
        Ok(_) | Err(_) => Err(format!("{number} {what} are impossible")),
    }
}

impl DeviceWindow {
    /// Places of a window.
    pub(super) fn area(&self) -> u64 {
        u64::from(self.kernel[0]).saturating_mul(self.kernel[1].into())
    }

    /// Rows and columns of windows on a map, or why there is none.
    pub(super) fn outputs(&self, input: [u32; 3]) -> Result<[u32; 2], String> {
        let mut sides = [0; 2];
        for axis in 0..2 {
            let (kernel, stride) = (u64::from(self.kernel[axis]), u64::from(self.stride[axis]));
            let dilation = u64::from(self.dilation[axis]);
            let around = u64::from(self.padding[axis]) + u64::from(self.padding[axis + 2]);
            let space = u64::from(input[axis + 1]) + around;
            let span = kernel.saturating_sub(1).saturating_mul(dilation) + 1;
            let usable = |number: u64| (1..=MOST_SIDE).contains(&number);
            if ![kernel, stride, dilation, around + 1]
                .into_iter()
                .all(usable)
                || span > space
            {
                return Err(format!(
                    "a window of {:?} with strides {:?} does not fit a map of {input:?}",
                    self.kernel, self.stride
                ));
            }
            sides[axis] = positive("windows", ((space - span) / stride + 1) as usize)?;
        }
        Ok(sides)
    }
}

impl DeviceConv {
    fn shape(&self, input: [u32; 3]) -> Result<[u32; 3], String> {
        let [height, width] = self.window.outputs(input)?;
        let (groups, outputs) = (self.groups as usize, self.bias.len());
        let whole = groups > 0
            && (input[0] as usize).is_multiple_of(groups)
            && outputs.is_multiple_of(groups);
        if !whole {
            return Err(format!(
                "{groups} groups of {} input and {outputs} output channels",
                input[0]
            ));
        }
        let read = (input[0] as usize / groups) as u64;
        let needed = read
            .checked_mul(self.window.area())
            .and_then(|each| each.checked_mul(outputs as u64));
        let needed = needed.and_then(|needed| usize::try_from(needed).ok());
        need("weights", self.weights.len(), needed)?;
        Ok([positive("output channels", outputs)?, height, width])
    }
}

impl DeviceSparse {
    fn shape(&self, input: [u32; 3]) -> Result<[u32; 3], String> {
        let (outputs, inner) = (elements(self.shape), elements(input));
        need("rows", self.lengths.len(), Some(outputs))?;
        let entries: u64 = self.lengths.iter().map(|length| u64::from(*length)).sum();
        need("entries", self.columns.len(), usize::try_from(entries).ok())?;
        if let Some(beyond) = self.columns.iter().find(|at| **at as usize >= inner) {
            return Err(format!("it reads element {beyond} of {inner}"));
        }
        if !self.weights.is_empty() {
            need("weights", self.weights.len(), Some(self.columns.len()))?;
        }
        if !self.bias.is_empty() {
            need("constants", self.bias.len(), Some(outputs))?;
        }
        positive("elements", outputs)?;
        Ok(self.shape)
    }
}
