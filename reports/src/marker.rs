//! The shapes that mark a point in a picture.

use crate::palette;
use crate::scene::{INK, PAPER, Place, Rgb, Scene};

/// The shape of a marker; all have about the same area at the same radius.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Disc,
    Square,
    Triangle,
    Diamond,
    Pentagon,
    Cross,
    /// Of none of the series: the one point that the others are compared with.
    Star,
}

/// The shapes in the order in which series get them.
pub(crate) const SHAPES: [Shape; 6] = [
    Shape::Disc,
    Shape::Square,
    Shape::Triangle,
    Shape::Diamond,
    Shape::Pentagon,
    Shape::Cross,
];

/// How a marker is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Filled, with a dark outline: a point that matters.
    Strong,
    /// Filled, with a white outline: one of many.
    Plain,
    /// White inside, the outline in the color.
    Hollow,
}

/// Draws a marker.
pub(crate) fn draw(
    scene: &mut Scene,
    shape: Shape,
    fill: Fill,
    centre: Place,
    radius: f64,
    color: Rgb,
) {
    let (outline, inside, width) = match fill {
        Fill::Strong => (INK, color, 1.2),
        Fill::Plain => (PAPER, color, 0.7),
        Fill::Hollow => (palette::mix(color, INK, 0.25), PAPER, 1.6),
    };
    // The outline is the larger shape below, the inside the smaller one above: exact at corners in both formats.
    solid(scene, shape, centre, radius + width / 2.0, outline);
    solid(scene, shape, centre, radius - width / 2.0, inside);
}

fn solid(scene: &mut Scene, shape: Shape, centre: Place, radius: f64, color: Rgb) {
    use crate::scene::Mark;
    if shape == Shape::Disc {
        scene.marks.push(Mark::Disc {
            centre,
            radius,
            color,
        });
        return;
    }
    let corners: Vec<Place> = corners(shape)
        .iter()
        .map(|(x, y)| (centre.0 + x * radius, centre.1 + y * radius))
        .collect();
    scene.area(&corners, color, 1.0);
}

/// Corners of the shape of radius 1 around the origin, y downwards.
fn corners(shape: Shape) -> Vec<Place> {
    match shape {
        Shape::Disc => regular(32, 1.0, 0.0),
        Shape::Square => regular(4, 1.22, 45.0),
        Shape::Triangle => regular(3, 1.42, -90.0)
            .into_iter()
            .map(|(x, y)| (x, y + 0.18))
            .collect(),
        Shape::Diamond => regular(4, 1.3, 0.0),
        Shape::Pentagon => regular(5, 1.16, -90.0),
        Shape::Cross => {
            let (arm, half) = (1.2, 0.42);
            vec![
                (-half, -arm),
                (half, -arm),
                (half, -half),
                (arm, -half),
                (arm, half),
                (half, half),
                (half, arm),
                (-half, arm),
                (-half, half),
                (-arm, half),
                (-arm, -half),
                (-half, -half),
            ]
        }
        Shape::Star => {
            let (points, notches) = (regular(5, 1.7, -90.0), regular(5, 0.8, -54.0));
            let pairs = points.into_iter().zip(notches);
            pairs.flat_map(|(point, notch)| [point, notch]).collect()
        }
    }
}

fn regular(corners: u32, radius: f64, first_degrees: f64) -> Vec<Place> {
    (0..corners)
        .map(|i| {
            let angle = (first_degrees + 360.0 * f64::from(i) / f64::from(corners)).to_radians();
            (radius * angle.cos(), radius * angle.sin())
        })
        .collect()
}
