//! When each trial ran, and on which of the places that ran trials side by side.

use crate::axis::{Axis, Kind};
use crate::error::{Error, Result, finite};
use crate::fonts::{self, CAP_HEIGHT_EM};
use crate::palette;
use crate::render;
use crate::scene::{ACCENT, Anchor, Bounds, FAINT, Hint, INK, QUIET, Rgb, Scene};

/// Most trials of a plot.
pub const MAX_SPANS: usize = 5000;

const TITLE_SIZE: f64 = 17.0;
const TEXT_SIZE: f64 = 12.5;
const MARGIN: f64 = 14.0;
const LANE: f64 = 26.0;
const LANE_GAP: f64 = 6.0;
const WIDTH: f64 = 860.0;

/// How a trial ended, for its color.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Trained for all of its epochs.
    Whole,
    /// Stopped early.
    Stopped,
    /// Failed.
    Failed,
}

impl Ended {
    const ALL: [(Ended, &'static str); 3] = [
        (Ended::Whole, "trained"),
        (Ended::Stopped, "stopped early"),
        (Ended::Failed, "failed"),
    ];

    fn color(self) -> Rgb {
        match self {
            Ended::Whole => palette::separate(0),
            Ended::Stopped => palette::separate(4),
            Ended::Failed => ACCENT,
        }
    }
}

/// One trial of a [`Timeline`].
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its number.
    pub trial: u64,
    /// When it began, in seconds from the begin of the search, at least 0.
    pub begin_s: f64,
    /// When it ended, at least its begin.
    pub end_s: f64,
    /// How it ended.
    pub ended: Ended,
    /// What a reader learns who points at it.
    pub hint: String,
}

/// Trials over the time of a search, those that ran side by side below each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// Title, up to two lines.
    pub title: String,
    /// Text below the title, up to three lines; may be empty.
    pub subtitle: String,
    /// The trials, from 1 to [`MAX_SPANS`].
    pub spans: Vec<Span>,
}

impl Timeline {
    /// The plot as the text of an SVG file, 860 units wide and as high as it needs. Equal plots give equal texts.
    ///
    /// # Errors
    /// No trials or too many; times that are negative, not finite or end before they begin.
    pub fn svg(&self) -> Result<String> {
        render::svg(&self.lay_out()?)
    }

    /// The plot as the bytes of a PNG file of twice as many pixels.
    ///
    /// # Errors
    /// As [`Timeline::svg`].
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
        if self.spans.is_empty() {
            return Err(Error::Empty {
                plot: self.title.clone(),
            });
        }
        if self.spans.len() > MAX_SPANS {
            let plot = format!("plot `{}`", self.title);
            return Err(out_of_range(
                plot,
                "trials",
                self.spans.len() as f64,
                "at most 5000",
            ));
        }
        for span in &self.spans {
            let place = || format!("trial {} of plot `{}`", span.trial, self.title);
            finite(span.begin_s, "begin", place)?;
            finite(span.end_s, "end", place)?;
            if span.begin_s < 0.0 {
                return Err(out_of_range(place(), "begin", span.begin_s, "at least 0"));
            }
            if span.end_s < span.begin_s {
                return Err(out_of_range(
                    place(),
                    "end",
                    span.end_s,
                    "at least the begin",
                ));
            }
        }
        Ok(())
    }

    /// For each trial the first lane that is free when it begins.
    fn lanes(&self) -> (Vec<usize>, usize) {
        let mut order: Vec<usize> = (0..self.spans.len()).collect();
        order.sort_by(|a, b| {
            let begin = |i: &usize| self.spans[*i].begin_s;
            begin(a).total_cmp(&begin(b)).then(a.cmp(b))
        });
        let (mut free_from, mut lanes) = (Vec::<f64>::new(), vec![0; self.spans.len()]);
        for index in order {
            let span = &self.spans[index];
            // Clocks are read one after the other.
            let free = free_from.iter().position(|end| *end <= span.begin_s + 0.05);
            let lane = free.unwrap_or(free_from.len());
            match free_from.get_mut(lane) {
                Some(end) => *end = span.end_s,
                None => free_from.push(span.end_s),
            }
            lanes[index] = lane;
        }
        (lanes, free_from.len())
    }

    fn lay_out(&self) -> Result<Scene> {
        self.check()?;
        fonts::register()?;
        let (lanes, count) = self.lanes();
        let mut scene = Scene {
            width: WIDTH,
            height: 0.0,
            title: self.title.clone(),
            marks: Vec::new(),
            hints: Vec::new(),
        };
        let top = self.heads(&mut scene);
        let bottom = top + count as f64 * (LANE + LANE_GAP);
        scene.height = bottom + 2.0 * TEXT_SIZE + 2.0 * MARGIN;
        let names = fonts::width("00", TEXT_SIZE) + 8.0;
        let plot = Bounds {
            left: MARGIN + names,
            top,
            right: WIDTH - MARGIN - 8.0,
            bottom,
        };
        let (axis, unit_s) = self.axis();
        let place = |s: f64| plot.left + axis.share(s / unit_s) * (plot.right - plot.left);
        draw_axis(&mut scene, &axis, plot, &|value| place(value * unit_s));
        for (span, lane) in self.spans.iter().zip(&lanes) {
            let upper = top + *lane as f64 * (LANE + LANE_GAP) + LANE_GAP / 2.0;
            let (left, right) = (place(span.begin_s), place(span.end_s));
            let bounds = Bounds {
                left,
                top: upper,
                right: (right - 0.8).max(left + 0.8),
                bottom: upper + LANE,
            };
            scene.block(bounds, span.ended.color(), 0.8);
            let label = format!("{}", span.trial);
            if fonts::width(&label, TEXT_SIZE) + 4.0 < right - left {
                let at = (
                    left + 3.0,
                    upper + LANE / 2.0 + TEXT_SIZE * CAP_HEIGHT_EM / 2.0,
                );
                scene.text(&label, at, TEXT_SIZE, INK, Anchor::Start);
            }
            scene.hints.push(Hint {
                path: Vec::new(),
                centre: ((left + right) / 2.0, upper + LANE / 2.0),
                radius: ((right - left) / 2.0).clamp(2.0, LANE / 2.0),
                trial: span.trial,
                text: span.hint.clone(),
            });
        }
        for lane in 0..count {
            let middle = top + lane as f64 * (LANE + LANE_GAP) + (LANE_GAP + LANE) / 2.0;
            let at = (plot.left - 8.0, middle + TEXT_SIZE * CAP_HEIGHT_EM / 2.0);
            scene.text(&(lane + 1).to_string(), at, TEXT_SIZE, QUIET, Anchor::End);
        }
        Ok(scene)
    }

    /// The axis of time, and how many seconds its unit has.
    fn axis(&self) -> (Axis, f64) {
        let end_s = self.spans.iter().map(|span| span.end_s).fold(0.0, f64::max);
        let (unit_s, unit) = match end_s {
            long if long > 3.0 * 3600.0 => (3600.0, "hours"),
            long if long > 180.0 => (60.0, "minutes"),
            _ => (1.0, "seconds"),
        };
        let end = (end_s / unit_s).max(1e-3);
        let linear = Kind::Linear {
            least_span: 0.0,
            tick_limit: end,
        };
        let title = format!("{unit} since the search began, without pauses");
        let mut axis = Axis::over(&title, &[0.0, end], linear).without_negative();
        (axis.low, axis.high) = (0.0, end);
        axis.ticks.retain(|(at, _)| (0.0..=end).contains(at));
        (axis, unit_s)
    }

    /// Titles and what the colors mean; where the lanes begin.
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
        baseline += TEXT_SIZE * 1.6;
        let mut left = MARGIN;
        let seen = |ended: Ended| self.spans.iter().any(|span| span.ended == ended);
        for (ended, name) in Ended::ALL.into_iter().filter(|(ended, _)| seen(*ended)) {
            let sample = Bounds {
                left,
                top: baseline - TEXT_SIZE * CAP_HEIGHT_EM,
                right: left + 14.0,
                bottom: baseline,
            };
            scene.block(sample, ended.color(), 0.8);
            scene.text(name, (left + 20.0, baseline), TEXT_SIZE, INK, Anchor::Start);
            left += 20.0 + fonts::width(name, TEXT_SIZE) + 22.0;
        }
        baseline + MARGIN
    }
}

fn draw_axis(scene: &mut Scene, axis: &Axis, plot: Bounds, place: &dyn Fn(f64) -> f64) {
    for (at, label) in &axis.ticks {
        let x = place(*at);
        scene.line(&[(x, plot.top), (x, plot.bottom)], FAINT, 1.0);
        let baseline = plot.bottom + 6.0 + TEXT_SIZE * CAP_HEIGHT_EM;
        scene.text(label, (x, baseline), TEXT_SIZE, INK, Anchor::Middle);
    }
    let at = ((plot.left + plot.right) / 2.0, scene.height - MARGIN);
    scene.text(&axis.title, at, TEXT_SIZE, INK, Anchor::Middle);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(spans: &[(f64, f64)]) -> Timeline {
        let span = |(trial, (begin_s, end_s)): (usize, &(f64, f64))| Span {
            trial: trial as u64,
            begin_s: *begin_s,
            end_s: *end_s,
            ended: if trial == 1 {
                Ended::Stopped
            } else {
                Ended::Whole
            },
            hint: format!("#{trial}"),
        };
        Timeline {
            title: "Trials over time".into(),
            subtitle: String::new(),
            spans: spans.iter().enumerate().map(span).collect(),
        }
    }

    #[test]
    fn trials_side_by_side_have_lanes_of_their_own_and_others_follow_in_a_free_one() {
        let plot = timeline(&[(0.0, 10.0), (0.0, 4.0), (4.01, 9.0), (10.0, 12.0)]);
        assert_eq!(plot.lanes(), (vec![0, 1, 1, 0], 2));
        let svg = plot.svg().unwrap();
        for text in [
            "trained",
            "stopped early",
            "seconds since the search began, without pauses",
        ] {
            assert!(svg.contains(&format!("\n{text}\n")), "{text}: {svg}");
        }
        assert!(!svg.contains("failed") && svg.contains("data-trial=\"3\""));
    }

    #[test]
    fn times_that_are_none_are_refused_and_one_moment_is_drawn() {
        assert!(timeline(&[(0.0, 0.0)]).png().is_ok());
        let message = |spans: &[(f64, f64)]| timeline(spans).svg().unwrap_err().to_string();
        assert!(message(&[]).contains("no points"));
        assert!(message(&[(2.0, 1.0)]).contains("at least the begin"));
        assert!(message(&[(-1.0, 1.0)]).contains("at least 0"));
        assert!(message(&[(0.0, f64::INFINITY)]).contains("trial 0"));
    }
}
