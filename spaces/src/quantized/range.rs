//! Ranges of values: what each element can be, and the bounds that a compiler may rely on before weights are known.

use serde::{Deserialize, Serialize};

use super::{IntegerMap, MAX_VALUE, MAX_WEIGHT, Operation, QuantizedNetwork};

/// All integers from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueRange {
    /// The least.
    pub low: i64,
    /// The greatest.
    pub high: i64,
}

impl ValueRange {
    /// The range from `low` to `high`.
    pub const fn new(low: i64, high: i64) -> Self {
        Self { low, high }
    }

    /// Whether `value` lies in it.
    pub fn contains(&self, value: i64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// The smallest range that holds both.
    pub fn union(self, other: Self) -> Self {
        Self::new(self.low.min(other.low), self.high.max(other.high))
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let limited = |v: i64| v.unsigned_abs() <= MAX_VALUE as u64;
        match self.low <= self.high && limited(self.low) && limited(self.high) {
            true => Ok(()),
            false => Err(format!(
                "range {} to {}; an ascending range within ±{MAX_VALUE} is needed",
                self.low, self.high
            )),
        }
    }
}

/// What is promised of a linear map, whatever its values: an instruction sequence that depends on these alone leaks
/// no weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest absolute weight.
    pub weight: i32,
    /// Largest sum of squared weights of a row.
    pub norm_squared: u64,
}

impl Limits {
    /// The bounds that follow from the structure and the bits of weights alone: every weight at ±`weight`.
    pub fn worst_case(map: &IntegerMap, weight: i32) -> Self {
        let norm_squared = map.fan_in() as u64 * u64::from(weight.unsigned_abs()).pow(2);
        Self {
            weight,
            norm_squared,
        }
    }

    /// The tightest bounds of this map. They depend on the values.
    pub fn tight(map: &IntegerMap) -> Self {
        Self {
            weight: map.max_weight(),
            norm_squared: map.norm_squared(),
        }
    }

    pub(super) fn check(&self, map: &IntegerMap) -> Result<(), String> {
        if self.weight < 0 || self.weight > MAX_WEIGHT {
            return Err(format!(
                "weight limit {}; 0 to {MAX_WEIGHT} are possible",
                self.weight
            ));
        }
        if map.max_weight() > self.weight {
            return Err(format!(
                "weight ±{} exceeds its limit {}",
                map.max_weight(),
                self.weight
            ));
        }
        match map.norm_squared() > self.norm_squared {
            true => Err(format!(
                "squared norm {} of a row exceeds its limit {}",
                map.norm_squared(),
                self.norm_squared
            )),
            false => Ok(()),
        }
    }
}

impl QuantizedNetwork {
    /// The range of each element of each node, for inputs in the input range. Exact for single layers, an upper bound
    /// where elements depend on each other. Ends beyond 64 bits saturate (a network refuses them).
    pub fn value_ranges(&self) -> Vec<Vec<ValueRange>> {
        let mut ranges: Vec<Vec<ValueRange>> = Vec::with_capacity(self.nodes().len());
        for node in self.nodes() {
            let of = |position: usize| &ranges[node.inputs[position]];
            let found = match &node.operation {
                Operation::Input(range) => vec![*range; node.len()],
                Operation::Linear { map, .. } => map.ranges(of(0)),
                Operation::Table(table) => (of(0).iter().enumerate())
                    .map(|(element, range)| {
                        let (low, high) =
                            table.image(element / table.channel_len, range.low, range.high);
                        ValueRange::new(low, high)
                    })
                    .collect(),
                Operation::Add => (0..node.len())
                    .map(|e| {
                        let sum = |f: fn(&ValueRange) -> i64| {
                            let ends = (0..node.inputs.len()).map(|i| f(&of(i)[e]));
                            ends.fold(0, i64::saturating_add)
                        };
                        ValueRange::new(sum(|r| r.low), sum(|r| r.high))
                    })
                    .collect(),
                Operation::Concat => (0..node.inputs.len())
                    .flat_map(|i| of(i).iter().copied())
                    .collect(),
            };
            ranges.push(found);
        }
        ranges
    }
}

impl IntegerMap {
    /// The range of each output for these ranges of inputs.
    pub fn ranges(&self, inputs: &[ValueRange]) -> Vec<ValueRange> {
        (0..self.outputs)
            .map(|row| {
                let mut range = ValueRange::new(self.bias[row], self.bias[row]);
                for (column, weight) in self.row(row) {
                    let input = inputs[column as usize];
                    let weight = i64::from(weight);
                    let (a, b) = (
                        input.low.saturating_mul(weight),
                        input.high.saturating_mul(weight),
                    );
                    range.low = range.low.saturating_add(a.min(b));
                    range.high = range.high.saturating_add(a.max(b));
                }
                range
            })
            .collect()
    }
}
