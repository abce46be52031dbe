//! Convolution with stride, zero padding, dilation and groups (depthwise when groups equal the channels).
//!
//! A signal is a map of height 1.

use super::{Parameter, Window, check_knobs};
use crate::{Coefficient, LinearMap, Shape};

/// A convolution (cross-correlation, as every training library computes it). Parameters: `weight`
/// `[out_channels][in_channels / groups][kernel rows][kernel columns]` and, with `bias`, `bias` `[out_channels]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Output channels, a multiple of `groups`.
    pub out_channels: usize,
    /// The kernel's places on the map; elements beside the map are 0.
    pub window: Window,
    /// Groups of channels that do not see each other; divides the input channels.
    pub groups: usize,
    /// Whether a constant is added to each output channel.
    pub bias: bool,
}

impl Conv {
    /// A dense convolution of stride 1 that keeps height and width (odd kernels), without bias.
    pub const fn same(out_channels: usize, kernel: usize) -> Self {
        Self {
            out_channels,
            window: Window::square(kernel, 1, kernel / 2),
            groups: 1,
            bias: false,
        }
    }

    pub(super) fn output_shape(&self, input: Shape) -> Result<Shape, String> {
        let groups = self.groups;
        check_knobs(&[("groups", groups), ("out_channels", self.out_channels)])?;
        if !input.channels.is_multiple_of(groups) || !self.out_channels.is_multiple_of(groups) {
            return Err(format!(
                "groups {groups} must divide the {} input and {} output channels",
                input.channels, self.out_channels
            ));
        }
        let [height, width] = self.window.outputs(input.height, input.width)?;
        Ok(Shape::new(self.out_channels, height, width))
    }

    pub(super) fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let [rows, columns] = self.window.kernel;
        let mut parameters = vec![Parameter {
            name: "weight",
            shape: vec![
                self.out_channels,
                input.channels / self.groups,
                rows,
                columns,
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
        let area = self.window.area();
        LinearMap::from_rows(input.len(), output.len(), |row, entries| {
            let (channel, y, x) = output.place(row);
            for i in 0..in_group {
                let in_channel = channel / out_group * in_group + i;
                let first = (channel * in_group + i) * area;
                entries.extend(self.window.taps(input, y, x).map(|tap| {
                    let index = (first + tap.place) as u32;
                    let column = input.index(in_channel, tap.row, tap.column) as u32;
                    (column, Coefficient::Parameter { tensor: 0, index })
                }));
            }
            match self.bias {
                true => Coefficient::Parameter {
                    tensor: 1,
                    index: channel as u32,
                },
                false => Coefficient::Fixed(0.0),
            }
        })
    }
}
