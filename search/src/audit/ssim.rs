//! How near a reconstruction comes: structural similarity and peak signal-to-noise ratio.
//!
//! Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli, Image quality assessment: from error visibility to structural
//! similarity, IEEE Transactions on Image Processing 13 (2004): windows of 11x11 with Gaussian weights of deviation 1.5
//! that lie whole in the picture, K1 = 0.01, K2 = 0.03, pixels from 0 to 1 (L = 1). A picture with a side below 11 has
//! the largest odd window that fits.

use hemet_spaces::Shape;

const SIDE: usize = 11;
const DEVIATION: f64 = 1.5;
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;

/// The least side of pictures that are compared.
pub const LEAST_SIDE: usize = 3;
/// The ratio in decibels that stands for pictures which agree to it or better.
pub const MOST_PSNR: f64 = 100.0;

/// The structural similarity of two pictures of this shape, `[channels][height][width]`, pixels 0 to 1: at most 1, of
/// equal ones 1; the mean over windows and channels. Both sides are at least [`LEAST_SIDE`].
pub fn ssim(a: &[f32], b: &[f32], shape: Shape) -> f64 {
    let window = window(shape.height.min(shape.width));
    let pixels = shape.height * shape.width;
    let of_channel = |(a, b): (&[f32], &[f32])| {
        let exact = |x: &[f32]| x.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
        let (a, b) = (exact(a), exact(b));
        let product =
            |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).collect::<Vec<_>>();
        let mean = |x: &[f64]| blurred(x, shape, &window);
        let squares = [product(&a, &a), product(&b, &b), product(&a, &b)];
        let [aa, bb, ab] = squares.map(|x| mean(&x));
        let (a, b) = (mean(&a), mean(&b));
        let places = a.len() as f64;
        let at = |i: usize| {
            let (mu_a, mu_b) = (a[i], b[i]);
            let (var_a, var_b) = (aa[i] - mu_a * mu_a, bb[i] - mu_b * mu_b);
            let covariance = ab[i] - mu_a * mu_b;
            let alike = (2.0 * mu_a * mu_b + C1) * (2.0 * covariance + C2);
            alike / ((mu_a * mu_a + mu_b * mu_b + C1) * (var_a + var_b + C2))
        };
        (0..a.len()).map(at).sum::<f64>() / places
    };
    let channels = a.chunks_exact(pixels).zip(b.chunks_exact(pixels));
    channels.map(of_channel).sum::<f64>() / shape.channels as f64
}

/// The peak signal-to-noise ratio of two pictures, pixels 0 to 1, in decibels: −10·log10 of the mean squared
/// difference, at most [`MOST_PSNR`].
pub fn psnr(a: &[f32], b: &[f32]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2));
    let mean = squares.sum::<f64>() / a.len().max(1) as f64;
    (-10.0 * mean.log10()).min(MOST_PSNR)
}

/// The weights of one side of the window for pictures whose shorter side is `side`; they sum to 1.
fn window(side: usize) -> Vec<f64> {
    let odd = side - usize::from(side.is_multiple_of(2));
    let length = SIDE.min(odd.max(1));
    let middle = (length / 2) as f64;
    let weight = |i: usize| (-(i as f64 - middle).powi(2) / (2.0 * DEVIATION * DEVIATION)).exp();
    let weights: Vec<f64> = (0..length).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / sum).collect()
}

/// The weighted mean of every window that lies whole in the picture.
fn blurred(picture: &[f64], shape: Shape, window: &[f64]) -> Vec<f64> {
    let (height, width) = (shape.height, shape.width);
    let (rows, columns) = (height + 1 - window.len(), width + 1 - window.len());
    let along: Vec<f64> = (0..height * columns)
        .map(|place| {
            let start = place / columns * width + place % columns;
            let pixels = &picture[start..start + window.len()];
            pixels.iter().zip(window).map(|(p, w)| p * w).sum()
        })
        .collect();
    (0..rows * columns)
        .map(|place| {
            let pixels = along[place..].iter().step_by(columns);
            pixels.zip(window).map(|(p, w)| p * w).sum()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Smooth pictures that any program can make again.
    fn picture(height: usize, width: usize, speed: f32) -> Vec<f32> {
        let at = |i: usize| ((i / width) as f32 * speed).sin() * ((i % width) as f32 * 0.3).cos();
        (0..height * width).map(|i| 0.5 + 0.4 * at(i)).collect()
    }

    /// Height, width, similarity and ratio of the pictures of speeds 0.5 and 0.6, by scikit-image
    /// (`gaussian_weights=True`, `sigma=1.5`, `use_sample_covariance=False`, `data_range=1`) and, where its window does
    /// not fit, by the sums written out in Python.
    const KNOWN: [(usize, usize, f64, f64); 3] = [
        (28, 28, 0.194_001_5, 12.128_037),
        (16, 12, 0.729_422_1, 15.908_370),
        (8, 8, 0.906_299_2, 21.174_120),
    ];

    #[test]
    fn values_are_those_of_another_implementation() {
        for (height, width, similarity, ratio) in KNOWN {
            let shape = Shape::new(1, height, width);
            let (a, b) = (picture(height, width, 0.5), picture(height, width, 0.6));
            let (found, decibels) = (ssim(&a, &b, shape), psnr(&a, &b));
            assert!(
                (found - similarity).abs() < 1e-5,
                "{height}x{width}: {found}"
            );
            assert!(
                (decibels - ratio).abs() < 1e-4,
                "{height}x{width}: {decibels}"
            );
        }
    }

    #[test]
    fn equal_pictures_are_alike_and_inverted_ones_are_not() {
        let shape = Shape::new(2, 14, 12);
        let a = [picture(14, 12, 0.5), picture(14, 12, 0.9)].concat();
        let inverted: Vec<f32> = a.iter().map(|v| 1.0 - v).collect();
        assert!((ssim(&a, &a, shape) - 1.0).abs() < 1e-12);
        assert_eq!(psnr(&a, &a), MOST_PSNR);
        assert!(ssim(&a, &inverted, shape) < 0.0);
        assert!((psnr(&[0.0, 0.0], &[0.1, 0.1]) - 20.0).abs() < 1e-5);
    }

    #[test]
    fn constant_pictures_differ_by_their_brightness_alone() {
        let shape = Shape::new(1, 11, 11);
        let (a, b) = ([0.25; 121], [0.75; 121]);
        let expected = (2.0 * 0.25 * 0.75 + C1) / (0.25 * 0.25 + 0.75 * 0.75 + C1);
        assert!((ssim(&a, &b, shape) - expected).abs() < 1e-9);
    }

    #[test]
    fn small_pictures_have_the_largest_odd_window_that_fits() {
        let sides = [3, 4, 8, 10, 11, 12, 28];
        let lengths = sides.map(|side| window(side).len());
        assert_eq!(lengths, [3, 3, 7, 9, 11, 11, 11]);
        for side in sides {
            assert!((window(side).iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}
