//! Average pooling.

use hemet_spaces::{Shape, layer};

use super::Kernel;
use super::window::Window;

/// Mean over the windows of `[images·height·width][channels]`; places beside the map count as zeros where
/// `counts_padding` says so, and not at all otherwise.
#[derive(Clone, Debug)]
pub(in crate::train) struct Pool {
    pub window: Window,
    pub counts_padding: bool,
}

/// Elements of an output pixel: where the input pixels start, and the share of each.
struct Reads {
    from: Vec<usize>,
    share: f32,
}

impl Pool {
    /// The windows of an image, row by row; starts are within the image.
    fn reads(&self) -> Vec<Reads> {
        let window = &self.window;
        let (rows, columns) = window.output_side();
        let shape = Shape::new(1, window.height, window.width);
        let places = (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x)));
        let reads = |(y, x): (usize, usize)| {
            let taps = window.geometry.taps(shape, y, x);
            let start = |tap: layer::Tap| (tap.row * window.width + tap.column) * window.channels;
            let from: Vec<usize> = taps.map(start).collect();
            let count = match self.counts_padding {
                true => window.geometry.area(),
                false => from.len().max(1),
            };
            Reads {
                from,
                share: 1.0 / count as f32,
            }
        };
        places.map(reads).collect()
    }

    /// Calls `visit(start of input pixel, start of output pixel, share)` for each pair.
    fn pairs(&self, mut visit: impl FnMut(usize, usize, f32)) {
        let window = &self.window;
        let (image, channels) = (
            window.height * window.width * window.channels,
            window.channels,
        );
        let reads = self.reads();
        for number in 0..window.images {
            for (place, read) in reads.iter().enumerate() {
                let to = (number * reads.len() + place) * channels;
                for from in &read.from {
                    visit(number * image + from, to, read.share);
                }
            }
        }
    }
}

impl Kernel for Pool {
    fn output(&self) -> [usize; 2] {
        let (height, width) = self.window.output_side();
        [self.window.images * height * width, self.window.channels]
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let [rows, c] = self.output();
        let mut output = vec![0.0; rows * c];
        self.pairs(|from, to, share| {
            let target = &mut output[to..to + c];
            for (o, x) in target.iter_mut().zip(&inputs[0][from..from + c]) {
                *o += share * x;
            }
        });
        output
    }

    fn backward(&self, inputs: &[&[f32]], gradient: &[f32], _: &[bool]) -> Vec<Vec<f32>> {
        let c = self.window.channels;
        let mut result = vec![0.0; inputs[0].len()];
        self.pairs(|from, to, share| {
            let target = &mut result[from..from + c];
            for (r, g) in target.iter_mut().zip(&gradient[to..to + c]) {
                *r += share * g;
            }
        });
        vec![result]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::kernel::check::check_gradients;
    use crate::train::kernel::window::odd_geometries;

    #[test]
    fn gradients_agree_with_finite_differences() {
        let squares = [(2, 2, 0), (3, 2, 0), (4, 1, 0), (3, 2, 1), (3, 1, 1)];
        let squares = squares.map(|(k, s, p)| layer::Window::square(k, s, p));
        for geometry in odd_geometries().into_iter().chain(squares) {
            for counts_padding in [false, true] {
                let pool = Pool {
                    window: Window::new(2, Shape::new(3, 5, 4), geometry),
                    counts_padding,
                };
                check_gradients(|| pool.clone(), &[2 * 5 * 4 * 3]);
            }
        }
    }
}
