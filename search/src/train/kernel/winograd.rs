//! Convolutions of 3x3 windows by Winograd's F(2x2, 3x3) (A. Lavin, S. Gray, "Fast algorithms for convolutional neural
//! networks", 2016): a tile of 2x2 outputs takes 16 products for each pair of channels, not 36.
//!
//! With the matrices G, B and A of that paper, filters g, a tile d of 4x4 pixels and its outputs y:
//! `U = G g Gᵀ`, `V = Bᵀ d B`, `M = Σ_channels U ⊙ V`, `y = Aᵀ M A`. Sums over channels are 16 matrix products. The
//! gradients are the transposed steps. B and A hold 0 and ±1 alone, so 32-bit floats err about as in the direct way.

use std::ops::Range;

use super::lanes::vectorized;
use super::product::{Matrix, multiply};
use super::window::Window;
use hemet_spaces::layer;

/// Channels that a step of a transform takes at once.
const LANES: usize = 16;
/// Places of a tile.
const PLACES: usize = 16;
/// Pairs of channels from which on the transforms cost less than what they save.
const PAIRS: usize = 64 * 32;
/// Bytes of the transformed tiles of a block, pixels and outputs: a share of the third cache. In smaller blocks the
/// filters would be read too often.
const BLOCK_BYTES: usize = 1 << 20;
/// As much, where gradients of filters are read and written once a block.
const BACKWARD_BYTES: usize = 2 << 20;

type Lane = [f32; LANES];

/// A convolution that can be done so.
pub(super) struct Winograd<'a> {
    window: &'a Window,
    outputs: usize,
    /// Rows and columns of tiles in an image.
    side: [usize; 2],
}

impl<'a> Winograd<'a> {
    /// Nothing where the window is another, and where channels are few or do not fill lanes.
    pub fn of(window: &'a Window, outputs: usize) -> Option<Self> {
        let fits = window.geometry == layer::Window::square(3, 1, 1)
            && window.channels.is_multiple_of(LANES)
            && outputs.is_multiple_of(LANES)
            && window.channels * outputs >= PAIRS;
        fits.then(|| Self {
            window,
            outputs,
            side: [window.height.div_ceil(2), window.width.div_ceil(2)],
        })
    }

    /// The outputs, by the [`Self::filters`] of the weights.
    pub fn forward(&self, x: &[f32], filters: &[f32], output: &mut [f32]) {
        let (channels, outputs) = (self.window.channels, self.outputs);
        self.blocks(BLOCK_BYTES, |tiles, pixels, sums| {
            self.unfold(tiles.clone(), x, pixels);
            let count = tiles.len();
            for place in 0..PLACES {
                let pixels = Matrix::new(part(pixels, place, count * channels), count, channels);
                let filter =
                    Matrix::new(part(filters, place, channels * outputs), channels, outputs);
                let sums = part_mut(sums, place, count * outputs);
                multiply(pixels, filter, sums, false);
            }
            self.write_outputs(tiles, sums, output);
        });
    }

    /// Adds the gradient of pixels to `dx`, by the [`Self::filters`] of the weights, and gives that of the weights;
    /// each where wanted.
    pub fn backward(
        &self,
        [x, filters, gradient]: [&[f32]; 3],
        dx: &mut [f32],
        wanted: [bool; 2],
    ) -> Vec<f32> {
        let (channels, outputs) = (self.window.channels, self.outputs);
        let places = if wanted[1] { PLACES } else { 0 };
        let mut by_place = vec![0.0; places * channels * outputs];
        self.blocks(BACKWARD_BYTES, |tiles, pixels, sums| {
            let count = tiles.len();
            self.spread_outputs(tiles.clone(), gradient, sums);
            let sums = |place| Matrix::new(part(sums, place, count * outputs), count, outputs);
            if wanted[1] {
                self.unfold(tiles.clone(), x, pixels);
                for place in 0..PLACES {
                    let pixels = part(pixels, place, count * channels);
                    let pixels = Matrix::new(pixels, count, channels).transposed();
                    let result = part_mut(&mut by_place, place, channels * outputs);
                    multiply(pixels, sums(place), result, true);
                }
            }
            if wanted[0] {
                for place in 0..PLACES {
                    let filter = part(filters, place, channels * outputs);
                    let filter = Matrix::new(filter, channels, outputs).transposed();
                    let pixels = part_mut(pixels, place, count * channels);
                    multiply(sums(place), filter, pixels, false);
                }
                self.fold(tiles, pixels, dx);
            }
        });
        match wanted[1] {
            true => self.filter_gradient(&by_place),
            false => Vec::new(),
        }
    }

    /// Calls `work(tiles, room for their pixels, room for their outputs)` for one block of tiles after the other.
    fn blocks(&self, bytes: usize, mut work: impl FnMut(Range<usize>, &mut [f32], &mut [f32])) {
        let (channels, outputs) = (self.window.channels, self.outputs);
        let all = self.window.images * self.side[0] * self.side[1];
        let tile_bytes = PLACES * (channels + outputs) * size_of::<f32>();
        let step = (bytes / tile_bytes).clamp(1, all.max(1));
        let mut pixels = vec![0.0; step * PLACES * channels];
        let mut sums = vec![0.0; step * PLACES * outputs];
        for start in (0..all).step_by(step) {
            let tiles = start..(start + step).min(all);
            let len = tiles.len() * PLACES;
            work(
                tiles,
                &mut pixels[..len * channels],
                &mut sums[..len * outputs],
            );
        }
    }

    /// Where in the image matrix a pixel of a tile stands, counted from the tile's first output; nothing outside.
    fn pixel(&self, tile: usize, row: usize, column: usize) -> Option<usize> {
        let window = self.window;
        let (image, place) = (
            tile / (self.side[0] * self.side[1]),
            tile % (self.side[0] * self.side[1]),
        );
        let y = (2 * (place / self.side[1]) + row).wrapping_sub(1);
        let x = (2 * (place % self.side[1]) + column).wrapping_sub(1);
        let inside = y < window.height && x < window.width;
        inside.then(|| (image * window.height + y) * window.width + x)
    }

    /// Where the outputs of a tile stand.
    fn outputs_of(&self, tile: usize) -> [Option<usize>; 4] {
        std::array::from_fn(|p| self.pixel(tile, 1 + p / 2, 1 + p % 2))
    }

    /// `V`: the pixels of tiles, `[place][tile][channel]`.
    fn unfold(&self, tiles: Range<usize>, x: &[f32], result: &mut [f32]) {
        let channels = self.window.channels;
        let (start, count) = (tiles.start, tiles.len());
        vectorized(|| {
            for tile in tiles {
                let places = std::array::from_fn(|p| self.pixel(tile, p / 4, p % 4));
                for lane in (0..channels).step_by(LANES) {
                    let pixels = read(x, &places, channels, lane);
                    write(
                        result,
                        (tile - start) * channels + lane,
                        count * channels,
                        &both(pixels, pixels_once),
                    );
                }
            }
        });
    }

    /// The transposed step: adds the pixels of tiles to the image.
    fn fold(&self, tiles: Range<usize>, pixels: &[f32], x: &mut [f32]) {
        let channels = self.window.channels;
        let (start, count) = (tiles.start, tiles.len());
        vectorized(|| {
            for tile in tiles {
                let places: [_; PLACES] = std::array::from_fn(|p| self.pixel(tile, p / 4, p % 4));
                for lane in (0..channels).step_by(LANES) {
                    let at = (tile - start) * channels + lane;
                    let sums = both(load(pixels, at, count * channels), pixels_back);
                    for (place, sum) in places.iter().zip(&sums) {
                        let Some(pixel) = place else { continue };
                        let x = &mut x[pixel * channels + lane..][..LANES];
                        x.iter_mut().zip(sum).for_each(|(x, s)| *x += s);
                    }
                }
            }
        });
    }

    /// `y`: outputs of tiles from the sums over channels, `[place][tile][output]`.
    fn write_outputs(&self, tiles: Range<usize>, sums: &[f32], output: &mut [f32]) {
        let outputs = self.outputs;
        let (start, count) = (tiles.start, tiles.len());
        vectorized(|| {
            for tile in tiles {
                let places = self.outputs_of(tile);
                for lane in (0..outputs).step_by(LANES) {
                    let at = (tile - start) * outputs + lane;
                    let sums: [Lane; PLACES] = load(sums, at, count * outputs);
                    let column =
                        |c: usize| sums_once([sums[c], sums[4 + c], sums[8 + c], sums[12 + c]]);
                    let columns: [[Lane; 2]; 4] = std::array::from_fn(column);
                    let row = |r: usize| sums_once(std::array::from_fn(|c| columns[c][r]));
                    let rows = [row(0), row(1)];
                    for (p, place) in places.iter().enumerate() {
                        let Some(pixel) = place else { continue };
                        output[pixel * outputs + lane..][..LANES]
                            .copy_from_slice(&rows[p / 2][p % 2]);
                    }
                }
            }
        });
    }

    /// The transposed step: the gradients of the sums from those of the outputs.
    fn spread_outputs(&self, tiles: Range<usize>, gradient: &[f32], result: &mut [f32]) {
        let outputs = self.outputs;
        let (start, count) = (tiles.start, tiles.len());
        vectorized(|| {
            for tile in tiles {
                let places = self.outputs_of(tile);
                for lane in (0..outputs).step_by(LANES) {
                    let given: [Lane; 4] = read(gradient, &places, outputs, lane);
                    let rows = [0, 1].map(|r| sums_back([given[2 * r], given[2 * r + 1]]));
                    let columns: [[Lane; 4]; 4] =
                        std::array::from_fn(|c| sums_back([rows[0][c], rows[1][c]]));
                    let all: [Lane; PLACES] = std::array::from_fn(|p| columns[p % 4][p / 4]);
                    write(
                        result,
                        (tile - start) * outputs + lane,
                        count * outputs,
                        &all,
                    );
                }
            }
        });
    }

    /// `U` of weights `[kernel row][kernel column][channel][output]`: `[place][channel][output]`.
    pub fn filters(&self, weights: &[f32]) -> Vec<f32> {
        let len = self.window.channels * self.outputs;
        let mut result = vec![0.0; PLACES * len];
        vectorized(|| {
            for at in (0..len).step_by(LANES) {
                let g: [Lane; 9] = load(weights, at, len);
                let column = |c: usize| filter_once([g[c], g[3 + c], g[6 + c]]);
                let columns: [[Lane; 4]; 3] = std::array::from_fn(column);
                let row = |r: usize| filter_once(std::array::from_fn(|c| columns[c][r]));
                let rows: [[Lane; 4]; 4] = std::array::from_fn(row);
                let all: [Lane; PLACES] = std::array::from_fn(|p| rows[p / 4][p % 4]);
                write(&mut result, at, len, &all);
            }
        });
        result
    }

    /// The transposed step.
    fn filter_gradient(&self, by_place: &[f32]) -> Vec<f32> {
        let len = self.window.channels * self.outputs;
        let mut result = vec![0.0; 9 * len];
        vectorized(|| {
            for at in (0..len).step_by(LANES) {
                let u: [Lane; PLACES] = load(by_place, at, len);
                let column = |c: usize| filter_back([u[c], u[4 + c], u[8 + c], u[12 + c]]);
                let columns: [[Lane; 3]; 4] = std::array::from_fn(column);
                let row = |r: usize| filter_back(std::array::from_fn(|c| columns[c][r]));
                let rows: [[Lane; 3]; 3] = std::array::from_fn(row);
                let all: [Lane; 9] = std::array::from_fn(|p| rows[p / 3][p % 3]);
                write(&mut result, at, len, &all);
            }
        });
        result
    }
}

/// The part of a place.
fn part(all: &[f32], place: usize, len: usize) -> &[f32] {
    &all[place * len..][..len]
}

fn part_mut(all: &mut [f32], place: usize, len: usize) -> &mut [f32] {
    &mut all[place * len..][..len]
}

/// `N` lanes, `step` apart.
#[inline(always)]
fn load<const N: usize>(all: &[f32], at: usize, step: usize) -> [Lane; N] {
    std::array::from_fn(|p| lane(&all[at + p * step..]))
}

#[inline(always)]
fn write<const N: usize>(all: &mut [f32], at: usize, step: usize, lanes: &[Lane; N]) {
    for (p, lane) in lanes.iter().enumerate() {
        all[at + p * step..][..LANES].copy_from_slice(lane);
    }
}

/// Lanes of pixels, zero where there is none.
#[inline(always)]
fn read<const N: usize>(
    x: &[f32],
    places: &[Option<usize>; N],
    channels: usize,
    at: usize,
) -> [Lane; N] {
    std::array::from_fn(|p| match places[p] {
        Some(pixel) => lane(&x[pixel * channels + at..]),
        None => [0.0; LANES],
    })
}

#[inline(always)]
fn lane(from: &[f32]) -> Lane {
    let mut lane = [0.0; LANES];
    lane.copy_from_slice(&from[..LANES]);
    lane
}

#[inline(always)]
fn add(a: Lane, b: Lane) -> Lane {
    std::array::from_fn(|i| a[i] + b[i])
}

#[inline(always)]
fn sub(a: Lane, b: Lane) -> Lane {
    std::array::from_fn(|i| a[i] - b[i])
}

/// A step along columns, then along rows, of a tile.
#[inline(always)]
fn both(tile: [Lane; PLACES], step: impl Fn([Lane; 4]) -> [Lane; 4]) -> [Lane; PLACES] {
    let column = |c: usize| step([tile[c], tile[4 + c], tile[8 + c], tile[12 + c]]);
    let columns: [[Lane; 4]; 4] = std::array::from_fn(column);
    let row = |r: usize| step(std::array::from_fn(|c| columns[c][r]));
    let rows: [[Lane; 4]; 4] = std::array::from_fn(row);
    std::array::from_fn(|p| rows[p / 4][p % 4])
}

/// `Bᵀ d`.
#[inline(always)]
fn pixels_once([a, b, c, d]: [Lane; 4]) -> [Lane; 4] {
    [sub(a, c), add(b, c), sub(c, b), sub(b, d)]
}

/// `B v`.
#[inline(always)]
fn pixels_back([a, b, c, d]: [Lane; 4]) -> [Lane; 4] {
    [
        a,
        add(sub(b, c), d),
        sub(add(b, c), a),
        sub([0.0; LANES], d),
    ]
}

/// `Aᵀ m`.
#[inline(always)]
fn sums_once([a, b, c, d]: [Lane; 4]) -> [Lane; 2] {
    [add(a, add(b, c)), sub(sub(b, c), d)]
}

/// `A y`.
#[inline(always)]
fn sums_back([a, b]: [Lane; 2]) -> [Lane; 4] {
    [a, add(a, b), sub(a, b), sub([0.0; LANES], b)]
}

/// `G g`.
#[inline(always)]
fn filter_once([a, b, c]: [Lane; 3]) -> [Lane; 4] {
    let half = |lane: Lane| lane.map(|x| 0.5 * x);
    let ends = add(a, c);
    [a, half(add(ends, b)), half(sub(ends, b)), c]
}

/// `Gᵀ u`.
#[inline(always)]
fn filter_back([a, b, c, d]: [Lane; 4]) -> [Lane; 3] {
    let half = |lane: Lane| lane.map(|x| 0.5 * x);
    let middle = half(add(b, c));
    [add(a, middle), half(sub(b, c)), add(middle, d)]
}

#[cfg(test)]
mod tests {
    use super::super::check::check_gradients;
    use super::super::conv::Conv;
    use super::*;
    use hemet_spaces::Shape;

    fn conv(images: usize, [channels, height, width]: [usize; 3], outputs: usize) -> Conv {
        let image = Shape::new(channels, height, width);
        let window = Window::new(images, image, layer::Window::square(3, 1, 1));
        Conv { window, outputs }
    }

    /// Sums of 9·channels products of order one, in another order: 1e-4.
    #[test]
    fn outputs_and_gradients_are_those_of_the_direct_way() {
        for (images, image, outputs) in [
            (1, [128, 1, 1], 16),
            (3, [64, 5, 4], 32),
            (2, [48, 8, 8], 48),
            (5, [64, 7, 9], 64),
        ] {
            let conv = conv(images, image, outputs);
            let numbers = |len: usize, salt: usize| -> Vec<f32> {
                let number = |i: usize| ((i * 7919 + salt) % 2003) as f32 / 1001.0 - 1.0;
                (0..len).map(number).collect()
            };
            let pixels = images * image.iter().product::<usize>();
            let x = numbers(pixels, 1);
            let weights = numbers(9 * image[0] * outputs, 2);
            let gradient = numbers(pixels / image[0] * outputs, 3);
            let near = |found: &[f32], expected: &[f32]| {
                assert_eq!(found.len(), expected.len());
                let scale = expected.iter().fold(1.0f32, |m, e| m.max(e.abs()));
                for (f, e) in found.iter().zip(expected) {
                    assert!((f - e).abs() < 1e-4 * scale, "{f} instead of {e}");
                }
            };
            let winograd = Winograd::of(&conv.window, conv.outputs).expect("a window of 3x3");
            let mut output = vec![f32::NAN; gradient.len()];
            let filters = winograd.filters(&weights);
            winograd.forward(&x, &filters, &mut output);
            let mut direct = vec![f32::NAN; gradient.len()];
            conv.direct(&x, &weights, &mut direct);
            near(&output, &direct);
            let [mut dx, mut direct] = [0, 1].map(|_| vec![0.0; x.len()]);
            let all = [&x[..], &filters, &gradient];
            let dw = winograd.backward(all, &mut dx, [true; 2]);
            conv.input_gradient(&weights, &gradient, &mut direct);
            near(&dx, &direct);
            near(&dw, &conv.weight_gradient(&x, &gradient));
            assert!(winograd.backward(all, &mut [], [false; 2]).is_empty());
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        let conv = conv(1, [128, 2, 1], 16);
        check_gradients(|| conv.clone(), &[2 * 128, 9 * 128 * 16]);
    }

    #[test]
    fn other_windows_and_few_or_odd_channels_are_left_to_the_direct_way() {
        let mut one = conv(1, [64, 4, 4], 64);
        assert!(Winograd::of(&one.window, one.outputs).is_some());
        one.outputs = 100;
        assert!(Winograd::of(&one.window, one.outputs).is_none());
        assert!(Winograd::of(&conv(1, [72, 4, 4], 64).window, 64).is_none());
        assert!(Winograd::of(&conv(1, [16, 4, 4], 16).window, 16).is_none());
        let strided = layer::Window::square(3, 2, 1);
        let window = Window::new(1, Shape::new(64, 4, 4), strided);
        assert!(Winograd::of(&window, 64).is_none());
    }

    /// Blocks of any number of tiles lead to the same: an image of 40x40 with 64 channels has several.
    #[test]
    fn blocks_cover_every_tile_once() {
        let conv = conv(1, [64, 40, 40], 64);
        let winograd = Winograd::of(&conv.window, conv.outputs).expect("a window of 3x3");
        let mut next = 0;
        let mut blocks = 0;
        winograd.blocks(BLOCK_BYTES, |tiles, pixels, _| {
            assert_eq!(tiles.start, next);
            assert_eq!(pixels.len(), tiles.len() * PLACES * 64);
            (next, blocks) = (tiles.end, blocks + 1);
        });
        assert_eq!(next, 400);
        assert!(blocks > 1);
    }
}
