//! Convolution with stride, zero padding, dilation and groups (depthwise when groups equal the channels).
//!
//! A signal is a map of height 1.

use super::{
    Parameter, Seen, Structure, Taps, Window, check_circulant, check_knobs, circulant_index,
};
use crate::{Coefficient, LinearMap, Shape};

/// A convolution (cross-correlation, as every training library computes it). Parameters: `weight` `[stored][channels
/// that one reads][kernel rows][kernel columns]`, or with a cross of taps `[stored][channels that one reads][taps]`,
/// and, with `bias`, `bias` `[out_channels]`. Stored are the rows of `out_channels` output channels, or,
/// block-circulant, of the first block of them.
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
    /// Which entries exist within a group.
    pub structure: Structure,
}

impl Conv {
    /// A dense convolution of stride 1 that keeps height and width (odd kernels), without bias.
    pub const fn same(out_channels: usize, kernel: usize) -> Self {
        Self {
            out_channels,
            window: Window::square(kernel, 1, kernel / 2),
            groups: 1,
            bias: false,
            structure: Structure::FULL,
        }
    }

    pub(super) fn output_shape(&self, input: Shape) -> Result<Shape, String> {
        let groups = self.groups;
        check_knobs(&[("groups", groups), ("out_channels", self.out_channels)])?;
        self.check_channels(input.channels)?;
        let [height, width] = self.window.outputs(input.height, input.width)?;
        let [rows, columns] = self.window.kernel;
        if self.structure.taps == Taps::Cross
            && (rows.is_multiple_of(2) || columns.is_multiple_of(2))
        {
            return Err(format!(
                "taps cross need a middle row and a middle column, so odd sides of the kernel; {rows}x{columns} given"
            ));
        }
        Ok(Shape::new(self.out_channels, height, width))
    }

    /// Whether groups and the share of channels fit so many input channels.
    ///
    /// # Errors
    /// The numbers that do not go together.
    pub(crate) fn check_channels(&self, inputs: usize) -> Result<(), String> {
        let (groups, outputs) = (self.groups.max(1), self.out_channels);
        if !inputs.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
            return Err(format!(
                "groups {groups} must divide the {inputs} input and {outputs} output channels"
            ));
        }
        let Structure {
            seen, circulant, ..
        } = self.structure;
        check_circulant(circulant, inputs, outputs)?;
        if circulant > 1 && (groups > 1 || seen != Seen::ALL) {
            return Err(format!(
                "circulant {circulant} goes with groups 1 and seen 1 only, groups {groups} and seen {seen} are given"
            ));
        }
        let ring = Seen::ring(inputs / groups, outputs / groups);
        if ring < seen.parts() {
            return Err(format!(
                "seen {seen} of the offsets between {} input and {} output channels{} is less than one channel: they \
                 share {ring} as the largest power of two that divides both, and {} is needed",
                inputs / groups,
                outputs / groups,
                if groups > 1 { " of a group" } else { "" },
                seen.parts()
            ));
        }
        Ok(())
    }

    /// Input channels that one output channel reads, of so many.
    pub fn read_channels(&self, inputs: usize) -> usize {
        inputs / self.groups / self.structure.seen.parts()
    }

    pub(super) fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let stored = self.out_channels / self.structure.circulant;
        let mut shape = vec![stored, self.read_channels(input.channels)];
        match self.structure.taps {
            Taps::Square => shape.extend(self.window.kernel),
            Taps::Cross => shape.push(self.structure.taps.count(self.window.kernel)),
        }
        let mut parameters = vec![Parameter {
            name: "weight",
            shape,
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
        let Structure {
            taps,
            seen,
            circulant,
        } = self.structure;
        let (kernel, read) = (self.window.kernel, self.read_channels(input.channels));
        let extents = [self.out_channels, read];
        LinearMap::from_rows(input.len(), output.len(), |row, entries| {
            let (channel, y, x) = output.place(row);
            let channels = seen.channels(in_group, out_group, channel % out_group);
            for (number, i) in channels.enumerate() {
                let in_channel = channel / out_group * in_group + i;
                let [row, column] = circulant_index(circulant, extents, [channel, number]);
                let first = (row * read + column) * taps.count(kernel);
                entries.extend(self.window.taps(input, y, x).filter_map(|tap| {
                    let index = (first + taps.rank(kernel, tap.place)?) as u32;
                    let column = input.index(in_channel, tap.row, tap.column) as u32;
                    Some((column, Coefficient::Parameter { tensor: 0, index }))
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
