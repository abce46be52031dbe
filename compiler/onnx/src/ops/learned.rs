//! The operators of `ai.onnx.ml` that are linear: LinearClassifier, LinearRegressor and Scaler of scikit-learn's
//! models.

use super::arithmetic::constants;
use super::dense::{Matrix, times};
use crate::Error;
use crate::constant::{Constant, NumberKind};
use crate::forms::Signal;
use crate::node::Node;
use crate::state::Import;

/// `(x − offset) · scale`.
pub(super) fn scaler<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&["offset", "scale"])?;
    let signal = import.signal(node, 0)?;
    let mut numbers = |name: &str, default: f64| -> Result<Vec<f64>, Error> {
        let floats = node.attribute(name).map_or(&[][..], |a| &a.floats);
        let numbers = match floats {
            [] => vec![default],
            floats => floats.iter().map(|x| f64::from(*x)).collect(),
        };
        let dims = vec![numbers.len()];
        let constant = Constant::made(node.name(), NumberKind::Float, dims, numbers);
        let (_, spread) = constants(import, node, &signal, &constant)?;
        Ok(spread)
    };
    let (offset, scale) = (numbers("offset", 0.0)?, numbers("scale", 1.0)?);
    let at = |values: &[f64], index: usize| values[index.min(values.len() - 1)];
    let count = offset.len().max(scale.len());
    let shift: Vec<f64> = (0..count)
        .map(|i| -at(&offset, i) * at(&scale, i))
        .collect();
    import.scaled(node, &signal, Some(&scale), Some(&shift))
}

/// LinearRegressor and the scores of LinearClassifier, before any function of them: `coefficients · x + intercepts`.
pub(super) fn linear<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    let signal = import.signal(node, 0)?;
    let floats = |name: &str| node.attribute(name).map_or(&[][..], |a| &a.floats);
    let (coefficients, intercepts) = (floats("coefficients"), floats("intercepts"));
    let inputs = signal.dims().last().copied().unwrap_or(0);
    let classes = |name: &str| {
        node.attribute(name)
            .map_or(0, |a| a.ints.len().max(a.strings.len()))
    };
    let wanted = match node.operator() {
        "LinearRegressor" => usize::try_from(node.integer("targets", 1)?).unwrap_or(0),
        _ => classes("classlabels_ints").max(classes("classlabels_strings")),
    };
    let outputs = match inputs {
        0 => 0,
        inputs => coefficients.len() / inputs,
    };
    // Of two classes either one score is given or two.
    let fits =
        outputs == wanted || (node.operator() != "LinearRegressor" && wanted == 2 && outputs == 1);
    if outputs == 0 || coefficients.len() != outputs * inputs || !fits {
        return Err(node.damaged(format!(
            "it has {} coefficients for {inputs} features and {wanted} outputs",
            coefficients.len()
        )));
    }
    import.budget.take(node.name(), &[2, coefficients.len()])?;
    let column = |input: usize| coefficients.iter().skip(input).step_by(inputs).copied();
    let matrix = Matrix {
        inputs,
        outputs,
        numbers: (0..inputs).flat_map(column).collect(),
    };
    let scores = times(import, node, &signal, matrix)?;
    match intercepts.len() {
        0 => Ok(scores),
        len if len == outputs => {
            let shift: Vec<f64> = intercepts.iter().map(|x| f64::from(*x)).collect();
            import.scaled(node, &scores, None, Some(&shift))
        }
        len => Err(node.damaged(format!("it has {len} intercepts for {outputs} outputs"))),
    }
}
