//! The functions that tables hold, from a normed accumulator to a small integer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a table computes before it is rounded to its levels. Inputs are those of a batch norm, so they are of order
/// one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TableFunction {
    /// `max(x, 0)`, clipped at 2.
    #[default]
    Relu,
    /// −1 or 1.
    Sign,
    /// `x / (1 + e^−x)` (Hendrycks and Gimpel 2016; Elfwing et al. 2018), clipped at 3; not monotone.
    Silu,
    /// `x·Φ(x)` (Hendrycks and Gimpel 2016) in its tanh form, clipped at 3; not monotone.
    Gelu,
}

/// Where a function is looked at when its edges are sought: beyond this all have reached their ends.
const FAR: f64 = 12.0;

/// A function rounded to levels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    function: TableFunction,
    /// The greatest level; the least is 0.
    top: i32,
    /// What the function rises by from level to level.
    step: f64,
    /// The function's least value: level 0.
    least: f64,
}

impl Levels {
    /// `function` rounded to `2^bits` levels; the sign has two whatever `bits` says.
    pub fn new(function: TableFunction, bits: u32) -> Self {
        let top = match function {
            TableFunction::Sign => 1,
            TableFunction::Relu | TableFunction::Silu | TableFunction::Gelu => (1 << bits) - 1,
        };
        let (least, greatest) = match function {
            TableFunction::Relu => (0.0, 2.0),
            TableFunction::Sign => (-1.0, 1.0),
            TableFunction::Silu => (-0.278_464_542_761_074, 3.0),
            TableFunction::Gelu => (-0.170_040_747_066_13, 3.0),
        };
        let step = (greatest - least) / f64::from(top);
        Self {
            function,
            top,
            step,
            least,
        }
    }

    /// The function itself, not rounded.
    fn exact(&self, x: f64) -> f64 {
        match self.function {
            TableFunction::Relu => x.max(0.0),
            TableFunction::Sign => match x >= 0.0 {
                true => 1.0,
                false => -1.0,
            },
            TableFunction::Silu => x / (1.0 + (-x).exp()),
            TableFunction::Gelu => {
                let root = std::f64::consts::FRAC_2_PI.sqrt();
                0.5 * x * (1.0 + (root * (x + 0.044_715 * x.powi(3))).tanh())
            }
        }
    }

    /// The integer for `x`: a level, moved so that the middle one is near 0, which keeps sums of many small. The sign
    /// gives −1 and 1.
    pub fn value(&self, x: f64) -> i32 {
        let level = ((self.exact(x) - self.least) / self.step).round();
        let level = level.clamp(0.0, f64::from(self.top)) as i32;
        match self.function {
            TableFunction::Sign => 2 * level - 1,
            TableFunction::Relu | TableFunction::Silu | TableFunction::Gelu => level - self.top / 2,
        }
    }

    /// The slope that training passes back through the rounding (a straight-through estimator, Bengio et al. 2013), in
    /// integers a unit of `x`: that of the function, and 0 beyond half a level from where it is clipped.
    pub fn slope(&self, x: f64) -> f64 {
        let margin = self.step / 2.0;
        let greatest = self.least + self.step * f64::from(self.top);
        let inside = self.exact(x) <= greatest + margin;
        let slope = match self.function {
            TableFunction::Relu => f64::from(x >= -margin && inside),
            // Hard tanh: the sign has two units between its values.
            TableFunction::Sign => return f64::from(x.abs() <= 1.0),
            TableFunction::Silu | TableFunction::Gelu => {
                let h = 1e-4;
                (self.exact(x + h) - self.exact(x - h)) / (2.0 * h) * f64::from(inside)
            }
        };
        slope / self.step
    }

    /// The integers far to the left and far to the right.
    pub fn ends(&self) -> (i32, i32) {
        (self.value(-FAR), self.value(FAR))
    }

    /// From where to where the integers change: beyond, the function is at its ends.
    pub fn edges(&self) -> (f64, f64) {
        let steps = 1i32 << 10;
        let at = |i: i32| FAR * f64::from(i) / f64::from(steps);
        let (left, right) = self.ends();
        let first = (-steps..=steps).find(|i| self.value(at(*i)) != left);
        let last = (-steps..=steps).rev().find(|i| self.value(at(*i)) != right);
        (at(first.unwrap_or(0) - 1), at(last.unwrap_or(0) + 1))
    }

    /// The least and the greatest integer.
    pub fn range(&self) -> (i32, i32) {
        match self.function {
            TableFunction::Sign => (-1, 1),
            TableFunction::Relu | TableFunction::Silu | TableFunction::Gelu => {
                (-(self.top / 2), self.top - self.top / 2)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [TableFunction; 4] = [
        TableFunction::Relu,
        TableFunction::Sign,
        TableFunction::Silu,
        TableFunction::Gelu,
    ];

    #[test]
    fn values_stay_in_their_range_and_both_ends_are_taken() {
        for function in ALL {
            for bits in 1..=4 {
                let levels = Levels::new(function, bits);
                let all: Vec<i32> = (-3000..=3000)
                    .map(|i| levels.value(f64::from(i) / 250.0))
                    .collect();
                let (least, greatest) = levels.range();
                assert_eq!(all.iter().min(), Some(&least), "{function:?} {bits}");
                assert_eq!(all.iter().max(), Some(&greatest), "{function:?} {bits}");
            }
        }
    }

    #[test]
    fn beyond_the_edges_nothing_changes() {
        for function in ALL {
            let levels = Levels::new(function, 3);
            let ((first, last), (left, right)) = (levels.edges(), levels.ends());
            assert!(first <= last, "{function:?}: {first} {last}");
            for far in 1..40 {
                let by = f64::from(far) * 0.1;
                assert_eq!(levels.value(first - 0.02 - by), left, "{function:?}");
                assert_eq!(levels.value(last + 0.02 + by), right, "{function:?}");
            }
        }
    }

    #[test]
    fn silu_falls_below_its_end_and_relu_does_not() {
        let lowest = |function| {
            let levels = Levels::new(function, 4);
            let low = (-1200..0).map(|i| levels.value(f64::from(i) / 100.0)).min();
            (low.unwrap_or(0), levels.ends().0)
        };
        let (low, end) = lowest(TableFunction::Silu);
        assert!(low < end, "{low} {end}");
        let (low, end) = lowest(TableFunction::Relu);
        assert_eq!(low, end);
    }
}
