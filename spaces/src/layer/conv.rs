//! Two-dimensional convolution with stride, zero padding and groups (depthwise when groups equal the channels).

use super::{Parameter, check_knobs};
use crate::{Coefficient, LinearMap, Shape};

/// A convolution (cross-correlation, as every training library computes it). Parameters: `weight`
/// `[out_channels][in_channels / groups][kernel][kernel]` and, with `bias`, `bias` `[out_channels]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Output channels, a multiple of `groups`.
    pub out_channels: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// Step in both directions.
    pub stride: usize,
    /// Zeros added on each side.
    pub padding: usize,
    /// Groups of channels that do not see each other; divides the input channels.
    pub groups: usize,
    /// Whether a constant is added to each output channel.
    pub bias: bool,
}

impl Conv {
    /// A dense convolution of stride 1 that keeps height and width (odd kernels), without bias.
    pub fn same(out_channels: usize, kernel: usize) -> Self {
        Self {
            out_channels,
            kernel,
            stride: 1,
            padding: kernel / 2,
            groups: 1,
            bias: false,
        }
    }

    pub(super) fn output_shape(&self, input: Shape) -> Result<Shape, String> {
        let Conv {
            kernel,
            stride,
            padding,
            groups,
            ..
        } = *self;
        check_knobs(&[
            ("kernel", kernel),
            ("stride", stride),
            ("groups", groups),
            ("out_channels", self.out_channels),
            ("padding plus 1", padding.saturating_add(1)),
        ])?;
        if !input.channels.is_multiple_of(groups) || !self.out_channels.is_multiple_of(groups) {
            return Err(format!(
                "groups {groups} must divide the {} input and {} output channels",
                input.channels, self.out_channels
            ));
        }
        let side = |len: usize| {
            let padded = len + 2 * padding;
            (padded >= kernel).then(|| (padded - kernel) / stride + 1)
        };
        match (side(input.height), side(input.width)) {
            (Some(h), Some(w)) => Ok(Shape::new(self.out_channels, h, w)),
            _ => Err(format!(
                "a kernel of {kernel} does not fit {}x{} with padding {padding}; use a smaller kernel or more padding",
                input.height, input.width
            )),
        }
    }

    pub(super) fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let mut parameters = vec![Parameter {
            name: "weight",
            shape: vec![
                self.out_channels,
                input.channels / self.groups,
                self.kernel,
                self.kernel,
            ],
        }];
        if self.bias {
            parameters.push(Parameter {
                name: "bias",
                shape: vec![self.out_channels],
            });
        }
        parameters
    }

    pub(super) fn map(&self, input: Shape) -> LinearMap {
        let output = self
            .output_shape(input)
            .expect("the graph accepted this shape");
        let (in_group, out_group) = (
            input.channels / self.groups,
            self.out_channels / self.groups,
        );
        LinearMap::from_rows(input.len(), output.len(), |row, entries| {
            let (channel, rest) = (
                row / (output.height * output.width),
                row % (output.height * output.width),
            );
            let (y, x) = (rest / output.width, rest % output.width);
            for i in 0..in_group {
                for ky in 0..self.kernel {
                    for kx in 0..self.kernel {
                        let iy = (y * self.stride + ky).wrapping_sub(self.padding);
                        let ix = (x * self.stride + kx).wrapping_sub(self.padding);
                        if iy >= input.height || ix >= input.width {
                            continue;
                        }
                        let in_channel = channel / out_group * in_group + i;
                        let index =
                            ((channel * in_group + i) * self.kernel + ky) * self.kernel + kx;
                        entries.push((
                            input.index(in_channel, iy, ix) as u32,
                            Coefficient::Parameter {
                                tensor: 0,
                                index: index as u32,
                            },
                        ));
                    }
                }
            }
            if self.bias {
                Coefficient::Parameter {
                    tensor: 1,
                    index: channel as u32,
                }
            } else {
                Coefficient::Fixed(0.0)
            }
        })
    }
}
