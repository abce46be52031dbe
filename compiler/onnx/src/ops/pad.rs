//! Pad with zeros around each channel: kept beside the tensor, so that a convolution that reads it pads itself.

use super::conv::expect_map;
use crate::Error;
use crate::import::Import;
use crate::limits::MAX_SIDE;
use crate::node::{Node, listed};
use crate::signal::Signal;

pub(super) fn pad<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&["mode"])?;
    let mut signal = import.signal(node, 0)?;
    let pads = import.constant(node, 1)?.integers()?;
    let mode = node.text("mode", "constant")?;
    if mode != "constant" {
        return Err(node.unsupported(format!("its mode is {mode}"), "pad with zeros"));
    }
    if let Some(value) = import.optional_constant(node, 2)?
        && let Some(value) = value.numbers().find(|v| *v != 0.0)
    {
        return Err(node.unsupported(format!("it pads with {value}"), "pad with zeros"));
    }
    let axes = match import.optional_constant(node, 3)? {
        Some(axes) => axes.integers()?,
        None => (0..rank(signal)).collect(),
    };
    let added = added(node, signal, &pads, &axes)?;
    if added != [0; 4] {
        expect_map(node, signal)?;
    }
    for (total, pad) in signal.pads.iter_mut().zip(added) {
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

fn rank(signal: Signal) -> i64 {
    if signal.flat { 2 } else { 4 }
}

/// Zeros above, before, below and behind, from `[begin of each axis][end of each axis]`.
fn added(node: Node<'_>, signal: Signal, pads: &[i64], axes: &[i64]) -> Result<[usize; 4], Error> {
    let rank = rank(signal);
    if pads.len() != 2 * axes.len() || axes.len() > 4 {
        return Err(node.damaged(format!("{} pads for {} axes", pads.len(), axes.len())));
    }
    let mut added = [0; 4];
    for (index, axis) in axes.iter().enumerate() {
        let place = match (signal.flat, axis.rem_euclid(rank)) {
            _ if *axis < -rank || *axis >= rank => {
                return Err(node.damaged(format!("axis {axis} of a tensor of {rank}")));
            }
            (false, 2) => Some([0, 2]),
            (false, 3) => Some([1, 3]),
            _ => None,
        };
        for (side, pad) in [pads[index], pads[index + axes.len()]]
            .into_iter()
            .enumerate()
        {
            match (place, usize::try_from(pad)) {
                (_, Ok(0)) => {}
                (Some(place), Ok(pad)) if pad <= MAX_SIDE => added[place[side]] = pad,
                _ => {
                    return Err(node.unsupported(
                        format!("its pads are {}", listed(pads)),
                        format!("pad height and width only, by 0 to {MAX_SIDE} zeros"),
                    ));
                }
            }
        }
    }
    Ok(added)
}
