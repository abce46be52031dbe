//! Operators that only move elements: Transpose, Reshape, Slice, Split, Gather, Expand, Pad, nearest Resize and the
//! like.
//!
//! They do the same to constants and to tensors that depend on the input, so each is one list of positions.

use crate::Error;
use crate::movement::{Movement, broadcast, expand};
use crate::node::{Node, listed};
use crate::state::Import;

use super::extents::{checked_len, not_empty};
use super::gather;

/// What the node does to a tensor of extents `dims`, one movement an output; none where it is no operator of this kind.
pub(super) fn movements<'m>(
    import: &Import<'m>,
    node: Node<'m>,
    dims: &[usize],
) -> Result<Option<Vec<Movement>>, Error> {
    let movement = match node.operator() {
        "Transpose" => transpose(node, dims),
        "Reshape" => reshape(import, node, dims),
        "Flatten" => flatten(node, dims),
        "Squeeze" => squeeze(import, node, dims),
        "Unsqueeze" => unsqueeze(import, node, dims),
        "Slice" => slice(import, node, dims),
        "Split" => return split(import, node, dims).map(Some),
        "Gather" => gather::gather(import, node, dims),
        "ArrayFeatureExtractor" => gather::columns(import, node, dims),
        "GatherND" => gather::gather_nd(import, node, dims),
        "Trilu" => triangle(import, node, dims),
        "Expand" => expanded(import, node, dims),
        "Tile" => tile(import, node, dims),
        "DepthToSpace" => depth_to_space(node, dims),
        "SpaceToDepth" => space_to_depth(node, dims),
        _ => return Ok(None),
    }?;
    Ok(Some(vec![movement]))
}

fn transpose(node: Node<'_>, dims: &[usize]) -> Result<Movement, Error> {
    node.expect_attributes(&["perm"])?;
    let rank = dims.len();
    let perm: Vec<usize> = match node.attribute("perm") {
        None => (0..rank).rev().collect(),
        Some(perm) => perm
            .ints
            .iter()
            .map(|axis| node.axis(*axis, rank))
            .collect::<Result<_, _>>()?,
    };
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..rank) {
        return Err(node.damaged(format!("its perm {perm:?} is no order of {rank} axes")));
    }
    Ok(transposed(dims, &perm))
}

/// A tensor of extents `dims` with axis `perm[i]` as axis `i`.
pub(super) fn transposed(dims: &[usize], perm: &[usize]) -> Movement {
    let new: Vec<usize> = perm.iter().map(|axis| dims[*axis]).collect();
    let kept = |dims: &[usize], axes: &mut dyn Iterator<Item = usize>| -> Vec<usize> {
        axes.filter(|axis| dims[*axis] > 1).collect()
    };
    // Axes of 1 may go anywhere.
    if kept(dims, &mut perm.iter().copied()) == kept(dims, &mut (0..dims.len())) {
        return Movement::in_order(new);
    }
    let strides = crate::movement::strides(dims);
    Movement::by_place(new, |place| {
        Some(
            place
                .iter()
                .zip(perm)
                .map(|(index, axis)| index * strides[*axis])
                .sum(),
        )
    })
}

fn reshape<'m>(import: &Import<'m>, node: Node<'m>, dims: &[usize]) -> Result<Movement, Error> {
    node.expect_attributes(&["allowzero", "shape"])?;
    let mut target = import
        .integers(node, "shape", 1)?
        .ok_or_else(|| node.damaged("it has no shape"))?;
    // Everything is read for a batch of 1, also where the model was exported for another.
    if let (Some(batch), Some(first)) = (import.batch, target.first_mut())
        && usize::try_from(*first) == Ok(batch)
        && dims.first() == Some(&1)
    {
        *first = 1;
    }
    let copies_zero = !node.flag("allowzero")?;
    let len: usize = dims.iter().product();
    match sizes(&target, dims, copies_zero, len) {
        Some(sizes) => Ok(Movement::in_order(sizes)),
        None => Err(node.unsupported(
            format!(
                "it reshapes {dims:?} (for a batch of 1) to {}",
                listed(&target)
            ),
            "give a shape of as many elements that keeps the batch",
        )),
    }
}

/// The target's sizes with 0 (copy) and -1 (what remains) resolved; none if they do not give `len`.
fn sizes(target: &[i64], old: &[usize], copies_zero: bool, len: usize) -> Option<Vec<usize>> {
    if target.iter().filter(|size| **size == -1).count() > 1 || target.len() > 16 {
        return None;
    }
    let known: Vec<Option<usize>> = target
        .iter()
        .enumerate()
        .map(|(index, size)| match *size {
            -1 => Some(None),
            0 if copies_zero => old.get(index).map(|size| Some(*size)),
            size => usize::try_from(size).ok().map(Some),
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

fn flatten(node: Node<'_>, dims: &[usize]) -> Result<Movement, Error> {
    node.expect_attributes(&["axis"])?;
    let axis = node.integer("axis", 1)?;
    let axis = match axis {
        axis if axis == dims.len() as i64 => dims.len(),
        axis => node.axis(axis, dims.len())?,
    };
    let (rows, columns) = dims.split_at(axis);
    Ok(Movement::in_order(vec![
        rows.iter().product(),
        columns.iter().product(),
    ]))
}

fn squeeze<'m>(import: &Import<'m>, node: Node<'m>, dims: &[usize]) -> Result<Movement, Error> {
    node.expect_attributes(&["axes"])?;
    let axes = match import.integers(node, "axes", 1)? {
        Some(axes) => axes
            .iter()
            .map(|axis| node.axis(*axis, dims.len()))
            .collect::<Result<Vec<_>, _>>()?,
        None => (0..dims.len()).filter(|axis| dims[*axis] == 1).collect(),
    };
    if let Some(axis) = axes.iter().find(|axis| dims[**axis] != 1) {
        return Err(node.damaged(format!(
            "it removes axis {axis} of {dims:?}, which is not 1"
        )));
    }
    let kept = (0..dims.len()).filter(|axis| !axes.contains(axis));
    Ok(Movement::in_order(kept.map(|axis| dims[axis]).collect()))
}

fn unsqueeze<'m>(import: &Import<'m>, node: Node<'m>, dims: &[usize]) -> Result<Movement, Error> {
    node.expect_attributes(&["axes"])?;
    let axes = import
        .integers(node, "axes", 1)?
        .ok_or_else(|| node.damaged("it has no axes"))?;
    if axes.len() > 16 {
        return Err(node.damaged(format!("it adds {} axes", axes.len())));
    }
    let rank = dims.len() + axes.len();
    let axes = axes
        .iter()
        .map(|axis| node.axis(*axis, rank))
        .collect::<Result<Vec<_>, _>>()?;
    let mut old = dims.iter();
    let new: Option<Vec<usize>> = (0..rank)
        .map(|axis| match axes.contains(&axis) {
            true => Some(1),
            false => old.next().copied(),
        })
        .collect();
    match new {
        Some(new) if old.next().is_none() => Ok(Movement::in_order(new)),
        Some(_) | None => Err(node.damaged(format!("its axes {axes:?} are not distinct"))),
    }
}

fn slice<'m>(import: &Import<'m>, node: Node<'m>, dims: &[usize]) -> Result<Movement, Error> {
    node.expect_attributes(&["starts", "ends", "axes"])?;
    let needed = |name, index| {
        let found = import.integers(node, name, index)?;
        found.ok_or_else(|| node.damaged(format!("it has no {name}")))
    };
    let (starts, ends) = (needed("starts", 1)?, needed("ends", 2)?);
    let all = || (0..starts.len() as i64).collect();
    let axes = import.integers(node, "axes", 3)?.unwrap_or_else(all);
    let steps = match import.optional_constant(node, 4)? {
        Some(steps) => steps.integers()?,
        None => vec![1; starts.len()],
    };
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(node.damaged("its starts, ends, axes and steps differ in number"));
    }
    let mut kept: Vec<Vec<Option<usize>>> = dims
        .iter()
        .map(|len| (0..*len).map(Some).collect())
        .collect();
    for (index, axis) in axes.iter().enumerate() {
        let axis = node.axis(*axis, dims.len())?;
        let (len, step) = (dims[axis] as i64, steps[index]);
        let from_behind = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
        let (low, high) = if step < 0 { (-1, len - 1) } else { (0, len) };
        let start = from_behind(starts[index]).clamp(low.max(0), high);
        let end = match step < 0 && ends[index] < -len {
            true => -1,
            false => from_behind(ends[index]).clamp(low, high),
        };
        let places: Vec<Option<usize>> = match step {
            0 => return Err(node.damaged("its step is 0")),
            step if step > 0 => (start..end)
                .step_by(step as usize)
                .map(|p| Some(p as usize))
                .collect(),
            step => {
                let back = step.unsigned_abs() as usize;
                (end + 1..=start)
                    .rev()
                    .step_by(back)
                    .map(|p| Some(p as usize))
                    .collect()
            }
        };
        kept[axis] = places;
    }
    not_empty(node, Movement::by_axis(dims, &kept))
}

fn split<'m>(import: &Import<'m>, node: Node<'m>, dims: &[usize]) -> Result<Vec<Movement>, Error> {
    node.expect_attributes(&["axis", "split", "num_outputs"])?;
    let axis = node.axis(node.integer("axis", 0)?, dims.len())?;
    let parts = node.proto.output.len();
    let sizes: Vec<usize> = match import.integers(node, "split", 1)? {
        Some(sizes) => sizes
            .iter()
            .map(|s| usize::try_from(*s).unwrap_or(0))
            .collect(),
        None => {
            let each = dims[axis].div_ceil(parts.max(1));
            let left = |part: usize| dims[axis].saturating_sub(part * each).min(each);
            (0..parts).map(left).collect()
        }
    };
    let sum = sizes
        .iter()
        .try_fold(0usize, |sum, size| sum.checked_add(*size));
    if sizes.len() != parts || sum != Some(dims[axis]) || sizes.contains(&0) {
        return Err(node.damaged(format!(
            "it splits axis {axis} of {dims:?} into {parts} parts of {sizes:?}"
        )));
    }
    let mut start = 0;
    let part = |size: &usize| {
        let places = |other: usize| match other == axis {
            true => (start..start + size).map(Some).collect(),
            false => (0..dims[other]).map(Some).collect(),
        };
        let axes: Vec<Vec<Option<usize>>> = (0..dims.len()).map(places).collect();
        start += size;
        Movement::by_axis(dims, &axes)
    };
    Ok(sizes.iter().map(part).collect())
}

/// The lower or the upper triangle of the last two axes, zeros beside it.
fn triangle<'m>(import: &Import<'m>, node: Node<'m>, dims: &[usize]) -> Result<Movement, Error> {
    node.expect_attributes(&["upper"])?;
    let upper = node.integer("upper", 1)? != 0;
    let diagonal = match import.optional_constant(node, 1)? {
        Some(k) => k.integers()?.first().copied().unwrap_or(0),
        None => 0,
    };
    if dims.len() < 2 {
        return Err(node.damaged(format!("it takes a triangle of a tensor {dims:?}")));
    }
    let mut next = 0..;
    Ok(Movement::by_place(dims.to_vec(), |place| {
        let (row, column) = (place[place.len() - 2] as i64, place[place.len() - 1] as i64);
        let right = column.saturating_sub(row);
        let kept = if upper {
            right >= diagonal
        } else {
            right <= diagonal
        };
        next.next().filter(|_| kept)
    }))
}

fn expanded<'m>(import: &Import<'m>, node: Node<'m>, dims: &[usize]) -> Result<Movement, Error> {
    node.expect_attributes(&[])?;
    let target = import.constant(node, 1)?.integers()?;
    let sizes: Option<Vec<usize>> = target.iter().map(|s| usize::try_from(*s).ok()).collect();
    let new = sizes.and_then(|sizes| broadcast(dims, &sizes));
    let Some(new) = new.filter(|new| new.len() <= 16) else {
        return Err(node.damaged(format!("it expands {dims:?} to {}", listed(&target))));
    };
    checked_len(node, &new)?;
    not_empty(node, expand(dims, &new))
}

fn tile<'m>(import: &Import<'m>, node: Node<'m>, dims: &[usize]) -> Result<Movement, Error> {
    node.expect_attributes(&[])?;
    let repeats = import.constant(node, 1)?.integers()?;
    let new: Option<Vec<usize>> = dims
        .iter()
        .zip(&repeats)
        .map(|(len, times)| usize::try_from(*times).ok()?.checked_mul(*len))
        .collect();
    let Some(new) = new.filter(|new| new.len() == repeats.len()) else {
        return Err(node.damaged(format!("it repeats {dims:?} by {}", listed(&repeats))));
    };
    checked_len(node, &new)?;
    let axes: Vec<Vec<Option<usize>>> = new
        .iter()
        .zip(dims)
        .map(|(new, len)| (0..*new).map(|place| Some(place % len)).collect())
        .collect();
    not_empty(node, Movement::by_axis(dims, &axes))
}

/// `[n, c, h, w]` and the block's side of DepthToSpace and SpaceToDepth.
fn blocks(node: Node<'_>, dims: &[usize]) -> Result<([usize; 4], usize), Error> {
    let side = usize::try_from(node.integer("blocksize", 0)?).unwrap_or(0);
    match *dims {
        [n, c, h, w] if side > 0 && side <= crate::limits::MAX_SIDE => Ok(([n, c, h, w], side)),
        _ => Err(node.damaged(format!("it takes blocks of {side} of a tensor {dims:?}"))),
    }
}

fn depth_to_space(node: Node<'_>, dims: &[usize]) -> Result<Movement, Error> {
    node.expect_attributes(&["blocksize", "mode"])?;
    let ([n, c, h, w], side) = blocks(node, dims)?;
    if !c.is_multiple_of(side * side) {
        return Err(node.damaged(format!(
            "{c} channels do not divide into blocks of {side}x{side}"
        )));
    }
    let channels = c / (side * side);
    let column_major = match node.text("mode", "DCR")? {
        "DCR" => true,
        "CRD" => false,
        other => return Err(node.damaged(format!("its mode is `{other}`"))),
    };
    let new = vec![n, channels, h * side, w * side];
    Ok(Movement::by_place(new, |place| {
        let within = place[2] % side * side + place[3] % side;
        let channel = match column_major {
            true => within * channels + place[1],
            false => place[1] * side * side + within,
        };
        Some(((place[0] * c + channel) * h + place[2] / side) * w + place[3] / side)
    }))
}

fn space_to_depth(node: Node<'_>, dims: &[usize]) -> Result<Movement, Error> {
    node.expect_attributes(&["blocksize"])?;
    let ([n, c, h, w], side) = blocks(node, dims)?;
    if !h.is_multiple_of(side) || !w.is_multiple_of(side) {
        return Err(node.damaged(format!(
            "{h}x{w} does not divide into blocks of {side}x{side}"
        )));
    }
    let new = vec![n, c * side * side, h / side, w / side];
    Ok(Movement::by_place(new, |place| {
        let (within, channel) = (place[1] / c, place[1] % c);
        let (y, x) = (
            place[2] * side + within / side,
            place[3] * side + within % side,
        );
        Some(((place[0] * c + channel) * h + y) * w + x)
    }))
}
