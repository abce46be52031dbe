//! Flatten and Reshape, where they keep the batch and the order of the elements: no layer at all.

use crate::Error;
use crate::import::Import;
use crate::node::{Node, listed};
use crate::signal::Signal;

pub(super) fn flatten<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&["axis"])?;
    let signal = import.signal(node, 0)?;
    let signal = import.settled(node, signal)?;
    let axis = node.integer("axis", 1)?;
    let rank = if signal.flat { 2 } else { 4 };
    if axis != 1 && axis != 1 - rank {
        return Err(node.unsupported(
            format!("its axis is {axis}"),
            "use axis 1, which keeps the batch",
        ));
    }
    Ok(Signal {
        flat: true,
        ..signal
    })
}

pub(super) fn reshape<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&["allowzero"])?;
    let signal = import.signal(node, 0)?;
    let signal = import.settled(node, signal)?;
    let target = import.constant(node, 1)?.integers()?;
    let shape = import.shape(signal);
    let old = match signal.flat {
        true => vec![shape.len()],
        false => vec![shape.channels, shape.height, shape.width],
    };
    let refuse = || {
        node.unsupported(
            format!("it reshapes [batch, {old:?}] to {}", listed(&target)),
            "only flattening to [batch, elements], and back to the same map, keeps the order of the channels",
        )
    };
    let [batch, axes @ ..] = &target[..] else {
        return Err(refuse());
    };
    let copies_zero = !node.flag("allowzero")?;
    let keeps_batch = match *batch {
        0 => copies_zero,
        // A batch that is not fixed may still have been traced with one sample.
        1 => import.batch.is_none_or(|batch| batch == 1),
        -1 => !axes.contains(&-1),
        batch => import
            .batch
            .is_some_and(|known| usize::try_from(batch) == Ok(known)),
    };
    let Some(sizes) = sizes(axes, &old, copies_zero, shape.len()) else {
        return Err(refuse());
    };
    match sizes[..] {
        [_] if keeps_batch => Ok(Signal {
            flat: true,
            ..signal
        }),
        [c, h, w] if keeps_batch && (c, h, w) == (shape.channels, shape.height, shape.width) => {
            Ok(Signal {
                flat: false,
                ..signal
            })
        }
        _ => Err(refuse()),
    }
}

/// The target's sizes behind the batch with 0 (copy) and -1 (what remains) resolved; none if they do not give `len`.
fn sizes(axes: &[i64], old: &[usize], copies_zero: bool, len: usize) -> Option<Vec<usize>> {
    if axes.len() > 3 || axes.iter().filter(|axis| **axis == -1).count() > 1 {
        return None;
    }
    let known: Vec<Option<usize>> = axes
        .iter()
        .enumerate()
        .map(|(index, axis)| match *axis {
            -1 => Some(None),
            0 if copies_zero => old.get(index).map(|size| Some(*size)),
            axis => usize::try_from(axis).ok().map(Some),
        })
        .collect::<Option<_>>()?;
    let product = known
        .iter()
        .flatten()
        .try_fold(1usize, |product, size| product.checked_mul(*size))
        .filter(|product| *product > 0 && len.is_multiple_of(*product))?;
    let sizes: Vec<usize> = known
        .iter()
        .map(|size| size.unwrap_or(len / product))
        .collect();
    (sizes.iter().product::<usize>() == len).then_some(sizes)
}
