//! ParetoFront: the completed trials that no other beats in both accuracy (more) and latency (less).

use serde::{Deserialize, Serialize};

use crate::{Outcome, Trial};

/// A completed trial on the plane of latency and accuracy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Number of the trial.
    pub trial: usize,
    /// Validation accuracy, 0 to 1.
    pub accuracy: f64,
    /// Predicted latency in milliseconds.
    pub latency_ms: f64,
    /// Multiplicative depth in levels.
    pub depth: usize,
}

impl Point {
    /// The point of a completed trial; none for others, and none for figures that are not finite.
    pub fn of(trial: &Trial) -> Option<Self> {
        let (Outcome::Complete { accuracy }, Some(cost)) = (&trial.outcome, &trial.cost) else {
            return None;
        };
        (accuracy.is_finite() && cost.latency_ms.is_finite()).then_some(Self {
            trial: trial.number,
            accuracy: *accuracy,
            latency_ms: cost.latency_ms,
            depth: cost.depth,
        })
    }

    /// Whether it is at least as good in both and better in one.
    pub fn dominates(&self, other: &Self) -> bool {
        let as_good = self.accuracy >= other.accuracy && self.latency_ms <= other.latency_ms;
        as_good && (self.accuracy > other.accuracy || self.latency_ms < other.latency_ms)
    }
}

/// The points that none dominates, latency and accuracy strictly ascending. Of equal points the earliest trial stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParetoFront {
    members: Vec<Point>,
}

/// Which member of a front to deploy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The most accurate.
    #[default]
    MostAccurate,
    /// The fastest whose accuracy lies within so many percentage points of the best (0 to 100).
    FastestWithin(f64),
}

impl ParetoFront {
    /// The front of the completed ones of these trials.
    pub fn of(trials: &[Trial]) -> Self {
        Self::of_points(trials.iter().filter_map(Point::of))
    }

    /// The front of these points.
    pub fn of_points(points: impl IntoIterator<Item = Point>) -> Self {
        let mut points: Vec<Point> = points.into_iter().collect();
        points.sort_by(|a, b| {
            a.latency_ms
                .total_cmp(&b.latency_ms)
                .then(b.accuracy.total_cmp(&a.accuracy))
                .then(a.trial.cmp(&b.trial))
        });
        let mut members: Vec<Point> = Vec::new();
        for point in points {
            if members.last().is_none_or(|m| point.accuracy > m.accuracy) {
                members.push(point);
            }
        }
        Self { members }
    }

    /// The members, fastest and least accurate first.
    pub fn members(&self) -> &[Point] {
        &self.members
    }

    /// The member that `choice` names; none if the front is empty.
    pub fn choose(&self, choice: Choice) -> Option<&Point> {
        let best = self.members.last()?;
        match choice {
            Choice::MostAccurate => Some(best),
            Choice::FastestWithin(points) => {
                let least = best.accuracy - points.max(0.0) / 100.0;
                // Accuracies have 6 decimals; half of the last keeps "within 1 point" true for 0.98 against 0.99.
                let member = self.members.iter().find(|m| m.accuracy >= least - 5e-7);
                member.or(Some(best))
            }
        }
    }

    /// The area that the front dominates, up to `reference` (a worse latency in milliseconds and a worse accuracy):
    /// in milliseconds times accuracy. Members beyond the reference add nothing.
    pub fn hypervolume(&self, reference_latency_ms: f64, reference_accuracy: f64) -> f64 {
        let mut area = 0.0;
        let mut floor = reference_accuracy;
        for member in &self.members {
            if member.latency_ms < reference_latency_ms && member.accuracy > floor {
                area += (reference_latency_ms - member.latency_ms) * (member.accuracy - floor);
                floor = member.accuracy;
            }
        }
        area
    }
}

/// How the front grew: the share of the plane that it dominates after each trial.
#[derive(Clone, Debug, PartialEq)]
pub struct HypervolumeCurve {
    /// The plane's latency, in milliseconds: a limit on the latency if there is one, else a tenth above that of the slowest
    /// completed trial. Its accuracy goes from 0 to 1.
    pub reference_latency_ms: f64,
    /// The share after each trial, 0 to 1, never falling.
    pub shares: Vec<f64>,
}

impl HypervolumeCurve {
    /// The curve of these trials, with a limit on the latency in milliseconds if there is one; none where no trial is complete.
    pub fn of(trials: &[Trial], max_latency_ms: Option<f64>) -> Option<Self> {
        let points: Vec<Option<Point>> = trials.iter().map(Point::of).collect();
        let slowest = points.iter().flatten().map(|p| p.latency_ms);
        let slowest = slowest.reduce(f64::max)?;
        let reference_latency_ms = max_latency_ms.unwrap_or(1.1 * slowest);
        let mut front = ParetoFront::default();
        let mut share = 0.0;
        let mut after = |point: &Option<Point>| {
            if let Some(point) = point {
                let members = front.members.iter().copied().chain([*point]);
                front = ParetoFront::of_points(members);
                share = front.hypervolume(reference_latency_ms, 0.0) / reference_latency_ms;
            }
            share
        };
        Some(Self {
            reference_latency_ms,
            shares: points.iter().map(&mut after).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(trial: usize, latency_ms: f64, accuracy: f64) -> Point {
        Point {
            trial,
            accuracy,
            latency_ms,
            depth: 3,
        }
    }

    fn front() -> ParetoFront {
        ParetoFront::of_points([
            point(0, 10.0, 0.90),
            point(1, 20.0, 0.98),
            point(2, 40.0, 0.99),
            point(3, 41.0, 0.99),
            point(4, 20.0, 0.97),
            point(5, 20.0, 0.98),
        ])
    }

    #[test]
    fn the_front_holds_the_undominated_and_the_earliest_of_equals() {
        let numbers: Vec<usize> = front().members().iter().map(|m| m.trial).collect();
        assert_eq!(numbers, [0, 1, 2]);
    }

    #[test]
    fn choices_pick_the_most_accurate_or_the_fastest_within_a_tolerance() {
        let cases = [
            (Choice::MostAccurate, 2),
            (Choice::FastestWithin(0.0), 2),
            (Choice::FastestWithin(0.9), 2),
            (Choice::FastestWithin(1.0), 1),
            (Choice::FastestWithin(9.0), 0),
            (Choice::FastestWithin(f64::NAN), 2),
        ];
        for (choice, trial) in cases {
            assert_eq!(
                front().choose(choice).map(|m| m.trial),
                Some(trial),
                "{choice:?}"
            );
        }
        assert_eq!(ParetoFront::default().choose(Choice::MostAccurate), None);
    }

    #[test]
    fn the_hypervolume_is_the_area_of_the_steps() {
        let expected = 40.0 * 0.10 + 30.0 * 0.08 + 10.0 * 0.01;
        assert!((front().hypervolume(50.0, 0.8) - expected).abs() < 1e-12);
        assert_eq!(front().hypervolume(10.0, 0.0), 0.0);
    }

    #[test]
    fn the_curve_counts_trials_without_a_point_and_ends_at_the_hypervolume_of_all() {
        let trial = |number, outcome| Trial {
            number,
            architecture: hemet_spaces::Architecture { genes: vec![] },
            cost: Some(crate::constraint::CostEstimate {
                depth: 3,
                latency_ms: 100.0 - 20.0 * number as f64,
                log_n: 13,
                log_qp_bits: 200.0,
                key_bytes: 1,
            }),
            outcome,
            rungs: vec![],
            stopped_at: None,
        };
        let reason = String::new();
        let trials = [
            trial(0, Outcome::Failed { reason }),
            trial(1, Outcome::Complete { accuracy: 0.5 }),
            trial(2, Outcome::Complete { accuracy: 0.4 }),
            trial(3, Outcome::Complete { accuracy: 0.9 }),
        ];
        let curve = HypervolumeCurve::of(&trials, Some(100.0)).expect("some are complete");
        let expected = [0.0, 0.1, 0.2 * 0.5 + 0.2 * 0.4, 0.6 * 0.9];
        for (share, expected) in curve.shares.iter().zip(expected) {
            assert!((share - expected).abs() < 1e-12, "{curve:?}");
        }
        let unlimited = HypervolumeCurve::of(&trials, None).expect("some are complete");
        assert!((unlimited.reference_latency_ms - 88.0).abs() < 1e-9);
        assert_eq!(HypervolumeCurve::of(&trials[..1], None), None);
    }

    prop_compose! {
        fn points()(raw in proptest::collection::vec((0u8..12, 0u8..12), 0..30)) -> Vec<Point> {
            let points = raw.into_iter().enumerate();
            points.map(|(i, (l, a))| point(i, f64::from(l), f64::from(a) / 12.0)).collect()
        }
    }

    proptest! {
        #[test]
        fn members_are_undominated_and_every_point_is_covered(points in points()) {
            let front = ParetoFront::of_points(points.clone());
            for member in front.members() {
                prop_assert!(!points.iter().any(|p| p.dominates(member)));
            }
            for point in &points {
                let covered = front.members().iter().any(|m| m.dominates(point)
                    || (m.accuracy, m.latency_ms) == (point.accuracy, point.latency_ms));
                prop_assert!(covered);
            }
            for pair in front.members().windows(2) {
                prop_assert!(pair[0].latency_ms < pair[1].latency_ms && pair[0].accuracy < pair[1].accuracy);
            }
        }

        #[test]
        fn order_does_not_matter_and_a_front_is_its_own_front(points in points(), rotation in 0usize..30) {
            let front = ParetoFront::of_points(points.clone());
            let mut turned = points.clone();
            turned.rotate_left(rotation % points.len().max(1));
            prop_assert_eq!(&ParetoFront::of_points(turned), &front);
            prop_assert_eq!(&ParetoFront::of_points(front.members().to_vec()), &front);
        }

        #[test]
        fn more_points_never_lessen_the_hypervolume(points in points(), more in points()) {
            let volume = |p: Vec<Point>| ParetoFront::of_points(p).hypervolume(12.0, 0.0);
            let both: Vec<Point> = points.iter().chain(&more).copied().collect();
            prop_assert!(volume(both) >= volume(points) - 1e-9);
        }
    }
}
