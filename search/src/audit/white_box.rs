//! White-box inversion: whoever knows the layers and has seen features looks for a picture that gives them.
//!
//! Z. He, T. Zhang, R. Lee, Model inversion attacks against collaborative inference, ACSAC 2019, section 4: the input
//! that minimizes the distance of features plus a total variation, found by gradient descent on the pixels (regularized
//! maximum likelihood). Here the distance is in units of each channel's spread, the descent is Adam's, from two starts,
//! and pixels stay between 0 and 1.

use hemet_spaces::Shape;
use rand::RngExt;

use crate::Seed;
use crate::train::{Intercepted, Moments, Pace, Part};

/// How long and how smooth a picture is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Descent {
    /// Steps from each start, at least 1.
    pub steps: usize,
    /// Weight of the total variation a pixel against the misfit, which is about 1 for a wrong picture.
    pub smoothness: f32,
}

/// Greatest step of a pixel, of its range of 1.
const RATE: f32 = 0.1;
/// Below this difference of neighbors the total variation is a parabola.
const SOFT: f32 = 1e-3;
/// Pictures that are looked for at once.
const BATCH: usize = 64;

/// Pictures that give what was seen, `[n][channels][height][width]`. The misfit that a wrong picture has must be about
/// 1 by the weights of `seen`.
pub fn invert(part: &Part, seen: Intercepted<'_>, how: Descent, seed: Seed) -> Vec<f32> {
    let (inside, outside) = (part.input().len(), part.output().len());
    let chunks = seen.outputs.chunks(BATCH * outside);
    let chunks = chunks.zip(seen.weights.chunks(BATCH * outside));
    let mut rng = seed.derive("start").rng();
    let mut found = Vec::new();
    for (outputs, weights) in chunks {
        let seen = Intercepted { outputs, weights };
        let pixels = outputs.len() / outside * inside;
        let starts = [
            vec![0.5; pixels],
            (0..pixels).map(|_| rng.random_range(0.0..0.2)).collect(),
        ];
        let [first, second] = starts.map(|start| descend(part, seen, how, start));
        let better = |i: usize| match first.1[i] <= second.1[i] {
            true => &first.0,
            false => &second.0,
        };
        for picture in 0..first.1.len() {
            found.extend(&better(picture)[picture * inside..(picture + 1) * inside]);
        }
    }
    found
}

/// Pictures and what is left of each one's loss.
fn descend(
    part: &Part,
    seen: Intercepted<'_>,
    how: Descent,
    mut pictures: Vec<f32>,
) -> (Vec<f32>, Vec<f64>) {
    let shape = part.input();
    let mut moments = Moments::new(pictures.len());
    for step in 1..=how.steps {
        let mut gradient = part.pull(&pictures, seen).gradient;
        for (picture, gradient) in pictures
            .chunks_exact(shape.len())
            .zip(gradient.chunks_exact_mut(shape.len()))
        {
            variation(picture, shape, how.smoothness, gradient);
        }
        let progress = step as f32 / how.steps as f32;
        let rate = RATE * (1.0 + (std::f32::consts::PI * progress).cos()) / 2.0;
        let step = i32::try_from(step).unwrap_or(i32::MAX);
        moments.step(&mut pictures, &gradient, Pace { step, rate });
        pictures.iter_mut().for_each(|p| *p = p.clamp(0.0, 1.0));
    }
    let misfits = part.pull(&pictures, seen).misfits.into_iter();
    let rough = |picture: &[f32]| {
        f64::from(variation(
            picture,
            shape,
            how.smoothness,
            &mut vec![0.0; shape.len()],
        ))
    };
    let losses = misfits.zip(pictures.chunks_exact(shape.len()));
    let losses = losses
        .map(|(misfit, picture)| misfit + rough(picture))
        .collect();
    (pictures, losses)
}

/// The total variation a pixel of a picture, times `weight`; adds its gradient.
fn variation(picture: &[f32], shape: Shape, weight: f32, gradient: &mut [f32]) -> f32 {
    let weight = weight / picture.len() as f32;
    let mut sum = 0.0;
    for (place, pixel) in picture.iter().enumerate() {
        let (y, x) = (place / shape.width % shape.height, place % shape.width);
        let to = |there: bool, by: usize| {
            if there {
                picture[place + by] - pixel
            } else {
                0.0
            }
        };
        let (down, right) = (y + 1 < shape.height, x + 1 < shape.width);
        let (dy, dx) = (to(down, shape.width), to(right, 1));
        let length = (dy * dy + dx * dx + SOFT * SOFT).sqrt();
        sum += weight * (length - SOFT);
        for (there, by, slope) in [(down, shape.width, dy), (right, 1, dx)] {
            if there {
                gradient[place + by] += weight * slope / length;
                gradient[place] -= weight * slope / length;
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use hemet_spaces::layer::Conv;
    use hemet_spaces::{Layer, LayerGraph, Weights};

    use super::*;
    use crate::audit::ssim::ssim;

    #[test]
    fn the_variation_of_a_step_is_its_height_and_its_gradient_is_its_slope() {
        let shape = Shape::new(2, 3, 4);
        let mut picture = vec![0.2; 24];
        assert_eq!(variation(&picture, shape, 1.0, &mut [0.0; 24]), 0.0);
        // Three rows of one channel step by 0.6 between two columns.
        for row in 0..3 {
            picture[row * 4 + 2] = 0.8;
            picture[row * 4 + 3] = 0.8;
        }
        let found = variation(&picture, shape, 24.0, &mut [0.0; 24]);
        assert!((found - 3.0 * (0.6 - SOFT)).abs() < 1e-4, "{found}");
        // Neighbors differ by far more than the step below.
        picture = (0..24).map(|i| (i * 7 % 24) as f32 / 24.0).collect();
        let mut gradient = [0.0; 24];
        variation(&picture, shape, 1.0, &mut gradient);
        for place in 0..24 {
            let at = |by: f32| {
                let mut moved = picture.clone();
                moved[place] += by;
                variation(&moved, shape, 1.0, &mut [0.0; 24])
            };
            let slope = (at(2e-3) - at(-2e-3)) / 4e-3;
            assert!(
                (slope - gradient[place]).abs() < 2e-3,
                "{place}: {slope} {}",
                gradient[place]
            );
        }
    }

    #[test]
    fn a_picture_behind_a_convolution_of_many_channels_is_found_again() {
        let shape = Shape::new(1, 12, 12);
        let mut graph = LayerGraph::new(shape).unwrap();
        let input = graph.input();
        graph
            .add("conv", Layer::Conv(Conv::same(4, 3)), &[input])
            .unwrap();
        let weights = Weights::random(&graph, &mut Seed::new(5).rng());
        let part = Part::new(&graph, &weights).unwrap();
        let mut rng = Seed::new(6).rng();
        let pictures = crate::audit::pictures::random_fields(3, shape, &mut rng);
        let outputs = part.run(&pictures);
        let seen = Intercepted {
            outputs: &outputs,
            weights: &vec![1.0 / 576.0; outputs.len()],
        };
        let how = Descent {
            steps: 200,
            smoothness: 1e-4,
        };
        let found = invert(&part, seen, how, Seed::new(1));
        for (a, b) in found.chunks(144).zip(pictures.chunks(144)) {
            assert!(ssim(a, b, shape) > 0.95, "{}", ssim(a, b, shape));
        }
        assert_eq!(found, invert(&part, seen, how, Seed::new(1)));
    }
}
