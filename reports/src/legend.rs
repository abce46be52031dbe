//! The legend beside a plot.

use crate::fonts::{self, CAP_HEIGHT_EM};
use crate::marker::{self, Fill, Shape};
use crate::palette;
use crate::scene::{ACCENT, Anchor, Bounds, INK, Mark, PAPER, QUIET, Rgb, Scene};

const TEXT_SIZE: f64 = 12.5;
const ROW: f64 = 18.5;
const SAMPLE_WIDTH: f64 = 22.0;
/// A label wider than this is cut.
const MAX_LABEL_WIDTH: f64 = 118.0;
const GRADIENT_HEIGHT: f64 = 110.0;

/// One line of a legend (a color scale takes several).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    /// What the entries below have in common.
    Heading(String),
    /// A marker.
    Marker {
        shape: Shape,
        fill: Fill,
        color: Rgb,
        radius: f64,
        label: String,
    },
    /// The line that joins a front, with one of its markers.
    Front(String),
    /// The ring around the chosen point.
    Chosen(String),
    /// A line, drawn with dashes where given.
    Line {
        color: Rgb,
        width: f64,
        dash: Option<(f64, f64)>,
        label: String,
    },
    /// A tinted area.
    Area {
        color: Rgb,
        alpha: f64,
        label: String,
    },
    /// The ordered palette over a range of whole numbers, with some of them labelled.
    Scale { low: u32, high: u32 },
    /// Room between groups.
    Gap,
}

/// Width of a legend in logical units.
pub(crate) fn width(entries: &[Entry]) -> f64 {
    let label = |text: &str| fonts::width(&fonts::cut(text, TEXT_SIZE, MAX_LABEL_WIDTH), TEXT_SIZE);
    entries
        .iter()
        .map(|entry| match entry {
            Entry::Heading(text) => label(text),
            Entry::Marker { label: text, .. }
            | Entry::Front(text)
            | Entry::Chosen(text)
            | Entry::Line { label: text, .. }
            | Entry::Area { label: text, .. } => SAMPLE_WIDTH + 7.0 + label(text),
            Entry::Scale { high, .. } => SAMPLE_WIDTH + 7.0 + label(&high.to_string()),
            Entry::Gap => 0.0,
        })
        .fold(0.0, f64::max)
}

/// Draws a legend with its top left corner at a place.
pub(crate) fn draw(scene: &mut Scene, entries: &[Entry], (left, top): (f64, f64)) {
    let mut y = top;
    for entry in entries {
        y += match entry {
            Entry::Heading(_)
            | Entry::Marker { .. }
            | Entry::Front(_)
            | Entry::Chosen(_)
            | Entry::Line { .. }
            | Entry::Area { .. } => {
                draw_row(scene, entry, left, y + ROW / 2.0);
                ROW
            }
            Entry::Scale { low, high } => {
                draw_scale(scene, (*low, *high), left, y + 6.0);
                GRADIENT_HEIGHT + 12.0
            }
            Entry::Gap => ROW * 0.5,
        };
    }
}

/// Draws a row's sample around `y`, if it has one, and its text beside it.
fn draw_row(scene: &mut Scene, entry: &Entry, left: f64, y: f64) {
    let beside = left + SAMPLE_WIDTH + 7.0;
    let (text, text_left, color) = match entry {
        Entry::Heading(text) => (text, left, QUIET),
        Entry::Marker { label, .. }
        | Entry::Front(label)
        | Entry::Chosen(label)
        | Entry::Line { label, .. }
        | Entry::Area { label, .. } => (label, beside, INK),
        Entry::Scale { .. } | Entry::Gap => return,
    };
    draw_sample(scene, entry, left, y);
    let baseline = y + TEXT_SIZE * CAP_HEIGHT_EM / 2.0;
    scene.text(
        &fonts::cut(text, TEXT_SIZE, MAX_LABEL_WIDTH),
        (text_left, baseline),
        TEXT_SIZE,
        color,
        Anchor::Start,
    );
}

fn draw_sample(scene: &mut Scene, entry: &Entry, left: f64, y: f64) {
    let middle = (left + SAMPLE_WIDTH / 2.0, y);
    let ends = [(left, y), (left + SAMPLE_WIDTH, y)];
    match entry {
        Entry::Marker {
            shape,
            fill,
            color,
            radius,
            ..
        } => marker::draw(scene, *shape, *fill, middle, *radius, *color),
        Entry::Front(_) => {
            scene.line(&ends, QUIET, 1.8);
            let grey = palette::mix(QUIET, PAPER, 0.4);
            marker::draw(scene, Shape::Disc, Fill::Strong, middle, 5.0, grey);
        }
        Entry::Chosen(_) => scene.marks.push(Mark::Ring {
            centre: middle,
            radius: 7.0,
            color: ACCENT,
            width: 2.2,
        }),
        Entry::Line {
            color, width, dash, ..
        } => match dash {
            Some(dash) => scene.dashed(&ends, *color, *width, *dash),
            None => scene.line(&ends, *color, *width),
        },
        Entry::Area { color, alpha, .. } => {
            let bounds = Bounds::around(middle, SAMPLE_WIDTH, ROW * 0.6);
            scene.block(bounds, *color, *alpha);
        }
        Entry::Heading(_) | Entry::Scale { .. } | Entry::Gap => {}
    }
}

/// A bar from the least (light, below) to the most (dark, above), with about five whole numbers beside it.
fn draw_scale(scene: &mut Scene, (low, high): (u32, u32), left: f64, top: f64) {
    const BANDS: u32 = 55;
    let bar_left = left + 4.0;
    let bar_right = left + SAMPLE_WIDTH - 2.0;
    for band in 0..BANDS {
        let share = (f64::from(band) + 0.5) / f64::from(BANDS);
        let from = top + GRADIENT_HEIGHT * (1.0 - f64::from(band + 1) / f64::from(BANDS));
        let to = top + GRADIENT_HEIGHT * (1.0 - f64::from(band) / f64::from(BANDS));
        let bounds = Bounds {
            left: bar_left,
            top: from,
            right: bar_right,
            bottom: to,
        };
        scene.block(bounds, palette::ordered(share), 1.0);
    }
    let span = high.saturating_sub(low).max(1);
    let step = [1, 2, 5, 10, 20, 50, 100]
        .into_iter()
        .find(|step| span / step <= 5)
        .unwrap_or(span);
    let first = low.div_ceil(step) * step;
    for value in (first..=high).step_by(step as usize) {
        let y = top + GRADIENT_HEIGHT * (1.0 - f64::from(value - low) / f64::from(span));
        scene.line(&[(bar_right, y), (bar_right + 4.0, y)], QUIET, 1.0);
        let at = (
            left + SAMPLE_WIDTH + 7.0,
            y + TEXT_SIZE * CAP_HEIGHT_EM / 2.0,
        );
        scene.text(&value.to_string(), at, TEXT_SIZE, INK, Anchor::Start);
    }
}
