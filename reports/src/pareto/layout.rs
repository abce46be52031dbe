//! Where everything of a Pareto plot goes.

use super::coding::{Coding, FRONT_RADIUS, legend, measured};
use super::{ParetoPlot, ParetoPoint, naming};
use crate::axis::{Axis, Kind};
use crate::frame::{self, Frame, Furniture};
use crate::marker::{self, Fill};
use crate::number;
use crate::palette;
use crate::scene::{ACCENT, Bounds, Hint, INK, Mark, PAPER, Place, QUIET, Scene};

/// The laid out plot.
pub(super) struct Layout {
    pub scene: Scene,
    /// Boxes of the placed labels, for tests.
    #[cfg_attr(not(test), allow(dead_code))]
    pub labels: Vec<(u64, Bounds)>,
}

/// Lays out a plot whose points have been checked.
pub(super) fn lay_out(plot: &ParetoPlot, width: f64, height: f64) -> Layout {
    let coding = Coding::of(plot);
    // A label that finds no room changes the subtitle, and that the layout: at most one more round.
    let (layout, left_out) = attempt(plot, &coding, width, height, 0);
    if left_out == 0 {
        layout
    } else {
        attempt(plot, &coding, width, height, left_out).0
    }
}

fn attempt(
    plot: &ParetoPlot,
    coding: &Coding,
    width: f64,
    height: f64,
    left_out: usize,
) -> (Layout, usize) {
    let subtitle = subtitle(plot, coding, left_out);
    let (x, y) = axes(plot, coding);
    let legend = legend(plot, coding);
    let furniture = Furniture {
        title: &plot.title,
        subtitle: &subtitle,
        x,
        y,
        legend: &legend,
        square: false,
    };
    let (mut scene, frame) = frame::begin(width, height, furniture);
    let steps = steps(plot, coding, &frame);
    scene.line(&steps, QUIET, 1.8);
    draw_points(&mut scene, plot, coding, &frame);
    let (labels, left_out) = naming::draw(&mut scene, plot, coding, &frame, &steps);
    (Layout { scene, labels }, left_out)
}

/// Front members that no other point of the front dominates in the two quantities of the plot, from the left.
fn stairs(plot: &ParetoPlot) -> Vec<&ParetoPoint> {
    let mut front: Vec<&ParetoPoint> = plot.points.iter().filter(|p| p.on_front).collect();
    front.sort_by(|a, b| a.x.total_cmp(&b.x).then(b.accuracy.total_cmp(&a.accuracy)));
    let mut best = f64::NEG_INFINITY;
    front.retain(|p| {
        let better = p.accuracy > best;
        best = best.max(p.accuracy);
        better
    });
    front
}

fn subtitle(plot: &ParetoPlot, coding: &Coding, left_out: usize) -> String {
    let mut parts: Vec<String> = Vec::new();
    if !plot.subtitle.trim().is_empty() {
        parts.push(plot.subtitle.clone());
    }
    let below = plot.points.iter().filter(|p| coding.below_floor(p)).count();
    if let (Some(floor), 1..) = (coding.floor, below) {
        let trials = if below == 1 {
            "1 trial"
        } else {
            &format!("{below} trials")
        };
        parts.push(format!(
            "{trials} below {floor:.0} % (arrows at the lower edge)"
        ));
    }
    if left_out > 0 {
        let labelled = plot.points.iter().filter(|p| p.is_marked()).count();
        parts.push(format!(
            "{left_out} of {labelled} labels left out for want of room"
        ));
    }
    parts.join(" · ")
}

fn axes(plot: &ParetoPlot, coding: &Coding) -> (Axis, Axis) {
    let values = plot.points.iter().flat_map(|p| [Some(p.x), p.measured_x]);
    let values: Vec<f64> = values.flatten().map(|x| coding.shown(x)).collect();
    let mut accuracies: Vec<f64> = plot
        .points
        .iter()
        .filter(|p| !coding.below_floor(p))
        .map(|p| p.accuracy * 100.0)
        .collect();
    accuracies.extend(coding.floor);
    let title = &plot.quantity.title;
    let title = match coding.unit.1 {
        "" => title.clone(),
        unit => format!("{title} ({unit})"),
    };
    let kind = match plot.quantity.whole {
        true => Kind::Whole,
        false => Kind::LogIfWide,
    };
    let x = Axis::over(&title, &values, kind);
    let mut y = Axis::over(
        &format!("{} (%)", plot.quality),
        &accuracies,
        Kind::Linear {
            least_span: 1.0,
            tick_limit: 100.0,
        },
    )
    .without_negative();
    // Headroom for the labels of the most accurate.
    y.high += (y.high - y.low) * 0.04;
    (x, y)
}

/// The line that joins the front: from each member to the right, at its accuracy still the best, up to the next one.
fn steps(plot: &ParetoPlot, coding: &Coding, frame: &Frame) -> Vec<Place> {
    let mut steps: Vec<Place> = Vec::new();
    for point in stairs(plot) {
        let (x, y) = coding.place(point, frame);
        if let Some((_, before)) = steps.last().copied() {
            steps.push((x, before));
        }
        steps.push((x, y));
    }
    steps
}

fn draw_points(scene: &mut Scene, plot: &ParetoPlot, coding: &Coding, frame: &Frame) {
    // From the back: other trials, measured values, front members, the baseline, the chosen point.
    for point in plot.points.iter().filter(|p| !p.is_marked()) {
        draw_point(scene, point, coding, frame);
    }
    for point in &plot.points {
        draw_measured(scene, point, coding, frame);
    }
    let mut points: Vec<&ParetoPoint> = plot.points.iter().filter(|p| p.is_marked()).collect();
    points.sort_by_key(|p| (p.chosen, p.baseline));
    for point in points {
        draw_point(scene, point, coding, frame);
    }
    // Marked points lie above the others here too.
    let (marked, others): (Vec<_>, Vec<_>) = plot.points.iter().partition(|p| p.is_marked());
    let hints = others.into_iter().chain(marked);
    scene
        .hints
        .extend(hints.map(|point| hint(plot, point, coding, frame)));
}

/// What a reader learns who points at a trial.
fn hint(plot: &ParetoPlot, point: &ParetoPoint, coding: &Coding, frame: &Frame) -> Hint {
    let (x, y) = coding.place(point, frame);
    let shown = |value: f64| match plot.quantity.unit.as_str() {
        super::MILLISECONDS => format!("{} ms", number::milliseconds(value)),
        unit => format!("{value} {unit}").trim_end().to_owned(),
    };
    let mut text = format!(
        "#{}: {:.2} %, {}",
        point.trial,
        point.accuracy * 100.0,
        shown(point.x)
    );
    if let Some(measured) = point.measured_x {
        text += &format!(" ({} measured)", shown(measured));
    }
    text += &format!(", depth {}", point.depth);
    for (holds, word) in [
        (point.on_front, "on the front"),
        (point.chosen, "chosen"),
        (point.baseline, "baseline"),
        (point.stopped, "stopped early"),
    ] {
        if holds {
            text += &format!(", {word}");
        }
    }
    let lowest = frame.plot.bottom - 5.0;
    Hint {
        centre: (x, if coding.below_floor(point) { lowest } else { y }),
        radius: FRONT_RADIUS + 2.0,
        path: Vec::new(),
        trial: point.trial,
        text,
    }
}

fn draw_measured(scene: &mut Scene, point: &ParetoPoint, coding: &Coding, frame: &Frame) {
    if let Some((measured, predicted)) = measured(point, coding, frame) {
        let color = coding.color(point.depth);
        scene.line(&[predicted, measured], palette::mix(color, INK, 0.25), 1.1);
        marker::draw(
            scene,
            coding.shape(point),
            Fill::Hollow,
            measured,
            4.4,
            color,
        );
    }
}

fn draw_point(scene: &mut Scene, point: &ParetoPoint, coding: &Coding, frame: &Frame) {
    let (x, y) = coding.place(point, frame);
    let color = coding.color(point.depth);
    if coding.below_floor(point) {
        let y = frame.plot.bottom;
        let arrow = [(x - 3.6, y - 9.0), (x + 3.6, y - 9.0), (x, y - 1.0)];
        scene.area(&arrow, color, 1.0);
        return;
    }
    let (fill, radius) = match (point.is_marked(), point.stopped) {
        (true, _) => (Fill::Strong, FRONT_RADIUS),
        (false, true) => (Fill::Hollow, coding.stopped_radius()),
        (false, false) => (Fill::Plain, coding.radius),
    };
    let mut ring = |radius, color, width| {
        scene.marks.push(Mark::Ring {
            centre: (x, y),
            radius,
            color,
            width,
        });
    };
    if point.chosen {
        ring(FRONT_RADIUS + 3.6, PAPER, 6.0);
        ring(FRONT_RADIUS + 4.2, ACCENT, 2.4);
    }
    marker::draw(scene, coding.shape(point), fill, (x, y), radius, color);
}
