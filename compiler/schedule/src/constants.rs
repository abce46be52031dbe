//! Constants of a schedule: the only place where weight values appear.

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// One vector, for `add_plain` and `mul_plain`; `values.len()` (a power of two, at most the slots) is its period:
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
}

/// The constants of a schedule, by name, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constants {
    /// `(name, value)`; names are unique and consist of letters, digits, `_`, `.` and `/`.
    pub entries: Vec<(String, Constant)>,
}
