//! AveragePool, GlobalAveragePool, and the sums and means of other axes.

use std::sync::Arc;

use hemet_spaces::Layer;
use hemet_spaces::layer::{AveragePool, Entries, Sparse};

use super::conv::{padded_dims, take_pads};
use crate::Error;
use crate::forms::Signal;
use crate::layers::canonical;
use crate::limits::MAX_SIDE;
use crate::movement::strides;
use crate::node::Node;
use crate::state::Import;
use crate::window::{self, output_dims};

pub(super) fn average<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&[
        "auto_pad",
        "ceil_mode",
        "count_include_pad",
        "dilations",
        "kernel_shape",
        "pads",
        "strides",
    ])?;
    let mut signal = import.signal(node, 0)?;
    let count = signal.dims().len().saturating_sub(2);
    let Some(kernel) = node.sizes("kernel_shape", MAX_SIDE, count)? else {
        return Err(node.damaged("it has no kernel_shape"));
    };
    let mut axes = window::axes(node, &padded_dims(&signal), &kernel)?;
    let own_pads = axes.iter().any(|axis| axis.begin + axis.end > 0);
    let mut counts_padding = node.flag("count_include_pad")? || !own_pads;
    let hanging = axes.map(|axis| axis.hanging());
    let hangs = node.flag("ceil_mode")? && hanging != [0; 2];
    // Zeros of a Pad node count, other places may not: where there are both, the zeros become elements.
    if signal.pads != [0; 4] && (!counts_padding || hangs) {
        signal = import.unpadded(node, &signal)?;
    }
    if hangs && own_pads && counts_padding {
        let [rows, columns] = axes;
        signal.pads = [rows.begin, columns.begin, rows.end, columns.end];
        signal = import.unpadded(node, &signal)?;
        for axis in &mut axes {
            axis.len += axis.begin + axis.end;
            (axis.begin, axis.end) = (0, 0);
        }
    }
    take_pads(&signal, &mut axes);
    if hangs {
        counts_padding = false;
        for (axis, more) in axes.iter_mut().zip(hanging) {
            axis.end += more;
        }
    }
    let window = window::window(axes);
    let pool = AveragePool {
        window,
        counts_padding: counts_padding && window.is_padded(),
    };
    pooled(import, node, &signal, pool)
}

pub(super) fn global<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&[])?;
    let signal = import.signal(node, 0)?;
    let rank = signal.dims().len();
    reduced(
        import,
        node,
        &signal,
        (2..rank).collect(),
        Reduction {
            keeps: true,
            mean: true,
        },
    )
}

fn pooled(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: &Signal,
    pool: AveragePool,
) -> Result<Signal, Error> {
    let bare = Signal {
        pads: [0; 4],
        ..signal.clone()
    };
    if pool.window.area() == 1 && pool.window.stride == [1, 1] && !pool.window.is_padded() {
        return Ok(bare);
    }
    let input = import.layer(node, &bare)?;
    let channels = import.network.shape(input).channels;
    let layer = import
        .network
        .add(node.name(), Layer::AveragePool(pool), &[input], Vec::new())?;
    let shape = import.network.shape(layer);
    let dims = output_dims(signal.dims(), channels, [shape.height, shape.width]);
    Ok(import.signal_of(layer, dims))
}

/// What becomes of reduced axes.
#[derive(Clone, Copy)]
struct Reduction {
    /// Whether they stay as axes of 1.
    keeps: bool,
    /// Whether the sum is divided by the number of elements.
    mean: bool,
}

/// ReduceMean and ReduceSum.
pub(super) fn reduce<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&["axes", "keepdims", "noop_with_empty_axes"])?;
    let signal = import.signal(node, 0)?;
    let rank = signal.dims().len();
    let given = import.integers(node, "axes", 1)?.unwrap_or_default();
    if given.is_empty() && node.flag("noop_with_empty_axes")? {
        return Ok(signal);
    }
    let axes = match given.is_empty() {
        true => (0..rank).collect(),
        false => given
            .iter()
            .map(|axis| node.axis(*axis, rank))
            .collect::<Result<Vec<_>, _>>()?,
    };
    let reduction = Reduction {
        keeps: node.integer("keepdims", 1)? != 0,
        mean: node.operator() == "ReduceMean",
    };
    reduced(import, node, &signal, axes, reduction)
}

fn reduced(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: &Signal,
    axes: Vec<usize>,
    reduction: Reduction,
) -> Result<Signal, Error> {
    let signal = import.settled(node, signal)?;
    let dims = signal.dims().to_vec();
    let kept: Vec<usize> = (0..dims.len())
        .map(|axis| if axes.contains(&axis) { 1 } else { dims[axis] })
        .collect();
    let result: Vec<usize> = match reduction.keeps {
        true => kept.clone(),
        false => (0..dims.len())
            .filter(|axis| !axes.contains(axis))
            .map(|axis| dims[axis])
            .collect(),
    };
    let len: usize = dims.iter().product();
    let count = len / kept.iter().product::<usize>().max(1);
    if count == 1 {
        let movement = crate::movement::Movement::in_order(result);
        return import.moved(node, &signal, &movement);
    }
    import.budget.take(node.name(), &[4, len])?;
    let rows = rows(&signal, &dims, &kept);
    let shape = import.base_shape(&signal);
    let channel_len = shape.height * shape.width;
    let whole_channels = rows.len() == shape.channels
        && rows.iter().enumerate().all(|(channel, row)| {
            row.len() == channel_len && row.iter().all(|e| *e as usize / channel_len == channel)
        });
    let base = import.form_layer(node, &signal)?;
    if whole_channels {
        let pool = AveragePool::global(shape.height, shape.width);
        let layer =
            import
                .network
                .add(node.name(), Layer::AveragePool(pool), &[base], Vec::new())?;
        let means = import.signal_of(layer, result);
        return match reduction.mean {
            true => Ok(means),
            false => import.scaled(node, &means, Some(&[count as f64]), None),
        };
    }
    let lengths = rows.iter().map(|row| row.len() as u32).collect();
    let entries = Entries::new(lengths, rows.concat())
        .map_err(|why| node.unsupported(why, "reduce a smaller tensor"))?;
    let sparse = Sparse {
        output: canonical(&result),
        entries: Arc::new(entries),
        weights: false,
        bias: false,
    };
    let layer = import
        .network
        .add(node.name(), Layer::Sparse(sparse), &[base], Vec::new())?;
    let sums = import.signal_of(layer, result);
    match reduction.mean {
        true => import.scaled(node, &sums, Some(&[1.0 / count as f64]), None),
        false => Ok(sums),
    }
}

/// The layer's elements that each element of the result sums.
fn rows(signal: &Signal, dims: &[usize], kept: &[usize]) -> Vec<Vec<u32>> {
    let (old, new) = (strides(dims), strides(kept));
    let mut rows = vec![Vec::new(); kept.iter().product()];
    for index in 0..dims.iter().product() {
        let place = |axis: usize| index / old[axis] % dims[axis];
        let row: usize = (0..dims.len())
            .filter(|axis| kept[*axis] == dims[*axis])
            .map(|axis| place(axis) * new[axis])
            .sum();
        if let Some(position) = signal.view.position(index) {
            rows[row].push(position as u32);
        }
    }
    rows
}
