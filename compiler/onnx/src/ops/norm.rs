//! BatchNormalization and Dropout as they are at inference.

use hemet_spaces::Moments;

use super::arithmetic::constants;
use crate::Error;
use crate::constant::{Constant, NumberKind};
use crate::forms::Signal;
use crate::node::Node;
use crate::state::{Import, Value};

/// `scale · (x − mean) / √(variance + epsilon) + shift`. Behind a layer it is an Affine of its own; behind a
/// polynomial it becomes part of it.
pub(super) fn batch_norm<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&["epsilon", "is_test", "momentum", "spatial", "training_mode"])?;
    let more_outputs = node
        .proto
        .output
        .iter()
        .skip(1)
        .any(|name| !name.is_empty());
    if node.flag("training_mode")? || more_outputs {
        return Err(node.unsupported(
            "it is in training mode",
            "export the model in evaluation mode (model.eval())",
        ));
    }
    if node.integer("spatial", 1)? != 1 {
        return Err(node.unsupported(
            "it has statistics of each place",
            "use statistics of each channel",
        ));
    }
    let signal = import.signal(node, 0)?;
    let signal = import.settled(node, &signal)?;
    let epsilon = f64::from(node.float("epsilon", 1e-5)?);
    let Some(channels) = signal.dims().get(1).copied() else {
        return Err(node.damaged(format!("its input has the shape {:?}", signal.dims())));
    };
    let mut read = |index: usize| -> Result<Vec<f64>, Error> {
        let constant = import.constant(node, index)?;
        if constant.dims != [channels] {
            return Err(node.damaged(format!(
                "its input {index} has the shape {:?}, its input has {channels} channels",
                constant.dims
            )));
        }
        import.budget.take(node.name(), &[channels])?;
        Ok(constant.numbers().collect())
    };
    let (gamma, beta, mean, variance) = (read(1)?, read(2)?, read(3)?, read(4)?);
    let scale = scale(node, &gamma, &variance, epsilon)?;
    let shift: Vec<f64> = (0..channels)
        .map(|c| beta[c] - scale[c] * mean[c])
        .collect();
    let mut dims = vec![channels];
    dims.resize(signal.dims().len() - 1, 1);
    let mut spread = |numbers: Vec<f64>| {
        let constant = Constant::made(node.name(), NumberKind::Float, dims.clone(), numbers);
        constants(import, node, &signal, &constant).map(|(_, numbers)| numbers)
    };
    let (scale, shift) = (spread(scale)?, spread(shift)?);
    let normed = import.scaled(node, &signal, Some(&scale), Some(&shift))?;
    if import.is_affine(&normed) {
        let layer = import.form_layer(node, &normed)?;
        if normed.view.from.is_none() && import.network.shape(layer).channels == channels {
            let moments = moments(&gamma, beta, &variance, epsilon);
            let name = import.network.name(layer).to_owned();
            import.moments.insert(name, moments);
        }
    }
    Ok(normed)
}

/// `gamma / √(variance + epsilon)` of each channel.
fn scale(node: Node<'_>, gamma: &[f64], variance: &[f64], epsilon: f64) -> Result<Vec<f64>, Error> {
    if let Some(channel) = variance.iter().position(|v| v + epsilon <= 0.0) {
        return Err(node.damaged(format!(
            "the variance of channel {channel} is {} with epsilon {epsilon}",
            variance[channel]
        )));
    }
    let pairs = gamma.iter().zip(variance);
    Ok(pairs
        .map(|(gamma, variance)| gamma / (variance + epsilon).sqrt())
        .collect())
}

/// What training saw behind the batch norm.
fn moments(gamma: &[f64], beta: Vec<f64>, variance: &[f64], epsilon: f64) -> Moments {
    let pairs = gamma.iter().zip(variance);
    let deviation = pairs.map(|(gamma, v)| gamma.abs() * (v.max(0.0) / (v + epsilon)).sqrt());
    Moments {
        mean: beta,
        deviation: deviation.collect(),
    }
}

pub(super) fn dropout<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&["is_test", "ratio", "seed"])?;
    let training = match import.value(node, 2)? {
        None => false,
        Some(Value::Constant(flag)) => flag.numbers().any(|x| x != 0.0),
        Some(Value::Signal(_)) => true,
    };
    if training {
        return Err(node.unsupported(
            "it is in training mode",
            "export the model in evaluation mode (model.eval())",
        ));
    }
    import.signal(node, 0)
}
