//! The Pareto plot: latency or another quantity of which less is better on x, accuracy on y, depth by color; the front
//! joined and labelled, the chosen point and the baseline marked.

mod coding;
mod layout;
mod naming;

use crate::error::{Error, Result, finite};
use crate::render;

/// One trial in a [`ParetoPlot`].
#[derive(Clone, Debug, PartialEq)]
pub struct ParetoPoint {
    /// Number of the trial; front members, the chosen one and the baseline are labelled with it.
    pub trial: u64,
    /// Value of the plot's quantity, at least 0; the predicted one, where both are known.
    pub x: f64,
    /// Accuracy as a fraction from 0 to 1.
    pub accuracy: f64,
    /// Multiplicative depth in levels.
    pub depth: u32,
    /// Whether its training was stopped early, so that its accuracy is that of fewer epochs: a small hollow marker.
    pub stopped: bool,
    /// Whether the trial is on the Pareto front.
    pub on_front: bool,
    /// Whether this is the trial that was chosen.
    pub chosen: bool,
    /// Whether this is the network that the others are compared with: a star, labelled, and shown wherever it lies.
    pub baseline: bool,
    /// Measured value of the quantity, at least 0: a hollow marker, joined to the filled one at `x`.
    pub measured_x: Option<f64>,
    /// What sets the shape of the marker, such as the activation scheme; all empty: no such key is shown. From the
    /// sixth name on all share one shape.
    pub series: String,
}

impl ParetoPoint {
    /// Whether it is labelled and drawn before the others.
    fn is_marked(&self) -> bool {
        self.on_front || self.chosen || self.baseline
    }
}

/// What a [`ParetoPlot`] shows on x; less of it is better.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// What it is, such as `latency of one encrypted prediction`.
    pub title: String,
    /// Its unit; may be empty. Milliseconds (`ms`) are shown as seconds where all are at least 1000.
    pub unit: String,
    /// Whether its values are whole numbers: so are its ticks then, at even steps.
    pub whole: bool,
}

impl Quantity {
    /// The latency of an encrypted prediction in milliseconds.
    pub fn latency() -> Self {
        Quantity {
            title: "latency of one encrypted prediction".to_string(),
            unit: MILLISECONDS.to_string(),
            whole: false,
        }
    }
}

/// The unit that is shown as seconds where values are large.
const MILLISECONDS: &str = "ms";

/// Accuracy of all completed trials of a study over their latency, or over another quantity of which less is better.
///
/// The axis of that quantity is logarithmic where the values span more than a factor of 8 (not that of whole numbers).
/// Trials with an accuracy far below the front's are drawn as arrows at the lower edge, and the subtitle says how many,
/// so that a few failed trainings do not flatten the front. A front member that another one dominates in these two
/// quantities (a front of more than two objectives has such) is labelled, but the joining line passes it by.
#[derive(Clone, Debug, PartialEq)]
pub struct ParetoPlot {
    /// Title, up to two lines.
    pub title: String,
    /// Text below the title, up to three lines; may be empty.
    pub subtitle: String,
    /// What [`ParetoPoint::series`] names: the heading of that key.
    pub series_title: String,
    /// What stands on x.
    pub quantity: Quantity,
    /// What the accuracy is called, on y.
    pub quality: String,
    /// The trials, at least one.
    pub points: Vec<ParetoPoint>,
}

impl ParetoPlot {
    /// A plot over latency, without points yet, without a subtitle, with series called `Series`.
    pub fn new(title: impl Into<String>) -> Self {
        ParetoPlot {
            title: title.into(),
            subtitle: String::new(),
            series_title: "Series".to_string(),
            quantity: Quantity::latency(),
            quality: "accuracy".to_string(),
            points: Vec::new(),
        }
    }

    /// The plot as the text of an SVG file, 640 by 480 units. Equal plots give equal texts.
    ///
    /// # Errors
    /// No points; a value on x, or accuracy, that is not finite or out of its range.
    pub fn svg(&self) -> Result<String> {
        let (width, height) = render::LOGICAL;
        render::svg(&self.lay_out(width, height)?.scene)
    }

    /// The plot as the bytes of a PNG file of this many pixels, each from 240 by 180 to 8192. Texts grow with the
    /// picture.
    ///
    /// # Errors
    /// As [`ParetoPlot::svg`]; a size out of range.
    pub fn png(&self, width: u32, height: u32) -> Result<Vec<u8>> {
        render::png(width, height, |width, height| {
            Ok(self.lay_out(width, height)?.scene)
        })
    }

    /// The picture before it is drawn, on this many logical units.
    fn lay_out(&self, width: f64, height: f64) -> Result<layout::Layout> {
        self.check()?;
        crate::fonts::register()?;
        Ok(layout::lay_out(self, width, height))
    }

    fn check(&self) -> Result<()> {
        if self.points.is_empty() {
            return Err(Error::Empty {
                plot: self.title.clone(),
            });
        }
        for point in &self.points {
            let place = || format!("trial {} of plot `{}`", point.trial, self.title);
            let quantities = [
                Some((point.x, "x")),
                point.measured_x.map(|x| (x, "measured_x")),
            ];
            for (value, quantity) in quantities.into_iter().flatten() {
                finite(value, quantity, place)?;
                if value < 0.0 {
                    return Err(Error::OutOfRange {
                        place: place(),
                        quantity,
                        value,
                        allowed: "at least 0",
                    });
                }
            }
            finite(point.accuracy, "accuracy", place)?;
            if !(0.0..=1.0).contains(&point.accuracy) {
                let (value, allowed) = (point.accuracy, "a fraction from 0 to 1");
                return Err(Error::OutOfRange {
                    place: place(),
                    quantity: "accuracy",
                    value,
                    allowed,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
