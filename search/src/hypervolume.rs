//! Hypervolume: how much of the space of all objectives a front dominates, and how that grew from trial to trial.

use crate::Trial;
use crate::objective::Objectives;
use crate::pareto::ParetoFront;
use crate::trial::Point;

impl ParetoFront {
    /// The volume that the front dominates, up to a worse value of each objective: in the product of their units.
    /// Members that are no better than the reference somewhere add nothing.
    pub fn hypervolume(&self, reference: &[f64]) -> f64 {
        let list = self.objectives.list().iter();
        let turned: Vec<f64> = list
            .zip(reference)
            .map(|(objective, value)| objective.turned(*value))
            .collect();
        let losses = self.members().iter().map(|m| self.objectives.losses(m));
        let inside = losses.filter(|l| l.iter().zip(&turned).all(|(own, end)| own < end));
        volume(inside.collect(), &turned)
    }

    /// The share of the space of all objectives that the front dominates, from 0 to 1: accuracy from 0 to 1, others
    /// from 0 to the reference.
    fn share(&self, reference: &[f64]) -> f64 {
        let list = self.objectives.list().iter().zip(reference);
        let minimized = list.filter(|(objective, _)| !objective.maximized);
        let whole: f64 = minimized.map(|(_, end)| end).product();
        self.hypervolume(reference) / whole
    }
}

/// The volume between points, each better than `reference` in every coordinate, and `reference`; less is better.
/// Slice by slice along the last coordinate (HSO; L. While, P. Hingston, L. Barone, S. Huband, A Faster Algorithm for
/// Calculating Hypervolume, IEEE Transactions on Evolutionary Computation 10(1), 2006): `n^(d-1)` steps for `n`
/// points in `d` dimensions.
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
        Some(Self::up_to(reference, trials, objectives))
    }

    /// The curves of several searches, up to the same values, so that they can be compared; none where no trial is
    /// complete.
    pub fn of_all(searches: &[&[Trial]], objectives: &Objectives) -> Option<Vec<Self>> {
        let reference = reference(&searches.concat(), objectives)?;
        let curve = |trials: &&[Trial]| Self::up_to(reference.clone(), trials, objectives);
        Some(searches.iter().map(curve).collect())
    }

    fn up_to(reference: Vec<f64>, trials: &[Trial], objectives: &Objectives) -> Self {
        let mut front = ParetoFront::of(&[], objectives);
        let mut share = 0.0;
        let after = |trial: &Trial| {
            let point = Point::of(trial).filter(|_| !trial.is_stopped());
            if point.is_some_and(|point| front.add(point)) {
                share = front.share(&reference);
            }
            share
        };
        let shares = trials.iter().map(after).collect();
        Self { reference, shares }
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
    use super::*;
    use crate::Outcome;
    use crate::constraint::Constraints;

    #[test]
    fn the_curve_counts_trials_without_a_point_and_ends_at_the_hypervolume_of_all() {
        let trial = |number, outcome| Trial {
            leak: None,
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
            Trial {
                stopped_at: Some(2),
                ..trial(4, Outcome::Complete { accuracy: 0.95 })
            },
        ];
        let limits = Constraints {
            max_latency_ms: Some(100.0),
            ..Constraints::default()
        };
        let limited = Objectives::new(&["accuracy", "latency"], &limits).expect("sound");
        let curve = HypervolumeCurve::of(&trials, &limited).expect("some are complete");
        let expected = [0.0, 0.1, 0.2 * 0.5 + 0.2 * 0.4, 0.6 * 0.9, 0.6 * 0.9];
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
}
