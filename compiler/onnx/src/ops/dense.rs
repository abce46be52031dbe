//! Gemm and MatMul with a constant matrix: dense layers, or convolutions of one place where there are several rows.

use hemet_spaces::Layer;
use hemet_spaces::layer::{Conv, Dense};

use super::moves::transposed;
use crate::Error;
use crate::constant::Constant;
use crate::forms::Signal;
use crate::movement::{Movement, broadcast};
use crate::node::Node;
use crate::state::{Import, Value};

/// A matrix `[inputs][outputs]`.
pub(super) struct Matrix {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) numbers: Vec<f32>,
}

impl Matrix {
    fn new(
        import: &mut Import<'_>,
        node: Node<'_>,
        constant: &Constant<'_>,
        transposed: bool,
    ) -> Result<Self, Error> {
        // Leading axes of 1 say nothing.
        let lead = constant.dims.iter().take_while(|dim| **dim == 1).count();
        let lead = lead.min(constant.dims.len().saturating_sub(2));
        let (first, second) = match constant.dims[lead..] {
            [n] => (n, 1),
            [first, second] => (first, second),
            _ => {
                return Err(node.unsupported(
                    format!("its constant has the shape {:?}", constant.dims),
                    "only a matrix can stand there",
                ));
            }
        };
        import.budget.take(node.name(), &[2, constant.len()])?;
        let matrix = Self {
            inputs: first,
            outputs: second,
            numbers: constant.weights(),
        };
        Ok(match transposed {
            true => matrix.turned(),
            false => matrix,
        })
    }

    fn turned(self) -> Self {
        let column = |column: usize| {
            self.numbers
                .iter()
                .skip(column)
                .step_by(self.outputs.max(1))
                .copied()
        };
        Self {
            inputs: self.outputs,
            outputs: self.inputs,
            numbers: (0..self.outputs).flat_map(column).collect(),
        }
    }
}

pub(super) fn gemm<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&["alpha", "beta", "broadcast", "transA", "transB"])?;
    let (alpha, beta) = (node.float("alpha", 1.0)?, node.float("beta", 1.0)?);
    let (turned_a, turned_b) = (node.flag("transA")?, node.flag("transB")?);
    let product = match (import.needed(node, 0)?, import.needed(node, 1)?) {
        (Value::Signal(signal), Value::Constant(matrix)) => {
            let mut matrix = Matrix::new(import, node, &matrix, turned_b)?;
            matrix.numbers.iter_mut().for_each(|w| *w *= alpha);
            let signal = flipped(import, node, &signal, turned_a)?;
            times(import, node, &signal, matrix)?
        }
        (Value::Constant(matrix), Value::Signal(signal)) => {
            let mut matrix = Matrix::new(import, node, &matrix, turned_a)?;
            matrix.numbers.iter_mut().for_each(|w| *w *= alpha);
            let signal = flipped(import, node, &signal, turned_b)?;
            after(import, node, &signal, matrix)?
        }
        (Value::Signal(_), Value::Signal(_)) => return Err(two_tensors(node)),
        (Value::Constant(_), Value::Constant(_)) => {
            return Err(node.unsupported(
                "both inputs are constants",
                "fold constants when exporting the model",
            ));
        }
    };
    match import.optional_constant(node, 2)? {
        Some(added) if beta != 0.0 => {
            let dims = broadcast(product.dims(), &added.dims);
            if dims.as_deref() != Some(product.dims()) {
                return Err(node.damaged(format!(
                    "it adds a constant of shape {:?} to {:?}",
                    added.dims,
                    product.dims()
                )));
            }
            import.budget.take(node.name(), product.dims())?;
            let movement = crate::movement::expand(&added.dims, product.dims());
            let spread = added.moved(node.name(), &movement);
            let shift: Vec<f64> = spread.numbers().map(|x| x * f64::from(beta)).collect();
            import.scaled(node, &product, None, Some(&shift))
        }
        Some(_) | None => Ok(product),
    }
}

fn flipped(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: &Signal,
    flips: bool,
) -> Result<Signal, Error> {
    match (flips, signal.dims().len()) {
        (false, _) => Ok(signal.clone()),
        (true, rank) => import.moved(node, signal, &last_two(signal.dims(), rank)),
    }
}

/// The last two axes exchanged.
fn last_two(dims: &[usize], rank: usize) -> Movement {
    let mut perm: Vec<usize> = (0..rank).collect();
    if rank >= 2 {
        perm.swap(rank - 1, rank - 2);
    }
    transposed(dims, &perm)
}

fn two_tensors(node: Node<'_>) -> Error {
    node.unsupported(
        "it multiplies two tensors that both depend on the input",
        "attention and the like cannot be computed with one level a layer; use convolutions or dense layers",
    )
}

pub(super) fn mat_mul<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&[])?;
    match (import.needed(node, 0)?, import.needed(node, 1)?) {
        (Value::Signal(signal), Value::Constant(constant)) => {
            let matrix = Matrix::new(import, node, &constant, false)?;
            let product = times(import, node, &signal, matrix)?;
            match constant.dims.len() {
                1 => {
                    let mut dims = product.dims().to_vec();
                    dims.pop();
                    import.moved(node, &product, &Movement::in_order(dims))
                }
                _ => Ok(product),
            }
        }
        (Value::Constant(constant), Value::Signal(signal)) => {
            let matrix = Matrix::new(import, node, &constant, constant.dims.len() == 1)?;
            after(import, node, &signal, matrix)
        }
        (Value::Signal(_), Value::Signal(_)) => Err(two_tensors(node)),
        (Value::Constant(_), Value::Constant(_)) => Err(node.unsupported(
            "both inputs are constants",
            "fold constants when exporting the model",
        )),
    }
}

/// `matrix · signal`.
fn after(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: &Signal,
    matrix: Matrix,
) -> Result<Signal, Error> {
    let turned = flipped(import, node, signal, true)?;
    let product = times(import, node, &turned, matrix.turned())?;
    flipped(import, node, &product, true)
}

/// `signal · matrix`, over the tensor's last axis.
pub(super) fn times(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: &Signal,
    matrix: Matrix,
) -> Result<Signal, Error> {
    let signal = import.unpadded(node, signal)?;
    let mut dims = signal.dims().to_vec();
    let Some(last) = dims
        .pop()
        .filter(|last| *last == matrix.inputs && matrix.outputs > 0)
    else {
        return Err(node.damaged(format!(
            "its matrix takes {} and gives {} elements, its input has the shape {:?}",
            matrix.inputs,
            matrix.outputs,
            signal.dims()
        )));
    };
    let rows: usize = dims.iter().product();
    dims.push(matrix.outputs);
    if rows == 1 {
        return dense(import, node, &signal, matrix, dims);
    }
    // Rows side by side, features as channels.
    let together = import.moved(node, &signal, &Movement::in_order(vec![rows, last]))?;
    let turned = import.moved(node, &together, &transposed(&[rows, last], &[1, 0]))?;
    let maps = import.moved(node, &turned, &Movement::in_order(vec![1, last, rows]))?;
    let input = import.layer(node, &maps)?;
    let outputs = matrix.outputs;
    let layer = import.network.add(
        node.name(),
        Layer::Conv(Conv::same(outputs, 1)),
        &[input],
        vec![matrix.turned().numbers],
    )?;
    let product = import.signal_of(layer, vec![outputs, rows]);
    let turned = import.moved(node, &product, &transposed(&[outputs, rows], &[1, 0]))?;
    import.moved(node, &turned, &Movement::in_order(dims))
}

fn dense(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: &Signal,
    matrix: Matrix,
    dims: Vec<usize>,
) -> Result<Signal, Error> {
    let (inputs, outputs) = (matrix.inputs, matrix.outputs);
    let mut weight = matrix.turned().numbers;
    let len = import.base_shape(signal).len();
    let input = match (&signal.view.from, signal.view.is_bijection(len)) {
        // The columns move instead of the elements.
        (Some(from), true) => {
            let mut moved = vec![0.0; weight.len()];
            for (row, old) in moved
                .chunks_exact_mut(inputs)
                .zip(weight.chunks_exact(inputs))
            {
                for (column, position) in from.iter().enumerate() {
                    row[*position as usize] = old[column];
                }
            }
            weight = moved;
            import.form_layer(node, signal)?
        }
        (Some(_), false) | (None, _) => import.flat_layer(node, signal)?,
    };
    let dense = Dense {
        out_features: outputs,
        bias: false,
        circulant: 1,
    };
    let layer = import
        .network
        .add(node.name(), Layer::Dense(dense), &[input], vec![weight])?;
    Ok(import.signal_of(layer, dims))
}
