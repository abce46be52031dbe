//! Batches: shuffled, moved by a few pixels at random, laid out as the model takes them.

use hemet_spaces::Shape;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

use super::options::{Border, TrainOptions};
use crate::Seed;
use crate::data::Dataset;

/// The order of an epoch: every image once, shuffled, in full batches (the rest of the last one is left out, so that
/// batch statistics are never those of a handful); a single smaller batch if there are fewer images.
pub(super) fn epoch_order(len: usize, batch: usize, rng: &mut impl Rng) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..len).collect();
    order.shuffle(rng);
    let whole = (len / batch).max(1) * batch.min(len);
    order[..whole].chunks(batch).map(<[_]>::to_vec).collect()
}

/// How the images of an epoch are changed before they are learned from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moves<'a> {
    pub options: &'a TrainOptions,
    /// Epochs done before this one.
    pub epoch: usize,
    /// Of the training.
    pub seed: Seed,
}

impl Moves<'_> {
    /// Whether an image is mirrored in this epoch: where flips alternate, each begins on the side that the seed says.
    fn mirrored(&self, index: usize, rng: &mut impl Rng) -> bool {
        match (self.options.flip, self.options.alternate) {
            (false, _) => false,
            (true, false) => rng.random(),
            (true, true) => {
                let first: bool = self.seed.derive(&format!("flip/{index}")).rng().random();
                first == self.epoch.is_multiple_of(2)
            }
        }
    }

    /// Images at `indices` as `[images·height·width][channels]`, each moved by up to `shift` pixels in both directions
    /// and, with `flip`, mirrored left to right, its brightness and contrast varied by `jitter`.
    pub fn rows(&self, data: &Dataset, indices: &[usize], rng: &mut impl Rng) -> Vec<f32> {
        let options = self.options;
        let shift = options.shift;
        let mut rows = vec![0.0; indices.len() * data.shape.len()];
        let far = i32::try_from(shift).unwrap_or(i32::MAX);
        for (index, target) in indices.iter().zip(rows.chunks_exact_mut(data.shape.len())) {
            let offset = match shift {
                0 => (0, 0),
                _ => (
                    rng.random_range(-far..=far) as isize,
                    rng.random_range(-far..=far) as isize,
                ),
            };
            // A signal has one row, which must not leave.
            let along = |len: usize, by: isize| if len == 1 { 0 } else { by };
            let shape = data.shape;
            let offset = (along(shape.height, offset.0), along(shape.width, offset.1));
            let image = data.image(*index);
            lay_out(image, data.shape, offset, options.border, target);
            if self.mirrored(*index, rng) {
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
        lay_out(data.image(index), data.shape, (0, 0), Border::Zero, target);
    }
    rows
}

/// Writes a `[channels][height][width]` image as `[height][width][channels]`, moved; where `border` lets nothing in it
/// leaves what is there.
fn lay_out(
    image: &[f32],
    shape: Shape,
    (down, right): (isize, isize),
    border: Border,
    target: &mut [f32],
) {
    for y in 0..shape.height {
        let Some(from_y) = source(y, down, shape.height, border) else {
            continue;
        };
        for x in 0..shape.width {
            let Some(from_x) = source(x, right, shape.width, border) else {
                continue;
            };
            for channel in 0..shape.channels {
                target[(y * shape.width + x) * shape.channels + channel] =
                    image[shape.index(channel, from_y, from_x)];
            }
        }
    }
}

/// The place of a line of `len` places that comes to `place` where the line is moved by `offset`; none from outside.
fn source(place: usize, offset: isize, len: usize, border: Border) -> Option<usize> {
    match border {
        Border::Zero => place.checked_add_signed(-offset).filter(|p| *p < len),
        Border::Reflect => {
            // The line and its mirror image without the ends come round again and again.
            let period = (2 * len).saturating_sub(2).max(1);
            let at = (place as isize - offset).rem_euclid(period as isize) as usize;
            Some(at.min(period - at))
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

    /// Images of 4x4 pixels, none of which is its own mirror image.
    fn pictures(count: usize) -> Dataset {
        Dataset {
            shape: Shape::new(1, 4, 4),
            classes: 2,
            class_names: vec!["0".into(), "1".into()],
            name: "some".into(),
            images: (0..16 * count).map(|i| i as f32 / 16.0).collect(),
            labels: vec![1; count],
            held_out: 0,
            measure: crate::data::Measure::default(),
            targets: Vec::new(),
            columns: None,
        }
    }

    fn moves(options: &TrainOptions, epoch: usize) -> Moves<'_> {
        let seed = Seed::new(6);
        Moves {
            options,
            epoch,
            seed,
        }
    }

    #[test]
    fn alternating_flips_show_both_sides_in_any_two_epochs_and_about_half_of_each_in_one() {
        let data = pictures(200);
        let options = TrainOptions {
            flip: true,
            alternate: true,
            ..TrainOptions::default()
        };
        let all: Vec<usize> = (0..200).collect();
        let mut rng = Seed::new(1).rng();
        let mut epoch = |epoch| {
            let rows = moves(&options, epoch).rows(&data, &all, &mut rng);
            let images = rows.chunks_exact(16).zip(data.images.chunks_exact(16));
            images.map(|(row, image)| row != image).collect::<Vec<_>>()
        };
        let epochs: Vec<Vec<bool>> = (0..3).map(&mut epoch).collect();
        assert!(epochs[0].iter().zip(&epochs[1]).all(|(a, b)| a != b));
        assert_eq!(epochs[0], epochs[2]);
        // Five deviations of a fair coin, √200/2 each.
        let mirrored = epochs[0].iter().filter(|m| **m).count();
        assert!((65..=135).contains(&mirrored), "{mirrored} of 200");
    }

    #[test]
    fn reflected_borders_repeat_the_line_backwards_without_its_end() {
        let line = |len, offset, border| -> Vec<Option<usize>> {
            (0..len).map(|p| source(p, offset, len, border)).collect()
        };
        let moved = |offset| line(4, offset, Border::Reflect);
        let some = |places: [usize; 4]| places.map(Some).to_vec();
        assert_eq!(moved(0), some([0, 1, 2, 3]));
        assert_eq!(moved(2), some([2, 1, 0, 1]));
        assert_eq!(moved(-2), some([2, 3, 2, 1]));
        assert_eq!(moved(6), moved(0));
        assert_eq!(line(1, 5, Border::Reflect), [Some(0)]);
        assert_eq!(line(2, 1, Border::Reflect), [Some(1), Some(0)]);
        assert_eq!(line(2, 1, Border::Zero), [None, Some(0)]);
    }

    #[test]
    fn jitter_keeps_differences_in_proportion_and_stays_within_its_bounds() {
        let data = pictures(1);
        let image = data.images.clone();
        let options = TrainOptions {
            jitter: 0.2,
            ..TrainOptions::default()
        };
        let mut rng = Seed::new(5).rng();
        let mut seen = Vec::new();
        for _ in 0..100 {
            let row = moves(&options, 0).rows(&data, &[0], &mut rng);
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
    fn a_signal_moves_along_itself_and_a_row_of_a_table_not_at_all() {
        let data = |shape: Shape| Dataset {
            shape,
            classes: 2,
            class_names: vec!["0".into(), "1".into()],
            name: "one".into(),
            images: (1..=shape.len()).map(|x| x as f32).collect(),
            labels: vec![1],
            held_out: 0,
            measure: crate::data::Measure::default(),
            targets: Vec::new(),
            columns: None,
        };
        let options = TrainOptions {
            shift: 2,
            ..TrainOptions::default()
        };
        let mut rng = Seed::new(5).rng();
        for _ in 0..50 {
            let signal = moves(&options, 0).rows(&data(Shape::new(1, 1, 8)), &[0], &mut rng);
            assert!(signal.iter().filter(|x| **x != 0.0).count() >= 6);
            let row = moves(&options, 0).rows(&data(Shape::new(3, 1, 1)), &[0], &mut rng);
            assert_eq!(row, [1.0, 2.0, 3.0]);
        }
    }

    #[test]
    fn channels_become_the_last_axis_and_moves_fill_with_zero() {
        let image = [1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0];
        let shape = Shape::new(2, 2, 2);
        let mut target = [0.0; 8];
        lay_out(&image, shape, (0, 0), Border::Zero, &mut target);
        assert_eq!(target, [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0]);
        let mut target = [0.0; 8];
        lay_out(&image, shape, (1, 0), Border::Zero, &mut target);
        assert_eq!(target, [0.0, 0.0, 0.0, 0.0, 1.0, 10.0, 2.0, 20.0]);
        mirror(&mut target, shape);
        assert_eq!(target, [0.0, 0.0, 0.0, 0.0, 2.0, 20.0, 1.0, 10.0]);
    }
}
