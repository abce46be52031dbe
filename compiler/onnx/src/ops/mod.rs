//! The operators that are read: one table, from which nodes are imported and the documentation is written.

mod arithmetic;
pub(crate) mod clear;
mod conv;
mod dense;
mod extents;
mod fold;
mod gather;
mod learned;
mod linear;
mod moves;
mod norm;
mod pad;
mod pool;
mod resize;
mod select;
mod table;
mod weighted;

pub(crate) use arithmetic::joined;
pub(crate) use table::instead_of;
pub use table::{OPERATORS, Operator, markdown};

use table::Reading;

use crate::Error;
use crate::node::Node;
use crate::state::{Import, Value};

/// What the node's outputs stand for, in order.
pub(crate) fn import<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Vec<Value<'m>>, Error> {
    if let Some(constant) = fold::folded(import, node)? {
        return Ok(vec![Value::Constant(constant)]);
    }
    let domain = node.domain();
    let found = OPERATORS
        .iter()
        .find(|operator| operator.name == node.operator() && operator.domain == domain);
    match found.map(|operator| &operator.reading) {
        Some(Reading::Layer(read)) => Ok(vec![Value::Signal(read(import, node)?)]),
        Some(Reading::Moves) => moved(import, node),
        Some(Reading::Constants | Reading::Fitted | Reading::Client) | None => Err(match domain {
            "" | "ai.onnx.ml" => {
                node.unsupported("the operator is not read here", instead_of(node.operator()))
            }
            domain => node.unsupported(
                format!("it is of the operator set `{domain}`"),
                "export the model with standard operators (domain ai.onnx) only",
            ),
        }),
    }
}

fn moved<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Vec<Value<'m>>, Error> {
    let value = import.needed(node, 0)?;
    let dims = match &value {
        Value::Constant(constant) => constant.dims.clone(),
        Value::Signal(signal) => import.unpadded(node, signal)?.view.dims,
    };
    let movements = moves::movements(import, node, &dims)?.unwrap_or_default();
    let mut values = Vec::new();
    for movement in &movements {
        values.push(match &value {
            Value::Constant(constant) => {
                import.budget.take(node.name(), &[2, movement.len()])?;
                Value::Constant(constant.moved(node.name(), movement))
            }
            Value::Signal(signal) => Value::Signal(import.moved(node, signal, movement)?),
        });
    }
    Ok(values)
}
