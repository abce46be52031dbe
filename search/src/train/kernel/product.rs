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
    // SAFETY: `Matrix::new` and the assertions above have checked that each operand holds as many elements as its
    // sides say, each step pair walks exactly these, and `output` is borrowed alone.
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

    /// The safe twin of [`multiply`]: the definition.
    fn by_definition(a: Matrix<'_>, b: Matrix<'_>, output: &mut [f32], add: bool) {
        let entry = |m: &Matrix<'_>, r: usize, c: usize| m.data[r * m.steps[0] + c * m.steps[1]];
        for (i, output) in output.iter_mut().enumerate() {
            let (r, c) = (i / b.columns, i % b.columns);
            let sum: f32 = (0..a.columns)
                .map(|k| entry(&a, r, k) * entry(&b, k, c))
                .sum();
            *output = if add { *output + sum } else { sum };
        }
    }

    #[test]
    fn products_are_those_of_the_definition() {
        // Whole numbers, so that every order of summing gives the same.
        let numbers =
            |len: usize| -> Vec<f32> { (0..len).map(|i| ((i * 37) % 11) as f32 - 5.0).collect() };
        let sides = [
            (1, 1, 1),
            (3, 5, 2),
            (40, 17, 33),
            (7, 300, 16),
            (2, 0, 3),
            (130, 64, 96),
        ];
        for (rows, inner, columns) in sides {
            let (a, b) = (numbers(rows * inner), numbers(inner * columns));
            let lefts = [
                Matrix::new(&a, rows, inner),
                Matrix::new(&a, inner, rows).transposed(),
            ];
            let rights = [
                Matrix::new(&b, inner, columns),
                Matrix::new(&b, columns, inner).transposed(),
            ];
            for (a, b) in lefts
                .iter()
                .flat_map(|a| rights.iter().map(move |b| (*a, *b)))
            {
                let [mut own, mut expected] = [0, 1].map(|_| vec![f32::NAN; rows * columns]);
                for add in [false, true] {
                    multiply(a, b, &mut own, add);
                    by_definition(a, b, &mut expected, add);
                    assert_eq!(
                        own, expected,
                        "{rows}x{inner} by {inner}x{columns}, add {add}"
                    );
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "inner sides")]
    fn sides_that_do_not_fit_are_refused() {
        let (a, b) = ([1.0; 6], [1.0; 6]);
        multiply(
            Matrix::new(&a, 2, 3),
            Matrix::new(&b, 2, 3),
            &mut [0.0; 6],
            false,
        );
    }
}
