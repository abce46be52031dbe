//! The matrix product, on slices of larger matrices and adding to what is there; burn's makes a new tensor each time.

/// A matrix of 32-bit floats, possibly transposed, row-major otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    /// From a row to the next, and from a column to the next, in elements.
    steps: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// `data` is row-major.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a matrix of {rows}x{columns}");
        Self {
            data,
            rows,
            columns,
            steps: [columns, 1],
        }
    }

    /// The same numbers with rows for columns.
    pub fn transposed(self) -> Self {
        let [row, column] = self.steps;
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            steps: [column, row],
        }
    }
}

/// `a·b`, into `output` (row-major) or, with `add`, onto it. On the calling thread alone.
#[allow(
    unsafe_code,
    reason = "gemm takes pointers; every length is checked before"
)]
pub(super) fn multiply(a: Matrix<'_>, b: Matrix<'_>, output: &mut [f32], add: bool) {
    let (rows, inner, columns) = (a.rows, a.columns, b.columns);
    assert_eq!(inner, b.rows, "inner sides of a product");
    assert_eq!(output.len(), rows * columns, "sides of a product's output");
    // At most the length of a slice of floats, so it fits.
    let step = |step: usize| step as isize;
    // SAFETY: `Matrix::new` and the assertions above have checked that each operand holds as many elements as its sides say,
    // each step pair walks exactly these, and `output` is borrowed alone.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            output.as_mut_ptr(),
            1,
            step(columns),
            add,
            a.data.as_ptr(),
            step(a.steps[1]),
            step(a.steps[0]),
            b.data.as_ptr(),
            step(b.steps[1]),
            step(b.steps[0]),
            1.0f32,
            1.0f32,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_definition() {
        for (rows, inner, columns) in [(1, 1, 1), (3, 5, 2), (40, 17, 33), (7, 300, 16), (2, 0, 3)]
        {
            let number = |i: usize| ((i * 37) % 11) as f32 - 5.0;
            let a: Vec<f32> = (0..rows * inner).map(number).collect();
            let b: Vec<f32> = (0..inner * columns).map(|i| number(i + 3)).collect();
            let term = |r: usize, k: usize, c: usize| a[r * inner + k] * b[k * columns + c];
            let entry = |r, c| (0..inner).map(|k| term(r, k, c)).sum::<f32>();
            let expected: Vec<f32> = (0..rows * columns)
                .map(|i| entry(i / columns, i % columns))
                .collect();
            let flip = |m: &[f32], rows: usize, columns: usize| -> Vec<f32> {
                let index = |i: usize| (i % rows) * columns + i / rows;
                (0..m.len()).map(|i| m[index(i)]).collect()
            };
            // Whole numbers, so that every order of summing gives the same.
            let (a_flipped, b_flipped) = (flip(&a, rows, inner), flip(&b, inner, columns));
            let ways = [
                (
                    Matrix::new(&a, rows, inner),
                    Matrix::new(&b, inner, columns),
                ),
                (
                    Matrix::new(&a_flipped, inner, rows).transposed(),
                    Matrix::new(&b_flipped, columns, inner).transposed(),
                ),
            ];
            for (a, b) in ways {
                let mut output = vec![f32::NAN; rows * columns];
                multiply(a, b, &mut output, false);
                assert_eq!(output, expected);
                multiply(a, b, &mut output, true);
                let twice: Vec<f32> = expected.iter().map(|v| 2.0 * v).collect();
                assert_eq!(output, twice);
            }
        }
    }
}
