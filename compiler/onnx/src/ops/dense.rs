//! Gemm and MatMul with a constant matrix: dense layers.

use hemet_spaces::Layer;
use hemet_spaces::layer::Dense;

use crate::Error;
use crate::import::Import;
use crate::node::Node;
use crate::signal::Signal;
use crate::tensor::Constant;

pub(super) fn gemm<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&["alpha", "beta", "transA", "transB"])?;
    let signal = import.signal(node, 0)?;
    let matrix = import.constant(node, 1)?;
    let added = import.optional_constant(node, 2)?;
    if node.flag("transA")? {
        return Err(node.unsupported("transA is 1", "only weights can be transposed"));
    }
    let transposed = node.flag("transB")?;
    let scale = node.float("alpha", 1.0)?;
    let beta = node.float("beta", 1.0)?;
    let (weight, out_features) = weight(import, node, signal, &matrix, transposed)?;
    let weight = match scale {
        1.0 => weight,
        scale => weight.into_iter().map(|w| w * scale).collect(),
    };
    let bias = match added {
        None => None,
        Some(added) => Some(bias(import, node, &added, beta, out_features)?),
    };
    dense(import, node, signal, weight, bias)
}

pub(super) fn mat_mul<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&[])?;
    let signal = import.signal(node, 0)?;
    let matrix = import.constant(node, 1)?;
    let (weight, _) = weight(import, node, signal, &matrix, false)?;
    dense(import, node, signal, weight, None)
}

/// The weight as `[out_features][in_features]`, and out_features.
fn weight(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: Signal,
    matrix: &Constant<'_>,
    transposed: bool,
) -> Result<(Vec<f32>, usize), Error> {
    if !signal.flat {
        return Err(node.unsupported(
            "its input has the shape [batch, channels, height, width]",
            "put Flatten before it",
        ));
    }
    let elements = import.shape(signal).len();
    let [first, second] = matrix.dims[..] else {
        return Err(node.unsupported(
            format!("its constant has the shape {:?}", matrix.dims),
            "only a matrix can stand there",
        ));
    };
    let (inputs, outputs) = match transposed {
        true => (second, first),
        false => (first, second),
    };
    if inputs != elements || outputs == 0 {
        return Err(node.damaged(format!(
            "its matrix takes {inputs} and gives {outputs} elements, its input has {elements}"
        )));
    }
    import.budget.take(node.name(), &[2, inputs, outputs])?;
    let weights = matrix.weights();
    if transposed {
        return Ok((weights, outputs));
    }
    let column = |output: usize| weights.iter().skip(output).step_by(outputs).copied();
    Ok(((0..outputs).flat_map(column).collect(), outputs))
}

/// `beta · added` as one number an output; `added` has one number, or one an output.
fn bias(
    import: &mut Import<'_>,
    node: Node<'_>,
    added: &Constant<'_>,
    beta: f32,
    outputs: usize,
) -> Result<Vec<f32>, Error> {
    let is_row = matches!(added.dims[..], [] | [_] | [1, _]);
    if !is_row || (added.len() != 1 && added.len() != outputs) {
        return Err(node.unsupported(
            format!("it adds a constant of shape {:?}", added.dims),
            format!("only one number, or one for each of the {outputs} outputs, can be added"),
        ));
    }
    import.budget.take(node.name(), &[outputs])?;
    let values = added.weights();
    Ok((0..outputs)
        .map(|output| beta * values[output.min(values.len() - 1)])
        .collect())
}

fn dense(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: Signal,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
) -> Result<Signal, Error> {
    let elements = import.shape(signal).len();
    let dense = Dense {
        out_features: weight.len() / elements,
        bias: bias.is_some(),
    };
    let mut tensors = vec![weight];
    tensors.extend(bias);
    let input = import.layer(node, signal)?;
    let layer = import
        .network
        .add(node.name(), Layer::Dense(dense), &[input], tensors)?;
    Ok(import.signal_of(layer, true))
}
