//! Pad: zeros around maps are kept beside the tensor, so that a convolution that reads it pads itself; the rest is
//! moved.

use crate::Error;
use crate::forms::Signal;
use crate::limits::{MAX_ELEMENTS, MAX_SIDE};
use crate::movement::Movement;
use crate::node::{Node, listed};
use crate::state::Import;

/// Places added to one axis, before and behind; negative ones are cut off.
type Added = [i64; 2];

pub(super) fn pad<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&["mode", "pads", "value"])?;
    let signal = import.signal(node, 0)?;
    let added = added(import, node, signal.dims().len())?;
    let value = match import.optional_constant(node, 2)? {
        Some(value) => value.single().unwrap_or(0.0),
        None => f64::from(node.float("value", 0.0)?),
    };
    let mode = node.text("mode", "constant")?;
    if let (Some(pads), "constant", true) = (around_maps(&added), mode, value == 0.0) {
        return beside(node, signal, pads);
    }
    let dims = import.unpadded(node, &signal)?.view.dims;
    let axes = axes(node, &dims, &added, mode)?;
    let len = axes
        .iter()
        .try_fold(1usize, |len, axis| len.checked_mul(axis.len()));
    if len.is_none_or(|len| len == 0 || len > MAX_ELEMENTS) {
        return Err(node.damaged(format!("it pads {dims:?} to {len:?} elements")));
    }
    let movement = Movement::by_axis(&dims, &axes);
    let zeros = movement.clone();
    let padded = import.moved(node, &signal, &movement)?;
    if value == 0.0 || mode != "constant" {
        return Ok(padded);
    }
    let shift: Vec<f64> = (0..zeros.len())
        .map(|index| zeros.position(index).map_or(value, |_| 0.0))
        .collect();
    import.scaled(node, &padded, None, Some(&shift))
}

/// What is added to each axis.
fn added<'m>(import: &Import<'m>, node: Node<'m>, rank: usize) -> Result<Vec<Added>, Error> {
    let pads = import
        .integers(node, "pads", 1)?
        .ok_or_else(|| node.damaged("it has no pads"))?;
    let axes = match import.optional_constant(node, 3)? {
        Some(axes) => axes
            .integers()?
            .iter()
            .map(|axis| node.axis(*axis, rank))
            .collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(node.damaged(format!("{} pads for {} axes", pads.len(), axes.len())));
    }
    if pads.iter().any(|pad| pad.unsigned_abs() > MAX_SIDE as u64) {
        return Err(node.unsupported(
            format!("its pads are {}", listed(&pads)),
            format!("pad by at most {MAX_SIDE}"),
        ));
    }
    let mut added = vec![[0, 0]; rank];
    for (index, axis) in axes.iter().enumerate() {
        added[*axis] = [pads[index], pads[index + axes.len()]];
    }
    Ok(added)
}

/// Above, left, below, right, where only the axes behind batch and channels grow.
fn around_maps(added: &[Added]) -> Option<[usize; 4]> {
    let (rows, columns) = match added {
        [[0, 0], [0, 0], rows, columns] => (*rows, *columns),
        [[0, 0], [0, 0], columns] => ([0, 0], *columns),
        _ => return None,
    };
    let pads = [rows[0], columns[0], rows[1], columns[1]];
    pads.iter()
        .all(|pad| *pad >= 0)
        .then(|| pads.map(|pad| pad as usize))
}

fn beside(node: Node<'_>, mut signal: Signal, pads: [usize; 4]) -> Result<Signal, Error> {
    for (total, pad) in signal.pads.iter_mut().zip(pads) {
        *total += pad;
        if *total > MAX_SIDE {
            return Err(node.unsupported(
                format!("the pads before it and its own are {total}"),
                format!("pad by at most {MAX_SIDE}"),
            ));
        }
    }
    Ok(signal)
}

/// For each axis which element stands at each place; none for a constant.
fn axes(
    node: Node<'_>,
    dims: &[usize],
    added: &[Added],
    mode: &str,
) -> Result<Vec<Vec<Option<usize>>>, Error> {
    let place = |at: i64, len: i64| -> Option<i64> {
        match mode {
            "edge" => Some(at.clamp(0, len - 1)),
            "wrap" => Some(at.rem_euclid(len)),
            "reflect" if len == 1 => Some(0),
            "reflect" => {
                let turn = at.rem_euclid(2 * (len - 1));
                Some(turn.min(2 * (len - 1) - turn))
            }
            _ => (0..len).contains(&at).then_some(at),
        }
    };
    if !["constant", "edge", "wrap", "reflect"].contains(&mode) {
        return Err(node.damaged(format!("its mode is `{mode}`")));
    }
    let axis = |(len, [before, behind]): (&usize, &Added)| {
        let len = *len as i64;
        let places = -before..len + behind;
        places
            .map(|at| place(at, len).map(|p| p as usize))
            .collect()
    };
    Ok(dims.iter().zip(added).map(axis).collect())
}
