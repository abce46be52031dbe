//! ParetoFront: the completed trials that no other beats in the objectives of a search.

use serde::{Deserialize, Serialize};

use crate::objective::{Objectives, dominates};
use crate::trial::{Point, Trial};

/// The points that none dominates in the objectives, fastest first. Of points with equal objectives the earliest
/// trial stands.
#[derive(Clone, Debug)]
pub struct ParetoFront {
    pub(crate) objectives: Objectives,
    members: Vec<Point>,
}

/// Which member of a front to deploy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The most accurate.
    #[default]
    MostAccurate,
    /// The best in the first objective beside accuracy (the fastest, as a rule) of those whose accuracy lies within
    /// so many percentage points of the best (0 to 100). Of equals the faster.
    BestWithin(f64),
    /// The best in that objective of those whose accuracy (0 to 1) is at least this; the most accurate where none is.
    BestFrom(f64),
}

/// Accuracies have 6 decimals; half of the last keeps "within 1 point" true for 0.98 against 0.99.
const ROUNDING: f64 = 5e-7;

impl ParetoFront {
    /// The front of the completed ones of these trials, without those that successive halving stopped: their accuracies
    /// are of fewer epochs, and no network is deployed half trained.
    pub fn of(trials: &[Trial], objectives: &Objectives) -> Self {
        let whole = trials.iter().filter(|trial| !trial.is_stopped());
        Self::of_points(whole.filter_map(Point::of), objectives)
    }

    /// The front of these points.
    pub fn of_points(points: impl IntoIterator<Item = Point>, objectives: &Objectives) -> Self {
        let mut front = Self {
            objectives: objectives.clone(),
            members: Vec::new(),
        };
        for point in points {
            front.add(point);
        }
        front
    }

    /// Puts a point in its place, where none of the members keeps it out; whether it did.
    pub fn add(&mut self, point: Point) -> bool {
        let losses = |p: &Point| self.objectives.losses(p);
        let new = losses(&point);
        let keeps_out = |member: &Point| {
            let own = losses(member);
            dominates(&own, &new) || (own == new && member.trial < point.trial)
        };
        if self.members.iter().any(keeps_out) {
            return false;
        }
        let stays = |member: &Point| {
            let own = losses(member);
            !dominates(&new, &own) && own != new
        };
        self.members = self.members.iter().copied().filter(stays).collect();
        let order = |a: &Point, b: &Point| {
            let latency = a.latency_ms.total_cmp(&b.latency_ms);
            latency.then(a.trial.cmp(&b.trial))
        };
        let place = self.members.partition_point(|m| order(m, &point).is_lt());
        self.members.insert(place, point);
        true
    }

    /// The members, fastest first.
    pub fn members(&self) -> &[Point] {
        &self.members
    }

    /// Whether a member has this accuracy (0 to 1).
    pub fn reaches(&self, accuracy: f64) -> bool {
        let mut members = self.members.iter();
        members.any(|m| m.accuracy >= accuracy - ROUNDING)
    }

    /// The member that `choice` names; none if the front is empty.
    pub fn choose(&self, choice: Choice) -> Option<&Point> {
        let accuracies = self.members.iter().map(|m| m.accuracy);
        let best = accuracies.reduce(f64::max)?;
        let least = match choice {
            Choice::MostAccurate => best,
            Choice::BestWithin(points) => best - points.max(0.0) / 100.0 - ROUNDING,
            Choice::BestFrom(accuracy) => (accuracy - ROUNDING).min(best),
        };
        let candidates = self.members.iter().filter(|m| m.accuracy >= least);
        let loss = |member: &Point| match self.objectives.second() {
            Some(second) => self.objectives.loss(second, member),
            None => -member.accuracy,
        };
        // The first, and so the fastest, of equals.
        candidates.min_by(|a, b| loss(a).total_cmp(&loss(b)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::constraint::Constraints;

    fn point(trial: usize, latency_ms: f64, accuracy: f64) -> Point {
        Point {
            leak: 0.0,
            trial,
            accuracy,
            latency_ms,
            depth: 3,
            key_bytes: 1,
        }
    }

    fn front_of(points: impl IntoIterator<Item = Point>) -> ParetoFront {
        ParetoFront::of_points(points, &Objectives::default())
    }

    fn front() -> ParetoFront {
        front_of([
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
    fn choices_pick_the_most_accurate_or_the_best_within_a_tolerance() {
        let cases = [
            (Choice::MostAccurate, 2),
            (Choice::BestWithin(0.0), 2),
            (Choice::BestWithin(0.9), 2),
            (Choice::BestWithin(1.0), 1),
            (Choice::BestWithin(9.0), 0),
            (Choice::BestWithin(f64::NAN), 2),
            (Choice::BestFrom(0.0), 0),
            (Choice::BestFrom(0.9), 0),
            (Choice::BestFrom(0.9 + 1e-6), 1),
            (Choice::BestFrom(0.98), 1),
            (Choice::BestFrom(0.985), 2),
            (Choice::BestFrom(0.991), 2),
            (Choice::BestFrom(f64::NAN), 2),
        ];
        for (choice, trial) in cases {
            assert_eq!(
                front().choose(choice).map(|m| m.trial),
                Some(trial),
                "{choice:?}"
            );
        }
        assert_eq!(front_of([]).choose(Choice::MostAccurate), None);
        // As the sums of whole decimals come out of floating point.
        assert!(front().reaches(0.986 + 0.004) && !front().reaches(0.9901));
    }

    #[test]
    fn the_hypervolume_is_the_area_of_the_steps() {
        let expected = 40.0 * 0.10 + 30.0 * 0.08 + 10.0 * 0.01;
        assert!((front().hypervolume(&[0.8, 50.0]) - expected).abs() < 1e-12);
        assert_eq!(front().hypervolume(&[0.0, 10.0]), 0.0);
    }

    fn three() -> Objectives {
        let names = ["accuracy", "latency", "depth"];
        Objectives::new(&names, &Constraints::default()).expect("sound")
    }

    fn deep(trial: usize, latency_ms: f64, accuracy: f64, depth: usize) -> Point {
        Point {
            depth,
            ..point(trial, latency_ms, accuracy)
        }
    }

    #[test]
    fn a_third_objective_keeps_what_it_is_best_in_and_adds_its_slices() {
        let points = [
            deep(0, 10.0, 0.9, 4),
            deep(1, 20.0, 0.9, 2),
            deep(2, 20.0, 0.9, 2),
            deep(3, 20.0, 0.8, 3),
        ];
        let front = ParetoFront::of_points(points, &three());
        let numbers: Vec<usize> = front.members().iter().map(|m| m.trial).collect();
        assert_eq!(numbers, [0, 1]);
        assert_eq!(front_of(points).members().len(), 1);
        // Depths 2 to 4 under one, 4 to 6 under both.
        let expected = 2.0 * 10.0 * 0.9 + 2.0 * 20.0 * 0.9;
        assert!((front.hypervolume(&[0.0, 30.0, 6.0]) - expected).abs() < 1e-12);
    }

    #[test]
    fn the_choice_follows_the_first_objective_beside_accuracy() {
        let objectives = Objectives::new(&["depth", "accuracy"], &Constraints::default());
        let points = [
            deep(0, 10.0, 0.99, 6),
            deep(1, 40.0, 0.985, 4),
            deep(2, 20.0, 0.8, 2),
        ];
        let front = ParetoFront::of_points(points, &objectives.expect("sound"));
        for (choice, trial) in [
            (Choice::MostAccurate, 0),
            (Choice::BestWithin(1.0), 1),
            (Choice::BestWithin(50.0), 2),
        ] {
            assert_eq!(front.choose(choice).map(|m| m.trial), Some(trial));
        }
    }

    prop_compose! {
        fn points()(raw in proptest::collection::vec((0u8..12, 0u8..12, 0usize..6), 0..30)) -> Vec<Point> {
            let points = raw.into_iter().enumerate();
            points.map(|(i, (l, a, d))| deep(i, f64::from(l), f64::from(a) / 12.0, d)).collect()
        }
    }

    proptest! {
        #[test]
        fn members_are_undominated_and_every_point_is_covered(points in points(), depth in any::<bool>()) {
            let objectives = if depth { three() } else { Objectives::default() };
            let front = ParetoFront::of_points(points.clone(), &objectives);
            for member in front.members() {
                prop_assert!(!points.iter().any(|p| objectives.dominates(p, member)));
            }
            for point in &points {
                let covered = front.members().iter().any(|m| objectives.dominates(m, point)
                    || objectives.values(m) == objectives.values(point));
                prop_assert!(covered);
            }
            for pair in front.members().windows(2) {
                prop_assert!(pair[0].latency_ms <= pair[1].latency_ms);
                let ascending = pair[0].latency_ms < pair[1].latency_ms && pair[0].accuracy < pair[1].accuracy;
                prop_assert!(depth || ascending);
            }
        }

        #[test]
        fn order_does_not_matter_and_a_front_is_its_own_front(points in points(), rotation in 0usize..30) {
            for objectives in [three(), Objectives::default()] {
                let front = ParetoFront::of_points(points.clone(), &objectives);
                let mut turned = points.clone();
                turned.rotate_left(rotation % points.len().max(1));
                let turned = ParetoFront::of_points(turned, &objectives);
                prop_assert_eq!(turned.members(), front.members());
                let own = ParetoFront::of_points(front.members().to_vec(), &objectives);
                prop_assert_eq!(own.members(), front.members());
            }
        }

        #[test]
        fn more_points_never_lessen_the_hypervolume(points in points(), more in points()) {
            let volume = |p: Vec<Point>| ParetoFront::of_points(p, &three()).hypervolume(&[0.0, 12.0, 6.0]);
            let both: Vec<Point> = points.iter().chain(&more).copied().collect();
            prop_assert!(volume(both) >= volume(points) - 1e-9);
        }

        #[test]
        fn the_volume_is_the_number_of_cells_that_a_point_dominates(points in points()) {
            let front = ParetoFront::of_points(points.clone(), &three());
            let mut cells = 0;
            for latency in 0..12 {
                for accuracy in 0..12 {
                    for depth in 0..6 {
                        let corner = deep(0, f64::from(latency), (f64::from(accuracy) + 1.0) / 12.0, depth);
                        let reaches = |p: &Point| p.latency_ms <= corner.latency_ms
                            && p.accuracy >= corner.accuracy - 1e-9 && p.depth <= depth;
                        cells += usize::from(points.iter().any(reaches));
                    }
                }
            }
            let volume = 12.0 * front.hypervolume(&[0.0, 12.0, 6.0]);
            prop_assert!((volume - cells as f64).abs() < 1e-6, "{volume} of {cells}");
        }
    }
}
