//! What a layer computes, said once: a sparse affine map, a polynomial, a sum or a concatenation.

/// What a layer computes on its inputs, element by element in channel-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// The network's input.
    Input,
    /// One input `x`, output `A x + b` with a sparse `A`.
    Linear(LinearMap),
    /// One input, each element through the polynomial of its channel.
    Poly(PolyMap),
    /// One input, its elements compared with numbers or with each other; computed in the clear alone.
    Clear(ClearMap),
    /// Two or more inputs of one shape, summed.
    Add,
    /// Inputs of equal height and width, joined along the channels in order.
    Concat,
}

/// A comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum ClearMap {
    /// `slope · x` below 0, `x` up to `cap`, `cap` above.
    Relu {
        /// Slope below 0.
        slope: f64,
        /// The greatest result.
        cap: f64,
    },
    /// Of each output `r` the greatest of the elements `columns[row_starts[r]..row_starts[r + 1]]`; 0 of none.
    Greatest {
        /// Where the elements of each output begin, and where the last end.
        row_starts: Vec<u32>,
        /// The elements.
        columns: Vec<u32>,
    },
}

impl ClearMap {
    /// The outputs for an input.
    pub fn run(&self, x: &[f64]) -> Vec<f64> {
        match self {
            Self::Relu { slope, cap } => {
                let of = |x: &f64| if *x < 0.0 { slope * x } else { x.min(*cap) };
                x.iter().map(of).collect()
            }
            Self::Greatest {
                row_starts,
                columns,
            } => {
                // What is no number stays so.
                let greater = |a: f64, b: f64| if a.is_nan() || a > b { a } else { b };
                let greatest = |ends: &[u32]| {
                    let own = &columns[ends[0] as usize..ends[1] as usize];
                    let seen = own.iter().map(|column| x[*column as usize]);
                    seen.reduce(greater).unwrap_or(0.0)
                };
                row_starts.windows(2).map(greatest).collect()
            }
        }
    }
}

/// A coefficient of a map: fixed by the layer's structure, or an element of one of its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Coefficient {
    /// A number that no training changes (the 1/k² of an average pool).
    Fixed(f64),
    /// Element `index` of the layer's parameter number `tensor` (the order of [`crate::Layer::parameters`]).
    Parameter {
        /// Which of the layer's parameters.
        tensor: u8,
        /// Which element, in row-major order.
        index: u32,
    },
}

/// A sparse affine map in compressed rows. Its structure never depends on weight values.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearMap {
    /// Number of input elements (columns).
    pub inputs: usize,
    /// Number of output elements (rows).
    pub outputs: usize,
    /// Row `r` holds the entries `row_starts[r]..row_starts[r + 1]`; length `outputs + 1`.
    pub row_starts: Vec<u32>,
    /// Column of each entry, strictly ascending within a row.
    pub columns: Vec<u32>,
    /// Coefficient of each entry.
    pub coefficients: Vec<Coefficient>,
    /// Constant added to each output; length `outputs`.
    pub bias: Vec<Coefficient>,
}

impl LinearMap {
    /// Builds a map from rows: `row(r)` gives the entries of output `r` (any order, each column at most once) and its
    /// bias.
    pub fn from_rows(
        inputs: usize,
        outputs: usize,
        mut row: impl FnMut(usize, &mut Vec<(u32, Coefficient)>) -> Coefficient,
    ) -> Self {
        let mut map = Self {
            inputs,
            outputs,
            row_starts: Vec::with_capacity(outputs + 1),
            columns: Vec::new(),
            coefficients: Vec::new(),
            bias: Vec::with_capacity(outputs),
        };
        map.row_starts.push(0);
        let mut entries = Vec::new();
        for r in 0..outputs {
            entries.clear();
            map.bias.push(row(r, &mut entries));
            entries.sort_unstable_by_key(|e| e.0);
            map.columns.extend(entries.iter().map(|e| e.0));
            map.coefficients.extend(entries.iter().map(|e| e.1));
            map.row_starts.push(map.columns.len() as u32);
        }
        map
    }

    /// The entries of output `row`: `(column, coefficient)`, columns ascending.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (u32, Coefficient)> + '_ {
        let range = self.row_starts[row] as usize..self.row_starts[row + 1] as usize;
        self.columns[range.clone()]
            .iter()
            .copied()
            .zip(self.coefficients[range].iter().copied())
    }
}

/// A polynomial a channel: `y = Σ_k coefficients[channel][k] · x^k`.
#[derive(Clone, Debug, PartialEq)]
pub struct PolyMap {
    /// Degree of the polynomials.
    pub degree: usize,
    /// Elements of a channel (height × width); element `e` belongs to channel `e / channel_len`.
    pub channel_len: usize,
    /// `[channel][k]`, `k` from 0 to `degree`.
    pub coefficients: Vec<Vec<Coefficient>>,
}
