//! Digits of 8x8 pixels that the program draws: a public source for networks that are then adapted to digits that
//! people wrote.
//!
//! A digit is a few strokes of a pen. Chance turns, slants, scales and moves it and bends its corners, and chooses how
//! thick the pen is. It is drawn on 32x32 dots, and a pixel is the share of dots of its 4x4 block that are black, as
//! the pixels of optdigits are. Everything follows from a seed that never changes.

use std::path::Path;

use hemet_spaces::Shape;
use rand::{Rng, RngExt};

use super::{Dataset, Measure, PixelScale, Source, TrainTest};
use crate::{Error, Seed};

/// 3,000 training and 1,000 test images of `[1][8][8]`.
pub(super) struct SyntheticDigits;

const NAME: &str = "synthetic_digits";
const CLASSES: usize = 10;
const SIDE: usize = 8;
/// Dots of a pixel along an axis.
const DOTS: usize = 4;
const TRAIN: usize = 3_000;
const TEST: usize = 1_000;

/// A place on the paper, from left to right and from top to bottom, 0 to 1.
type Point = [f64; 2];
/// A pen's way.
type Stroke = Vec<Point>;

impl Source for SyntheticDigits {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "8x8 digits that the program draws, strokes of a pen bent and turned by chance, 3,000 + 1,000 images, pixels from 0 to \
         1 (CC0); embedded"
    }

    fn needs_folder(&self) -> bool {
        false
    }

    fn pixels(&self) -> Option<PixelScale> {
        Some(PixelScale::default())
    }

    fn shape_and_classes(&self) -> Option<(Shape, usize)> {
        Some((Shape::new(1, SIDE, SIDE), CLASSES))
    }

    fn load(&self, _folder: Option<&Path>) -> Result<TrainTest, Error> {
        Ok(TrainTest {
            train: drawn("train", TRAIN),
            test: drawn("test", TEST),
        })
    }
}

fn drawn(part: &str, count: usize) -> Dataset {
    let mut rng = Seed::new(0).derive(NAME).derive(part).rng();
    let mut images = Vec::with_capacity(count * SIDE * SIDE);
    let mut labels = Vec::with_capacity(count);
    for number in 0..count {
        let digit = number % CLASSES;
        images.extend(image(digit, &mut rng));
        labels.push(digit as u8);
    }
    Dataset {
        name: NAME.into(),
        shape: Shape::new(1, SIDE, SIDE),
        classes: CLASSES,
        class_names: (0..CLASSES).map(|class| class.to_string()).collect(),
        images,
        labels,
        held_out: 0,
        measure: Measure::default(),
        targets: Vec::new(),
        columns: None,
    }
}

fn image(digit: usize, rng: &mut impl Rng) -> Vec<f32> {
    let mut within = |least: f64, most: f64| rng.random_range(least..=most);
    let thickness = within(0.09, 0.16);
    let (wide, high) = (within(0.65, 1.0), within(0.8, 1.0));
    // Slant and turn, small enough that lines of a matrix do.
    let (slant, turn) = (within(-0.25, 0.25), within(-0.15, 0.15));
    let (right, down) = (within(-0.04, 0.04), within(-0.04, 0.04));
    let mut strokes = strokes(digit, within(0.0, 1.0));
    for point in strokes.iter_mut().flatten() {
        let [x, y] = [0, 1].map(|axis| point[axis] - 0.5 + within(-0.025, 0.025));
        let (x, y) = (wide * x - slant * y, high * y);
        *point = [0.5 + right + x - turn * y, 0.5 + down + y + turn * x];
    }
    let dots = SIDE * DOTS;
    let is_black = |x: usize, y: usize| {
        let dot = [x, y].map(|at| (at as f64 + 0.5) / dots as f64);
        let mut lines = strokes.iter().flat_map(|stroke| stroke.windows(2));
        lines.any(|line| squared_distance(dot, [line[0], line[1]]) <= (thickness / 2.0).powi(2))
    };
    let pixel = |place: usize| {
        let (x, y) = (place % SIDE * DOTS, place / SIDE * DOTS);
        let block = (0..DOTS * DOTS).filter(|dot| is_black(x + dot % DOTS, y + dot / DOTS));
        block.count() as f32 / (DOTS * DOTS) as f32
    };
    (0..SIDE * SIDE).map(pixel).collect()
}

/// From a place to a line between two others.
fn squared_distance(place: Point, [from, to]: [Point; 2]) -> f64 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let length = along[0] * along[0] + along[1] * along[1];
    let ahead = [place[0] - from[0], place[1] - from[1]];
    let share = match length > 0.0 {
        true => ((ahead[0] * along[0] + ahead[1] * along[1]) / length).clamp(0.0, 1.0),
        false => 0.0,
    };
    let off = [0, 1].map(|axis| ahead[axis] - share * along[axis]);
    off[0] * off[0] + off[1] * off[1]
}

/// A circle around the origin, as corners.
const CIRCLE: [Point; 13] = [
    [0.0, -1.0],
    [0.5, -0.866],
    [0.866, -0.5],
    [1.0, 0.0],
    [0.866, 0.5],
    [0.5, 0.866],
    [0.0, 1.0],
    [-0.5, 0.866],
    [-0.866, 0.5],
    [-1.0, 0.0],
    [-0.866, -0.5],
    [-0.5, -0.866],
    [0.0, -1.0],
];

fn ellipse([x, y]: Point, [across, up]: Point) -> Stroke {
    let corner = |[a, b]: &Point| [x + across * a, y + up * b];
    CIRCLE.iter().map(corner).collect()
}

const TWO: [[f64; 2]; 9] = [
    [0.22, 0.28],
    [0.3, 0.13],
    [0.5, 0.07],
    [0.7, 0.14],
    [0.75, 0.3],
    [0.66, 0.48],
    [0.45, 0.68],
    [0.22, 0.91],
    [0.8, 0.91],
];
const THREE: [[f64; 2]; 11] = [
    [0.24, 0.15],
    [0.46, 0.07],
    [0.68, 0.13],
    [0.73, 0.28],
    [0.65, 0.42],
    [0.44, 0.48],
    [0.68, 0.55],
    [0.76, 0.7],
    [0.69, 0.86],
    [0.46, 0.93],
    [0.22, 0.85],
];
const FIVE: [[f64; 2]; 9] = [
    [0.74, 0.08],
    [0.31, 0.08],
    [0.27, 0.46],
    [0.5, 0.4],
    [0.69, 0.49],
    [0.76, 0.7],
    [0.67, 0.87],
    [0.46, 0.93],
    [0.22, 0.86],
];
const SIX: [[f64; 2]; 10] = [
    [0.66, 0.07],
    [0.42, 0.2],
    [0.28, 0.44],
    [0.25, 0.7],
    [0.38, 0.9],
    [0.6, 0.91],
    [0.74, 0.75],
    [0.67, 0.56],
    [0.48, 0.5],
    [0.28, 0.62],
];

/// The strokes of a digit; `habit`, 0 to 1, chooses among the ways in which people write it.
fn strokes(digit: usize, habit: f64) -> Vec<Stroke> {
    match digit {
        0 => vec![ellipse([0.5, 0.5], [0.28, 0.42])],
        1 if habit < 0.5 => vec![vec![[0.5, 0.08], [0.5, 0.92]]],
        1 => vec![vec![[0.32, 0.28], [0.55, 0.08], [0.55, 0.92]]],
        2 => vec![TWO.to_vec()],
        3 => vec![THREE.to_vec()],
        4 => vec![
            vec![[0.62, 0.07], [0.2, 0.6], [0.82, 0.6]],
            vec![[0.62, if habit < 0.5 { 0.07 } else { 0.36 }], [0.62, 0.93]],
        ],
        5 => vec![FIVE.to_vec()],
        6 => vec![SIX.to_vec()],
        7 => {
            let seven = vec![[0.2, 0.09], [0.8, 0.09], [0.52, 0.5], [0.4, 0.93]];
            match habit < 0.5 {
                true => vec![seven],
                false => vec![seven, vec![[0.34, 0.5], [0.7, 0.5]]],
            }
        }
        8 => vec![
            ellipse([0.5, 0.28], [0.2, 0.2]),
            ellipse([0.5, 0.71], [0.25, 0.22]),
        ],
        // 9.
        _ => vec![
            ellipse([0.48, 0.3], [0.22, 0.22]),
            vec![[0.7, 0.3], [0.68, 0.6], [0.5, 0.93]],
        ],
    }
}
