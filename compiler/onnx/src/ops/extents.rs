//! Checks of what a node's output would be: some elements, and not too many.

use crate::Error;
use crate::limits::MAX_ELEMENTS;
use crate::movement::Movement;
use crate::node::Node;

/// The movement, if it gives any element.
pub(super) fn not_empty(node: Node<'_>, movement: Movement) -> Result<Movement, Error> {
    match movement.len() {
        0 => Err(node.damaged("its result has no elements")),
        len if len > MAX_ELEMENTS => Err(Error::TooLarge {
            what: format!("the output of `{}`", node.name()),
            found: len.to_string(),
            limit: MAX_ELEMENTS,
            unit: "elements",
        }),
        _ => Ok(movement),
    }
}

/// The number of elements of these extents.
pub(super) fn checked_len(node: Node<'_>, dims: &[usize]) -> Result<usize, Error> {
    let len = dims
        .iter()
        .try_fold(1usize, |len, dim| len.checked_mul(*dim));
    len.filter(|len| *len <= MAX_ELEMENTS)
        .ok_or_else(|| Error::TooLarge {
            what: format!("the output of `{}`", node.name()),
            found: format!("{dims:?}"),
            limit: MAX_ELEMENTS,
            unit: "elements",
        })
}
