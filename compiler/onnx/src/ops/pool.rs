//! AveragePool and GlobalAveragePool.

use hemet_spaces::Layer;
use hemet_spaces::layer::AveragePool;

use super::conv::{box_filter, expect_map, window};
use crate::Error;
use crate::import::Import;
use crate::limits::MAX_SIDE;
use crate::node::Node;
use crate::signal::Signal;
use crate::window::{self, Axis};

pub(super) fn average<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&[
        "auto_pad",
        "ceil_mode",
        "count_include_pad",
        "kernel_shape",
        "pads",
        "strides",
    ])?;
    let signal = import.signal(node, 0)?;
    expect_map(node, signal)?;
    let Some(kernel) = node.sizes("kernel_shape", MAX_SIDE)? else {
        return Err(node.damaged("it has no kernel_shape"));
    };
    let (rows, columns) = window(import, node, signal, kernel)?;
    let [above, before, below, behind] = signal.pads;
    let own_pads = [
        rows.begin - above,
        columns.begin - before,
        rows.end - below,
        columns.end - behind,
    ];
    if own_pads != [0; 4] && !node.flag("count_include_pad")? {
        return Err(node.unsupported(
            format!("padding {own_pads:?} that does not count"),
            "set count_include_pad=1 or padding 0",
        ));
    }
    let hangs_over = |axis: Axis| axis.outputs() != axis.outputs_rounded_up();
    if node.flag("ceil_mode")? && (hangs_over(rows) || hangs_over(columns)) {
        return Err(node.unsupported(
            "ceil_mode with a window that hangs over the edge",
            "set ceil_mode=0 or pad the input",
        ));
    }
    pool(import, node, signal, rows, columns)
}

pub(super) fn global<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&[])?;
    let signal = import.signal(node, 0)?;
    expect_map(node, signal)?;
    let signal = import.settled(node, signal)?;
    let shape = import.shape(signal);
    let axis = |len| Axis {
        len,
        kernel: len,
        stride: len,
        begin: 0,
        end: 0,
    };
    pool(import, node, signal, axis(shape.height), axis(shape.width))
}

fn pool(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: Signal,
    rows: Axis,
    columns: Axis,
) -> Result<Signal, Error> {
    let plain = !rows.is_padded() && !columns.is_padded();
    if !plain {
        let share = 1.0 / (rows.kernel * columns.kernel) as f64;
        return box_filter(import, node, signal, (rows, columns), share);
    }
    if [rows.kernel, rows.stride, columns.kernel, columns.stride] == [1; 4] {
        return Ok(signal);
    }
    let pool = AveragePool {
        window: window::window(rows, columns),
        counts_padding: false,
    };
    let input = import.unpadded_layer(node, signal)?;
    let layer = import
        .network
        .add(node.name(), Layer::AveragePool(pool), &[input], Vec::new())?;
    Ok(import.signal_of(layer, false))
}
