//! Batches: shuffled, moved by a few pixels at random, laid out as the model takes them.

use hemet_spaces::Shape;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

use super::options::TrainOptions;
use crate::data::Dataset;

/// The order of an epoch: every image once, shuffled, in full batches (the rest of the last one is left out, so that
/// batch statistics are never those of a handful); a single smaller batch if there are fewer images.
pub(super) fn epoch_order(len: usize, batch: usize, rng: &mut impl Rng) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..len).collect();
    order.shuffle(rng);
    let whole = (len / batch).max(1) * batch.min(len);
    order[..whole].chunks(batch).map(<[_]>::to_vec).collect()
}

/// Images at `indices` as `[images·height·width][channels]`, each moved by up to `shift` pixels in both directions and,
/// with `flip`, mirrored left to right with probability a half, its brightness and contrast varied by `jitter`.
pub(super) fn moved_rows(
    data: &Dataset,
    indices: &[usize],
    options: &TrainOptions,
    rng: &mut impl Rng,
) -> Vec<f32> {
    let shift = options.shift;
    let mut rows = vec![0.0; indices.len() * data.shape.len()];
    let far = i32::try_from(shift).unwrap_or(i32::MAX);
    for (index, target) in indices.iter().zip(rows.chunks_exact_mut(data.shape.len())) {
        let (down, right) = match shift {
            0 => (0, 0),
            _ => (
                rng.random_range(-far..=far) as isize,
                rng.random_range(-far..=far) as isize,
            ),
        };
        lay_out(data.image(*index), data.shape, (down, right), target);
        if options.flip && rng.random() {
            mirror(target, data.shape);
        }
        if options.jitter > 0.0 {
            let mut within = || rng.random_range(-options.jitter..=options.jitter);
            let (contrast, brightness) = (1.0 + within(), within());
            target
                .iter_mut()
                .for_each(|v| *v = contrast * *v + brightness);
        }
    }
    rows
}

/// Mirrors a `[height][width][channels]` image left to right.
fn mirror(image: &mut [f32], shape: Shape) {
    for row in image.chunks_exact_mut(shape.width * shape.channels) {
        row.reverse();
        row.chunks_exact_mut(shape.channels)
            .for_each(<[_]>::reverse);
    }
}

/// Images `start..end` as `[images·height·width][channels]`.
pub(super) fn rows(data: &Dataset, start: usize, end: usize) -> Vec<f32> {
    let mut rows = vec![0.0; (end - start) * data.shape.len()];
    for (index, target) in (start..end).zip(rows.chunks_exact_mut(data.shape.len())) {
        lay_out(data.image(index), data.shape, (0, 0), target);
    }
    rows
}

/// Writes a `[channels][height][width]` image as `[height][width][channels]`, moved; what comes in from outside is 0.
fn lay_out(image: &[f32], shape: Shape, (down, right): (isize, isize), target: &mut [f32]) {
    for y in 0..shape.height {
        let Some(from_y) = y.checked_add_signed(-down).filter(|y| *y < shape.height) else {
            continue;
        };
        for x in 0..shape.width {
            let Some(from_x) = x.checked_add_signed(-right).filter(|x| *x < shape.width) else {
                continue;
            };
            for channel in 0..shape.channels {
                target[(y * shape.width + x) * shape.channels + channel] =
                    image[shape.index(channel, from_y, from_x)];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    #[test]
    fn an_epoch_shows_each_image_at_most_once_in_full_batches() {
        let mut rng = Seed::new(1).rng();
        for (len, batch, batches) in [(10, 3, 3), (9, 3, 3), (2, 5, 1), (5, 5, 1)] {
            let order = epoch_order(len, batch, &mut rng);
            assert_eq!(order.len(), batches);
            let mut seen: Vec<usize> = order.into_iter().flatten().collect();
            assert_eq!(seen.len(), batches * batch.min(len));
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), batches * batch.min(len));
        }
    }

    #[test]
    fn jitter_keeps_differences_in_proportion_and_stays_within_its_bounds() {
        let image: Vec<f32> = (0..16).map(|i| i as f32 / 16.0).collect();
        let data = Dataset {
            shape: Shape::new(1, 4, 4),
            classes: 2,
            class_names: vec!["0".into(), "1".into()],
            name: "one".into(),
            images: image.clone(),
            labels: vec![1],
            held_out: 0,
        };
        let options = TrainOptions {
            jitter: 0.2,
            ..TrainOptions::default()
        };
        let mut rng = Seed::new(5).rng();
        let mut seen = Vec::new();
        for _ in 0..100 {
            let row = moved_rows(&data, &[0], &options, &mut rng);
            let contrast = (row[15] - row[0]) / (image[15] - image[0]);
            let brightness = row[0] - contrast * image[0];
            assert!((0.8..=1.2).contains(&contrast) && brightness.abs() <= 0.2);
            for (found, pixel) in row.iter().zip(&image) {
                assert!((found - (contrast * pixel + brightness)).abs() < 1e-5);
            }
            seen.push(contrast);
        }
        assert!(seen.iter().any(|c| *c < 0.9) && seen.iter().any(|c| *c > 1.1));
    }

    #[test]
    fn channels_become_the_last_axis_and_moves_fill_with_zero() {
        let image = [1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0];
        let shape = Shape::new(2, 2, 2);
        let mut target = [0.0; 8];
        lay_out(&image, shape, (0, 0), &mut target);
        assert_eq!(target, [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0]);
        let mut target = [0.0; 8];
        lay_out(&image, shape, (1, 0), &mut target);
        assert_eq!(target, [0.0, 0.0, 0.0, 0.0, 1.0, 10.0, 2.0, 20.0]);
        mirror(&mut target, shape);
        assert_eq!(target, [0.0, 0.0, 0.0, 0.0, 2.0, 20.0, 1.0, 10.0]);
    }
}
