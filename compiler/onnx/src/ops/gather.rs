//! Gather, GatherND and ArrayFeatureExtractor: elements at constant places.

use crate::Error;
use crate::limits::MAX_ELEMENTS;
use crate::movement::{Movement, strides};
use crate::node::Node;
use crate::state::Import;

use super::extents::{checked_len, not_empty};

/// The elements at constant places of an axis.
pub(super) fn gather<'m>(
    import: &Import<'m>,
    node: Node<'m>,
    dims: &[usize],
) -> Result<Movement, Error> {
    node.expect_attributes(&["axis"])?;
    let axis = node.axis(node.integer("axis", 0)?, dims.len())?;
    let indices = import.constant(node, 1)?;
    picked(node, dims, axis, &indices.integers()?, &indices.dims)
}

/// Columns of a table: the last axis at constant places, whatever the shape of these.
pub(super) fn columns<'m>(
    import: &Import<'m>,
    node: Node<'m>,
    dims: &[usize],
) -> Result<Movement, Error> {
    node.expect_attributes(&[])?;
    let axis = node.axis(-1, dims.len())?;
    let columns = import.constant(node, 1)?.integers()?;
    picked(node, dims, axis, &columns, &[columns.len()])
}

/// Elements or parts at constant places of the first axes.
pub(super) fn gather_nd<'m>(
    import: &Import<'m>,
    node: Node<'m>,
    dims: &[usize],
) -> Result<Movement, Error> {
    node.expect_attributes(&["batch_dims"])?;
    if node.integer("batch_dims", 0)? != 0 {
        return Err(node.unsupported("it has batch_dims", "use Gather along one axis"));
    }
    let indices = import.constant(node, 1)?;
    let given = indices
        .dims
        .split_last()
        .filter(|(depth, _)| **depth <= dims.len());
    let Some((&depth, outer)) = given.filter(|(depth, _)| **depth > 0) else {
        return Err(node.damaged(format!(
            "its indices are {:?} of a tensor {dims:?}",
            indices.dims
        )));
    };
    let steps = strides(dims);
    let places = indices.integers()?;
    let first = |place: &[i64]| -> Result<usize, Error> {
        let axes = place.iter().enumerate();
        let at = axes.map(|(axis, index)| Ok(node.axis(*index, dims[axis])? * steps[axis]));
        at.sum()
    };
    let firsts: Vec<usize> = places
        .chunks_exact(depth)
        .map(first)
        .collect::<Result<_, _>>()?;
    let part: usize = dims[depth..].iter().product();
    let new = [outer, &dims[depth..]].concat();
    checked_len(node, &new)?;
    let mut next = 0..firsts.len() * part;
    let at = |index: usize| firsts[index / part] + index % part;
    let movement = Movement::by_place(new, |_| next.next().map(at));
    not_empty(node, movement)
}

/// The elements of `dims` at `indices` of an axis, which become axes of extents `shape`.
fn picked(
    node: Node<'_>,
    dims: &[usize],
    axis: usize,
    indices: &[i64],
    shape: &[usize],
) -> Result<Movement, Error> {
    let places = indices
        .iter()
        .map(|index| node.axis(*index, dims[axis]))
        .collect::<Result<Vec<usize>, _>>()?;
    let mut new = dims[..axis].to_vec();
    new.extend(shape);
    new.extend(&dims[axis + 1..]);
    let count = places.len();
    let behind: usize = dims[axis + 1..].iter().product();
    let len = dims[..axis].iter().product::<usize>() * count * behind;
    if len > MAX_ELEMENTS {
        return not_empty(node, Movement::in_order(new));
    }
    let at = |index: usize| {
        let (before, rest) = (index / (count * behind), index % (count * behind));
        (before * dims[axis] + places[rest / behind]) * behind + rest % behind
    };
    let mut next = 0..len;
    let movement = Movement::by_place(new, |_| next.next().map(at));
    not_empty(node, movement)
}
