//! The trial numbers beside the front, the chosen point and the baseline.

use super::coding::{Coding, FRONT_RADIUS, measured};
use super::{ParetoPlot, ParetoPoint};
use crate::fonts::{self, CAP_HEIGHT_EM};
use crate::frame::Frame;
use crate::labels::{self, Obstacles, Request};
use crate::palette;
use crate::scene::{ACCENT, Anchor, Bounds, INK, PAPER, Place, Rgb, Scene};

const LABEL_SIZE: f64 = 12.0;
const CHOSEN_SIZE: f64 = 13.5;

/// Labels the front, the chosen point and the baseline; returns the labels' boxes and how many found no room.
pub(super) fn draw(
    scene: &mut Scene,
    plot: &ParetoPlot,
    coding: &Coding,
    frame: &Frame,
    steps: &[Place],
) -> (Vec<(u64, Bounds)>, usize) {
    let labelled = in_order(plot);
    let requests: Vec<Request> = labelled
        .iter()
        .map(|point| request(point, coding, frame))
        .collect();
    let placed = labels::place(
        &requests,
        &obstacles(plot, coding, frame, steps),
        frame.plot.grown(-1.0),
    );
    let mut boxes = Vec::new();
    for (point, placed) in labelled.iter().zip(&placed) {
        let Some(placed) = placed else { continue };
        let (text, size, color) = style(point);
        if let Some((from, to)) = placed.leader {
            scene.line(&[from, to], palette::mix(color, PAPER, 0.45), 0.8);
        }
        let Bounds {
            left,
            right,
            bottom,
            ..
        } = placed.bounds;
        scene.block(placed.bounds, PAPER, 0.8);
        scene.text(
            &text,
            ((left + right) / 2.0, bottom - 2.0),
            size,
            color,
            Anchor::Middle,
        );
        boxes.push((point.trial, placed.bounds));
    }
    (boxes, placed.iter().filter(|p| p.is_none()).count())
}

/// The labelled points in the order in which they take their places: the chosen one, the baseline, then the front from
/// the left.
fn in_order(plot: &ParetoPlot) -> Vec<&ParetoPoint> {
    let mut labelled: Vec<&ParetoPoint> = plot.points.iter().filter(|p| p.is_marked()).collect();
    labelled.sort_by(|a, b| a.x.total_cmp(&b.x));
    if labelled.len() > labels::MANY_LABELS {
        // Not all will find room: its ends take their places first, then its middle, then the middles between those.
        let last = labelled.len() - 1;
        let order = |i: usize| if i == last { 0 } else { i.reverse_bits() };
        let mut ranked: Vec<_> = labelled.into_iter().enumerate().collect();
        ranked.sort_by_key(|(i, _)| order(*i));
        labelled = ranked.into_iter().map(|(_, point)| point).collect();
    }
    labelled.sort_by_key(|p| (!p.chosen, !p.baseline));
    labelled
}

/// Text, size and color of a point's label.
fn style(point: &ParetoPoint) -> (String, f64, Rgb) {
    let number = point.trial;
    match (point.chosen, point.baseline) {
        (true, true) => (format!("chosen, baseline: #{number}"), CHOSEN_SIZE, ACCENT),
        (true, false) => (format!("chosen: #{number}"), CHOSEN_SIZE, ACCENT),
        (false, true) => (format!("baseline: #{number}"), LABEL_SIZE, INK),
        (false, false) => (format!("#{number}"), LABEL_SIZE, INK),
    }
}

fn request(point: &ParetoPoint, coding: &Coding, frame: &Frame) -> Request {
    let (text, size, _) = style(point);
    Request {
        point: coding.place(point, frame),
        radius: radius(point),
        width: fonts::width(&text, size) + 2.0,
        height: size * CAP_HEIGHT_EM + 4.0,
        required: point.chosen || point.baseline,
    }
}

/// How far a marked point reaches.
fn radius(point: &ParetoPoint) -> f64 {
    FRONT_RADIUS
        + match (point.chosen, point.baseline) {
            (true, _) => 5.4,
            (false, true) => 4.0,
            (false, false) => 1.0,
        }
}

/// Markers and lines that labels should keep off.
fn obstacles(plot: &ParetoPlot, coding: &Coding, frame: &Frame, steps: &[Place]) -> Obstacles {
    let mut obstacles = Obstacles::default();
    let square = |at, radius: f64| Bounds::around(at, 2.0 * radius, 2.0 * radius);
    for point in &plot.points {
        let (radius, weight) = match (point.chosen, point.is_marked()) {
            (true, _) => (radius(point), 90.0),
            (false, true) => (radius(point), 80.0),
            (false, false) => (coding.radius + 0.5, 16.0),
        };
        obstacles
            .markers
            .push((square(coding.place(point, frame), radius), weight));
        if let Some((measured, predicted)) = measured(point, coding, frame) {
            obstacles.markers.push((square(measured, 5.4), 60.0));
            obstacles.lines.push((predicted, measured));
        }
    }
    obstacles
        .lines
        .extend(steps.windows(2).map(|pair| (pair[0], pair[1])));
    obstacles
}
