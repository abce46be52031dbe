//! Add, Sum, Mean, Sub, Mul, Div, Neg, Pow and Concat: arithmetic on tensors, and with constants of any shape that
//! broadcasts.

use hemet_spaces::{Layer, Shape};

use crate::Error;
use crate::constant::Constant;
use crate::forms::Signal;
use crate::limits::MAX_ELEMENTS;
use crate::movement::{Movement, NOTHING, broadcast, expand};
use crate::network::LayerId;
use crate::node::Node;
use crate::polynomial::MAX_DEGREE;
use crate::state::{Import, Value};

/// The operands of a node of two inputs, of equal extents.
enum Operands {
    Signals(Signal, Signal),
    /// A tensor and constants for its elements, or one for all.
    Right(Signal, Vec<f64>),
    /// The constants stand first.
    Left(Vec<f64>, Signal),
}

pub(super) fn add<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    let (left, right) = (import.needed(node, 0)?, import.needed(node, 1)?);
    added(import, node, left, right)
}

fn added<'m>(
    import: &mut Import<'m>,
    node: Node<'m>,
    left: Value<'m>,
    right: Value<'m>,
) -> Result<Signal, Error> {
    match operands(import, node, left, right)? {
        Operands::Signals(left, right) => import.sum(node, &left, &right),
        Operands::Right(signal, values) | Operands::Left(values, signal) => {
            import.scaled(node, &signal, None, Some(&values))
        }
    }
}

/// Sum and Mean of any number of inputs.
pub(super) fn sum<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&[])?;
    let count = node.proto.input.len();
    let mut sum = import.needed(node, 0)?;
    for index in 1..count {
        let next = import.needed(node, index)?;
        sum = Value::Signal(added(import, node, sum, next)?);
    }
    let Value::Signal(sum) = sum else {
        return Err(node.damaged("it has no input that depends on the network's"));
    };
    match node.operator() {
        "Mean" => import.scaled(node, &sum, Some(&[1.0 / count as f64]), None),
        _ => Ok(sum),
    }
}

pub(super) fn sub<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    let (left, right) = (import.needed(node, 0)?, import.needed(node, 1)?);
    match operands(import, node, left, right)? {
        Operands::Signals(left, right) => {
            let right = import.scaled(node, &right, Some(&[-1.0]), None)?;
            import.sum(node, &left, &right)
        }
        Operands::Right(signal, values) => {
            let shift: Vec<f64> = values.iter().map(|v| -v).collect();
            import.scaled(node, &signal, None, Some(&shift))
        }
        Operands::Left(values, signal) => {
            import.scaled(node, &signal, Some(&[-1.0]), Some(&values))
        }
    }
}

pub(super) fn mul<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    let (left, right) = (import.needed(node, 0)?, import.needed(node, 1)?);
    match operands(import, node, left, right)? {
        Operands::Signals(left, right) => import.product(node, &left, &right)?.ok_or_else(|| {
            node.unsupported(
                "it multiplies two different tensors",
                "only polynomials of one tensor (x·x, a·x·x + b·x + c) are read, or use Concat or Add",
            )
        }),
        Operands::Right(signal, values) | Operands::Left(values, signal) => {
            import.scaled(node, &signal, Some(&values), None)
        }
    }
}

pub(super) fn div<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    let (left, right) = (import.needed(node, 0)?, import.needed(node, 1)?);
    match operands(import, node, left, right)? {
        Operands::Right(_, values) if values.contains(&0.0) => {
            Err(node.damaged("it divides by zero"))
        }
        Operands::Right(signal, values) => {
            let factor: Vec<f64> = values.iter().map(|v| 1.0 / v).collect();
            import.scaled(node, &signal, Some(&factor), None)
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
    import.scaled(node, &signal, Some(&[-1.0]), None)
}

pub(super) fn pow<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&[])?;
    let signal = import.signal(node, 0)?;
    let signal = import.settled(node, &signal)?;
    let exponents = import.constant(node, 1)?;
    let Some(exponent) = exponents.single() else {
        return Err(node.unsupported(
            format!("it has {} exponents", exponents.len()),
            "use one number",
        ));
    };
    match (1..=MAX_DEGREE).find(|k| *k as f64 == exponent) {
        Some(whole) if exponents.dims.len() <= signal.dims().len() => {
            import.power(node, &signal, whole)
        }
        _ => Err(node.unsupported(
            format!("its exponent is {exponent}"),
            format!("use a whole number from 1 to {MAX_DEGREE}, or fit it by a polynomial"),
        )),
    }
}

fn operands<'m>(
    import: &mut Import<'m>,
    node: Node<'m>,
    left: Value<'m>,
    right: Value<'m>,
) -> Result<Operands, Error> {
    node.expect_attributes(&["axis", "broadcast"])?;
    match (left, right) {
        (Value::Signal(left), Value::Signal(right)) => {
            let (left, right) = (import.settled(node, &left)?, import.settled(node, &right)?);
            let dims = common(node, left.dims(), right.dims())?;
            let left = broadened(import, node, &left, &dims)?;
            let right = broadened(import, node, &right, &dims)?;
            Ok(Operands::Signals(left, right))
        }
        (Value::Signal(signal), Value::Constant(constant)) => {
            let (signal, values) = constants(import, node, &signal, &constant)?;
            Ok(Operands::Right(signal, values))
        }
        (Value::Constant(constant), Value::Signal(signal)) => {
            let (signal, values) = constants(import, node, &signal, &constant)?;
            Ok(Operands::Left(values, signal))
        }
        (Value::Constant(_), Value::Constant(_)) => Err(node.unsupported(
            "both inputs are constants",
            "fold constants when exporting the model",
        )),
    }
}

/// The extents that both take together.
fn common(node: Node<'_>, left: &[usize], right: &[usize]) -> Result<Vec<usize>, Error> {
    let dims = broadcast(left, right).ok_or_else(|| {
        node.unsupported(
            format!("its inputs have the shapes {left:?} and {right:?}"),
            "both must have one shape, or broadcast to one",
        )
    })?;
    let len = dims
        .iter()
        .try_fold(1usize, |len, dim| len.checked_mul(*dim));
    match len {
        Some(1..=MAX_ELEMENTS) => Ok(dims),
        _ => Err(node.unsupported(
            format!("its inputs {left:?} and {right:?} have too many elements together, or none"),
            "use smaller tensors",
        )),
    }
}

fn broadened(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: &Signal,
    dims: &[usize],
) -> Result<Signal, Error> {
    match signal.dims() == dims {
        true => Ok(signal.clone()),
        false => import.moved(node, signal, &expand(signal.dims(), dims)),
    }
}

/// The tensor, and the constant as one number, or one for each of its elements.
pub(super) fn constants(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: &Signal,
    constant: &Constant<'_>,
) -> Result<(Signal, Vec<f64>), Error> {
    let signal = import.settled(node, signal)?;
    let dims = common(node, signal.dims(), &constant.dims)?;
    let signal = broadened(import, node, &signal, &dims)?;
    if let Some(number) = constant.single() {
        return Ok((signal, vec![number]));
    }
    import.budget.take(node.name(), &[2, signal.view.len()])?;
    let numbers: Vec<f64> = constant.numbers().collect();
    let movement = expand(&constant.dims, &dims);
    let at = |index: usize| movement.position(index).map_or(0.0, |p| numbers[p]);
    Ok((signal.clone(), (0..movement.len()).map(at).collect()))
}

pub(super) fn concat<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&["axis"])?;
    let mut signals = Vec::new();
    for index in 0..node.proto.input.len() {
        let signal = import.signal(node, index)?;
        signals.push(import.unpadded(node, &signal)?);
    }
    let Some(first) = signals.first() else {
        return Err(node.damaged("it has no inputs"));
    };
    let rank = first.dims().len();
    let axis = node.axis(node.integer("axis", 1)?, rank)?;
    for signal in &signals {
        let fits =
            |other: usize| other == axis || signal.dims().get(other) == first.dims().get(other);
        if signal.dims().len() != rank || !(0..rank).all(fits) {
            return Err(node.damaged(format!(
                "it joins {:?} and {:?} along axis {axis}",
                first.dims(),
                signal.dims()
            )));
        }
    }
    match signals.len() {
        1 => Ok(signals.remove(0)),
        _ => joined(import, node, &signals, axis),
    }
}

/// The tensors joined along an axis: elements of one layer, or of a Concat of several.
pub(crate) fn joined(
    import: &mut Import<'_>,
    node: Node<'_>,
    signals: &[Signal],
    axis: usize,
) -> Result<Signal, Error> {
    let len: usize = signals.iter().map(|signal| signal.view.len()).sum();
    import.budget.take(node.name(), &[2, len])?;
    let same = signals.iter().all(|signal| signal.form == signals[0].form);
    let mut offsets = vec![0; signals.len()];
    let mut base = None;
    if !same {
        let layers = side_by_side(import, node, signals)?;
        let mut offset = 0;
        for (place, layer) in offsets.iter_mut().zip(&layers) {
            *place = offset;
            offset += import.network.shape(*layer).len();
        }
        base = Some(
            import
                .network
                .add(node.name(), Layer::Concat, &layers, Vec::new())?,
        );
    }
    let mut dims = signals[0].dims().to_vec();
    dims[axis] = signals.iter().map(|signal| signal.dims()[axis]).sum();
    let behind: usize = dims[axis + 1..].iter().product();
    let before: usize = dims[..axis].iter().product();
    let mut from = Vec::with_capacity(len);
    for row in 0..before {
        for (signal, offset) in signals.iter().zip(&offsets) {
            let count = signal.dims()[axis] * behind;
            from.extend((row * count..(row + 1) * count).map(|index| {
                let position = signal.view.position(index);
                position.map_or(NOTHING, |position| (position + offset) as u32)
            }));
        }
    }
    let view = Movement {
        dims,
        from: Some(from.into()),
    };
    match base {
        Some(base) => {
            let layer = import.signal_of(base, view.dims.clone());
            let len = import.base_shape(&layer).len();
            Ok(Signal {
                view: view.simplified(len),
                ..layer
            })
        }
        None => {
            let len = import.base_shape(&signals[0]).len();
            Ok(Signal {
                view: view.simplified(len),
                ..signals[0].clone()
            })
        }
    }
}

/// The layers that the tensors are made of, with equal height and width.
fn side_by_side(
    import: &mut Import<'_>,
    node: Node<'_>,
    signals: &[Signal],
) -> Result<Vec<LayerId>, Error> {
    let mut layers = Vec::new();
    for signal in signals {
        layers.push(import.form_layer(node, signal)?);
    }
    let sides = |shape: Shape| (shape.height, shape.width);
    let first = sides(import.network.shape(layers[0]));
    if layers
        .iter()
        .all(|layer| sides(import.network.shape(*layer)) == first)
    {
        return Ok(layers);
    }
    // As rows of elements.
    let mut rows = Vec::new();
    for layer in layers {
        let len = import.network.shape(layer).len();
        let row = import.signal_of(layer, vec![1, len]);
        rows.push(import.layer(node, &row)?);
    }
    Ok(rows)
}
