//! Parallel coordinates (A. Inselberg, 1985): an axis a choice or figure, a line a trial.

use crate::axis::{Axis, Kind};
use crate::error::{Error, Result, finite};
use crate::fonts::{self, CAP_HEIGHT_EM};
use crate::palette;
use crate::render;
use crate::scene::{ACCENT, Anchor, Hint, INK, Place, QUIET, Scene};

/// Most axes of a plot; the caller leaves out the less important.
pub const MAX_AXES: usize = 10;

const TITLE_SIZE: f64 = 17.0;
const TEXT_SIZE: f64 = 11.0;
const SUBTITLE_SIZE: f64 = 13.0;
const MARGIN: f64 = 14.0;
const HEIGHT: f64 = 420.0;
const WIDTH: f64 = 860.0;
/// Even steps over no more than what the values span: what they measure does not begin at 0 here.
const CLOSE: Kind = Kind::Linear {
    least_span: 0.1,
    tick_limit: f64::INFINITY,
};
/// Names above the axes take up to so many lines.
const NAME_LINES: usize = 2;

/// What an axis shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Scale {
    /// Words, from the bottom up; values are their positions.
    Words(Vec<String>),
    /// Numbers; logarithmic where they span more than a factor of 8.
    Numbers,
}

/// One axis of a [`ParallelPlot`].
#[derive(Clone, Debug, PartialEq)]
pub struct ParallelAxis {
    /// Its name, with its unit.
    pub name: String,
    /// What it shows.
    pub scale: Scale,
}

/// One line of a [`ParallelPlot`].
#[derive(Clone, Debug, PartialEq)]
pub struct ParallelLine {
    /// Number of the trial.
    pub trial: u64,
    /// A value for each axis.
    pub values: Vec<f64>,
    /// What orders the colors, from 0 (light) to 1 (dark).
    pub share: f64,
    /// Whether it is drawn thick and above the others.
    pub marked: bool,
    /// What a reader learns who points at it.
    pub hint: String,
}

/// Choices and figures of trials side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct ParallelPlot {
    /// Title, up to two lines.
    pub title: String,
    /// Text below the title, up to three lines; may be empty.
    pub subtitle: String,
    /// The axes from left to right, from 2 to [`MAX_AXES`].
    pub axes: Vec<ParallelAxis>,
    /// The lines, at least one.
    pub lines: Vec<ParallelLine>,
}

impl ParallelPlot {
    /// The plot as the text of an SVG file, 860 by 420 units. Equal plots give equal texts.
    ///
    /// # Errors
    /// No lines, fewer than two axes or too many; a line with another number of values; a value that is not finite or
    /// names no word.
    pub fn svg(&self) -> Result<String> {
        render::svg(&self.lay_out()?)
    }

    /// The plot as the bytes of a PNG file of twice as many pixels.
    ///
    /// # Errors
    /// As [`ParallelPlot::svg`].
    pub fn png(&self) -> Result<Vec<u8>> {
        render::png_of(&self.lay_out()?, 2.0)
    }

    fn check(&self) -> Result<()> {
        let plot = format!("plot `{}`", self.title);
        let refuse = |quantity, value: usize, allowed| Error::OutOfRange {
            place: plot.clone(),
            quantity,
            value: value as f64,
            allowed,
        };
        if self.lines.is_empty() {
            return Err(Error::Empty {
                plot: self.title.clone(),
            });
        }
        if !(2..=MAX_AXES).contains(&self.axes.len()) {
            return Err(refuse("axes", self.axes.len(), "from 2 to 10"));
        }
        for line in &self.lines {
            let place = || format!("trial {} of {plot}", line.trial);
            if line.values.len() != self.axes.len() {
                return Err(refuse(
                    "values of a line",
                    line.values.len(),
                    "one for each axis",
                ));
            }
            finite(line.share, "share", place)?;
            for (value, axis) in line.values.iter().zip(&self.axes) {
                finite(*value, "value", place)?;
                if let Scale::Words(words) = &axis.scale
                    && !(0.0..words.len() as f64).contains(value)
                {
                    return Err(Error::OutOfRange {
                        place: place(),
                        quantity: "position of a word",
                        value: *value,
                        allowed: "below the number of words",
                    });
                }
            }
        }
        Ok(())
    }

    fn lay_out(&self) -> Result<Scene> {
        self.check()?;
        fonts::register()?;
        let mut scene = Scene {
            width: WIDTH,
            height: HEIGHT,
            title: self.title.clone(),
            marks: Vec::new(),
            hints: Vec::new(),
        };
        let top = self.heads(&mut scene);
        let bottom = HEIGHT - MARGIN;
        let scales: Vec<Axis> = (0..self.axes.len()).map(|axis| self.scale(axis)).collect();
        let labels = |axis: &Axis| -> f64 {
            let widths = axis
                .ticks
                .iter()
                .map(|(_, label)| fonts::width(label, TEXT_SIZE));
            widths.fold(0.0, f64::max)
        };
        // The labels of an axis stand to its right; those of the last one need room.
        let last = scales.last().map_or(0.0, labels).min(WIDTH / 6.0);
        let (left, right) = (MARGIN + 4.0, WIDTH - MARGIN - last - 8.0);
        let step = (right - left) / (self.axes.len() - 1) as f64;
        let x = |axis: usize| left + step * axis as f64;
        let place = |axis: usize, value: f64| -> Place {
            (x(axis), bottom - scales[axis].share(value) * (bottom - top))
        };
        self.lines(&mut scene, &place);
        for (index, axis) in scales.iter().enumerate() {
            scene.line(&[(x(index), top), (x(index), bottom)], QUIET, 1.2);
            let room = match index + 1 == scales.len() {
                true => WIDTH - x(index) - MARGIN - 5.0,
                false => step - 10.0,
            };
            draw_labels(&mut scene, axis, room, &|value| place(index, value));
            self.name(&mut scene, index, (x(index), top), step);
        }
        Ok(scene)
    }

    /// The lines, the marked ones last, and what they tell.
    fn lines(&self, scene: &mut Scene, place: &dyn Fn(usize, f64) -> Place) {
        let marked = |wanted: bool| self.lines.iter().filter(move |line| line.marked == wanted);
        for line in marked(false).chain(marked(true)) {
            let values = line.values.iter().enumerate();
            let places: Vec<Place> = values.map(|(axis, value)| place(axis, *value)).collect();
            match line.marked {
                true => scene.line(&places, ACCENT, 2.2),
                false => scene.line(&places, palette::ordered_line(line.share), 1.0),
            }
            let ends = places.last().copied().into_iter();
            scene.hints.extend(ends.map(|centre| Hint {
                centre,
                radius: 5.0,
                path: places.clone(),
                trial: line.trial,
                text: line.hint.clone(),
            }));
        }
    }

    /// The name of an axis above it, in the room that it has.
    fn name(&self, scene: &mut Scene, index: usize, (x, top): Place, step: f64) {
        let name = &self.axes[index].name;
        let (anchor, room) = match index {
            0 => (Anchor::Start, step * 0.6),
            last if last + 1 == self.axes.len() => (Anchor::End, step * 0.6),
            _ => (Anchor::Middle, step * 0.96),
        };
        let at = match anchor {
            Anchor::End => WIDTH - MARGIN,
            Anchor::Start => MARGIN,
            Anchor::Middle => x,
        };
        let lines = fonts::wrap(name, TEXT_SIZE, room, NAME_LINES);
        for (index, line) in lines.iter().rev().enumerate() {
            let baseline = top - 8.0 - 1.25 * TEXT_SIZE * index as f64;
            scene.text(line, (at, baseline), TEXT_SIZE, INK, anchor);
        }
    }

    /// Range and ticks of an axis.
    fn scale(&self, index: usize) -> Axis {
        let axis = &self.axes[index];
        match &axis.scale {
            Scale::Words(words) => Axis {
                title: axis.name.clone(),
                low: -0.5,
                high: words.len() as f64 - 0.5,
                log: false,
                ticks: words
                    .iter()
                    .cloned()
                    .enumerate()
                    .map(|(at, word)| (at as f64, word))
                    .collect(),
                minor_ticks: Vec::new(),
            },
            Scale::Numbers => {
                let values: Vec<f64> = self.lines.iter().map(|line| line.values[index]).collect();
                let axis = Axis::over(&axis.name, &values, Kind::LogIfWide);
                match axis.log {
                    true => axis,
                    false => Axis::over(&axis.title, &values, CLOSE),
                }
            }
        }
    }

    /// Title and subtitle; where the axes begin.
    fn heads(&self, scene: &mut Scene) -> f64 {
        let room = scene.width - 2.0 * MARGIN;
        let mut baseline = MARGIN;
        for line in fonts::wrap(&self.title, TITLE_SIZE, room, 2) {
            baseline += TITLE_SIZE * 1.15;
            let at = (MARGIN, baseline - 3.0);
            scene.text(&line, at, TITLE_SIZE, INK, Anchor::Start);
        }
        for line in fonts::wrap(&self.subtitle, SUBTITLE_SIZE, room, 3) {
            baseline += SUBTITLE_SIZE * 1.35;
            scene.text(
                &line,
                (MARGIN, baseline),
                SUBTITLE_SIZE,
                QUIET,
                Anchor::Start,
            );
        }
        baseline + MARGIN + 1.25 * TEXT_SIZE * NAME_LINES as f64
    }
}

/// The labels of an axis to its right; one that would touch the one below is left out.
fn draw_labels(scene: &mut Scene, axis: &Axis, room: f64, place: &dyn Fn(f64) -> Place) {
    let mut free_to = f64::INFINITY;
    for (at, label) in &axis.ticks {
        let (x, y) = place(*at);
        scene.line(&[(x - 3.0, y), (x + 3.0, y)], QUIET, 1.0);
        let baseline = y + TEXT_SIZE * CAP_HEIGHT_EM / 2.0;
        if baseline > free_to {
            continue;
        }
        free_to = baseline - TEXT_SIZE * 1.15;
        let label = fonts::cut(label, TEXT_SIZE, room);
        scene.text(&label, (x + 5.0, baseline), TEXT_SIZE, INK, Anchor::Start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(values: &[&[f64]]) -> ParallelPlot {
        let line = |(trial, values): (usize, &&[f64])| ParallelLine {
            trial: trial as u64,
            values: values.to_vec(),
            share: 0.5,
            marked: trial == 0,
            hint: format!("#{trial}"),
        };
        ParallelPlot {
            title: "Choices".into(),
            subtitle: String::new(),
            axes: vec![
                ParallelAxis {
                    name: "kind".into(),
                    scale: Scale::Words(vec!["conv".into(), "fire".into()]),
                },
                ParallelAxis {
                    name: "latency (ms)".into(),
                    scale: Scale::Numbers,
                },
            ],
            lines: values.iter().enumerate().map(line).collect(),
        }
    }

    #[test]
    fn words_and_numbers_stand_at_their_axes_and_each_line_tells_its_trial() {
        let svg = plot(&[&[0.0, 5.0], &[1.0, 100.0]]).svg().unwrap();
        for text in ["conv", "fire", "kind", "latency (ms)", "100"] {
            assert!(svg.contains(&format!("\n{text}\n")), "{text}: {svg}");
        }
        assert!(svg.contains("data-trial=\"0\"") && svg.contains("data-trial=\"1\""));
    }

    #[test]
    fn what_has_no_place_is_refused() {
        let message = |plot: ParallelPlot| plot.svg().unwrap_err().to_string();
        assert!(message(plot(&[])).contains("no points"));
        assert!(message(plot(&[&[2.0, 1.0]])).contains("number of words"));
        assert!(message(plot(&[&[0.0]])).contains("one for each axis"));
        assert!(message(plot(&[&[0.0, f64::NAN]])).contains("trial 0"));
        let mut one = plot(&[&[0.0, 1.0]]);
        one.axes.truncate(1);
        assert!(message(one).contains("from 2 to 10"));
    }
}
