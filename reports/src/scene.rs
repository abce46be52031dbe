//! A picture before it is drawn: lines, shapes and texts in logical units, x to the right and y downwards from the top
//! left.

/// A place in logical units, `(x, y)`.
pub(crate) type Place = (f64, f64);

/// A color as red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rgb(pub u8, pub u8, pub u8);

/// Text and strong lines.
pub(crate) const INK: Rgb = Rgb(0x1f, 0x23, 0x28);
/// Secondary text and axis lines.
pub(crate) const QUIET: Rgb = Rgb(0x57, 0x5e, 0x66);
/// Grid lines.
pub(crate) const FAINT: Rgb = Rgb(0xe4, 0xe7, 0xea);
/// What the reader must find first (vermilion of Okabe and Ito, 2008, safe for color-blind readers), darkened for
/// text.
pub(crate) const ACCENT: Rgb = Rgb(0xc4, 0x4a, 0x00);
/// The page.
pub(crate) const PAPER: Rgb = Rgb(0xff, 0xff, 0xff);

/// On which side of its place a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// The text begins at its place.
    Start,
    /// The text has its middle at its place.
    Middle,
    /// The text ends at its place.
    End,
}

/// One thing to draw; later marks cover earlier ones.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mark {
    /// A line through places, `width` wide.
    Line {
        places: Vec<Place>,
        color: Rgb,
        width: f64,
    },
    /// A filled polygon.
    Area {
        corners: Vec<Place>,
        color: Rgb,
        alpha: f64,
    },
    /// A filled circle.
    Disc {
        centre: Place,
        radius: f64,
        color: Rgb,
    },
    /// A circle line.
    Ring {
        centre: Place,
        radius: f64,
        color: Rgb,
        width: f64,
    },
    /// A text.
    Text(Text),
}

/// A text in a picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub text: String,
    /// Where, on its baseline.
    pub at: Place,
    /// Logical units per em.
    pub size: f64,
    pub color: Rgb,
    pub anchor: Anchor,
    /// Whether it is turned by a quarter, to be read from below.
    pub upwards: bool,
}

/// What a reader learns who points at a place of an SVG picture; a PNG has none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hint {
    pub centre: Place,
    pub radius: f64,
    /// A line that belongs to it, which tells the same; empty where there is none.
    pub path: Vec<Place>,
    /// The trial that is there.
    pub trial: u64,
    pub text: String,
}

/// A picture before it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scene {
    pub width: f64,
    pub height: f64,
    /// What the picture is, for readers who cannot see it.
    pub title: String,
    pub marks: Vec<Mark>,
    /// Later ones lie above earlier ones.
    pub hints: Vec<Hint>,
}

impl Scene {
    /// A line through places.
    pub fn line(&mut self, places: &[Place], color: Rgb, width: f64) {
        self.marks.push(Mark::Line {
            places: places.to_vec(),
            color,
            width,
        });
    }

    /// A line with gaps: `on` drawn, `off` left out, repeated along the whole line.
    pub fn dashed(&mut self, places: &[Place], color: Rgb, width: f64, (on, off): (f64, f64)) {
        let (mut drawing, mut left) = (true, on);
        let mut dash: Vec<Place> = places.first().copied().into_iter().collect();
        for pair in places.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            let mut done = 0.0;
            while length - done > left {
                done += left;
                let at = (
                    from.0 + (to.0 - from.0) * done / length,
                    from.1 + (to.1 - from.1) * done / length,
                );
                if drawing {
                    dash.push(at);
                    self.line(&dash, color, width);
                }
                dash = vec![at];
                drawing = !drawing;
                left = if drawing { on } else { off };
            }
            left -= length - done;
            if drawing {
                dash.push(to);
            }
        }
        if drawing && dash.len() > 1 {
            self.line(&dash, color, width);
        }
    }

    /// A filled polygon, `alpha` from 0 (not seen) to 1 (opaque).
    pub fn area(&mut self, corners: &[Place], color: Rgb, alpha: f64) {
        self.marks.push(Mark::Area {
            corners: corners.to_vec(),
            color,
            alpha,
        });
    }

    /// A filled rectangle.
    pub fn block(&mut self, bounds: Bounds, color: Rgb, alpha: f64) {
        let Bounds {
            left,
            top,
            right,
            bottom,
        } = bounds;
        self.area(
            &[(left, top), (right, top), (right, bottom), (left, bottom)],
            color,
            alpha,
        );
    }

    /// A text that runs to the right, `at` on its baseline.
    pub fn text(&mut self, text: &str, at: Place, size: f64, color: Rgb, anchor: Anchor) {
        self.marks.push(Mark::Text(Text {
            text: text.to_string(),
            at,
            size,
            color,
            anchor,
            upwards: false,
        }));
    }
}

/// An upright rectangle in logical units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Bounds {
    /// The rectangle of this size around a centre.
    pub fn around(centre: Place, width: f64, height: f64) -> Self {
        let (x, y) = centre;
        Bounds {
            left: x - width / 2.0,
            top: y - height / 2.0,
            right: x + width / 2.0,
            bottom: y + height / 2.0,
        }
    }

    /// The rectangle with a margin on each side.
    pub fn grown(self, margin: f64) -> Self {
        let Bounds {
            left,
            top,
            right,
            bottom,
        } = self;
        Bounds {
            left: left - margin,
            top: top - margin,
            right: right + margin,
            bottom: bottom + margin,
        }
    }

    /// Whether two rectangles share more than an edge.
    pub fn overlaps(self, other: Bounds) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    /// Whether the other rectangle lies wholly inside.
    pub fn holds(self, other: Bounds) -> bool {
        self.left <= other.left
            && other.right <= self.right
            && self.top <= other.top
            && other.bottom <= self.bottom
    }

    /// Whether a straight line from `a` to `b` touches the rectangle (Liang and Barsky's clipping, 1984).
    pub fn meets_line(self, a: Place, b: Place) -> bool {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        let sides = [
            (-dx, a.0 - self.left),
            (dx, self.right - a.0),
            (-dy, a.1 - self.top),
            (dy, self.bottom - a.1),
        ];
        for (towards, distance) in sides {
            if towards == 0.0 {
                if distance < 0.0 {
                    return false;
                }
            } else if towards < 0.0 {
                enter = enter.max(distance / towards);
            } else {
                leave = leave.min(distance / towards);
            }
        }
        enter <= leave
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_cover_their_share_of_the_line() {
        let mut scene = Scene {
            width: 1.0,
            height: 1.0,
            title: String::new(),
            marks: vec![],
            hints: vec![],
        };
        scene.dashed(
            &[(0.0, 0.0), (30.0, 0.0), (30.0, 70.0)],
            INK,
            1.0,
            (6.0, 4.0),
        );
        let drawn: f64 = scene
            .marks
            .iter()
            .map(|mark| match mark {
                Mark::Line { places, .. } => places
                    .windows(2)
                    .map(|p| (p[1].0 - p[0].0).hypot(p[1].1 - p[0].1))
                    .sum::<f64>(),
                Mark::Area { .. } | Mark::Disc { .. } | Mark::Ring { .. } | Mark::Text(_) => 0.0,
            })
            .sum();
        assert!(
            (drawn - 60.0).abs() < 1e-9,
            "100 units of line at 6 of 10 drawn, got {drawn}"
        );
    }

    #[test]
    fn a_line_meets_a_rectangle_only_where_it_touches_it() {
        let square = Bounds {
            left: 0.0,
            top: 0.0,
            right: 10.0,
            bottom: 10.0,
        };
        for (a, b, meets) in [
            ((-5.0, 5.0), (15.0, 5.0), true),
            ((2.0, 2.0), (3.0, 3.0), true),
            ((-5.0, 0.0), (0.0, 12.0), false),
            ((-5.0, 5.0), (-1.0, 5.0), false),
            ((5.0, -5.0), (5.0, 20.0), true),
            ((11.0, -5.0), (11.0, 20.0), false),
        ] {
            assert_eq!(square.meets_line(a, b), meets, "{a:?} {b:?}");
        }
    }
}
