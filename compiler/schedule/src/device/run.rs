//! Running the device part, in 64-bit floats.
//!
//! Cost: one multiplication for each that [`DevicePart::products`] counts, on one thread; all tensors are kept.

use super::layer::{DeviceConv, DeviceKind, DeviceLayer, DeviceSparse, DeviceWindow, elements};
use super::{DevicePart, Numbers};

impl DevicePart {
    /// The features of an input in channel-major order.
    ///
    /// # Errors
    /// An input of another length, with both numbers.
    pub fn run(&self, input: &[f64]) -> Result<Vec<f64>, String> {
        let takes = elements(self.input);
        if input.len() != takes {
            return Err(format!(
                "the input has {} elements, the network takes {takes} ({:?})",
                input.len(),
                self.input
            ));
        }
        let mut tensors: Vec<Vec<f64>> = vec![input.to_vec()];
        for (layer, shape) in self.layers.iter().zip(&self.shapes[1..]) {
            let result = self.result(layer, *shape, &tensors);
            tensors.push(result);
        }
        Ok(tensors.pop().unwrap_or_default())
    }

    fn result(&self, layer: &DeviceLayer, shape: [u32; 3], tensors: &[Vec<f64>]) -> Vec<f64> {
        let read: Vec<&Vec<f64>> = layer.from.iter().map(|at| &tensors[*at]).collect();
        let (x, from) = (read[0], self.shapes[layer.from[0]]);
        match &layer.kind {
            DeviceKind::Conv(conv) => convolve(conv, x, from, shape),
            DeviceKind::Dense { weights, bias } => {
                let rows = weights.values().chunks_exact(x.len().max(1));
                let row = |(row, bias): (&[f32], &f32)| {
                    let products = row.iter().zip(x).map(|(w, x)| f64::from(*w) * x);
                    products.sum::<f64>() + f64::from(*bias)
                };
                rows.zip(bias.values()).map(row).collect()
            }
            DeviceKind::Affine { scale, shift } => {
                let of = |channel: usize, x: f64| {
                    f64::from(scale.values()[channel]) * x + f64::from(shift.values()[channel])
                };
                by_channel(x, shape, of)
            }
            DeviceKind::Poly { coefficients } => {
                let terms = coefficients.len() / (shape[0] as usize).max(1);
                let rows = coefficients.values();
                let of = |channel: usize, x: f64| {
                    let row = &rows[channel * terms..(channel + 1) * terms];
                    row.iter().rev().fold(0.0, |y, c| y * x + f64::from(*c))
                };
                by_channel(x, shape, of)
            }
            DeviceKind::AveragePool {
                window,
                counts_padding,
            } => pooled(window, *counts_padding, x, [from, shape]),
            DeviceKind::Relu { slope, cap } => {
                let (slope, cap) = (f64::from(*slope), cap.map_or(f64::INFINITY, f64::from));
                let of = |x: &f64| if *x < 0.0 { slope * x } else { x.min(cap) };
                x.iter().map(of).collect()
            }
            DeviceKind::MaxPool { window } => greatest(window, x, [from, shape]),
            DeviceKind::Sparse(sparse) => gathered(sparse, x),
            DeviceKind::Add => {
                let sum = |e: usize| read.iter().map(|tensor| tensor[e]).sum();
                (0..x.len()).map(sum).collect()
            }
            DeviceKind::Concat => read.into_iter().flatten().copied().collect(),
        }
    }
}

fn by_channel(x: &[f64], shape: [u32; 3], of: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let plane = (shape[1] as usize * shape[2] as usize).max(1);
    let pairs = x.iter().enumerate();
    pairs.map(|(e, x)| of(e / plane, *x)).collect()
}

/// For each place of a window along one axis, which outputs have an element there, and the element of the first.
fn along(window: &DeviceWindow, axis: usize, input: usize, outputs: usize) -> Vec<Run> {
    let number = |n: u32| n as usize;
    let (stride, dilation) = (number(window.stride[axis]), number(window.dilation[axis]));
    let before = number(window.padding[axis]);
    let place = |place: usize| {
        // Output `o` sees element `o · stride + skipped − before`.
        let skipped = place * dilation;
        let first = before.saturating_sub(skipped).div_ceil(stride);
        let end = (input + before).saturating_sub(skipped).div_ceil(stride);
        Run {
            first,
            count: end.min(outputs).saturating_sub(first),
            element: (first * stride + skipped).saturating_sub(before),
            stride,
        }
    };
    (0..number(window.kernel[axis])).map(place).collect()
}

/// Outputs that follow each other and have an element at one place of their windows.
struct Run {
    first: usize,
    count: usize,
    element: usize,
    stride: usize,
}

impl Run {
    /// Pairs of output and element.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.count).map(|n| (self.first + n, self.element + n * self.stride))
    }
}

fn convolve(conv: &DeviceConv, x: &[f64], from: [u32; 3], shape: [u32; 3]) -> Vec<f64> {
    let [channels, height, width] = from.map(|n| n as usize);
    let [outputs, rows, columns] = shape.map(|n| n as usize);
    let vertical = along(&conv.window, 0, height, rows);
    let horizontal = along(&conv.window, 1, width, columns);
    let groups = conv.groups as usize;
    let (read, given) = (channels / groups, outputs / groups);
    let mut y = vec![0.0; outputs * rows * columns];
    let mut weights = conv.weights.values().iter();
    for (output, plane) in y.chunks_exact_mut(rows * columns).enumerate() {
        plane.fill(f64::from(conv.bias.values()[output]));
        for input in 0..read {
            let channel = output / given * read + input;
            let source = &x[channel * height * width..(channel + 1) * height * width];
            for down in &vertical {
                for across in &horizontal {
                    let weight = weights.next().map_or(0.0, |w| f64::from(*w));
                    if weight == 0.0 || across.count == 0 {
                        continue;
                    }
                    for (row, source_row) in down.pairs() {
                        let source = &source[source_row * width + across.element..];
                        let place = &mut plane[row * columns + across.first..][..across.count];
                        for (y, x) in place.iter_mut().zip(source.iter().step_by(across.stride)) {
                            *y += weight * x;
                        }
                    }
                }
            }
        }
    }
    y
}

fn pooled(
    window: &DeviceWindow,
    counts_padding: bool,
    x: &[f64],
    [from, shape]: [[u32; 3]; 2],
) -> Vec<f64> {
    let [_, height, width] = from.map(|n| n as usize);
    let [channels, rows, columns] = shape.map(|n| n as usize);
    let vertical = along(window, 0, height, rows);
    let horizontal = along(window, 1, width, columns);
    let mut counts = vec![0.0f64; rows * columns];
    let mut y = vec![0.0; channels * rows * columns];
    for down in &vertical {
        for across in &horizontal {
            for (row, source_row) in down.pairs() {
                for (column, source_column) in across.pairs() {
                    counts[row * columns + column] += 1.0;
                    for channel in 0..channels {
                        y[(channel * rows + row) * columns + column] +=
                            x[(channel * height + source_row) * width + source_column];
                    }
                }
            }
        }
    }
    let area = window.area() as f64;
    for (place, y) in y.iter_mut().enumerate() {
        let seen = counts[place % (rows * columns)].max(1.0);
        *y /= if counts_padding { area } else { seen };
    }
    y
}

/// The greatest element of each window; 0 of a dilated one that passes over all elements.
fn greatest(window: &DeviceWindow, x: &[f64], [from, shape]: [[u32; 3]; 2]) -> Vec<f64> {
    let [_, height, width] = from.map(|n| n as usize);
    let [channels, rows, columns] = shape.map(|n| n as usize);
    let vertical = along(window, 0, height, rows);
    let horizontal = along(window, 1, width, columns);
    let mut y = vec![None; channels * rows * columns];
    for down in &vertical {
        for across in &horizontal {
            for (row, source_row) in down.pairs() {
                for (column, source_column) in across.pairs() {
                    for channel in 0..channels {
                        let x = x[(channel * height + source_row) * width + source_column];
                        let y = &mut y[(channel * rows + row) * columns + column];
                        // What is no number stays so.
                        let keeps = y.is_some_and(|y: f64| y.is_nan() || y > x);
                        *y = if keeps { *y } else { Some(x) };
                    }
                }
            }
        }
    }
    y.into_iter().map(|y| y.unwrap_or(0.0)).collect()
}

fn gathered(sparse: &DeviceSparse, x: &[f64]) -> Vec<f64> {
    let mut entries = sparse.columns.iter().enumerate();
    let number = |numbers: &Numbers, at: usize| numbers.values().get(at).map(|n| f64::from(*n));
    let row = |(row, length): (usize, &u32)| {
        let own = entries.by_ref().take(*length as usize);
        let sum: f64 = own
            .map(|(at, column)| number(&sparse.weights, at).unwrap_or(1.0) * x[*column as usize])
            .sum();
        sum + number(&sparse.bias, row).unwrap_or(0.0)
    };
    sparse.lengths.iter().enumerate().map(row).collect()
}
