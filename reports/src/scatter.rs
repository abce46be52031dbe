//! Predicted against measured: one point a network (or layer), the diagonal, and the mean absolute error.

use crate::axis::{Axis, Kind};
use crate::error::{Error, Result, finite};
use crate::frame::{self, Frame, Furniture};
use crate::legend::Entry;
use crate::marker::{self, Fill, SHAPES};
use crate::number;
use crate::palette;
use crate::render;
use crate::scene::{QUIET, Scene};

/// One thing that was predicted and measured.
#[derive(Clone, Debug, PartialEq)]
pub struct ScatterPoint {
    /// What was predicted, in the plot's unit.
    pub predicted: f64,
    /// What was measured, in the plot's unit.
    pub measured: f64,
    /// What sets color and shape of the marker; all equal: no such key is shown. From the sixth name on all share one.
    pub series: String,
}

/// Predicted on x, measured on y, over the same range.
#[derive(Clone, Debug, PartialEq)]
pub struct ScatterPlot {
    /// Title, up to two lines.
    pub title: String,
    /// Text below the title; the mean absolute error and the number of points are put after it.
    pub subtitle: String,
    /// What is compared, such as `latency`.
    pub quantity: String,
    /// Its unit, such as `ms`; may be empty.
    pub unit: String,
    /// Share by which measured may differ from predicted, shown as a band: `0.25` for 25 %.
    pub tolerance: Option<f64>,
    /// The points, at least one.
    pub points: Vec<ScatterPoint>,
}

impl ScatterPlot {
    /// A plot without points yet, without a subtitle and tolerance.
    pub fn new(
        title: impl Into<String>,
        quantity: impl Into<String>,
        unit: impl Into<String>,
    ) -> Self {
        ScatterPlot {
            title: title.into(),
            subtitle: String::new(),
            quantity: quantity.into(),
            unit: unit.into(),
            tolerance: None,
            points: Vec::new(),
        }
    }

    /// Mean of |predicted − measured|, in the plot's unit; NaN without points.
    pub fn mean_absolute_error(&self) -> f64 {
        self.points
            .iter()
            .map(|p| (p.predicted - p.measured).abs())
            .sum::<f64>()
            / self.points.len() as f64
    }

    /// Mean of |predicted − measured| / |measured|, a fraction; `None` without points or where something measured is 0.
    pub fn mean_relative_error(&self) -> Option<f64> {
        let relative = |p: &ScatterPoint| (p.predicted - p.measured).abs() / p.measured.abs();
        let mean = self.points.iter().map(relative).sum::<f64>() / self.points.len() as f64;
        mean.is_finite().then_some(mean)
    }

    /// The plot as the text of an SVG file, 640 by 480 units. Equal plots give equal texts.
    ///
    /// # Errors
    /// No points; a number that is not finite; a tolerance that is not between 0 and 1.
    pub fn svg(&self) -> Result<String> {
        let (width, height) = render::LOGICAL;
        render::svg(&self.lay_out(width, height)?)
    }

    /// The plot as the bytes of a PNG file of this many pixels, each from 240 by 180 to 8192.
    ///
    /// # Errors
    /// As [`ScatterPlot::svg`]; a size out of range.
    pub fn png(&self, width: u32, height: u32) -> Result<Vec<u8>> {
        render::png(width, height, |width, height| self.lay_out(width, height))
    }

    fn check(&self) -> Result<()> {
        if self.points.is_empty() {
            return Err(Error::Empty {
                plot: self.title.clone(),
            });
        }
        for (i, point) in self.points.iter().enumerate() {
            let place = || format!("point {i} of plot `{}`", self.title);
            finite(point.predicted, "predicted", place)?;
            finite(point.measured, "measured", place)?;
        }
        match self.tolerance {
            Some(value) if !(value > 0.0 && value < 1.0) => {
                let place = format!("plot `{}`", self.title);
                Err(Error::OutOfRange {
                    place,
                    quantity: "tolerance",
                    value,
                    allowed: "a fraction between 0 and 1",
                })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn lay_out(&self, width: f64, height: f64) -> Result<Scene> {
        self.check()?;
        crate::fonts::register()?;
        let mut series: Vec<&str> = self.points.iter().map(|p| p.series.as_str()).collect();
        series.sort_unstable();
        series.dedup();
        let values: Vec<f64> = self
            .points
            .iter()
            .flat_map(|p| [p.predicted, p.measured])
            .collect();
        let unit = if self.unit.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.unit)
        };
        let axis = |which: &str| {
            Axis::over(
                &format!("{which} {}{unit}", self.quantity),
                &values,
                Kind::LogIfWide,
            )
        };
        let (x, y) = (axis("predicted"), axis("measured"));
        let (subtitle, legend) = (self.error_text(), self.legend(&series));
        let furniture = Furniture {
            title: &self.title,
            subtitle: &subtitle,
            x,
            y,
            legend: &legend,
            square: true,
        };
        let (mut scene, frame) = frame::begin(width, height, furniture);
        self.draw_diagonal(&mut scene, &frame);
        for point in &self.points {
            let i = series
                .partition_point(|s| *s < point.series.as_str())
                .min(SHAPES.len() - 1);
            let place = frame.place(point.predicted, point.measured);
            marker::draw(
                &mut scene,
                SHAPES[i],
                Fill::Plain,
                place,
                self.radius(),
                palette::separate(i),
            );
        }
        Ok(scene)
    }

    fn radius(&self) -> f64 {
        if self.points.len() > 150 { 3.2 } else { 4.6 }
    }

    fn error_text(&self) -> String {
        let count = self.points.len();
        let points = if count == 1 {
            "1 point".to_string()
        } else {
            format!("{count} points")
        };
        let error = number::significant(self.mean_absolute_error(), 3);
        let relative = self.mean_relative_error().map_or(String::new(), |r| {
            format!(" ({} %)", number::significant(r * 100.0, 3))
        });
        let unit = if self.unit.is_empty() {
            String::new()
        } else {
            format!(" {}", self.unit)
        };
        let text = format!("mean absolute error {error}{unit}{relative} over {points}");
        if self.subtitle.trim().is_empty() {
            text
        } else {
            format!("{} · {text}", self.subtitle)
        }
    }

    fn legend(&self, series: &[&str]) -> Vec<Entry> {
        let mut entries = vec![Entry::Line {
            color: QUIET,
            width: 1.4,
            dash: Some((5.0, 3.0)),
            label: "equal".into(),
        }];
        if let Some(tolerance) = self.tolerance {
            let label = format!("within ±{} %", number::significant(tolerance * 100.0, 2));
            entries.push(Entry::Area {
                color: QUIET,
                alpha: 0.13,
                label,
            });
        }
        if series.len() > 1 {
            entries.push(Entry::Gap);
            for (i, name) in series.iter().enumerate().take(SHAPES.len()) {
                let shared = i + 1 == SHAPES.len() && series.len() > SHAPES.len();
                let named = if name.is_empty() { "none" } else { name };
                let label = if shared { "others" } else { named }.to_string();
                let (shape, color) = (SHAPES[i], palette::separate(i));
                entries.push(Entry::Marker {
                    shape,
                    fill: Fill::Plain,
                    color,
                    radius: 4.6,
                    label,
                });
            }
        }
        entries
    }

    /// The diagonal and, below it, the band of the tolerance, both cut at the frame.
    fn draw_diagonal(&self, scene: &mut Scene, frame: &Frame) {
        let (low, high) = (frame.x.low, frame.x.high);
        if let Some(tolerance) = self.tolerance {
            let steps = 64;
            let at = |i: i32| {
                let share = f64::from(i) / f64::from(steps);
                if frame.x.log {
                    low * (high / low).powf(share)
                } else {
                    low + (high - low) * share
                }
            };
            let edge = |i: i32, factor: f64| frame.place(at(i), (at(i) * factor).clamp(low, high));
            let upper = (0..=steps).map(|i| edge(i, 1.0 + tolerance));
            let lower = (0..=steps).rev().map(|i| edge(i, 1.0 - tolerance));
            scene.area(&upper.chain(lower).collect::<Vec<_>>(), QUIET, 0.13);
        }
        scene.dashed(
            &[frame.place(low, low), frame.place(high, high)],
            QUIET,
            1.4,
            (5.0, 3.0),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(pairs: &[(f64, f64)]) -> ScatterPlot {
        let mut plot = ScatterPlot::new("Estimate & truth", "latency", "ms");
        plot.points = pairs
            .iter()
            .map(|(predicted, measured)| ScatterPoint {
                predicted: *predicted,
                measured: *measured,
                series: String::new(),
            })
            .collect();
        plot
    }

    #[test]
    fn the_subtitle_states_the_mean_absolute_error() {
        let svg = plot(&[(10.0, 20.0), (30.0, 40.0), (50.0, 40.0)])
            .svg()
            .unwrap();
        // |10|+|10|+|10| over 3; (50 + 25 + 25) / 3 percent.
        assert!(
            svg.contains("mean absolute error 10.0 ms (33.3 %) over 3 points"),
            "{svg}"
        );
        assert!(svg.contains("predicted latency (ms)") && svg.contains("measured latency (ms)"));
        assert!(svg.contains("<title>Estimate &amp; truth</title>"));
    }

    #[test]
    fn nothing_and_nan_are_refused_by_name() {
        assert!(
            plot(&[])
                .svg()
                .unwrap_err()
                .to_string()
                .contains("no points")
        );
        let error = plot(&[(1.0, 2.0), (1.0, f64::NAN)])
            .png(640, 480)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("point 1") && error.contains("measured NaN"),
            "{error}"
        );
        let mut wrong = plot(&[(1.0, 2.0)]);
        wrong.tolerance = Some(25.0);
        assert!(
            wrong
                .svg()
                .unwrap_err()
                .to_string()
                .contains("tolerance 25")
        );
    }

    #[test]
    fn zero_measured_leaves_the_relative_error_out() {
        let zero = plot(&[(1.0, 0.0)]);
        assert_eq!(zero.mean_relative_error(), None);
        assert!(
            zero.svg()
                .unwrap()
                .contains("mean absolute error 1.00 ms over 1 point")
        );
    }
}
