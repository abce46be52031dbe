//! Level diagram of a schedule: instructions as blocks, program order to the right, level upwards, layers by color.

use crate::axis::{Axis, Kind};
use crate::error::{Error, Result, finite};
use crate::fonts;
use crate::frame::{self, Frame, Furniture};
use crate::palette;
use crate::render;
use crate::scene::{Anchor, Bounds, INK, Scene};

/// Most instructions of a diagram.
pub const MAX_STEPS: usize = 1 << 18;

const LABEL_SIZE: f64 = 10.5;
/// Room between a label and its block.
const LABEL_LIFT: f64 = 3.0;
/// Height of a block, in levels.
const BLOCK_HEIGHT: f64 = 0.62;

/// One instruction.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelStep {
    /// Name of its layer.
    pub layer: String,
    /// Level of its operands.
    pub level: u32,
    /// How much of the x axis it takes, at least 0: its predicted time, or 1.
    pub width: f64,
    /// Rotations in it.
    pub rotations: u64,
    /// Products in it, with plaintexts and of ciphertexts.
    pub products: u64,
}

/// The instructions of a schedule by level, in program order.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelDiagram {
    /// Title, up to two lines.
    pub title: String,
    /// Text below the title, up to three lines; may be empty.
    pub subtitle: String,
    /// What the widths add up to, such as `predicted time (ms)`.
    pub x_title: String,
    /// The instructions, at least one.
    pub steps: Vec<LevelStep>,
}

/// Instructions of one layer that follow each other at one level.
struct Run<'a> {
    layer: &'a str,
    level: u32,
    from: f64,
    to: f64,
}

/// A layer: its first run and what all of it does.
struct LayerLabel<'a> {
    layer: &'a str,
    run: usize,
    rotations: u64,
    products: u64,
}

impl LevelDiagram {
    /// The diagram as the text of an SVG file, 640 by 480 units. Equal diagrams give equal texts.
    ///
    /// # Errors
    /// No instruction or more than [`MAX_STEPS`]; a width that is negative or not finite; widths that add up to 0.
    pub fn svg(&self) -> Result<String> {
        let (width, height) = render::LOGICAL;
        render::svg(&self.lay_out(width, height)?)
    }

    /// The diagram as the bytes of a PNG file of this many pixels, each from 240 by 180 to 8192.
    ///
    /// # Errors
    /// As [`LevelDiagram::svg`]; a size out of range.
    pub fn png(&self, width: u32, height: u32) -> Result<Vec<u8>> {
        render::png(width, height, |width, height| self.lay_out(width, height))
    }

    fn check(&self) -> Result<f64> {
        let place = |i: usize| format!("instruction {i} of diagram `{}`", self.title);
        let out_of_range = |place, quantity, value, allowed| Error::OutOfRange {
            place,
            quantity,
            value,
            allowed,
        };
        if self.steps.is_empty() {
            return Err(Error::Empty {
                plot: self.title.clone(),
            });
        }
        if self.steps.len() > MAX_STEPS {
            let found = self.steps.len() as f64;
            let diagram = format!("diagram `{}`", self.title);
            return Err(out_of_range(diagram, "instructions", found, "at most 2^18"));
        }
        let mut sum = 0.0;
        for (i, step) in self.steps.iter().enumerate() {
            finite(step.width, "width", || place(i))?;
            if step.width < 0.0 {
                return Err(out_of_range(place(i), "width", step.width, "at least 0"));
            }
            sum += step.width;
        }
        finite(sum, "sum of widths", || format!("diagram `{}`", self.title))?;
        if sum <= 0.0 {
            let diagram = format!("diagram `{}`", self.title);
            return Err(out_of_range(diagram, "sum of widths", sum, "above 0"));
        }
        Ok(sum)
    }

    fn lay_out(&self, width: f64, height: f64) -> Result<Scene> {
        let sum = self.check()?;
        fonts::register()?;
        let (runs, labels) = self.runs();
        let mut x = Axis::over(&self.x_title, &[0.0, sum], LINEAR).without_negative();
        x.high = sum * 1.02;
        x.ticks.retain(|(at, _)| *at <= sum * 1.02);
        let levels: Vec<f64> = runs.iter().map(|run| f64::from(run.level)).collect();
        let mut y = Axis::over("level (rescales left)", &levels, LINEAR);
        y.ticks.retain(|(at, _)| at.fract() == 0.0 && *at >= 0.0);
        // A whole row above the highest level, for its label.
        y.high = y
            .high
            .max(levels.iter().fold(0.0, |a: f64, b| a.max(*b)) + 1.0);
        y.low = y.low.min(-0.5);
        let furniture = Furniture {
            title: &self.title,
            subtitle: &self.subtitle,
            x,
            y,
            legend: &[],
            square: false,
        };
        let (mut scene, frame) = frame::begin(width, height, furniture);
        let mut names: Vec<&str> = labels.iter().map(|label| label.layer).collect();
        names.dedup();
        for run in &runs {
            let color = names
                .iter()
                .position(|name| *name == run.layer)
                .unwrap_or(0);
            scene.block(bounds(&frame, run), palette::separate(color), 0.85);
        }
        draw_labels(&mut scene, &frame, &runs, &labels);
        Ok(scene)
    }

    /// The runs in program order, and one label a layer, in the order of first mention.
    fn runs(&self) -> (Vec<Run<'_>>, Vec<LayerLabel<'_>>) {
        let (mut runs, mut labels) = (Vec::<Run<'_>>::new(), Vec::<LayerLabel<'_>>::new());
        let mut index = std::collections::HashMap::new();
        let mut at = 0.0;
        for step in &self.steps {
            let to = at + step.width;
            match runs.last_mut() {
                Some(last) if last.layer == step.layer && last.level == step.level => last.to = to,
                Some(_) | None => runs.push(Run {
                    layer: &step.layer,
                    level: step.level,
                    from: at,
                    to,
                }),
            }
            let label = *index.entry(step.layer.as_str()).or_insert_with(|| {
                labels.push(LayerLabel {
                    layer: &step.layer,
                    run: runs.len() - 1,
                    rotations: 0,
                    products: 0,
                });
                labels.len() - 1
            });
            labels[label].rotations += step.rotations;
            labels[label].products += step.products;
            at = to;
        }
        (runs, labels)
    }
}

const LINEAR: Kind = Kind::Linear {
    least_span: 1.0,
    tick_limit: f64::INFINITY,
};

fn bounds(frame: &Frame, run: &Run<'_>) -> Bounds {
    let level = f64::from(run.level);
    let (left, top) = frame.place(run.from, level + BLOCK_HEIGHT / 2.0);
    let (right, bottom) = frame.place(run.to, level - BLOCK_HEIGHT / 2.0);
    Bounds {
        left,
        top,
        // Instructions that take no time are seen as a line.
        right: right.max(left + 1.0),
        bottom,
    }
}

/// Names the layers that rotate or multiply above their first blocks; a name that would touch another or a block is
/// left out.
fn draw_labels(scene: &mut Scene, frame: &Frame, runs: &[Run<'_>], labels: &[LayerLabel<'_>]) {
    let mut taken: Vec<Bounds> = runs.iter().map(|run| bounds(frame, run)).collect();
    for label in labels {
        let count = |number: u64, what: &str| match number {
            0 => None,
            1 => Some(format!("1 {what}")),
            more => Some(format!("{more} {what}s")),
        };
        let counts = [
            count(label.rotations, "rotation"),
            count(label.products, "product"),
        ];
        let counts: Vec<String> = counts.into_iter().flatten().collect();
        if counts.is_empty() {
            continue;
        }
        let text = format!("{}: {}", label.layer, counts.join(", "));
        let block = bounds(frame, &runs[label.run]);
        let width = fonts::width(&text, LABEL_SIZE);
        let baseline = block.top - LABEL_LIFT;
        // To the right of the block's left edge, or ending at its right edge.
        for (left, anchor, at) in [
            (block.left, Anchor::Start, block.left),
            (block.right - width, Anchor::End, block.right),
        ] {
            let room = Bounds {
                left,
                top: baseline - LABEL_SIZE * fonts::CAP_HEIGHT_EM,
                right: left + width,
                bottom: baseline,
            };
            let inside = left >= frame.plot.left && room.right <= scene.width;
            if inside && !taken.iter().any(|other| other.overlaps(room)) {
                scene.text(&text, (at, baseline), LABEL_SIZE, INK, anchor);
                taken.push(room.grown(1.0));
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(layer: &str, level: u32, width: f64) -> LevelStep {
        LevelStep {
            layer: layer.into(),
            level,
            width,
            rotations: 3,
            products: 20,
        }
    }

    fn diagram(steps: Vec<LevelStep>) -> LevelDiagram {
        LevelDiagram {
            title: "A schedule".into(),
            subtitle: String::new(),
            x_title: "instructions".into(),
            steps,
        }
    }

    #[test]
    fn a_layer_is_named_once_with_the_counts_of_all_its_instructions() {
        let svg = diagram(vec![
            step("conv", 3, 5.0),
            step("conv", 2, 5.0),
            step("square", 2, 1.0),
        ])
        .svg()
        .unwrap();
        assert_eq!(svg.matches("conv: 6 rotations, 40 products").count(), 1);
        assert!(svg.contains("square: 3 rotations, 20 products"));
        assert!(svg.contains("level (rescales left)"));
    }

    #[test]
    fn instructions_of_one_layer_and_level_are_one_block() {
        let many = diagram((0..1000).map(|_| step("conv", 1, 1.0)).collect());
        assert_eq!(many.runs().0.len(), 1);
        let names_do_not_overlap =
            diagram((0..200).map(|i| step(&format!("l{i}"), 1, 1.0)).collect());
        assert!(
            names_do_not_overlap
                .svg()
                .unwrap()
                .matches("products")
                .count()
                < 20
        );
    }

    #[test]
    fn nothing_and_widths_that_are_none_are_refused() {
        let message = |steps| diagram(steps).svg().unwrap_err().to_string();
        assert!(message(vec![]).contains("no points"));
        assert!(message(vec![step("a", 1, f64::NAN)]).contains("instruction 0"));
        assert!(message(vec![step("a", 1, -1.0)]).contains("at least 0"));
        assert!(message(vec![step("a", 1, 0.0)]).contains("above 0"));
    }
}
