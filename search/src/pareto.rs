//! ParetoFront: the completed trials that no other beats in the objectives of a search.

use serde::{Deserialize, Serialize};

use crate::constraint::CostEstimate;
use crate::objective::{Objectives, dominates};
use crate::{Outcome, Trial};

/// The figures of a completed trial.
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
    /// Size of the evaluation keys in bytes.
    pub key_bytes: u64,
}

impl Point {
    /// The point of a completed trial; none for others, and none for figures that are not finite.
    pub fn of(trial: &Trial) -> Option<Self> {
        let (Outcome::Complete { accuracy }, Some(cost)) = (&trial.outcome, &trial.cost) else {
            return None;
        };
        let finite = accuracy.is_finite() && cost.latency_ms.is_finite();
        finite.then(|| Self::with(trial.number, *accuracy, cost))
    }

    /// The point of a trial with this number, accuracy and cost.
    pub(crate) fn with(trial: usize, accuracy: f64, cost: &CostEstimate) -> Self {
        Self {
            trial,
            accuracy,
            latency_ms: cost.latency_ms,
            depth: cost.depth,
            key_bytes: cost.key_bytes,
        }
    }
}

/// The points that none dominates in the objectives, fastest first. Of points with equal objectives the earliest trial stands.
#[derive(Clone, Debug)]
pub struct ParetoFront {
    objectives: Objectives,
    members: Vec<Point>,
}

/// Which member of a front to deploy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The most accurate.
    #[default]
    MostAccurate,
    /// The best in the first objective beside accuracy (the fastest, as a rule) of those whose accuracy lies within so many
    /// percentage points of the best (0 to 100). Of equals the faster.
    BestWithin(f64),
}

impl ParetoFront {
    /// The front of the completed ones of these trials.
    pub fn of(trials: &[Trial], objectives: &Objectives) -> Self {
        Self::of_points(trials.iter().filter_map(Point::of), objectives)
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

    /// The member that `choice` names; none if the front is empty.
    pub fn choose(&self, choice: Choice) -> Option<&Point> {
        let accuracies = self.members.iter().map(|m| m.accuracy);
        let best = accuracies.reduce(f64::max)?;
        let least = match choice {
            Choice::MostAccurate => best,
            // Accuracies have 6 decimals; half of the last keeps "within 1 point" true for 0.98 against 0.99.
            Choice::BestWithin(points) => best - points.max(0.0) / 100.0 - 5e-7,
        };
        let candidates = self.members.iter().filter(|m| m.accuracy >= least);
        let loss = |member: &Point| match self.objectives.second() {
            Some(second) => self.objectives.loss(second, member),
            None => -member.accuracy,
        };
        // The first, and so the fastest, of equals.
        candidates.min_by(|a, b| loss(a).total_cmp(&loss(b)))
    }

    /// The volume that the front dominates, up to a worse value of each objective: in the product of their units. Members
    /// that are no better than the reference somewhere add nothing.
    pub fn hypervolume(&self, reference: &[f64]) -> f64 {
        let list = self.objectives.list().iter();
        let turned: Vec<f64> = list
            .zip(reference)
            .map(|(objective, value)| objective.turned(*value))
            .collect();
        let losses = self.members.iter().map(|m| self.objectives.losses(m));
        let inside = losses.filter(|l| l.iter().zip(&turned).all(|(own, end)| own < end));
        volume(inside.collect(), &turned)
    }

    /// The share of the space of all objectives that the front dominates, from 0 to 1: accuracy from 0 to 1, others from
    /// 0 to the reference.
    fn share(&self, reference: &[f64]) -> f64 {
        let list = self.objectives.list().iter().zip(reference);
        let minimised = list.filter(|(objective, _)| !objective.maximised);
        let whole: f64 = minimised.map(|(_, end)| end).product();
        self.hypervolume(reference) / whole
    }
}

/// The volume between points, each better than `reference` in every coordinate, and `reference`; less is better. Slice by
/// slice along the last coordinate (HSO; L. While, P. Hingston, L. Barone, S. Huband, A Faster Algorithm for Calculating
/// Hypervolume, IEEE Transactions on Evolutionary Computation 10(1), 2006): `n^(d-1)` steps for `n` points in `d` dimensions.
fn volume(mut points: Vec<Vec<f64>>, reference: &[f64]) -> f64 {
    let Some((end, rest)) = reference.split_last() else {
        return 1.0;
    };
    let last = |point: &Vec<f64>| point[rest.len()];
    points.sort_by(|a, b| last(a).total_cmp(&last(b)));
    let mut sum = 0.0;
    // In the plane a slice is as wide as its best point so far.
    let mut widest = 0.0_f64;
    for (index, point) in points.iter().enumerate() {
        if let [start] = rest {
            widest = widest.max(start - point[0]);
        }
        let next = points.get(index + 1).map_or(*end, last);
        let height = next - last(point);
        if height > 0.0 {
            let slice = match rest {
                [] => 1.0,
                [_] => widest,
                _ => volume(points[..=index].to_vec(), rest),
            };
            sum += height * slice;
        }
    }
    sum
}

/// How the front grew: the share of the space of all objectives that it dominates after each trial.
#[derive(Clone, Debug, PartialEq)]
pub struct HypervolumeCurve {
    /// Up to which value of each objective, see [`Objectives::reference`]; accuracy goes from 0 to 1.
    pub reference: Vec<f64>,
    /// The share after each trial, 0 to 1, never falling.
    pub shares: Vec<f64>,
}

impl HypervolumeCurve {
    /// The curve of these trials; none where no trial is complete.
    pub fn of(trials: &[Trial], objectives: &Objectives) -> Option<Self> {
        let reference = reference(trials, objectives)?;
        let mut front = ParetoFront::of(&[], objectives);
        let mut share = 0.0;
        let after = |trial: &Trial| {
            if Point::of(trial).is_some_and(|point| front.add(point)) {
                share = front.share(&reference);
            }
            share
        };
        let shares = trials.iter().map(after).collect();
        Some(Self { reference, shares })
    }

    /// The last value of the curve alone.
    pub fn last_share(trials: &[Trial], objectives: &Objectives) -> Option<f64> {
        let reference = reference(trials, objectives)?;
        Some(ParetoFront::of(trials, objectives).share(&reference))
    }
}

fn reference(trials: &[Trial], objectives: &Objectives) -> Option<Vec<f64>> {
    let points: Vec<Point> = trials.iter().filter_map(Point::of).collect();
    (!points.is_empty()).then(|| objectives.reference(&points))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::constraint::Constraints;

    fn point(trial: usize, latency_ms: f64, accuracy: f64) -> Point {
        Point {
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
        ];
        for (choice, trial) in cases {
            assert_eq!(
                front().choose(choice).map(|m| m.trial),
                Some(trial),
                "{choice:?}"
            );
        }
        assert_eq!(front_of([]).choose(Choice::MostAccurate), None);
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
        let limits = Constraints {
            max_latency_ms: Some(100.0),
            ..Constraints::default()
        };
        let limited = Objectives::new(&["accuracy", "latency"], &limits).expect("sound");
        let curve = HypervolumeCurve::of(&trials, &limited).expect("some are complete");
        let expected = [0.0, 0.1, 0.2 * 0.5 + 0.2 * 0.4, 0.6 * 0.9];
        for (share, expected) in curve.shares.iter().zip(expected) {
            assert!((share - expected).abs() < 1e-12, "{curve:?}");
        }
        let last = HypervolumeCurve::last_share(&trials, &limited);
        assert_eq!(last.as_ref(), curve.shares.last());
        let free = Objectives::default();
        let unlimited = HypervolumeCurve::of(&trials, &free).expect("some are complete");
        assert!((unlimited.reference[1] - 88.0).abs() < 1e-9);
        assert_eq!(HypervolumeCurve::of(&trials[..1], &free), None);
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
