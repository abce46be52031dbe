//! A net's tensors in floats, for several inputs at once.

use rayon::prelude::*;

use super::{Bias, Net, NodeKind, TensorId, Term};

/// Rows of a map that one thread computes at least.
const ROWS: usize = 16;

/// The tensor of node `id` for `L` inputs side by side; `tensors` are those of the nodes before it. `add` adds to a
/// sum the product of a weight and what it multiplies: [`axpy`], or something that errs.
///
/// The net has values, and operands come before the nodes that read them.
pub fn value<const L: usize>(
    net: &Net,
    id: TensorId,
    tensors: &[Vec<[f64; L]>],
    add: impl Fn(&mut [f64; L], f64, &[f64; L]) + Sync,
) -> Vec<[f64; L]> {
    let node = net.node(id);
    match &node.kind {
        NodeKind::Input => tensors[id.0].clone(),
        NodeKind::Product(a, b) => {
            let (a, b) = (&tensors[a.0], &tensors[b.0]);
            let product = |(a, b): (&[f64; L], &[f64; L])| std::array::from_fn(|l| a[l] * b[l]);
            a.iter().zip(b).map(product).collect()
        }
        NodeKind::WindowSum { input, side } => {
            let window = |e| super::window(node.shape, *side, e);
            let sum = |e| {
                let mut sum = [0.0; L];
                window(e).for_each(|x| axpy(&mut sum, 1.0, &tensors[input.0][x]));
                sum
            };
            (0..node.shape.len()).map(sum).collect()
        }
        NodeKind::Linear { terms, bias } => linear(terms, bias, node.shape.len(), tensors, add),
    }
}

/// Takes away the values of tensors that nothing reads any more (`Net::last_reads`).
pub fn forget<V>(tensors: &mut [Vec<V>], done: &[TensorId]) {
    done.iter().for_each(|id| tensors[id.0] = Vec::new());
}

fn linear<const L: usize>(
    terms: &[Term],
    bias: &Bias,
    len: usize,
    tensors: &[Vec<[f64; L]>],
    add: impl Fn(&mut [f64; L], f64, &[f64; L]) + Sync,
) -> Vec<[f64; L]> {
    // Compiled for the processor's widest vectors; the sums are the same at any width and on any number of threads.
    let row = |row: usize| pulp::Arch::new().dispatch(|| sum(terms, bias, row, tensors, &add));
    let rows = (0..len).into_par_iter().with_min_len(ROWS);
    rows.map(row).collect()
}

/// One row of a linear node.
#[inline(always)]
fn sum<const L: usize>(
    terms: &[Term],
    bias: &Bias,
    row: usize,
    tensors: &[Vec<[f64; L]>],
    add: impl Fn(&mut [f64; L], f64, &[f64; L]),
) -> [f64; L] {
    let mut sum = match bias {
        Bias::Vector(Some(values)) => [values[row]; L],
        Bias::Vector(None) | Bias::None => [0.0; L],
    };
    for Term { input, map } in terms {
        for (column, a) in map.columns(row).iter().zip(map.values(row)) {
            add(&mut sum, *a, &tensors[input.0][*column as usize]);
        }
    }
    sum
}

/// Adds `a · x` to the sum.
#[inline(always)]
pub fn axpy<const L: usize>(sum: &mut [f64; L], a: f64, x: &[f64; L]) {
    for (s, x) in sum.iter_mut().zip(x) {
        *s += a * x;
    }
}
