//! How the values of points become colors, shapes, sizes and units, and the legend that says so.

use std::collections::{BTreeMap, BTreeSet};

use super::{MILLISECONDS, ParetoPlot, ParetoPoint};
use crate::frame::Frame;
use crate::legend::Entry;
use crate::marker::{Fill, SHAPES, Shape};
use crate::palette;
use crate::scene::{PAPER, Place, QUIET, Rgb};

/// Radius of the markers of front members.
pub(super) const FRONT_RADIUS: f64 = 5.6;
/// More depths than this are shown as a continuous scale.
const MAX_DEPTH_ENTRIES: usize = 8;

/// How values of points become colors, shapes, sizes and units.
pub(super) struct Coding<'a> {
    pub(super) depths: Vec<u32>,
    pub(super) series: Vec<&'a str>,
    pub(super) radius: f64,
    /// What is shown on x for a value of 1, and its unit.
    pub(super) unit: (f64, &'a str),
    /// Points below this accuracy in percent are drawn at the lower edge.
    pub(super) floor: Option<f64>,
}

impl<'a> Coding<'a> {
    /// The coding of a plot's points, of which there is at least one.
    pub(super) fn of(plot: &'a ParetoPlot) -> Self {
        let depths: BTreeSet<u32> = plot.points.iter().map(|p| p.depth).collect();
        let series: BTreeSet<&str> = plot.points.iter().map(|p| p.series.as_str()).collect();
        let least = plot.points.iter().flat_map(|p| [Some(p.x), p.measured_x]);
        let least = least.flatten().fold(f64::INFINITY, f64::min);
        let unit = match plot.quantity.unit.as_str() {
            MILLISECONDS if least >= 1000.0 => (1e-3, "s"),
            unit => (1.0, unit),
        };
        let radius = match plot.points.len() {
            0..=60 => 4.4,
            61..=200 => 3.6,
            _ => 2.9,
        };
        Coding {
            depths: depths.into_iter().collect(),
            series: series.into_iter().collect(),
            radius,
            unit,
            floor: floor(plot),
        }
    }

    pub(super) fn color(&self, depth: u32) -> Rgb {
        let (least, most) = (self.depths[0], self.depths[self.depths.len() - 1]);
        if least == most {
            palette::ordered(0.6)
        } else if self.depths.len() > MAX_DEPTH_ENTRIES {
            palette::ordered(f64::from(depth - least) / f64::from(most - least))
        } else {
            // Few depths are evenly spread over the palette, so that neighbours can be told apart.
            let rank = self.depths.partition_point(|d| *d < depth);
            palette::ordered(rank as f64 / (self.depths.len() - 1) as f64)
        }
    }

    pub(super) fn shape(&self, point: &ParetoPoint) -> Shape {
        match point.baseline {
            true => Shape::Star,
            false => self.shape_of(&point.series),
        }
    }

    fn shape_of(&self, series: &str) -> Shape {
        SHAPES[self
            .series
            .partition_point(|s| *s < series)
            .min(SHAPES.len() - 1)]
    }

    /// How large the marker of a trial is that was stopped early.
    pub(super) fn stopped_radius(&self) -> f64 {
        0.7 * self.radius
    }

    /// What is shown on x for a value.
    pub(super) fn shown(&self, x: f64) -> f64 {
        x * self.unit.0
    }

    pub(super) fn below_floor(&self, point: &ParetoPoint) -> bool {
        self.floor
            .is_some_and(|floor| point.accuracy * 100.0 < floor)
    }

    /// The place of a point at its (predicted) value.
    pub(super) fn place(&self, point: &ParetoPoint, frame: &Frame) -> Place {
        frame.place(self.shown(point.x), point.accuracy * 100.0)
    }
}

/// The accuracy in percent below which points would flatten the front: three times as far below the best as the front's
/// lowest member (and at least three points), if some lie more than five times as far. The best of every series counts
/// as a member: a family that never reaches the front is seen beside it, and so is the baseline.
fn floor(plot: &ParetoPlot) -> Option<f64> {
    let percent = |p: &ParetoPoint| p.accuracy * 100.0;
    let best = plot.points.iter().map(percent).fold(0.0, f64::max);
    let marked = plot.points.iter().filter(|p| p.is_marked());
    let mut best_of_series: BTreeMap<&str, f64> = BTreeMap::new();
    for point in &plot.points {
        let best = best_of_series.entry(&point.series).or_default();
        *best = best.max(percent(point));
    }
    let marked = marked.map(percent).chain(best_of_series.into_values());
    let lowest_marked = marked.fold(best, f64::min);
    let lowest = plot.points.iter().map(percent).fold(best, f64::min);
    let spread = (best - lowest_marked).max(1.0);
    (best - lowest > 5.0 * spread).then(|| (best - 3.0 * spread).floor())
}

/// What the legend says.
pub(super) fn legend(plot: &ParetoPlot, coding: &Coding) -> Vec<Entry> {
    let mut entries = kinds(plot, coding);
    entries.push(Entry::Gap);
    entries.push(Entry::Heading("Depth (levels)".into()));
    if coding.depths.len() > MAX_DEPTH_ENTRIES {
        entries.push(Entry::Scale {
            low: coding.depths[0],
            high: coding.depths[coding.depths.len() - 1],
        });
    } else {
        entries.extend(coding.depths.iter().rev().map(|depth| Entry::Marker {
            shape: Shape::Disc,
            fill: Fill::Strong,
            color: coding.color(*depth),
            radius: FRONT_RADIUS,
            label: depth.to_string(),
        }));
    }
    if coding.series.len() > 1 {
        entries.push(Entry::Gap);
        entries.push(Entry::Heading(plot.series_title.clone()));
        entries.extend(series(coding));
    }
    entries
}

/// The kinds of points that the plot has.
fn kinds(plot: &ParetoPlot, coding: &Coding) -> Vec<Entry> {
    let any = |what: fn(&ParetoPoint) -> bool| plot.points.iter().any(what);
    let marker = |shape, fill, color, radius, label: &str| Entry::Marker {
        shape,
        fill,
        color,
        radius,
        label: label.to_string(),
    };
    let (grey, disc) = (grey(), Shape::Disc);
    let mut entries = Vec::new();
    if any(|p| p.on_front) {
        entries.push(Entry::Front("Pareto front".into()));
    }
    if any(|p| !p.on_front && !p.baseline && !p.stopped) {
        let label = "other trials";
        entries.push(marker(disc, Fill::Plain, grey, coding.radius, label));
    }
    if any(|p| p.stopped) {
        let radius = coding.stopped_radius();
        entries.push(marker(disc, Fill::Hollow, grey, radius, "stopped early"));
    }
    if any(|p| p.chosen) {
        entries.push(Entry::Chosen("chosen".into()));
    }
    if any(|p| p.baseline) {
        let radius = FRONT_RADIUS;
        entries.push(marker(Shape::Star, Fill::Strong, grey, radius, "baseline"));
    }
    if any(|p| p.measured_x.is_some()) {
        entries.push(marker(disc, Fill::Hollow, QUIET, 4.4, "measured"));
    }
    entries
}

/// The shape of each series; from the sixth on they share one.
fn series(coding: &Coding) -> Vec<Entry> {
    let count = coding.series.len();
    let shown = SHAPES.iter().zip(&coding.series).enumerate();
    let entry = |(i, (shape, series)): (usize, (&Shape, &&str))| {
        let shared = i + 1 == SHAPES.len() && count > SHAPES.len();
        let label = match (shared, *series) {
            (true, _) => "others",
            (false, "") => "none",
            (false, name) => name,
        };
        Entry::Marker {
            shape: *shape,
            fill: Fill::Strong,
            color: grey(),
            radius: 5.0,
            label: label.to_string(),
        }
    };
    shown.map(entry).collect()
}

fn grey() -> Rgb {
    palette::mix(QUIET, PAPER, 0.4)
}

/// Places of the measured and of the predicted value of a point.
pub(super) fn measured(
    point: &ParetoPoint,
    coding: &Coding,
    frame: &Frame,
) -> Option<(Place, Place)> {
    let x = point.measured_x.filter(|_| !coding.below_floor(point))?;
    Some((
        frame.place(coding.shown(x), point.accuracy * 100.0),
        coding.place(point, frame),
    ))
}
