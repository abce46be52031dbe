//! Where: of each element one of two tensors, by a constant.

use crate::Error;
use crate::forms::Signal;
use crate::limits::MAX_ELEMENTS;
use crate::movement::{Movement, broadcast, expand};
use crate::node::Node;
use crate::state::{Import, Value};

/// What would do instead of a comparison.
pub(super) const COMPARISON: &str = "a comparison is no low polynomial: write the activation as one operator \
                                     (Softplus, Relu), which --fit-activations knows";

pub(super) fn select<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&[])?;
    if !node.input(0).is_some_and(|name| import.is_constant(name)) {
        return Err(node.unsupported("its condition depends on the input", COMPARISON));
    }
    let condition = import.constant(node, 0)?;
    let sides = [side(import, node, 1)?, side(import, node, 2)?];
    let whole = extents(node, &condition.dims, &sides)?;
    import
        .budget
        .take(node.name(), &[&[4][..], &whole].concat())?;
    let chosen = expand(&condition.dims, &whole);
    let numbers: Vec<f64> = condition.numbers().collect();
    let takes = |at: usize| chosen.position(at).is_some_and(|from| numbers[from] != 0.0);
    let (mut sum, mut shift): (Option<Signal>, Vec<f64>) =
        (None, vec![0.0; whole.iter().product()]);
    for (side, value) in sides.into_iter().enumerate() {
        let taken = |at: usize| takes(at) == (side == 0);
        let spread = expand(&dims_of(&value), &whole);
        match value {
            Value::Constant(constant) => {
                let numbers: Vec<f64> = constant.numbers().collect();
                for (at, shift) in shift.iter_mut().enumerate().filter(|(at, _)| taken(*at)) {
                    *shift = spread.position(at).map_or(0.0, |from| numbers[from]);
                }
            }
            Value::Signal(signal) => {
                let mut next = 0..;
                let masked = Movement::by_place(whole.clone(), |_| {
                    next.next()
                        .filter(|at| taken(*at))
                        .and_then(|at| spread.position(at))
                });
                let part = import.moved(node, &signal, &masked)?;
                sum = Some(match sum {
                    Some(sum) => import.sum(node, &sum, &part)?,
                    None => part,
                });
            }
        }
    }
    let Some(sum) = sum else {
        return Err(node.damaged("it has no input that depends on the network's"));
    };
    match shift.iter().all(|x| *x == 0.0) {
        true => Ok(sum),
        false => import.scaled(node, &sum, None, Some(&shift)),
    }
}

/// An operand, with its pads among its elements.
fn side<'m>(import: &mut Import<'m>, node: Node<'m>, index: usize) -> Result<Value<'m>, Error> {
    Ok(match import.needed(node, index)? {
        Value::Signal(signal) => Value::Signal(import.unpadded(node, &signal)?),
        Value::Constant(constant) => Value::Constant(constant),
    })
}

fn dims_of(value: &Value<'_>) -> Vec<usize> {
    match value {
        Value::Signal(signal) => signal.dims().to_vec(),
        Value::Constant(constant) => constant.dims.clone(),
    }
}

/// The extents that all three are spread to.
fn extents(
    node: Node<'_>,
    condition: &[usize],
    sides: &[Value<'_>; 2],
) -> Result<Vec<usize>, Error> {
    let spread = |dims: Vec<usize>, other: Vec<usize>| broadcast(&dims, &other);
    let whole = sides
        .iter()
        .map(dims_of)
        .try_fold(condition.to_vec(), spread);
    let whole = whole.filter(|dims| dims.iter().product::<usize>() <= MAX_ELEMENTS);
    whole.ok_or_else(|| {
        node.damaged("its condition and tensors have extents that do not fit each other")
    })
}
