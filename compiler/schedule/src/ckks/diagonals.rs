//! The diagonals of a linear map one at a time, however the constant stores them.

use std::borrow::Cow;

use crate::ckks::placed::Expansion;
use crate::ckks::{Constant, LinearTerm};

/// A source of diagonals: it owns what it needs, so that a server may ask for one while others are at work.
pub enum Diagonals {
    /// They are all there.
    Dense {
        /// Number of values of each.
        period: usize,
        /// Term-major values.
        values: Vec<f64>,
    },
    /// They are found from the weights.
    Placed(Expansion),
}

impl Diagonals {
    /// The source that a constant is, for ciphertexts of `slots` slots; `None` for a vector.
    pub fn of(constant: &Constant, slots: usize) -> Option<Self> {
        match constant {
            Constant::Vector(_) => None,
            Constant::Diagonals { period, values } => Some(Self::Dense {
                period: *period,
                values: values.clone(),
            }),
            Constant::Placed(map) => Some(Self::Placed(Expansion::new(map, slots))),
        }
    }

    /// Number of values of each diagonal: slot `i` holds value `i mod period`.
    pub fn period(&self) -> usize {
        match self {
            Diagonals::Dense { period, values: _ } => *period,
            Diagonals::Placed(map) => map.period(),
        }
    }

    /// The values of term number `index` of the plan, which is `term`; none where the constant has no such term.
    pub fn get(&self, index: usize, term: &LinearTerm) -> Cow<'_, [f64]> {
        match self {
            Diagonals::Dense { period, values } => {
                let found = values.chunks_exact((*period).max(1)).nth(index);
                Cow::Borrowed(found.unwrap_or_default())
            }
            Diagonals::Placed(map) => Cow::Owned(map.diagonal(term)),
        }
    }
}
