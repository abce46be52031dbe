//! Polynomials of one tensor, one a channel or one for all: what arithmetic nodes build before a layer is made of them.

/// Highest degree of a polynomial layer that is made from arithmetic nodes. A product beyond it is refused: such a
/// polynomial in powers of x loses its precision in 32-bit coefficients.
pub(crate) const MAX_DEGREE: usize = 31;

/// `y[channel] = Σ_k rows[channel or 0][k] · x[channel]^k`; all rows have one length, at least 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Polynomial {
    rows: Vec<Vec<f64>>,
}

impl Polynomial {
    /// `y = x`.
    pub(crate) fn identity() -> Self {
        Self {
            rows: vec![vec![0.0, 1.0]],
        }
    }

    /// `y = x^exponent`.
    pub(crate) fn power(exponent: usize) -> Self {
        let mut row = vec![0.0; exponent + 1];
        row[exponent] = 1.0;
        Self { rows: vec![row] }
    }

    /// `y = values[channel or 0]`; at least one value.
    pub(crate) fn constant(values: Vec<f64>) -> Self {
        Self {
            rows: values.into_iter().map(|value| vec![value]).collect(),
        }
    }

    pub(crate) fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    pub(crate) fn degree(&self) -> usize {
        self.rows[0].len() - 1
    }

    /// How many numbers it is.
    pub(crate) fn len(&self) -> usize {
        self.rows.len() * self.rows[0].len()
    }

    pub(crate) fn is_identity(&self) -> bool {
        self.rows == [[0.0, 1.0]]
    }

    /// Whether every row is `c · x^k` with one `k` for all: its powers have one term too, so nothing is lost in
    /// multiplying them out.
    pub(crate) fn is_single_term(&self) -> bool {
        let degree = self.degree();
        self.rows
            .iter()
            .all(|row| row[..degree].iter().all(|c| *c == 0.0))
    }

    pub(crate) fn add(&self, other: &Self) -> Self {
        self.combine(other, |a, b| {
            let at = |row: &[f64], k: usize| row.get(k).copied().unwrap_or(0.0);
            (0..a.len().max(b.len()))
                .map(|k| at(a, k) + at(b, k))
                .collect()
        })
    }

    pub(crate) fn mul(&self, other: &Self) -> Self {
        self.combine(other, |a, b| {
            let mut product = vec![0.0; a.len() + b.len() - 1];
            for (i, x) in a.iter().enumerate() {
                for (j, y) in b.iter().enumerate() {
                    product[i + j] += x * y;
                }
            }
            product
        })
    }

    /// `self(inner(x))`, by Horner's rule.
    pub(crate) fn of(&self, inner: &Self) -> Self {
        let coefficient =
            |k: usize| Self::constant(self.rows.iter().map(|row| row[k]).collect::<Vec<f64>>());
        (0..self.degree())
            .rev()
            .fold(coefficient(self.degree()), |sum, k| {
                sum.mul(inner).add(&coefficient(k))
            })
    }

    /// Row by row; a single row stands for all channels.
    fn combine(&self, other: &Self, row: impl Fn(&[f64], &[f64]) -> Vec<f64>) -> Self {
        let count = self.rows.len().max(other.rows.len());
        let at = |rows: &'_ [Vec<f64>], index: usize| -> usize { index.min(rows.len() - 1) };
        Self {
            rows: (0..count)
                .map(|i| {
                    row(
                        &self.rows[at(&self.rows, i)],
                        &other.rows[at(&other.rows, i)],
                    )
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composition_multiplies_out() {
        // (2x + 1)² + 3 = 4x² + 4x + 4
        let outer = Polynomial {
            rows: vec![vec![3.0, 0.0, 1.0]],
        };
        let inner = Polynomial {
            rows: vec![vec![1.0, 2.0]],
        };
        assert_eq!(outer.of(&inner).rows, [[4.0, 4.0, 4.0]]);
    }

    #[test]
    fn one_row_stands_for_all_channels() {
        let channels = Polynomial::constant(vec![2.0, 3.0]);
        assert_eq!(
            Polynomial::power(2).mul(&channels).rows,
            [[0.0, 0.0, 2.0], [0.0, 0.0, 3.0]]
        );
    }
}
