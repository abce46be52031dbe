//! Own networks among published ones: latency on a logarithmic x, accuracy on y, each point with its name.

use crate::axis::{Axis, Kind};
use crate::error::{Error, Result, finite};
use crate::fonts::{self, CAP_HEIGHT_EM};
use crate::frame::{self, Frame, Furniture};
use crate::labels::{self, Obstacles, Request};
use crate::legend::Entry;
use crate::marker::{self, Fill, Shape};
use crate::palette;
use crate::render;
use crate::scene::{Anchor, Bounds, INK, QUIET, Rgb, Scene};

const RADIUS: f64 = 5.2;
const NAME_SIZE: f64 = 12.0;
/// What covering the marker of another point costs a name.
const MARKER_COST: f64 = 60.0;

/// A network whose latency and accuracy were measured under encryption.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// What it is called, with what must be known to read it (threads, images).
    pub name: String,
    /// Seconds of one prediction, above 0.
    pub seconds: f64,
    /// Accuracy as a fraction from 0 to 1.
    pub accuracy: f64,
    /// Whether it is one of our own.
    pub is_own: bool,
}

/// Own networks, filled and joined where none is faster and as accurate, and those that others published, hollow.
#[derive(Clone, Debug, PartialEq)]
pub struct LandscapePlot {
    /// Title, up to two lines.
    pub title: String,
    /// Text below the title, up to three lines.
    pub subtitle: String,
    /// The networks, at least one.
    pub networks: Vec<Network>,
}

impl LandscapePlot {
    /// The plot as the text of an SVG file, 640 by 480 units. Equal plots give equal texts.
    ///
    /// # Errors
    /// No networks; a number that is not finite or out of its range.
    pub fn svg(&self) -> Result<String> {
        let (width, height) = render::LOGICAL;
        render::svg(&self.lay_out(width, height)?)
    }

    /// The plot as the bytes of a PNG file of this many pixels, each from 240 by 180 to 8192.
    ///
    /// # Errors
    /// As [`LandscapePlot::svg`]; a size out of range.
    pub fn png(&self, width: u32, height: u32) -> Result<Vec<u8>> {
        render::png(width, height, |width, height| self.lay_out(width, height))
    }

    fn check(&self) -> Result<()> {
        if self.networks.is_empty() {
            return Err(Error::Empty {
                plot: self.title.clone(),
            });
        }
        for network in &self.networks {
            let place = || format!("network `{}` of plot `{}`", network.name, self.title);
            finite(network.seconds, "seconds", place)?;
            finite(network.accuracy, "accuracy", place)?;
            let wrong = |quantity, value, allowed| Error::OutOfRange {
                place: place(),
                quantity,
                value,
                allowed,
            };
            if network.seconds <= 0.0 {
                return Err(wrong("seconds", network.seconds, "above 0"));
            }
            if !(0.0..=1.0).contains(&network.accuracy) {
                return Err(wrong("accuracy", network.accuracy, "from 0 to 1"));
            }
        }
        Ok(())
    }

    fn lay_out(&self, width: f64, height: f64) -> Result<Scene> {
        self.check()?;
        fonts::register()?;
        let seconds: Vec<f64> = self.networks.iter().map(|n| n.seconds).collect();
        let percents: Vec<f64> = self.networks.iter().map(|n| 100.0 * n.accuracy).collect();
        let kind = Kind::Linear {
            least_span: 5.0,
            tick_limit: 100.0,
        };
        let furniture = Furniture {
            title: &self.title,
            subtitle: &self.subtitle,
            x: Axis::over(
                "latency of one encrypted prediction (s)",
                &seconds,
                Kind::LogIfWide,
            ),
            y: Axis::over("accuracy (%)", &percents, kind),
            legend: &self.legend(),
            square: false,
        };
        let (mut scene, frame) = frame::begin(width, height, furniture);
        let front = self.front();
        let corners: Vec<_> = front.iter().map(|n| at(n, &frame)).collect();
        let lines: Vec<_> = corners.windows(2).map(|pair| (pair[0], pair[1])).collect();
        scene.line(&corners, color(true), 1.6);
        for network in &self.networks {
            let (shape, fill) = look(network.is_own);
            let place = at(network, &frame);
            marker::draw(
                &mut scene,
                shape,
                fill,
                place,
                RADIUS,
                color(network.is_own),
            );
        }
        self.draw_names(&mut scene, &frame, lines);
        Ok(scene)
    }

    /// Own networks that no other own one beats in both, fastest first.
    fn front(&self) -> Vec<&Network> {
        let mut own: Vec<&Network> = self.networks.iter().filter(|n| n.is_own).collect();
        own.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let mut best = f64::NEG_INFINITY;
        own.retain(|network| {
            let is_better = network.accuracy > best;
            best = best.max(network.accuracy);
            is_better
        });
        own
    }

    fn legend(&self) -> Vec<Entry> {
        let kinds = [(true, "Hemet"), (false, "published")];
        let there = kinds
            .into_iter()
            .filter(|(own, _)| self.networks.iter().any(|n| n.is_own == *own));
        let entry = |(own, label): (bool, &str)| {
            let (shape, fill) = look(own);
            Entry::Marker {
                shape,
                fill,
                color: color(own),
                radius: RADIUS,
                label: label.to_owned(),
            }
        };
        there.map(entry).collect()
    }

    fn draw_names(
        &self,
        scene: &mut Scene,
        frame: &Frame,
        lines: Vec<(crate::scene::Place, crate::scene::Place)>,
    ) {
        let size = 2.0 * RADIUS + 2.0;
        let request = |network: &Network| Request {
            point: at(network, frame),
            radius: RADIUS,
            width: fonts::width(&network.name, NAME_SIZE),
            height: NAME_SIZE,
            required: true,
        };
        let requests: Vec<Request> = self.networks.iter().map(request).collect();
        let marker = |request: &Request| (Bounds::around(request.point, size, size), MARKER_COST);
        let obstacles = Obstacles {
            markers: requests.iter().map(marker).collect(),
            lines,
        };
        let placed = labels::place(&requests, &obstacles, frame.plot);
        for (network, placed) in self.networks.iter().zip(placed) {
            let Some(placed) = placed else {
                continue;
            };
            if let Some((from, to)) = placed.leader {
                scene.line(&[from, to], QUIET, 0.8);
            }
            let box_ = placed.bounds;
            let baseline = (box_.top + box_.bottom) / 2.0 + NAME_SIZE * CAP_HEIGHT_EM / 2.0;
            let place = (box_.left, baseline);
            let ink = if network.is_own { INK } else { QUIET };
            scene.text(&network.name, place, NAME_SIZE, ink, Anchor::Start);
        }
    }
}

fn at(network: &Network, frame: &Frame) -> crate::scene::Place {
    frame.place(network.seconds, 100.0 * network.accuracy)
}

fn look(is_own: bool) -> (Shape, Fill) {
    match is_own {
        true => (Shape::Disc, Fill::Strong),
        false => (Shape::Diamond, Fill::Hollow),
    }
}

fn color(is_own: bool) -> Rgb {
    palette::separate(usize::from(!is_own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(name: &str, seconds: f64, accuracy: f64, is_own: bool) -> Network {
        Network {
            name: name.into(),
            seconds,
            accuracy,
            is_own,
        }
    }

    fn plot(networks: Vec<Network>) -> LandscapePlot {
        LandscapePlot {
            title: "CIFAR-10".into(),
            subtitle: String::new(),
            networks,
        }
    }

    #[test]
    fn every_network_has_its_name_and_ours_that_are_beaten_are_off_the_line() {
        let plot = plot(vec![
            network("fast", 0.4, 0.84, true),
            network("beaten", 0.9, 0.83, true),
            network("accurate", 0.65, 0.876, true),
            network("LoLa", 730.0, 0.741, false),
        ]);
        let names: Vec<&str> = plot.front().iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["fast", "accurate"]);
        let svg = plot.svg().expect("a picture");
        for name in ["fast", "beaten", "accurate", "LoLa", "published", "Hemet"] {
            assert!(svg.contains(name), "{name}");
        }
    }

    #[test]
    fn what_is_no_latency_or_accuracy_is_refused_by_name() {
        for (seconds, accuracy) in [(0.0, 0.5), (f64::NAN, 0.5), (1.0, 84.0), (1.0, -0.1)] {
            let error = plot(vec![network("odd", seconds, accuracy, false)]).svg();
            let told = error.expect_err("refused").to_string();
            assert!(told.contains("`odd`"), "{told}");
        }
        assert!(plot(Vec::new()).svg().is_err());
    }
}
