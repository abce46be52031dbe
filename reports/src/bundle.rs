//! Many curves in one picture: those of all trials over epochs, thin and colored by where they end, a few marked.

use crate::axis::{Axis, Kind};
use crate::error::{Error, Result, finite};
use crate::fonts;
use crate::frame::{self, Furniture};
use crate::legend::Entry;
use crate::palette;
use crate::render;
use crate::scene::{ACCENT, Hint, Mark, Place, QUIET, Rgb, Scene};

/// One curve of a [`CurveBundle`].
#[derive(Clone, Debug, PartialEq)]
pub struct Strand {
    /// Number of the trial.
    pub trial: u64,
    /// Places `(x, y)` in the order in which they are joined, at least one.
    pub places: Vec<(f64, f64)>,
    /// Whether it is drawn thick and above the others.
    pub marked: bool,
    /// Whether it was stopped early: its end is a hollow mark.
    pub stopped: bool,
    /// What a reader learns who points at its end.
    pub hint: String,
}

impl Strand {
    /// The mark at its end.
    fn mark(&self, centre: Place, color: Rgb) -> Mark {
        let radius = 2.6;
        match self.stopped {
            true => Mark::Ring {
                centre,
                radius,
                color,
                width: 1.0,
            },
            false => Mark::Disc {
                centre,
                radius,
                color,
            },
        }
    }
}

/// Curves of many trials.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveBundle {
    /// Title, up to two lines.
    pub title: String,
    /// Text below the title, up to three lines; may be empty.
    pub subtitle: String,
    /// What x is, with its unit.
    pub x_title: String,
    /// What y is, with its unit.
    pub y_title: String,
    /// What marked curves are.
    pub marked: String,
    /// The curves, at least one.
    pub strands: Vec<Strand>,
}

impl CurveBundle {
    /// The plot as the text of an SVG file, 640 by 480 units. Equal plots give equal texts.
    ///
    /// # Errors
    /// No curves or one without places; a number that is not finite.
    pub fn svg(&self) -> Result<String> {
        let (width, height) = render::LOGICAL;
        render::svg(&self.lay_out(width, height)?)
    }

    /// The plot as the bytes of a PNG file of this many pixels, each from 240 by 180 to 8192.
    ///
    /// # Errors
    /// As [`CurveBundle::svg`]; a size out of range.
    pub fn png(&self, width: u32, height: u32) -> Result<Vec<u8>> {
        render::png(width, height, |width, height| self.lay_out(width, height))
    }

    fn check(&self) -> Result<()> {
        if self.strands.is_empty() || self.strands.iter().any(|strand| strand.places.is_empty()) {
            return Err(Error::Empty {
                plot: self.title.clone(),
            });
        }
        for strand in &self.strands {
            let place = || format!("trial {} of plot `{}`", strand.trial, self.title);
            for (x, y) in &strand.places {
                finite(*x, "x", place)?;
                finite(*y, "y", place)?;
            }
        }
        Ok(())
    }

    fn lay_out(&self, width: f64, height: f64) -> Result<Scene> {
        self.check()?;
        fonts::register()?;
        let values = |which: fn(&(f64, f64)) -> f64| -> Vec<f64> {
            let places = self.strands.iter().flat_map(|strand| &strand.places);
            places.map(which).collect()
        };
        let linear = Kind::Linear {
            least_span: 1.0,
            tick_limit: f64::INFINITY,
        };
        let (x, y) = (values(|p| p.0), values(|p| p.1));
        let legend = self.legend();
        let furniture = Furniture {
            title: &self.title,
            subtitle: &self.subtitle,
            x: Axis::over(&self.x_title, &x, linear),
            y: Axis::over(&self.y_title, &y, linear),
            legend: &legend,
            square: false,
        };
        let (mut scene, frame) = frame::begin(width, height, furniture);
        let ends = self.ends();
        let marked = |wanted: bool| {
            let pairs = self.strands.iter().zip(&ends);
            pairs.filter(move |(strand, _)| strand.marked == wanted)
        };
        for (strand, share) in marked(false).chain(marked(true)) {
            let places: Vec<_> = (strand.places.iter())
                .map(|(x, y)| frame.place(*x, *y))
                .collect();
            let color = match strand.marked {
                true => ACCENT,
                false => palette::ordered_line(*share),
            };
            scene.line(&places, color, if strand.marked { 2.2 } else { 1.0 });
            if let Some(end) = places.last().copied() {
                scene.marks.push(strand.mark(end, color));
                scene.hints.push(Hint {
                    centre: end,
                    radius: 5.0,
                    path: places.clone(),
                    trial: strand.trial,
                    text: strand.hint.clone(),
                });
            }
        }
        Ok(scene)
    }

    /// How high each curve ends, from 0 for the lowest to 1.
    fn ends(&self) -> Vec<f64> {
        let end = |strand: &Strand| strand.places.last().map_or(0.0, |(_, y)| *y);
        let ends: Vec<f64> = self.strands.iter().map(end).collect();
        let low = ends.iter().copied().fold(f64::INFINITY, f64::min);
        let high = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let span = if high > low { high - low } else { 1.0 };
        ends.into_iter().map(|end| (end - low) / span).collect()
    }

    fn legend(&self) -> Vec<Entry> {
        let line = |color, width, label: &str| Entry::Line {
            color,
            width,
            dash: None,
            label: label.to_owned(),
        };
        let mut legend = Vec::new();
        if self.strands.iter().any(|strand| strand.marked) {
            legend.push(line(ACCENT, 2.2, &self.marked));
        }
        legend.push(line(palette::ordered_line(1.0), 1.0, "ends high"));
        legend.push(line(palette::ordered_line(0.0), 1.0, "ends low"));
        if self.strands.iter().any(|strand| strand.stopped) {
            legend.push(Entry::Marker {
                shape: crate::marker::Shape::Disc,
                fill: crate::marker::Fill::Hollow,
                color: QUIET,
                radius: 2.6,
                label: "stopped early".to_owned(),
            });
        }
        legend
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(places: &[&[(f64, f64)]]) -> CurveBundle {
        let strand = |(trial, places): (usize, &&[(f64, f64)])| Strand {
            trial: trial as u64,
            places: places.to_vec(),
            marked: trial == 0,
            stopped: trial == 1,
            hint: format!("#{trial} & more"),
        };
        CurveBundle {
            title: "All curves".into(),
            subtitle: String::new(),
            x_title: "epoch".into(),
            y_title: "accuracy (%)".into(),
            marked: "on the front".into(),
            strands: places.iter().enumerate().map(strand).collect(),
        }
    }

    #[test]
    fn each_curve_tells_its_trial_at_its_end_and_the_legend_what_is_marked() {
        let svg = bundle(&[&[(1.0, 50.0), (2.0, 90.0)], &[(1.0, 40.0)], &[(2.0, 60.0)]])
            .svg()
            .unwrap();
        for text in ["on the front", "stopped early", "ends high", "epoch"] {
            assert!(svg.contains(&format!("\n{text}\n")), "{text}: {svg}");
        }
        assert!(svg.contains("<title>#1 &amp; more</title>"));
        assert_eq!(svg.matches("data-trial").count(), 3);
    }

    #[test]
    fn nothing_and_what_is_not_finite_is_refused() {
        let message = |places: &[&[(f64, f64)]]| bundle(places).svg().unwrap_err().to_string();
        assert!(message(&[]).contains("no points"));
        assert!(message(&[&[]]).contains("no points"));
        assert!(message(&[&[(0.0, f64::NAN)]]).contains("trial 0"));
    }
}
