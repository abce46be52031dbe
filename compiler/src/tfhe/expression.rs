//! Composition of the linear nodes between two tables into one map, with bounds that do not depend on weight values.
//!
//! All maps here have global columns: the results of all sources (the input and the tables), one after the other.

use hemet_spaces::quantized::{IntegerMap, Limits};

/// A linear combination of sources.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// Over global columns.
    pub map: IntegerMap,
    /// Bounds on `map` that follow from the bounds of the nodes.
    pub limits: Limits,
}

impl Expression {
    /// The `len` values from global column `offset` on, of `columns`.
    pub fn source(offset: usize, len: usize, columns: usize) -> Self {
        let rows = (0..len).map(|i| (vec![((offset + i) as u32, 1)], 0));
        Self {
            map: IntegerMap::from_rows(columns, rows),
            limits: Limits {
                weight: 1,
                norm_squared: 1,
            },
        }
    }

    /// `outer` applied to this; none where a weight leaves 32 bits.
    pub fn then(&self, outer: &IntegerMap, limits: &Limits) -> Option<Self> {
        if self.is_identity_like() {
            return Some(Self {
                map: outer.after(&self.map)?,
                limits: *limits,
            });
        }
        let map = outer.after(&self.map)?;
        let disjoint = (0..outer.outputs).all(|row| {
            let apart: usize = outer
                .row(row)
                .map(|(middle, _)| self.map.row(middle as usize).count())
                .sum();
            apart == map.row(row).count()
        });
        let fan_in = outer.fan_in() as u64;
        let norm_1 = (fan_in.saturating_mul(limits.weight.unsigned_abs().into()))
            .min((fan_in as f64 * limits.norm_squared as f64).sqrt().ceil() as u64);
        let (weight_factor, norm_factor) = match disjoint {
            true => (limits.weight.unsigned_abs().into(), limits.norm_squared),
            false => (norm_1, norm_1.saturating_mul(norm_1)),
        };
        Some(Self {
            map,
            limits: Limits {
                weight: clamp(
                    weight_factor.saturating_mul(self.limits.weight.unsigned_abs().into()),
                ),
                norm_squared: norm_factor.saturating_mul(self.limits.norm_squared),
            },
        })
    }

    /// Whether every row is one source value unchanged.
    fn is_identity_like(&self) -> bool {
        let unit = |row| self.map.row(row).map(|(_, w)| w).eq([1]);
        self.limits.norm_squared == 1
            && self.map.bias.iter().all(|b| *b == 0)
            && (0..self.map.outputs).all(unit)
    }

    /// The sums of expressions of equal length; none where a weight leaves 32 bits.
    pub fn sum(terms: &[&Self]) -> Option<Self> {
        let (first, rest) = terms.split_first()?;
        let mut total = (*first).clone();
        for term in rest {
            total = total.plus(term)?;
        }
        Some(total)
    }

    fn plus(&self, other: &Self) -> Option<Self> {
        let mut disjoint = true;
        let mut rows = Vec::with_capacity(self.map.outputs);
        for row in 0..self.map.outputs {
            let mut sums: std::collections::BTreeMap<u32, i32> = self.map.row(row).collect();
            for (column, weight) in other.map.row(row) {
                disjoint &= !sums.contains_key(&column);
                let sum = sums.entry(column).or_insert(0);
                *sum = sum.checked_add(weight)?;
            }
            rows.push((
                sums.into_iter().collect(),
                self.map.bias[row].checked_add(other.map.bias[row])?,
            ));
        }
        let (a, b) = (self.limits, other.limits);
        let both = ((a.norm_squared as f64).sqrt() + (b.norm_squared as f64).sqrt())
            .powi(2)
            .ceil() as u64;
        let limits = match disjoint {
            true => Limits {
                weight: a.weight.max(b.weight),
                norm_squared: a.norm_squared.saturating_add(b.norm_squared),
            },
            false => Limits {
                weight: a.weight.saturating_add(b.weight),
                norm_squared: both,
            },
        };
        Some(Self {
            map: IntegerMap::from_rows(self.map.inputs, rows),
            limits,
        })
    }

    /// Expressions one after the other.
    pub fn concat(parts: &[&Self]) -> Option<Self> {
        let columns = parts.first()?.map.inputs;
        let rows = parts.iter().flat_map(|part| {
            (0..part.map.outputs).map(|row| (part.map.row(row).collect(), part.map.bias[row]))
        });
        Some(Self {
            map: IntegerMap::from_rows(columns, rows),
            limits: Limits {
                weight: parts.iter().map(|p| p.limits.weight).max()?,
                norm_squared: parts.iter().map(|p| p.limits.norm_squared).max()?,
            },
        })
    }
}

fn clamp(value: u64) -> i32 {
    value.min(i32::MAX as u64) as i32
}
