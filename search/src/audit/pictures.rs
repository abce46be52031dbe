//! Pictures that need no victim: the mean of a set, the mean of each class, and random fields.

use hemet_spaces::Shape;
use rand::{Rng, RngExt};

use crate::data::Dataset;

/// The mean picture of a set, which is the best guess of who has seen nothing.
pub fn mean(data: &Dataset) -> Vec<f32> {
    mean_of((0..data.len()).map(|i| data.image(i)), data.shape.len())
}

/// The mean picture of each class, which is the best guess of who has seen the class alone; of a class without
/// pictures the mean of all.
pub fn class_means(data: &Dataset) -> Vec<Vec<f32>> {
    let of_class = |class: usize| {
        let members = (0..data.len()).filter(|i| usize::from(data.labels[*i]) == class);
        match members.clone().next() {
            Some(_) => mean_of(members.map(|i| data.image(i)), data.shape.len()),
            None => mean(data),
        }
    };
    (0..data.classes).map(of_class).collect()
}

fn mean_of<'a>(pictures: impl Iterator<Item = &'a [f32]>, len: usize) -> Vec<f32> {
    let (mut sums, mut count) = (vec![0.0f64; len], 0usize);
    for picture in pictures {
        let cells = sums.iter_mut().zip(picture);
        cells.for_each(|(sum, pixel)| *sum += f64::from(*pixel));
        count += 1;
    }
    let count = count.max(1) as f64;
    sums.into_iter().map(|sum| (sum / count) as f32).collect()
}

/// So many random fields, `[count][channels][height][width]`, pixels 0 to 1: noise on a grid of 1 to 8 pixels a cell,
/// joined by straight lines, stretched by chance and cut off at 0 and 1. They know nothing of any picture but that
/// neighboring pixels are alike and that some are black and some white.
pub fn random_fields(count: usize, shape: Shape, rng: &mut impl Rng) -> Vec<f32> {
    let mut fields = Vec::with_capacity(count * shape.len());
    for _ in 0..count {
        let cell = [1.0f32, 2.0, 4.0, 8.0][rng.random_range(0..4)];
        let (contrast, center) = (
            rng.random_range(0.5..4.0f32),
            rng.random_range(-0.5..1.0f32),
        );
        for _ in 0..shape.channels {
            let side = |pixels: usize| (pixels as f32 / cell) as usize + 2;
            let (rows, columns) = (side(shape.height), side(shape.width));
            let grid: Vec<f32> = (0..rows * columns).map(|_| rng.random()).collect();
            for place in 0..shape.height * shape.width {
                let (y, x) = (
                    (place / shape.width) as f32 / cell,
                    (place % shape.width) as f32 / cell,
                );
                let (top, left) = (y as usize, x as usize);
                let (down, right) = (y - top as f32, x - left as f32);
                let row = |at: usize| {
                    let start = at * columns + left;
                    grid[start] * (1.0 - right) + grid[start + 1] * right
                };
                let value = row(top) * (1.0 - down) + row(top + 1) * down;
                fields.push((center + contrast * (value - 0.5)).clamp(0.0, 1.0));
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Seed, data};

    #[test]
    fn the_mean_is_that_of_the_class_means_weighted_by_their_pictures() {
        let data = data::load("optdigits", None).unwrap().test;
        let (all, classes) = (mean(&data), class_means(&data));
        let count = |class: usize| {
            data.labels
                .iter()
                .filter(|l| usize::from(**l) == class)
                .count()
        };
        for pixel in 0..all.len() {
            let sum: f32 = (0..10).map(|c| classes[c][pixel] * count(c) as f32).sum();
            assert!((sum / data.len() as f32 - all[pixel]).abs() < 1e-5);
        }
    }

    #[test]
    fn fields_fill_the_range_of_pixels_and_depend_on_the_seed_alone() {
        let shape = Shape::new(3, 9, 7);
        let draw = |seed| random_fields(50, shape, &mut Seed::new(seed).rng());
        let fields = draw(1);
        assert_eq!(fields.len(), 50 * shape.len());
        assert!(fields.iter().all(|v| (0.0..=1.0).contains(v)));
        let share = |wanted: fn(&f32) -> bool| {
            fields.iter().filter(|v| wanted(v)).count() as f64 / fields.len() as f64
        };
        assert!(share(|v| *v < 0.1) > 0.1 && share(|v| *v > 0.9) > 0.05);
        assert_eq!(fields, draw(1));
        assert_ne!(fields, draw(2));
    }
}
