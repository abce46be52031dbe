//! Importance: how much of a figure's differences between trials each choice explains.
//!
//! A forest of randomized trees (P. Geurts, D. Ernst and L. Wehenkel, Extremely Randomized Trees, Machine Learning 63,
//! 2006), each grown on trials drawn with replacement, predicts the figure from the choices. The importance of a choice
//! is by how much worse the trees predict the trials that they did not see when this choice is shuffled among them
//! (L. Breiman, Random Forests, Machine Learning 45, 2001), as a share of the sum. Cost: trees times trials times the
//! logarithm of the trials. With few trials it says little; [`Importances::explained`] tells.

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::Seed;

/// Trees of a forest.
const TREES: usize = 200;
/// Trials in a leaf, at least.
const LEAF: usize = 2;
/// Fewer trials say nothing.
pub const LEAST_TRIALS: usize = 8;

/// What a choice was in each trial: one choice may show in several features, which are shuffled together.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Each with a value for every trial.
    pub features: Vec<Feature>,
}

/// One aspect of a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// A value for every trial; of words their positions in a list.
    pub values: Vec<f64>,
    /// Whether greater and less mean something, so that it is cut in two at a threshold; else one value is set against
    /// all others.
    pub ordered: bool,
}

/// How important choices are.
#[derive(Clone, Debug, PartialEq)]
pub struct Importances {
    /// Of each choice, 0 to 1; they add up to 1, or are all 0 where nothing is explained.
    pub shares: Vec<f64>,
    /// Share of the variance between trials that the forest explains in trials that it did not see, at least 0.
    pub explained: f64,
}

/// How important each choice is for `target`, a value for every trial. `None` of fewer than [`LEAST_TRIALS`] trials or
/// where all are alike.
pub fn importances(choices: &[Choice], target: &[f64], seed: Seed) -> Option<Importances> {
    let trials = target.len();
    let mean = target.iter().sum::<f64>() / trials.max(1) as f64;
    let variance = target.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / trials.max(1) as f64;
    let whole = choices.iter().flat_map(|choice| &choice.features);
    let fits = whole.clone().all(|feature| feature.values.len() == trials);
    if trials < LEAST_TRIALS || !fits || !variance.is_finite() || variance <= 0.0 {
        return None;
    }
    let columns: Vec<&Feature> = whole.collect();
    let mut rng = seed.derive("importance").rng();
    let (mut worse, mut sums, mut votes) =
        (vec![0.0; choices.len()], vec![0.0; trials], vec![0; trials]);
    for _ in 0..TREES {
        let drawn: Vec<usize> = (0..trials).map(|_| rng.random_range(0..trials)).collect();
        let mut unseen: Vec<usize> = (0..trials).filter(|trial| !drawn.contains(trial)).collect();
        if unseen.is_empty() {
            continue;
        }
        let tree = Tree::grow(&columns, target, drawn, &mut rng);
        let mut error = 0.0;
        for trial in &unseen {
            let found = tree.predict(&|column| columns[column].values[*trial]);
            error += (found - target[*trial]).powi(2);
            sums[*trial] += found;
            votes[*trial] += 1;
        }
        let own = unseen.clone();
        let mut first = 0;
        for (choice, worse) in choices.iter().zip(&mut worse) {
            let range = first..first + choice.features.len();
            first = range.end;
            unseen.shuffle(&mut rng);
            let mut shuffled = 0.0;
            for (trial, other) in own.iter().zip(&unseen) {
                let from = |column: usize| match range.contains(&column) {
                    true => *other,
                    false => *trial,
                };
                let found = tree.predict(&|column| columns[column].values[from(column)]);
                shuffled += (found - target[*trial]).powi(2);
            }
            *worse += (shuffled - error) / own.len() as f64;
        }
    }
    let shares: Vec<f64> = worse.into_iter().map(|worse: f64| worse.max(0.0)).collect();
    let sum: f64 = shares.iter().sum();
    let missed = (0..trials).filter(|trial| votes[*trial] > 0);
    let missed =
        missed.map(|trial| (sums[trial] / f64::from(votes[trial]) - target[trial]).powi(2));
    let missed = missed.sum::<f64>() / trials as f64;
    Some(Importances {
        shares: shares
            .into_iter()
            .map(|share| if sum > 0.0 { share / sum } else { 0.0 })
            .collect(),
        explained: (1.0 - missed / variance).clamp(0.0, 1.0),
    })
}

/// A tree: a leaf, or a cut with two trees below it.
enum Tree {
    Leaf(f64),
    Cut {
        cut: Cut,
        inside: Box<Tree>,
        outside: Box<Tree>,
    },
}

/// Which trials go where.
#[derive(Clone, Copy)]
struct Cut {
    column: usize,
    at: f64,
    ordered: bool,
}

impl Cut {
    fn takes(self, value: f64) -> bool {
        match self.ordered {
            true => value < self.at,
            false => value == self.at,
        }
    }
}

impl Tree {
    fn grow(
        columns: &[&Feature],
        target: &[f64],
        trials: Vec<usize>,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let mean =
            trials.iter().map(|trial| target[*trial]).sum::<f64>() / trials.len().max(1) as f64;
        if trials.len() < 2 * LEAF {
            return Self::Leaf(mean);
        }
        let mut best: Option<(f64, Cut)> = None;
        for (column, feature) in columns.iter().enumerate() {
            let Some(cut) = cut(column, feature, &trials, rng) else {
                continue;
            };
            let gain = gain(cut, feature, target, &trials);
            if gain.is_some_and(|gain| best.is_none_or(|(known, _)| gain > known)) {
                best = gain.map(|gain| (gain, cut));
            }
        }
        let Some((_, cut)) = best else {
            return Self::Leaf(mean);
        };
        let values = &columns[cut.column].values;
        let (inside, outside) = trials
            .into_iter()
            .partition(|trial| cut.takes(values[*trial]));
        Self::Cut {
            cut,
            inside: Box::new(Self::grow(columns, target, inside, rng)),
            outside: Box::new(Self::grow(columns, target, outside, rng)),
        }
    }

    fn predict(&self, value: &dyn Fn(usize) -> f64) -> f64 {
        match self {
            Self::Leaf(mean) => *mean,
            Self::Cut {
                cut,
                inside,
                outside,
            } => match cut.takes(value(cut.column)) {
                true => inside.predict(value),
                false => outside.predict(value),
            },
        }
    }
}

/// A cut at random through these trials; none where they are alike.
fn cut(column: usize, feature: &Feature, trials: &[usize], rng: &mut ChaCha8Rng) -> Option<Cut> {
    let values = trials.iter().map(|trial| feature.values[*trial]);
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let at = match feature.ordered {
        // Above the least, so that neither side is empty.
        true => high - rng.random_range(0.0..1.0) * (high - low),
        false => feature.values[trials[rng.random_range(0..trials.len())]],
    };
    (high > low).then_some(Cut {
        column,
        at,
        ordered: feature.ordered,
    })
}

/// By how much a cut lessens the squared deviations from the means; none where a side is too small.
fn gain(cut: Cut, feature: &Feature, target: &[f64], trials: &[usize]) -> Option<f64> {
    let (mut sums, mut counts) = ([0.0; 2], [0_usize; 2]);
    for trial in trials {
        let side = usize::from(cut.takes(feature.values[*trial]));
        sums[side] += target[*trial];
        counts[side] += 1;
    }
    let large = counts.iter().all(|count| *count >= LEAF);
    let [outside, inside] = [0, 1].map(|side| sums[side] * sums[side] / counts[side].max(1) as f64);
    let all = (sums[0] + sums[1]).powi(2) / trials.len() as f64;
    large.then_some(outside + inside - all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three choices of 60 trials: a word that decides, a number that helps, one that does nothing.
    fn choices() -> (Vec<Choice>, Vec<f64>) {
        let one = |values: Vec<f64>, ordered| Choice {
            features: vec![Feature { values, ordered }],
        };
        let kind: Vec<f64> = (0..60).map(|i| f64::from(i % 3)).collect();
        let width: Vec<f64> = (0..60).map(|i| f64::from(i * 7 % 5)).collect();
        let idle: Vec<f64> = (0..60).map(|i| f64::from(i * 11 % 4)).collect();
        let figure = kind
            .iter()
            .zip(&width)
            .map(|(kind, width)| match *kind == 1.0 {
                true => 10.0 + width,
                false => *width,
            });
        let figure = figure.collect();
        (
            vec![one(kind, false), one(width, true), one(idle, false)],
            figure,
        )
    }

    #[test]
    fn what_decides_is_most_important_and_what_does_nothing_is_not() {
        let (choices, figure) = choices();
        let found = importances(&choices, &figure, Seed::new(1)).expect("60 trials");
        let [kind, width, idle] = found.shares[..] else {
            panic!("three")
        };
        assert!(kind > 0.7 && width > 0.02 && idle < 0.02, "{found:?}");
        assert!((kind + width + idle - 1.0).abs() < 1e-9);
        assert!(found.explained > 0.9, "{found:?}");
        assert_eq!(
            importances(&choices, &figure, Seed::new(1)),
            Some(found),
            "repeats"
        );
    }

    #[test]
    fn noise_is_not_explained_and_too_little_is_not_looked_at() {
        let (choices, figure) = choices();
        let noise: Vec<f64> = (0..60).map(|i| f64::from(i * 7919 % 61)).collect();
        let found = importances(&choices, &noise, Seed::new(1)).expect("60 trials");
        assert!(found.explained < 0.3, "{found:?}");
        assert_eq!(
            importances(&choices, &[1.0; 60], Seed::new(1)),
            None,
            "all alike"
        );
        assert_eq!(
            importances(&choices, &figure[..59], Seed::new(1)),
            None,
            "other trials"
        );
        let few = Choice {
            features: vec![Feature {
                values: vec![0.0; 7],
                ordered: true,
            }],
        };
        assert_eq!(
            importances(&[few], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], Seed::new(1)),
            None
        );
    }
}
