//! Add, Sum, Sub, Mul, Div, Neg, Pow and Concat: arithmetic on tensors and with constants of each channel.

use hemet_spaces::Layer;

use crate::Error;
use crate::import::{Import, Value};
use crate::limits::MAX_ELEMENTS;
use crate::node::Node;
use crate::polynomial::MAX_DEGREE;
use crate::signal::Signal;
use crate::tensor::Constant;

/// The operands of a node of two inputs.
enum Operands {
    Signals(Signal, Signal),
    /// A tensor and a constant: one number, or one a channel.
    Right(Signal, Vec<f64>),
    /// The constant stands first.
    Left(Vec<f64>, Signal),
}

pub(super) fn add<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    match operands(import, node)? {
        Operands::Signals(left, right) => import.sum(node, left, right),
        Operands::Right(signal, values) | Operands::Left(values, signal) => {
            import.scale_and_shift(node, signal, None, Some(values))
        }
    }
}

pub(super) fn sum<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    match node.proto.input.len() {
        1 => import.signal(node, 0),
        2 => add(import, node),
        count => Err(node.unsupported(
            format!("it has {count} inputs"),
            "use Add with two inputs each",
        )),
    }
}

pub(super) fn sub<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    match operands(import, node)? {
        Operands::Signals(left, right) => {
            let right = import.negated(node, right)?;
            import.sum(node, left, right)
        }
        Operands::Right(signal, values) => {
            let shift = values.iter().map(|v| -v).collect();
            import.scale_and_shift(node, signal, None, Some(shift))
        }
        Operands::Left(values, signal) => {
            import.scale_and_shift(node, signal, Some(vec![-1.0]), Some(values))
        }
    }
}

pub(super) fn mul<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    match operands(import, node)? {
        Operands::Signals(left, right) => import.product(node, left, right)?.ok_or_else(|| {
            node.unsupported(
                "it multiplies two different tensors",
                "only polynomials of one tensor (x·x, a·x·x + b·x + c) are read, or use Concat or Add",
            )
        }),
        Operands::Right(signal, values) | Operands::Left(values, signal) => {
            import.scale_and_shift(node, signal, Some(values), None)
        }
    }
}

pub(super) fn div<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    match operands(import, node)? {
        Operands::Right(_, values) if values.contains(&0.0) => {
            Err(node.damaged("it divides by zero"))
        }
        Operands::Right(signal, values) => {
            let factor = values.iter().map(|v| 1.0 / v).collect();
            import.scale_and_shift(node, signal, Some(factor), None)
        }
        Operands::Signals(..) | Operands::Left(..) => Err(node.unsupported(
            "it divides by a tensor",
            "divide by constants only, or fit 1/x by a polynomial and write it as Mul and Add",
        )),
    }
}

pub(super) fn neg<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&[])?;
    let signal = import.signal(node, 0)?;
    let signal = import.settled(node, signal)?;
    import.negated(node, signal)
}

pub(super) fn pow<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&[])?;
    let signal = import.signal(node, 0)?;
    let signal = import.settled(node, signal)?;
    let exponents = import.constant(node, 1)?;
    let exponent = match (exponents.len(), exponents.numbers().next()) {
        (1, Some(exponent)) => exponent,
        (len, _) => {
            return Err(node.unsupported(format!("it has {len} exponents"), "use one number"));
        }
    };
    let whole = (1..=MAX_DEGREE).find(|k| *k as f64 == exponent);
    match whole {
        Some(whole) if exponents.dims.len() <= rank(signal) => import.power(node, signal, whole),
        _ => Err(node.unsupported(
            format!("its exponent is {exponent}"),
            format!("use a whole number from 1 to {MAX_DEGREE}, or fit it by a polynomial"),
        )),
    }
}

pub(super) fn concat<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&["axis"])?;
    let mut signals = Vec::new();
    for index in 0..node.proto.input.len() {
        signals.push(import.signal(node, index)?);
    }
    let Some(first) = signals.first().copied() else {
        return Err(node.damaged("it has no inputs"));
    };
    let axis = node.integer("axis", i64::MIN)?;
    if axis != 1 && axis != 1 - rank(first) as i64 {
        return Err(node.unsupported(
            format!("its axis is {axis}"),
            "only channels (axis 1) can be joined",
        ));
    }
    if signals.iter().any(|s| s.flat != first.flat) {
        return Err(node.damaged("it joins maps with flattened tensors"));
    }
    if signals.len() == 1 {
        return Ok(first);
    }
    let mut layers = Vec::new();
    for signal in signals {
        layers.push(import.layer(node, signal)?);
    }
    let layer = import
        .network
        .add(node.name(), Layer::Concat, &layers, Vec::new())?;
    Ok(import.signal_of(layer, first.flat))
}

fn rank(signal: Signal) -> usize {
    if signal.flat { 2 } else { 4 }
}

fn operands<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Operands, Error> {
    node.expect_attributes(&[])?;
    match (import.value(node, 0)?, import.value(node, 1)?) {
        (Some(Value::Signal(left)), Some(Value::Signal(right))) => {
            let (left, right) = (import.settled(node, left)?, import.settled(node, right)?);
            let shapes = (import.shape(left), import.shape(right));
            if left.flat != right.flat || shapes.0 != shapes.1 {
                return Err(node.unsupported(
                    format!("its inputs have the shapes {} and {}", shapes.0, shapes.1),
                    "both must have one shape",
                ));
            }
            Ok(Operands::Signals(left, right))
        }
        (Some(Value::Signal(signal)), Some(Value::Constant(constant))) => {
            let signal = import.settled(node, signal)?;
            let values = channel_values(import, node, signal, &constant)?;
            Ok(Operands::Right(signal, values))
        }
        (Some(Value::Constant(constant)), Some(Value::Signal(signal))) => {
            let signal = import.settled(node, signal)?;
            let values = channel_values(import, node, signal, &constant)?;
            Ok(Operands::Left(values, signal))
        }
        (Some(Value::Constant(_)), Some(Value::Constant(_))) => Err(node.unsupported(
            "both inputs are constants",
            "fold constants when exporting the model",
        )),
        (None, _) | (_, None) => Err(node.damaged("it needs two inputs")),
    }
}

/// The constant as one number, or one a channel, by the rules of broadcasting.
fn channel_values(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: Signal,
    constant: &Constant<'_>,
) -> Result<Vec<f64>, Error> {
    let shape = import.shape(signal);
    let refuse = || {
        node.unsupported(
            format!(
                "its constant of shape {:?} is not one number a channel of {shape}",
                constant.dims
            ),
            "use one number, or one for each channel: shape [channels, 1, 1]",
        )
    };
    let rank = rank(signal);
    if constant.dims.len() > rank || constant.len() == 0 || constant.len() > MAX_ELEMENTS {
        return Err(refuse());
    }
    import.budget.take(node.name(), &[constant.len()])?;
    if constant.len() == 1 {
        return Ok(constant.numbers().collect());
    }
    // Right-aligned on [batch][channels][height][width] or [batch][elements].
    let mut dims = [1; 4];
    dims[rank - constant.dims.len()..rank].copy_from_slice(&constant.dims);
    let per_channel = match (signal.flat, dims) {
        (true, [1, elements, 1, 1]) if elements == shape.len() => shape.height * shape.width,
        (false, [1, c, h, w]) => {
            let fits = |dim: usize, size: usize| dim == 1 || dim == size;
            if !(fits(c, shape.channels) && fits(h, shape.height) && fits(w, shape.width)) {
                return Err(refuse());
            }
            h * w
        }
        _ => return Err(refuse()),
    };
    let numbers: Vec<f64> = constant.numbers().collect();
    let channels = numbers.chunks_exact(per_channel);
    if channels.clone().any(|c| c.iter().any(|x| *x != c[0])) {
        return Err(refuse());
    }
    Ok(channels.map(|c| c[0]).collect())
}
