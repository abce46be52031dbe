//! The steps of an output transform.

use serde::{Deserialize, Serialize};

/// One thing that a client does to decrypted outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OutputStep {
    /// `exp(x_i) / Σ exp(x_j)` in each group.
    Softmax(Groups),
    /// The logarithm of the softmax.
    LogSoftmax(Groups),
    /// 1 for the largest of each group, the first of equals, 0 for the others.
    Hardmax(Groups),
    /// The position of the largest of each group, the first of equals.
    ArgMax(Groups),
    /// `1 / (1 + exp(−x))`.
    Sigmoid,
    /// `max(alpha · x + beta, 0)`, at most 1.
    HardSigmoid {
        /// The slope.
        alpha: f64,
        /// The value at 0.
        beta: f64,
    },
    /// The hyperbolic tangent.
    Tanh,
    /// `exp(x)`.
    Exp,
    /// `ln(1 + exp(x))`.
    Softplus,
    /// `x` above 0, `slope · x` below: ReLU with slope 0.
    Relu {
        /// The slope below 0.
        slope: f64,
    },
    /// `x`, at least `low` and at most `high`.
    Clip {
        /// The least result.
        low: f64,
        /// The greatest result.
        high: f64,
    },
    /// 1 where `x` is above the threshold, else 0.
    Above {
        /// The threshold.
        threshold: f64,
    },
    /// `scale · x + shift`: one of each, or one an element.
    Affine {
        /// What elements are multiplied by.
        scale: Vec<f64>,
        /// What is added then.
        shift: Vec<f64>,
    },
    /// Of one number `p` the two numbers `1 − p` and `p`.
    Complement,
    /// Divides each group by its norm; a group of norm 0 stays as it is.
    Normalize {
        /// The groups.
        groups: Groups,
        /// The norm.
        norm: Norm,
    },
    /// What the class at a position is called.
    Label {
        /// By position.
        names: Vec<String>,
    },
}

/// How numbers are grouped: element `k` of group `(o, i)` is number `(o · len + k) · inner + i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// Groups behind each other.
    pub outer: usize,
    /// Numbers of a group.
    pub len: usize,
    /// Groups whose numbers alternate.
    pub inner: usize,
}

/// What a group is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// The largest.
    Max,
    /// The sum of magnitudes.
    L1,
    /// The root of the sum of squares.
    L2,
}

impl Norm {
    fn of(self, group: &[f64]) -> f64 {
        match self {
            Norm::Max => group.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Norm::L1 => group.iter().map(|x| x.abs()).sum(),
            Norm::L2 => group.iter().map(|x| x * x).sum::<f64>().sqrt(),
        }
    }
}

impl Groups {
    /// All `len` numbers as one group.
    pub fn whole(len: usize) -> Self {
        Self {
            outer: 1,
            len,
            inner: 1,
        }
    }

    fn total(self) -> Option<usize> {
        self.outer.checked_mul(self.len)?.checked_mul(self.inner)
    }

    /// Group by group, what `make` makes of its numbers, each result where its number was.
    fn each(self, values: &[f64], make: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
        let mut results = values.to_vec();
        for place in self.places() {
            let group: Vec<f64> = place.clone().map(|at| values[at]).collect();
            for (at, result) in place.zip(make(&group)) {
                results[at] = result;
            }
        }
        results
    }

    /// Where the numbers of each group are.
    fn places(self) -> impl Iterator<Item = std::iter::StepBy<std::ops::Range<usize>>> {
        let Self { outer, len, inner } = self;
        let group = move |o: usize, i: usize| {
            let first = o * len * inner + i;
            (first..(o + 1) * len * inner).step_by(inner)
        };
        (0..outer).flat_map(move |o| (0..inner).map(move |i| group(o, i)))
    }
}

impl OutputStep {
    /// What becomes of numbers that [`OutputStep::len`] accepts.
    pub(super) fn apply(&self, values: &[f64]) -> Vec<f64> {
        let each = |f: &dyn Fn(f64) -> f64| values.iter().map(|x| f(*x)).collect();
        match self {
            OutputStep::Softmax(groups) => groups.each(values, softmax),
            OutputStep::LogSoftmax(groups) => groups.each(values, log_softmax),
            OutputStep::Hardmax(groups) => groups.each(values, |group| {
                let best = largest(group);
                let one = |at| f64::from(u8::from(Some(at) == best));
                (0..group.len()).map(one).collect()
            }),
            OutputStep::ArgMax(groups) => {
                let position = |place: std::iter::StepBy<std::ops::Range<usize>>| {
                    let group: Vec<f64> = place.map(|at| values[at]).collect();
                    largest(&group).unwrap_or(0) as f64
                };
                groups.places().map(position).collect()
            }
            OutputStep::Sigmoid => each(&sigmoid),
            OutputStep::HardSigmoid { alpha, beta } => {
                each(&|x| (alpha * x + beta).clamp(0.0, 1.0))
            }
            OutputStep::Tanh => each(&f64::tanh),
            OutputStep::Exp => each(&f64::exp),
            OutputStep::Softplus => each(&|x| x.max(0.0) + (-x.abs()).exp().ln_1p()),
            OutputStep::Relu { slope } => each(&|x| if x < 0.0 { slope * x } else { x }),
            OutputStep::Clip { low, high } => each(&|x| x.max(*low).min(*high)),
            OutputStep::Above { threshold } => each(&|x| f64::from(u8::from(x > *threshold))),
            OutputStep::Affine { scale, shift } => {
                let at = |of: &[f64], i: usize| of.get(i).or(of.first()).copied().unwrap_or(0.0);
                let one = |(i, x): (usize, &f64)| x * at(scale, i) + at(shift, i);
                values.iter().enumerate().map(one).collect()
            }
            OutputStep::Complement => values.iter().flat_map(|p| [1.0 - p, *p]).collect(),
            OutputStep::Normalize { groups, norm } => groups.each(values, |group| {
                let size = norm.of(group);
                let by = if size == 0.0 { 1.0 } else { size };
                group.iter().map(|x| x / by).collect()
            }),
            OutputStep::Label { names } => {
                let number = |position: &f64| {
                    let name = names.get(*position as usize);
                    name.and_then(|name| name.parse().ok()).unwrap_or(*position)
                };
                values.iter().map(number).collect()
            }
        }
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            OutputStep::Softmax(_) => "softmax",
            OutputStep::LogSoftmax(_) => "log-softmax",
            OutputStep::Hardmax(_) => "hardmax",
            OutputStep::ArgMax(_) => "argmax",
            OutputStep::Sigmoid => "sigmoid",
            OutputStep::HardSigmoid { .. } => "hard sigmoid",
            OutputStep::Tanh => "tanh",
            OutputStep::Exp => "exp",
            OutputStep::Softplus => "softplus",
            OutputStep::Relu { .. } => "ReLU",
            OutputStep::Clip { .. } => "clip",
            OutputStep::Above { .. } => "threshold",
            OutputStep::Affine { .. } => "scale and shift",
            OutputStep::Complement => "both probabilities",
            OutputStep::Normalize { .. } => "norm",
            OutputStep::Label { .. } => "label",
        }
    }

    /// How many numbers come out of `len`.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub(super) fn len(&self, len: usize) -> Result<usize, String> {
        let finite = |numbers: &[f64]| match numbers.iter().all(|x| x.is_finite()) {
            true => Ok(len),
            false => Err("a number of its steps is not finite".to_owned()),
        };
        match self {
            OutputStep::Softmax(groups)
            | OutputStep::LogSoftmax(groups)
            | OutputStep::Hardmax(groups)
            | OutputStep::Normalize { groups, .. } => groups.check(len).map(|()| len),
            OutputStep::ArgMax(groups) => {
                groups.check(len)?;
                Ok(len / groups.len)
            }
            OutputStep::Sigmoid | OutputStep::Tanh | OutputStep::Exp | OutputStep::Softplus => {
                Ok(len)
            }
            OutputStep::HardSigmoid { alpha, beta } => finite(&[*alpha, *beta]),
            OutputStep::Relu { slope } => finite(&[*slope]),
            OutputStep::Clip { low, high } => finite(&[*low, *high]),
            OutputStep::Above { threshold } => finite(&[*threshold]),
            OutputStep::Affine { scale, shift } => {
                let fits = |numbers: &[f64]| numbers.len() == 1 || numbers.len() == len;
                match fits(scale) && fits(shift) {
                    true => finite(scale).and_then(|_| finite(shift)),
                    false => Err(format!(
                        "{} scales and {} shifts for {len} numbers",
                        scale.len(),
                        shift.len()
                    )),
                }
            }
            OutputStep::Complement if len == 1 => Ok(2),
            OutputStep::Complement => Err(format!("two numbers of one, made of {len}")),
            OutputStep::Label { names } if len == 1 && !names.is_empty() => Ok(1),
            OutputStep::Label { names } => {
                Err(format!("{} labels for {len} positions", names.len()))
            }
        }
    }

    /// By how much an error of its numbers can grow at most, by the greatest magnitude of its derivative.
    pub(super) fn gain(&self) -> Option<f64> {
        match self {
            // 2 p (1 − p).
            OutputStep::Softmax(_) => Some(0.5),
            OutputStep::LogSoftmax(_) => Some(2.0),
            OutputStep::Sigmoid => Some(0.25),
            OutputStep::HardSigmoid { alpha, .. } => Some(alpha.abs()),
            OutputStep::Tanh
            | OutputStep::Softplus
            | OutputStep::Clip { .. }
            | OutputStep::Complement => Some(1.0),
            OutputStep::Relu { slope } => Some(slope.abs().max(1.0)),
            OutputStep::Affine { scale, .. } => {
                Some(scale.iter().fold(0.0, |most, x| most.max(x.abs())))
            }
            OutputStep::Exp
            | OutputStep::Normalize { .. }
            | OutputStep::Hardmax(_)
            | OutputStep::ArgMax(_)
            | OutputStep::Above { .. }
            | OutputStep::Label { .. } => None,
        }
    }
}

impl Groups {
    fn check(self, len: usize) -> Result<(), String> {
        match self.total() == Some(len) && len > 0 {
            true => Ok(()),
            false => Err(format!(
                "{} · {} · {} numbers in groups where there are {len}",
                self.outer, self.len, self.inner
            )),
        }
    }
}

/// Position of the largest; the first of equals.
pub(super) fn largest(values: &[f64]) -> Option<usize> {
    let better = |best: usize, at: usize| match values[at] > values[best] {
        true => at,
        false => best,
    };
    (0..values.len()).reduce(better)
}

fn softmax(group: &[f64]) -> Vec<f64> {
    log_softmax(group).into_iter().map(f64::exp).collect()
}

fn log_softmax(group: &[f64]) -> Vec<f64> {
    let most = group.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = group.iter().map(|x| (x - most).exp()).sum();
    group.iter().map(|x| x - most - sum.ln()).collect()
}

/// Without the loss of `1 − p` for large negative `x`.
fn sigmoid(x: f64) -> f64 {
    match x < 0.0 {
        true => x.exp() / (1.0 + x.exp()),
        false => 1.0 / (1.0 + (-x).exp()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_taken_along_any_axis() {
        // A tensor of 2 · 3 · 2; along its middle axis.
        let groups = Groups {
            outer: 2,
            len: 3,
            inner: 2,
        };
        let values: Vec<f64> = [1, 9, 5, 2, 3, 4, 0, 0, 7, 8, 6, 9].map(f64::from).into();
        assert_eq!(
            OutputStep::ArgMax(groups).apply(&values),
            [1.0, 0.0, 1.0, 2.0]
        );
        let shares = OutputStep::Softmax(groups).apply(&values);
        for group in groups.places() {
            let sum: f64 = group.map(|at| shares[at]).sum();
            assert!((sum - 1.0).abs() < 1e-12);
        }
        assert_eq!(OutputStep::ArgMax(groups).len(12), Ok(4));
        assert!(OutputStep::ArgMax(groups).len(11).is_err());
    }

    #[test]
    fn large_scores_neither_overflow_nor_lose_their_sum() {
        let shares = OutputStep::Softmax(Groups::whole(3)).apply(&[1000.0, 999.0, -1000.0]);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12 && shares[0] > shares[1]);
        let sigmoid = OutputStep::Sigmoid.apply(&[-1000.0, 0.0, 1000.0]);
        assert_eq!(sigmoid, [0.0, 0.5, 1.0]);
    }

    #[test]
    fn no_step_grows_an_error_by_more_than_its_gain() {
        let step = [
            OutputStep::Softmax(Groups::whole(3)),
            OutputStep::LogSoftmax(Groups::whole(3)),
            OutputStep::Sigmoid,
            OutputStep::Tanh,
            OutputStep::Softplus,
            OutputStep::Relu { slope: -3.0 },
            OutputStep::HardSigmoid {
                alpha: 0.2,
                beta: 0.5,
            },
            OutputStep::Clip {
                low: -1.0,
                high: 0.5,
            },
            OutputStep::Affine {
                scale: vec![2.0, -5.0, 1.0],
                shift: vec![1.0],
            },
        ];
        let error = 1e-4;
        for step in step {
            let gain = step.gain().unwrap();
            for seed in 0..200u32 {
                let number = |k: u32| f64::from((seed * 7919 + k * 104_729) % 1000) / 200.0 - 2.5;
                let values = [number(1), number(2), number(3)];
                let sign = |k: u32| if (seed >> k) & 1 == 1 { error } else { -error };
                let moved: Vec<f64> = (0..3).map(|k| values[k as usize] + sign(k)).collect();
                let pairs = step.apply(&values).into_iter().zip(step.apply(&moved));
                let grown = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(grown <= gain * error * (1.0 + 1e-6), "{step:?}: {grown}");
            }
        }
    }
}
