//! Where the labels of points go, so that none covers another.
//!
//! Greedy: label by label, every place in 16 directions and 8 distances around its point is rated (far, over a marker,
//! over a line, crossing the leader of another label), and the best is taken. Places over another label or outside of
//! the plot are never taken; a label for which only bad places are left is left out, and the caller says so.
//! Point-feature label placement is NP-hard (J. Marks and S. Shieber, 1991); with the empty side of a front above it,
//! greedy suffices.

use crate::scene::{Bounds, Place};

/// A label to be placed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// The point's place.
    pub point: Place,
    /// Radius to be kept free around the point.
    pub radius: f64,
    /// Size of the text's box.
    pub width: f64,
    /// Size of the text's box.
    pub height: f64,
    /// Whether the label must be shown even far off or over a marker.
    pub required: bool,
}

/// What labels should not cover.
#[derive(Clone, Debug, Default)]
pub(crate) struct Obstacles {
    /// Markers, each with what covering it costs.
    pub markers: Vec<(Bounds, f64)>,
    /// Lines.
    pub lines: Vec<(Place, Place)>,
}

/// A placed label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placed {
    /// The text's box.
    pub bounds: Bounds,
    /// A line from the marker to a label that does not stand at it.
    pub leader: Option<(Place, Place)>,
}

const DISTANCES: [f64; 8] = [2.0, 6.0, 14.0, 25.0, 38.0, 54.0, 74.0, 98.0];
/// From this distance on a label needs a leader.
const LEADER_FROM: f64 = 10.0;
const DIRECTIONS: u32 = 16;
/// The preferred direction, to the upper left: above a front nothing is.
const PREFERRED_DEGREES: f64 = 135.0;
const PADDING: f64 = 1.5;
/// A place that costs more, such as one over the marker of another labelled point, is worse than no label.
const COST_LIMIT: f64 = 75.0;
/// With more labels than this, they stay near their points: long leaders side by side cannot be followed.
pub(crate) const MANY_LABELS: usize = 24;
const NEAR: f64 = 25.0;

/// Places labels inside `area`, in the order of the requests; `None` where there is no room.
pub(crate) fn place(
    requests: &[Request],
    obstacles: &Obstacles,
    area: Bounds,
) -> Vec<Option<Placed>> {
    let mut placed: Vec<Option<Placed>> = Vec::with_capacity(requests.len());
    for request in requests {
        let far = request.required || requests.len() <= MANY_LABELS;
        let reach = if far { f64::INFINITY } else { NEAR };
        let limit = if request.required {
            f64::INFINITY
        } else {
            COST_LIMIT
        };
        let mut best: Option<(f64, Placed)> = None;
        for (cost, candidate) in candidates(request, reach) {
            if best.is_some_and(|(least, _)| cost >= least) || !area.holds(candidate.bounds) {
                continue;
            }
            let Some(more) = cost_among(&candidate, &placed) else {
                continue;
            };
            let cost = cost + more + cost_over(&candidate, obstacles, request);
            if cost <= limit && best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, candidate));
            }
        }
        placed.push(best.map(|(_, candidate)| candidate));
    }
    placed
}

/// All places for a label with what distance and direction cost, near ones first.
fn candidates(request: &Request, max_distance: f64) -> impl Iterator<Item = (f64, Placed)> + '_ {
    let distances = DISTANCES.into_iter().filter(move |d| *d <= max_distance);
    distances.flat_map(move |distance| {
        (0..DIRECTIONS).map(move |i| {
            let degrees = 360.0 * f64::from(i) / f64::from(DIRECTIONS);
            let (sin, cos) = degrees.to_radians().sin_cos();
            let reach = request.radius + distance;
            let centre = (
                request.point.0 + cos * (reach + request.width / 2.0),
                request.point.1 - sin * (reach + request.height / 2.0),
            );
            let bounds = Bounds::around(centre, request.width, request.height);
            let leader = (distance > LEADER_FROM).then(|| leader(request, bounds));
            let turned = ((degrees - PREFERRED_DEGREES + 540.0) % 360.0 - 180.0).abs() / 180.0;
            (distance * 0.5 + turned * 9.0, Placed { bounds, leader })
        })
    })
}

/// From the rim of the marker to the nearest place on the rim of the label.
fn leader(request: &Request, bounds: Bounds) -> (Place, Place) {
    let (x, y) = request.point;
    let end = (
        x.clamp(bounds.left, bounds.right),
        y.clamp(bounds.top, bounds.bottom),
    );
    let length = (end.0 - x).hypot(end.1 - y).max(1e-9);
    let start = request.radius / length;
    ((x + (end.0 - x) * start, y + (end.1 - y) * start), end)
}

/// What a place costs among the labels placed before; `None` where it would cover one.
fn cost_among(candidate: &Placed, placed: &[Option<Placed>]) -> Option<f64> {
    let mut cost = 0.0;
    for other in placed.iter().flatten() {
        if candidate.bounds.grown(PADDING).overlaps(other.bounds) {
            return None;
        }
        if let Some((a, b)) = candidate.leader {
            if other.bounds.grown(1.0).meets_line(a, b) {
                return None;
            }
            if other.leader.is_some_and(|(c, d)| cross(a, b, c, d)) {
                cost += 60.0;
            }
        }
        if other
            .leader
            .is_some_and(|(a, b)| candidate.bounds.grown(1.0).meets_line(a, b))
        {
            return None;
        }
    }
    Some(cost)
}

/// What a place costs by what it covers.
fn cost_over(candidate: &Placed, obstacles: &Obstacles, request: &Request) -> f64 {
    let mut cost = 0.0;
    for (marker, weight) in &obstacles.markers {
        if candidate.bounds.grown(PADDING).overlaps(*marker) {
            cost += weight;
        }
        let own = marker
            .grown(-0.5)
            .holds(Bounds::around(request.point, 0.0, 0.0));
        if !own
            && candidate
                .leader
                .is_some_and(|(a, b)| marker.meets_line(a, b))
        {
            cost += weight * 0.8;
        }
    }
    for (a, b) in &obstacles.lines {
        if candidate.bounds.meets_line(*a, *b) {
            cost += 24.0;
        }
        if candidate.leader.is_some_and(|(c, d)| cross(*a, *b, c, d)) {
            cost += 4.0;
        }
    }
    cost
}

/// Whether two line segments cross (touching does not count).
fn cross(a: Place, b: Place, c: Place, d: Place) -> bool {
    let side = |p: Place, q: Place, r: Place| (q.0 - p.0) * (r.1 - p.1) - (q.1 - p.1) * (r.0 - p.0);
    side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AREA: Bounds = Bounds {
        left: 0.0,
        top: 0.0,
        right: 500.0,
        bottom: 350.0,
    };

    proptest! {
        #[test]
        fn placed_labels_stay_inside_and_never_cover_each_other(
            points in prop::collection::vec((0.0_f64..500.0, 0.0_f64..350.0), 1..60)
        ) {
            let requests: Vec<Request> =
                points.iter().map(|p| Request { point: *p, radius: 6.0, width: 30.0, height: 13.0, required: false }).collect();
            let placed: Vec<Placed> =
                place(&requests, &Obstacles::default(), AREA).into_iter().flatten().collect();
            for (i, one) in placed.iter().enumerate() {
                prop_assert!(AREA.holds(one.bounds), "{one:?}");
                for other in &placed[i + 1..] {
                    prop_assert!(!one.bounds.overlaps(other.bounds), "{one:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn few_points_get_all_their_labels_next_to_them() {
        let requests: Vec<Request> = (0..8)
            .map(|i| Request {
                point: (60.0 + 50.0 * f64::from(i), 200.0),
                radius: 6.0,
                width: 30.0,
                height: 13.0,
                required: false,
            })
            .collect();
        let placed = place(&requests, &Obstacles::default(), AREA);
        assert!(
            placed.iter().all(|p| p.is_some_and(|p| p.leader.is_none())),
            "{placed:?}"
        );
    }
}
