//! Constants of a schedule: the only place where weight values appear.

use std::sync::Arc;

use crate::ckks::ConstantId;
use crate::ckks::placed::PlacedMap;

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// One vector, for `add_plain`; `values.len()` (a power of two, at most the slots) is its period:
    /// slot `i` holds `values[i mod len]`.
    Vector(Vec<f64>),
    /// The diagonals of a linear map, term by term, each of `period` values (as above), already rotated back
    /// by the term's giant step. Length `terms · period`.
    Diagonals {
        /// Number of values of each diagonal.
        period: usize,
        /// Term-major values.
        values: Vec<f64>,
    },
    /// A linear map by its weights, from which the diagonals are found ([`crate::ckks::Diagonals`]).
    Placed(Arc<PlacedMap>),
}

impl Constant {
    /// All values that are stored, in order.
    pub fn values(&self) -> &[f64] {
        match self {
            Constant::Vector(values) => values,
            Constant::Diagonals { period: _, values } => values,
            Constant::Placed(map) => &map.values,
        }
    }

    /// The number of slots after which the values of one plaintext repeat.
    pub fn period(&self) -> usize {
        match self {
            Constant::Vector(values) => values.len(),
            Constant::Diagonals { period, values: _ } => *period,
            Constant::Placed(map) => map.period,
        }
    }

    /// The word for the kind of constant.
    pub fn kind(&self) -> &'static str {
        match self {
            Constant::Vector(_) => "vector",
            Constant::Diagonals { .. } => "diagonals",
            Constant::Placed(_) => "placed map",
        }
    }
}

/// The constants of a schedule, by name, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constants {
    /// `(name, value)`; names are unique, at most 256 bytes long and consist of the letters `a-z` and `A-Z`,
    /// digits, `_`, `-`, `.` and `/`.
    pub entries: Vec<(String, Constant)>,
}

impl Constants {
    /// The constant of an id and its name, if there is one.
    pub fn get(&self, id: ConstantId) -> Option<(&str, &Constant)> {
        let (name, value) = self.entries.get(id.0 as usize)?;
        Some((name, value))
    }

    /// The number of constants.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Whether a character may stand in a constant's name.
pub(crate) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/')
}
