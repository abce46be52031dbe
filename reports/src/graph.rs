//! A directed acyclic graph drawn as boxes and arrows, from top to bottom: the architecture of a network.

mod layout;

use crate::error::{Error, Result};
use crate::fonts;
use crate::palette;
use crate::render;
use crate::scene::{Anchor, Bounds, INK, Place, QUIET, Scene};

/// Most boxes of a diagram.
pub const MAX_BOXES: usize = 2000;

const TEXT_SIZE: f64 = 12.5;
const DETAIL_SIZE: f64 = 11.0;
const LINE_STEP: f64 = 15.0;
/// Room between a text and the edge of its box.
const PADDING: f64 = 8.0;
const MARGIN: f64 = 12.0;
/// Pixels per logical unit of a PNG, where it does not grow too large.
const PNG_SCALE: f64 = 2.0;

/// One box of a [`GraphDiagram`].
#[derive(Clone, Debug, PartialEq)]
pub struct GraphBox {
    /// What it is; the first line.
    pub name: String,
    /// More about it, a line each; may be empty.
    pub details: Vec<String>,
    /// What sort of thing it is, as an index: sets the color, which repeats after six.
    pub kind: usize,
}

/// Boxes joined by arrows. Each arrow leads to a box with a greater index, so there are no circles.
///
/// Boxes stand in rows, each below all that it reads; the order in a row is settled by the mean of the neighbours'
/// places (K. Sugiyama, S. Tagawa and M. Toda, Methods for Visual Understanding of Hierarchical System Structures,
/// 1981).
#[derive(Clone, Debug, PartialEq)]
pub struct GraphDiagram {
    /// What the picture is, for readers who cannot see it; it is not drawn.
    pub title: String,
    /// The boxes, at least one and at most [`MAX_BOXES`].
    pub boxes: Vec<GraphBox>,
    /// Arrows as indices of boxes, from and to.
    pub arrows: Vec<(usize, usize)>,
}

impl GraphDiagram {
    /// The diagram as the text of an SVG file, as large as it must be. Equal diagrams give equal texts.
    ///
    /// # Errors
    /// No boxes or more than [`MAX_BOXES`]; an arrow to a box that does not exist or is not after the one it comes
    /// from.
    pub fn svg(&self) -> Result<String> {
        render::svg(&self.lay_out()?)
    }

    /// The diagram as the bytes of a PNG file, at two pixels per unit of the SVG where that is not too large.
    ///
    /// # Errors
    /// As [`GraphDiagram::svg`].
    pub fn png(&self) -> Result<Vec<u8>> {
        render::png_of(&self.lay_out()?, PNG_SCALE)
    }

    fn check(&self) -> Result<()> {
        let out_of_range = |place, quantity, value: usize, allowed| Error::OutOfRange {
            place,
            quantity,
            value: value as f64,
            allowed,
        };
        let diagram = || format!("diagram `{}`", self.title);
        if self.boxes.is_empty() {
            return Err(Error::Empty {
                plot: self.title.clone(),
            });
        }
        if self.boxes.len() > MAX_BOXES {
            let found = self.boxes.len();
            return Err(out_of_range(diagram(), "boxes", found, "at most 2000"));
        }
        for (i, (from, to)) in self.arrows.iter().enumerate() {
            let place = || format!("arrow {i} of {}", diagram());
            if *to >= self.boxes.len() {
                return Err(out_of_range(place(), "target", *to, "a box's index"));
            }
            if from >= to {
                let allowed = "below its target";
                return Err(out_of_range(place(), "source", *from, allowed));
            }
        }
        Ok(())
    }

    fn lay_out(&self) -> Result<Scene> {
        self.check()?;
        fonts::register()?;
        let sizes: Vec<(f64, f64)> = self.boxes.iter().map(GraphBox::size).collect();
        let layout = layout::lay_out(&sizes, &self.arrows);
        let mut scene = Scene {
            width: (layout.width + 2.0 * MARGIN).ceil(),
            height: (layout.height + 2.0 * MARGIN).ceil(),
            title: self.title.clone(),
            marks: Vec::new(),
            hints: Vec::new(),
        };
        let moved = |(x, y): Place| (x + MARGIN, y + MARGIN);
        for path in &layout.arrows {
            let path: Vec<Place> = path.iter().map(|p| moved(*p)).collect();
            arrow(&mut scene, &path);
        }
        for (graph_box, (centre, size)) in self.boxes.iter().zip(layout.centres.iter().zip(&sizes))
        {
            graph_box.draw(&mut scene, moved(*centre), *size);
        }
        Ok(scene)
    }
}

impl GraphBox {
    /// Width and height.
    fn size(&self) -> (f64, f64) {
        let details = self.details.iter().map(|d| fonts::width(d, DETAIL_SIZE));
        let widest = details.fold(fonts::width(&self.name, TEXT_SIZE), f64::max);
        let lines = 1 + self.details.len();
        let height = lines as f64 * LINE_STEP + 2.0 * PADDING - 3.0;
        (widest + 2.0 * PADDING + 4.0, height)
    }

    fn draw(&self, scene: &mut Scene, centre: Place, (width, height): (f64, f64)) {
        let bounds = Bounds::around(centre, width, height);
        let color = palette::separate(self.kind);
        scene.block(bounds, crate::scene::PAPER, 1.0);
        scene.block(bounds, color, 0.13);
        let Bounds {
            left,
            top,
            right,
            bottom,
        } = bounds;
        let corners = [
            (left, top),
            (right, top),
            (right, bottom),
            (left, bottom),
            (left, top),
        ];
        scene.line(&corners, color, 1.2);
        let mut baseline = top + PADDING + 10.0;
        let at = |baseline| (centre.0, baseline);
        scene.text(&self.name, at(baseline), TEXT_SIZE, INK, Anchor::Middle);
        for detail in &self.details {
            baseline += LINE_STEP;
            scene.text(detail, at(baseline), DETAIL_SIZE, QUIET, Anchor::Middle);
        }
    }
}

/// A line with a head at its end.
fn arrow(scene: &mut Scene, path: &[Place]) {
    scene.line(path, QUIET, 1.2);
    if let [.., before, end] = path {
        let length = (end.0 - before.0).hypot(end.1 - before.1).max(1e-9);
        let (dx, dy) = ((end.0 - before.0) / length, (end.1 - before.1) / length);
        let back = (end.0 - 7.0 * dx, end.1 - 7.0 * dy);
        let corners = [
            *end,
            (back.0 - 3.2 * dy, back.1 + 3.2 * dx),
            (back.0 + 3.2 * dy, back.1 - 3.2 * dx),
        ];
        scene.area(&corners, QUIET, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagram(names: &[&str], arrows: &[(usize, usize)]) -> GraphDiagram {
        let graph_box = |name: &&str| GraphBox {
            name: name.to_string(),
            details: vec!["8x8x8".into()],
            kind: 1,
        };
        GraphDiagram {
            title: "net".into(),
            boxes: names.iter().map(graph_box).collect(),
            arrows: arrows.to_vec(),
        }
    }

    #[test]
    fn every_box_is_named_and_the_picture_has_a_title() {
        let drawn = diagram(&["input", "conv", "sum"], &[(0, 1), (1, 2), (0, 2)]);
        let svg = drawn.svg().unwrap();
        for text in ["input", "conv", "sum", "8x8x8"] {
            assert!(svg.contains(&format!("\n{text}\n")), "{text} in {svg}");
        }
        assert!(svg.contains("<title>net</title>"));
        let png = drawn.png().unwrap();
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    }

    #[test]
    fn a_very_tall_diagram_is_still_a_picture() {
        let names = vec!["conv"; 400];
        let arrows: Vec<_> = (1..400).map(|i| (i - 1, i)).collect();
        assert!(diagram(&names, &arrows).png().is_ok());
    }

    #[test]
    fn arrows_that_lead_back_or_nowhere_are_refused() {
        let message = |arrows: &[(usize, usize)]| {
            let refused = diagram(&["a", "b"], arrows).svg();
            refused.unwrap_err().to_string()
        };
        assert!(message(&[(0, 2)]).contains("arrow 0"));
        assert!(message(&[(0, 1), (1, 0)]).contains("arrow 1"));
        assert!(message(&[(1, 1)]).contains("below its target"));
        let nothing = diagram(&[], &[]).svg().unwrap_err().to_string();
        assert!(nothing.contains("no points"), "{nothing}");
    }
}
