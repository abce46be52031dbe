//! Lines over epochs, trials or any other running number.

use crate::axis::{Axis, Kind};
use crate::error::{Error, Result, finite};
use crate::frame::{self, Furniture};
use crate::legend::Entry;
use crate::palette;
use crate::render;
use crate::scene::{Mark, Scene};

/// One line of a [`LinePlot`].
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Name in the legend.
    pub name: String,
    /// Places `(x, y)` in the order in which they are joined, at least one.
    pub places: Vec<(f64, f64)>,
}

/// Lines over epochs, trials or any other running number.
///
/// Lines differ in color and in dashes, so they can be told apart in grey print up to six; up to 36 by both together.
#[derive(Clone, Debug, PartialEq)]
pub struct LinePlot {
    /// Title, up to two lines.
    pub title: String,
    /// Text below the title, up to three lines; may be empty.
    pub subtitle: String,
    /// What x is, with its unit, such as `epoch`.
    pub x_title: String,
    /// What y is, with its unit, such as `accuracy (%)`.
    pub y_title: String,
    /// Keeps the y axis linear; else it is logarithmic where the values span more than a factor of 8.
    pub linear: bool,
    /// The lines, at least one.
    pub curves: Vec<Curve>,
}

/// Dashes of the lines: drawn, left out.
const DASHES: [Option<(f64, f64)>; 6] = [
    None,
    Some((7.0, 3.5)),
    Some((2.0, 2.5)),
    Some((11.0, 4.0)),
    Some((4.5, 2.0)),
    Some((1.2, 3.5)),
];

/// That of the line with this index: colors repeat after as many, each time with the next dashes.
fn dash(index: usize) -> Option<(f64, f64)> {
    DASHES[(index + index / DASHES.len()) % DASHES.len()]
}

impl LinePlot {
    /// A plot without lines yet and without a subtitle.
    pub fn new(
        title: impl Into<String>,
        x_title: impl Into<String>,
        y_title: impl Into<String>,
    ) -> Self {
        LinePlot {
            title: title.into(),
            subtitle: String::new(),
            x_title: x_title.into(),
            y_title: y_title.into(),
            linear: false,
            curves: Vec::new(),
        }
    }

    /// The plot as the text of an SVG file, 640 by 480 units. Equal plots give equal texts.
    ///
    /// # Errors
    /// No lines or one without places; a number that is not finite.
    pub fn svg(&self) -> Result<String> {
        let (width, height) = render::LOGICAL;
        render::svg(&self.lay_out(width, height)?)
    }

    /// The plot as the bytes of a PNG file of this many pixels, each from 240 by 180 to 8192.
    ///
    /// # Errors
    /// As [`LinePlot::svg`]; a size out of range.
    pub fn png(&self, width: u32, height: u32) -> Result<Vec<u8>> {
        render::png(width, height, |width, height| self.lay_out(width, height))
    }

    fn check(&self) -> Result<()> {
        if self.curves.is_empty() || self.curves.iter().any(|curve| curve.places.is_empty()) {
            return Err(Error::Empty {
                plot: self.title.clone(),
            });
        }
        for curve in &self.curves {
            for (i, (x, y)) in curve.places.iter().enumerate() {
                let place = || {
                    format!(
                        "place {i} of line `{}` of plot `{}`",
                        curve.name, self.title
                    )
                };
                finite(*x, "x", place)?;
                finite(*y, "y", place)?;
            }
        }
        Ok(())
    }

    fn lay_out(&self, width: f64, height: f64) -> Result<Scene> {
        self.check()?;
        crate::fonts::register()?;
        let values = |which: fn(&(f64, f64)) -> f64| -> Vec<f64> {
            self.curves
                .iter()
                .flat_map(|curve| curve.places.iter().map(which))
                .collect()
        };
        let running = Kind::Linear {
            least_span: 1.0,
            tick_limit: f64::INFINITY,
        };
        let places = values(|p| p.0);
        // Epochs and trials have no tick between them.
        let kind = match places.iter().all(|x| *x >= 0.0 && x.fract() == 0.0) {
            true => Kind::Whole,
            false => running,
        };
        let x = Axis::over(&self.x_title, &places, kind);
        let y = Axis::over(
            &self.y_title,
            &values(|p| p.1),
            match self.linear {
                true => running,
                false => Kind::LogIfWide,
            },
        );
        let legend = self.legend();
        let furniture = Furniture {
            title: &self.title,
            subtitle: &self.subtitle,
            x,
            y,
            legend: &legend,
            square: false,
        };
        let (mut scene, frame) = frame::begin(width, height, furniture);
        for (i, curve) in self.curves.iter().enumerate() {
            let places: Vec<_> = curve
                .places
                .iter()
                .map(|(x, y)| frame.place(*x, *y))
                .collect();
            let color = palette::separate(i);
            match dash(i) {
                Some(dash) => scene.dashed(&places, color, 2.0, dash),
                None => scene.line(&places, color, 2.0),
            }
            if places.len() <= 20 {
                let dots = places.iter().map(|centre| Mark::Disc {
                    centre: *centre,
                    radius: 2.8,
                    color,
                });
                scene.marks.extend(dots);
            }
        }
        Ok(scene)
    }

    fn legend(&self) -> Vec<Entry> {
        let entry = |(i, curve): (usize, &Curve)| Entry::Line {
            color: palette::separate(i),
            width: 2.0,
            dash: dash(i),
            label: curve.name.clone(),
        };
        if self.curves.len() == 1 && self.curves[0].name.is_empty() {
            return Vec::new();
        }
        self.curves.iter().enumerate().map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_of_36_lines_look_alike() {
        let look = |i: usize| format!("{:?} {:?}", palette::separate(i), dash(i));
        let looks: std::collections::BTreeSet<String> = (0..36).map(look).collect();
        assert_eq!(looks.len(), 36);
    }

    fn plot(curves: &[(&str, &[(f64, f64)])]) -> LinePlot {
        let mut plot = LinePlot::new("Training", "epoch", "loss");
        plot.curves = curves
            .iter()
            .map(|(name, places)| Curve {
                name: name.to_string(),
                places: places.to_vec(),
            })
            .collect();
        plot
    }

    #[test]
    fn every_line_is_named_and_axes_carry_their_titles() {
        let svg = plot(&[
            ("train", &[(1.0, 0.9), (2.0, 0.5)]),
            ("validation", &[(1.0, 1.0), (2.0, 0.7)]),
        ])
        .svg()
        .unwrap();
        for text in ["train", "validation", "epoch", "loss", "Training"] {
            assert!(
                svg.contains(&format!("\n{text}\n")) || svg.contains(&format!(">{text}\n")),
                "{text} in {svg}"
            );
        }
    }

    #[test]
    fn one_place_is_a_plot_nothing_and_nan_are_not() {
        assert!(plot(&[("", &[(1.0, 1.0)])]).svg().is_ok());
        assert!(matches!(plot(&[]).svg(), Err(Error::Empty { .. })));
        assert!(matches!(
            plot(&[("a", &[(0.0, 0.0)]), ("b", &[])]).svg(),
            Err(Error::Empty { .. })
        ));
        let error = plot(&[("a", &[(0.0, 0.0), (1.0, f64::INFINITY)])])
            .svg()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("place 1 of line `a`") && error.contains("inf"),
            "{error}"
        );
    }
}
