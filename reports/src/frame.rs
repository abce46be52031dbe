//! What surrounds the points of every plot: title, subtitle, axes with ticks and units, grid and legend.

use crate::axis::Axis;
use crate::fonts::{self, CAP_HEIGHT_EM};
use crate::legend::{self, Entry};
use crate::scene::{Anchor, Bounds, FAINT, INK, Mark, Place, QUIET, Scene, Text};

pub(crate) const TITLE_SIZE: f64 = 17.0;
pub(crate) const TEXT_SIZE: f64 = 13.0;
const AXIS_TITLE_SIZE: f64 = 14.0;
const MARGIN: f64 = 14.0;

/// The area of a plot and its axes: turns values into places.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The rectangle that the axes enclose.
    pub plot: Bounds,
    pub x: Axis,
    pub y: Axis,
}

/// What a frame is made from.
pub(crate) struct Furniture<'a> {
    pub title: &'a str,
    pub subtitle: &'a str,
    pub x: Axis,
    pub y: Axis,
    pub legend: &'a [Entry],
    /// Both axes show the same quantity over the same range: make the plot square.
    pub square: bool,
}

impl Frame {
    /// The place of a value.
    pub fn place(&self, x: f64, y: f64) -> Place {
        let Bounds {
            left,
            top,
            right,
            bottom,
        } = self.plot;
        (
            left + self.x.share(x) * (right - left),
            bottom - self.y.share(y) * (bottom - top),
        )
    }
}

/// Begins a picture of this size with all that surrounds the points.
pub(crate) fn begin(width: f64, height: f64, furniture: Furniture) -> (Scene, Frame) {
    let mut scene = Scene {
        width,
        height,
        title: furniture.title.to_string(),
        marks: Vec::new(),
        hints: Vec::new(),
    };
    let Furniture {
        title,
        subtitle,
        x,
        y,
        legend,
        square,
    } = furniture;
    let top = draw_titles(&mut scene, title, subtitle);
    let tick_width = y
        .ticks
        .iter()
        .map(|(_, label)| fonts::width(label, TEXT_SIZE))
        .fold(0.0, f64::max);
    let legend_width = legend::width(legend);
    let last_tick_half = x
        .ticks
        .last()
        .map_or(0.0, |(_, label)| fonts::width(label, TEXT_SIZE) / 2.0);
    let right_margin = if legend.is_empty() {
        last_tick_half.max(MARGIN) + 4.0
    } else {
        legend_width + 18.0 + MARGIN
    };
    let mut plot = Bounds {
        left: MARGIN + AXIS_TITLE_SIZE + 10.0 + tick_width + 8.0,
        top,
        right: width - right_margin,
        bottom: height - MARGIN - AXIS_TITLE_SIZE - 10.0 - TEXT_SIZE - 7.0,
    };
    if square {
        let side = (plot.right - plot.left).min(plot.bottom - plot.top);
        plot.right = plot.left + side;
        plot.top = plot.bottom - side;
    }
    let frame = Frame { plot, x, y };
    draw_axes(&mut scene, &frame);
    legend::draw(&mut scene, legend, (plot.right + 18.0, plot.top));
    (scene, frame)
}

/// Draws title and subtitle and returns where the plot begins.
fn draw_titles(scene: &mut Scene, title: &str, subtitle: &str) -> f64 {
    let room = scene.width - 2.0 * MARGIN;
    let mut baseline = MARGIN;
    for line in fonts::wrap(title, TITLE_SIZE, room, 2) {
        baseline += TITLE_SIZE * 1.15;
        scene.text(
            &line,
            (MARGIN, baseline - 3.0),
            TITLE_SIZE,
            INK,
            Anchor::Start,
        );
    }
    for line in fonts::wrap(subtitle, TEXT_SIZE, room, 3) {
        baseline += TEXT_SIZE * 1.35;
        scene.text(&line, (MARGIN, baseline), TEXT_SIZE, QUIET, Anchor::Start);
    }
    baseline + MARGIN + 2.0
}

fn draw_axes(scene: &mut Scene, frame: &Frame) {
    let Bounds {
        left,
        top,
        right,
        bottom,
    } = frame.plot;
    for (at, _) in &frame.x.ticks {
        let (x, _) = frame.place(*at, frame.y.low);
        scene.line(&[(x, top), (x, bottom)], FAINT, 1.0);
    }
    for (at, _) in &frame.y.ticks {
        let (_, y) = frame.place(frame.x.low, *at);
        scene.line(&[(left, y), (right, y)], FAINT, 1.0);
    }
    for at in &frame.x.minor_ticks {
        let (x, _) = frame.place(*at, frame.y.low);
        scene.line(&[(x, bottom), (x, bottom + 3.0)], QUIET, 1.0);
    }
    for at in &frame.y.minor_ticks {
        let (_, y) = frame.place(frame.x.low, *at);
        scene.line(&[(left - 3.0, y), (left, y)], QUIET, 1.0);
    }
    draw_tick_labels(scene, frame);
    scene.line(&[(left, top), (left, bottom), (right, bottom)], QUIET, 1.2);
    let middle = (left + right) / 2.0;
    let x_title = if frame.x.log {
        format!("{}, log scale", frame.x.title)
    } else {
        frame.x.title.clone()
    };
    let x_title = fonts::cut(&x_title, AXIS_TITLE_SIZE, right - left);
    scene.text(
        &x_title,
        (middle, scene.height - MARGIN),
        AXIS_TITLE_SIZE,
        INK,
        Anchor::Middle,
    );
    let y_title = if frame.y.log {
        format!("{}, log scale", frame.y.title)
    } else {
        frame.y.title.clone()
    };
    scene.marks.push(Mark::Text(Text {
        text: fonts::cut(&y_title, AXIS_TITLE_SIZE, bottom - top),
        at: (
            MARGIN + AXIS_TITLE_SIZE * CAP_HEIGHT_EM,
            (top + bottom) / 2.0,
        ),
        size: AXIS_TITLE_SIZE,
        color: INK,
        anchor: Anchor::Middle,
        upwards: true,
    }));
}

/// Labels the ticks; one that would touch the one before is left out, its tick stays.
fn draw_tick_labels(scene: &mut Scene, frame: &Frame) {
    let Bounds { left, bottom, .. } = frame.plot;
    let mut free_from = f64::NEG_INFINITY;
    for (at, label) in &frame.x.ticks {
        let (x, _) = frame.place(*at, frame.y.low);
        scene.line(&[(x, bottom), (x, bottom + 5.0)], QUIET, 1.2);
        let half = fonts::width(label, TEXT_SIZE) / 2.0;
        if x - half >= free_from {
            let baseline = bottom + 8.0 + TEXT_SIZE * CAP_HEIGHT_EM;
            scene.text(label, (x, baseline), TEXT_SIZE, INK, Anchor::Middle);
            free_from = x + half + 6.0;
        }
    }
    let mut free_to = f64::INFINITY;
    for (at, label) in &frame.y.ticks {
        let (_, y) = frame.place(frame.x.low, *at);
        scene.line(&[(left - 5.0, y), (left, y)], QUIET, 1.2);
        if y + TEXT_SIZE * 0.5 <= free_to {
            let baseline = y + TEXT_SIZE * CAP_HEIGHT_EM / 2.0;
            scene.text(label, (left - 8.0, baseline), TEXT_SIZE, INK, Anchor::End);
            free_to = y - TEXT_SIZE * 0.5 - 2.0;
        }
    }
}
