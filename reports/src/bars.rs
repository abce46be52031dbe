//! Horizontal bars: how much each of some things is, one or two kinds side by side.

use crate::axis::{Axis, Kind};
use crate::error::{Error, Result, finite};
use crate::fonts::{self, CAP_HEIGHT_EM};
use crate::palette;
use crate::render;
use crate::scene::{Anchor, Bounds, FAINT, INK, QUIET, Scene};

/// Most rows of a plot; the caller joins what is beyond.
pub const MAX_ROWS: usize = 60;

const TITLE_SIZE: f64 = 17.0;
const TEXT_SIZE: f64 = 12.5;
const MARGIN: f64 = 14.0;
/// Height of a bar, and room between rows.
const BAR: f64 = 13.0;
const GAP: f64 = 8.0;
/// Names take at most this share of the width.
const NAMES: f64 = 0.36;

/// One row of a [`BarPlot`].
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// What it is.
    pub name: String,
    /// A value for each of the plot's kinds, at least 0.
    pub values: Vec<f64>,
    /// What stands behind the bars, such as the value with its unit; may be empty.
    pub word: String,
}

/// Horizontal bars from 0, a row a thing.
#[derive(Clone, Debug, PartialEq)]
pub struct BarPlot {
    /// Title, up to two lines.
    pub title: String,
    /// Text below the title, up to three lines; may be empty.
    pub subtitle: String,
    /// What lengths are, with their unit.
    pub x_title: String,
    /// What the values of a row are, in order; of one kind its name may be empty.
    pub kinds: Vec<String>,
    /// The rows, from 1 to [`MAX_ROWS`].
    pub bars: Vec<Bar>,
}

impl BarPlot {
    /// The plot as the text of an SVG file, 640 units wide and as high as it needs. Equal plots give equal texts.
    ///
    /// # Errors
    /// No rows or too many; a row with another number of values than kinds; a value that is negative or not finite.
    pub fn svg(&self) -> Result<String> {
        render::svg(&self.lay_out()?)
    }

    /// The plot as the bytes of a PNG file of twice as many pixels.
    ///
    /// # Errors
    /// As [`BarPlot::svg`].
    pub fn png(&self) -> Result<Vec<u8>> {
        render::png_of(&self.lay_out()?, 2.0)
    }

    fn check(&self) -> Result<()> {
        let out_of_range = |place, quantity, value, allowed| Error::OutOfRange {
            place,
            quantity,
            value,
            allowed,
        };
        let plot = || format!("plot `{}`", self.title);
        if self.bars.is_empty() || self.kinds.is_empty() {
            return Err(Error::Empty {
                plot: self.title.clone(),
            });
        }
        if self.bars.len() > MAX_ROWS {
            let rows = self.bars.len() as f64;
            return Err(out_of_range(plot(), "rows", rows, "at most 60"));
        }
        for bar in &self.bars {
            let place = || format!("row `{}` of {}", bar.name, plot());
            if bar.values.len() != self.kinds.len() {
                let values = bar.values.len() as f64;
                return Err(out_of_range(place(), "values", values, "one for each kind"));
            }
            for value in &bar.values {
                finite(*value, "value", place)?;
                if *value < 0.0 {
                    return Err(out_of_range(place(), "value", *value, "at least 0"));
                }
            }
        }
        Ok(())
    }

    fn lay_out(&self) -> Result<Scene> {
        self.check()?;
        fonts::register()?;
        let (width, _) = render::LOGICAL;
        let mut scene = Scene {
            width,
            height: 0.0,
            title: self.title.clone(),
            marks: Vec::new(),
            hints: Vec::new(),
        };
        let top = self.heads(&mut scene);
        let row = BAR * self.kinds.len() as f64 + GAP;
        let bottom = top + row * self.bars.len() as f64;
        scene.height = bottom + 2.0 * TEXT_SIZE + 2.0 * MARGIN;
        let measure = |text: &str| fonts::width(text, TEXT_SIZE);
        let most = |of: &mut dyn Iterator<Item = f64>| of.fold(0.0, f64::max);
        let names = most(&mut self.bars.iter().map(|bar| measure(&bar.name))).min(NAMES * width);
        let words = most(&mut self.bars.iter().map(|bar| measure(&bar.word)));
        let plot = Bounds {
            left: MARGIN + names + 10.0,
            top,
            right: width - MARGIN - words.min(0.3 * width) - 8.0,
            bottom,
        };
        let axis = self.axis();
        let place = |value: f64| plot.left + axis.share(value) * (plot.right - plot.left);
        self.grid(&mut scene, &axis, plot, &place);
        for (index, bar) in self.bars.iter().enumerate() {
            let from = top + row * index as f64 + GAP / 2.0;
            let middle = from + (row - GAP) / 2.0 + TEXT_SIZE * CAP_HEIGHT_EM / 2.0;
            let name = fonts::cut(&bar.name, TEXT_SIZE, names);
            let at = (plot.left - 8.0, middle);
            scene.text(&name, at, TEXT_SIZE, INK, Anchor::End);
            let mut end = plot.left;
            for (kind, value) in bar.values.iter().enumerate() {
                let upper = from + BAR * kind as f64;
                let bounds = Bounds {
                    left: plot.left,
                    top: upper,
                    right: place(*value).max(plot.left + 1.0),
                    bottom: upper + BAR - 1.0,
                };
                end = end.max(bounds.right);
                scene.block(bounds, palette::separate(kind), 0.85);
            }
            let at = (end + 6.0, middle);
            scene.text(&bar.word, at, TEXT_SIZE, QUIET, Anchor::Start);
        }
        Ok(scene)
    }

    /// From 0 to the greatest value.
    fn axis(&self) -> Axis {
        let values = self.bars.iter().flat_map(|bar| bar.values.iter().copied());
        let greatest = values.fold(0.0, f64::max);
        let greatest = if greatest > 0.0 { greatest } else { 1.0 };
        let linear = Kind::Linear {
            least_span: 0.0,
            tick_limit: greatest,
        };
        let mut axis = Axis::over(&self.x_title, &[0.0, greatest], linear).without_negative();
        axis.low = 0.0;
        axis.high = greatest;
        axis.ticks.retain(|(at, _)| (0.0..=greatest).contains(at));
        axis
    }

    /// Titles and the names of the kinds; where the rows begin.
    fn heads(&self, scene: &mut Scene) -> f64 {
        let room = scene.width - 2.0 * MARGIN;
        let mut baseline = MARGIN;
        for line in fonts::wrap(&self.title, TITLE_SIZE, room, 2) {
            baseline += TITLE_SIZE * 1.15;
            let at = (MARGIN, baseline - 3.0);
            scene.text(&line, at, TITLE_SIZE, INK, Anchor::Start);
        }
        for line in fonts::wrap(&self.subtitle, TEXT_SIZE, room, 3) {
            baseline += TEXT_SIZE * 1.35;
            scene.text(&line, (MARGIN, baseline), TEXT_SIZE, QUIET, Anchor::Start);
        }
        if self.kinds.len() > 1 {
            baseline += TEXT_SIZE * 1.6;
            let mut left = MARGIN;
            for (kind, name) in self.kinds.iter().enumerate() {
                let sample = Bounds {
                    left,
                    top: baseline - TEXT_SIZE * CAP_HEIGHT_EM,
                    right: left + 14.0,
                    bottom: baseline,
                };
                scene.block(sample, palette::separate(kind), 0.85);
                scene.text(name, (left + 20.0, baseline), TEXT_SIZE, INK, Anchor::Start);
                left += 20.0 + fonts::width(name, TEXT_SIZE) + 22.0;
            }
        }
        baseline + MARGIN
    }

    fn grid(&self, scene: &mut Scene, axis: &Axis, plot: Bounds, place: &dyn Fn(f64) -> f64) {
        let mut free_from = f64::NEG_INFINITY;
        for (at, label) in &axis.ticks {
            let x = place(*at);
            scene.line(&[(x, plot.top), (x, plot.bottom)], FAINT, 1.0);
            let half = fonts::width(label, TEXT_SIZE) / 2.0;
            if x - half >= free_from {
                let baseline = plot.bottom + 6.0 + TEXT_SIZE * CAP_HEIGHT_EM;
                scene.text(label, (x, baseline), TEXT_SIZE, INK, Anchor::Middle);
                free_from = x + half + 6.0;
            }
        }
        scene.line(
            &[(plot.left, plot.top), (plot.left, plot.bottom)],
            QUIET,
            1.2,
        );
        let title = fonts::cut(&self.x_title, TEXT_SIZE, scene.width - 2.0 * MARGIN);
        let middle = (plot.left + plot.right) / 2.0;
        let half = fonts::width(&title, TEXT_SIZE) / 2.0;
        let at = (middle.max(MARGIN + half), scene.height - MARGIN);
        scene.text(&title, at, TEXT_SIZE, INK, Anchor::Middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(bars: &[(&str, &[f64])], kinds: &[&str]) -> BarPlot {
        let bar = |(name, values): &(&str, &[f64])| Bar {
            name: (*name).into(),
            values: values.to_vec(),
            word: format!("{} ms", values[0]),
        };
        BarPlot {
            title: "Layers".into(),
            subtitle: String::new(),
            x_title: "time (ms)".into(),
            kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            bars: bars.iter().map(bar).collect(),
        }
    }

    #[test]
    fn every_row_is_named_and_its_bar_ends_where_its_value_lies() {
        let plot = plot(&[("conv", &[4.0]), ("head", &[1.0])], &[""]);
        let svg = plot.svg().unwrap();
        for text in ["conv", "head", "4 ms", "time (ms)"] {
            assert!(svg.contains(&format!("\n{text}\n")), "{text}: {svg}");
        }
        let blocks: Vec<(f64, f64)> = plot
            .lay_out()
            .unwrap()
            .marks
            .iter()
            .filter_map(|mark| {
                let crate::scene::Mark::Area { corners, .. } = mark else {
                    return None;
                };
                Some((corners[0].0, corners[1].0))
            })
            .collect();
        let [(left, long), (_, short)] = blocks[..] else {
            panic!("{blocks:?}")
        };
        assert!(((long - left) / (short - left) - 4.0).abs() < 1e-9);
    }

    #[test]
    fn zeros_are_drawn_and_what_is_no_length_is_refused() {
        assert!(plot(&[("a", &[0.0, 0.0])], &["x", "y"]).png().is_ok());
        let message = |plot: BarPlot| plot.svg().unwrap_err().to_string();
        assert!(message(plot(&[], &[""])).contains("no points"));
        assert!(message(plot(&[("a", &[-1.0])], &[""])).contains("at least 0"));
        assert!(message(plot(&[("a", &[f64::NAN])], &[""])).contains("row `a`"));
        assert!(message(plot(&[("a", &[1.0, 2.0])], &[""])).contains("one for each kind"));
        assert!(message(plot(&[("a", &[1.0][..]); 61], &[""])).contains("at most 60"));
    }
}
