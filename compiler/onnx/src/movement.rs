//! Movements: tensors whose elements are those of another, moved, repeated or left out.
//!
//! Transpose, Reshape, Slice, Split, Gather, Expand, Pad with zeros, nearest Resize and the like all are one list of
//! positions. The batch is an axis of 1 like any other.

use std::rc::Rc;

/// The position of an element that is 0 whatever the other tensor holds.
pub(crate) const NOTHING: u32 = u32::MAX;

/// Where each element of a tensor comes from, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Movement {
    /// Extent of each axis of the new tensor.
    pub(crate) dims: Vec<usize>,
    /// Position of each element in the other tensor, or [`NOTHING`]; none where all stand in order.
    pub(crate) from: Option<Rc<[u32]>>,
}

impl Movement {
    /// All elements in order, as a tensor of these extents.
    pub(crate) fn in_order(dims: Vec<usize>) -> Self {
        Self { dims, from: None }
    }

    /// Elements by their coordinates: `at` gives the position, or none for a 0.
    pub(crate) fn by_place(
        dims: Vec<usize>,
        mut at: impl FnMut(&[usize]) -> Option<usize>,
    ) -> Self {
        let len = dims.iter().product();
        let mut place = vec![0; dims.len()];
        let mut from = Vec::with_capacity(len);
        for _ in 0..len {
            from.push(at(&place).map_or(NOTHING, |position| position as u32));
            for axis in (0..dims.len()).rev() {
                place[axis] += 1;
                if place[axis] < dims[axis] {
                    break;
                }
                place[axis] = 0;
            }
        }
        Self {
            dims,
            from: Some(from.into()),
        }
    }

    /// Along each axis the positions of `axes`, or nothing: any slice, pad, gather or repetition.
    pub(crate) fn by_axis(old: &[usize], axes: &[Vec<Option<usize>>]) -> Self {
        let strides = strides(old);
        let dims = axes.iter().map(Vec::len).collect();
        Self::by_place(dims, |place| {
            let mut position = 0;
            for (axis, index) in place.iter().enumerate() {
                position += axes[axis][*index]? * strides[axis];
            }
            Some(position)
        })
    }

    /// First `first`, then this one.
    pub(crate) fn after(&self, first: &Self) -> Self {
        let from = match (&self.from, &first.from) {
            (None, from) => from.clone(),
            (Some(from), None) => Some(from.clone()),
            (Some(from), Some(before)) => {
                let through = |position: &u32| match *position {
                    NOTHING => NOTHING,
                    position => before[position as usize],
                };
                Some(from.iter().map(through).collect())
            }
        };
        Self {
            dims: self.dims.clone(),
            from,
        }
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// Position of element `index`; none for a 0.
    pub(crate) fn position(&self, index: usize) -> Option<usize> {
        match &self.from {
            None => Some(index),
            Some(from) => Some(from[index])
                .filter(|f| *f != NOTHING)
                .map(|f| f as usize),
        }
    }

    /// Whether some elements are 0 whatever the other tensor holds.
    pub(crate) fn has_nothing(&self) -> bool {
        self.from
            .as_ref()
            .is_some_and(|from| from.contains(&NOTHING))
    }

    /// Whether each of the other tensor's `len` elements stands exactly once.
    pub(crate) fn is_bijection(&self, len: usize) -> bool {
        let Some(from) = &self.from else {
            return self.len() == len;
        };
        let mut seen = vec![false; len];
        let fresh = |position: &u32| {
            let seen = seen.get_mut(*position as usize);
            seen.is_some_and(|seen| !std::mem::replace(seen, true))
        };
        from.len() == len && from.iter().all(fresh)
    }

    /// The same elements without a list where they stand in order.
    pub(crate) fn simplified(mut self, len: usize) -> Self {
        let ordered = |from: &Rc<[u32]>| {
            from.len() == len && from.iter().enumerate().all(|(i, f)| *f as usize == i)
        };
        if self.from.as_ref().is_some_and(ordered) {
            self.from = None;
        }
        self
    }
}

/// Distance of neighbors along each axis, row-major.
pub(crate) fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis];
    }
    strides
}

/// The extents that two tensors take together by the rules of broadcasting; none where they do not fit.
pub(crate) fn broadcast(left: &[usize], right: &[usize]) -> Option<Vec<usize>> {
    let rank = left.len().max(right.len());
    let at = |dims: &[usize], axis: usize| {
        let missing = rank - dims.len();
        if axis < missing {
            1
        } else {
            dims[axis - missing]
        }
    };
    (0..rank)
        .map(|axis| match (at(left, axis), at(right, axis)) {
            (a, b) if a == b => Some(a),
            (1, b) => Some(b),
            (a, 1) => Some(a),
            (_, _) => None,
        })
        .collect()
}

/// A tensor of extents `old` repeated to `new`, which [`broadcast`] gave.
pub(crate) fn expand(old: &[usize], new: &[usize]) -> Movement {
    if old.iter().product::<usize>() == new.iter().product::<usize>() {
        return Movement::in_order(new.to_vec());
    }
    let strides = strides(old);
    let missing = new.len() - old.len();
    Movement::by_place(new.to_vec(), |place| {
        let own = place[missing..].iter().zip(old).zip(&strides);
        Some(
            own.map(|((index, extent), stride)| (index % extent) * stride)
                .sum(),
        )
    })
}
