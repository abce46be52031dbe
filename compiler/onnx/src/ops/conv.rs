//! Conv, and the depthwise convolutions that other operators become.

use hemet_spaces::layer::Conv;
use hemet_spaces::{Layer, Shape};

use crate::Error;
use crate::import::Import;
use crate::limits::MAX_SIDE;
use crate::node::Node;
use crate::signal::Signal;
use crate::tensor::Constant;
use crate::window::{self, AutoPad, Axis};

/// The window that a Conv or AveragePool node slides over `signal`: rows and columns, the pads of a Pad node included.
pub(super) fn window(
    import: &Import<'_>,
    node: Node<'_>,
    signal: Signal,
    kernel: [usize; 2],
) -> Result<(Axis, Axis), Error> {
    let strides = node.sizes("strides", MAX_SIDE)?.unwrap_or([1, 1]);
    let [top, left, bottom, right] = node.sizes("pads", MAX_SIDE)?.unwrap_or([0; 4]);
    if kernel.contains(&0) || strides.contains(&0) {
        return Err(node.damaged(format!(
            "kernel {kernel:?} or strides {strides:?} have a zero"
        )));
    }
    let shape = import.shape(signal);
    // The pads of a Pad node are part of the map on which auto_pad counts.
    let [above, before, below, behind] = signal.pads;
    let mut rows = Axis {
        len: shape.height + above + below,
        kernel: kernel[0],
        stride: strides[0],
        begin: top,
        end: bottom,
    };
    let mut columns = Axis {
        len: shape.width + before + behind,
        kernel: kernel[1],
        stride: strides[1],
        begin: left,
        end: right,
    };
    let auto = auto_pad(node)?;
    for (axis, len, begin, end) in [
        (&mut rows, shape.height, above, below),
        (&mut columns, shape.width, before, behind),
    ] {
        axis.pad(auto);
        axis.len = len;
        axis.begin += begin;
        axis.end += end;
    }
    if rows.outputs().is_none() || columns.outputs().is_none() {
        return Err(node.damaged(format!(
            "a window of {kernel:?} does not fit {shape} padded by {:?}",
            [rows.begin, columns.begin, rows.end, columns.end]
        )));
    }
    Ok((rows, columns))
}

fn auto_pad(node: Node<'_>) -> Result<AutoPad, Error> {
    match node.text("auto_pad", "NOTSET")? {
        "NOTSET" | "" => Ok(AutoPad::Explicit),
        "VALID" => Ok(AutoPad::Valid),
        "SAME_UPPER" => Ok(AutoPad::SameUpper),
        "SAME_LOWER" => Ok(AutoPad::SameLower),
        other => Err(node.damaged(format!("auto_pad is `{other}`"))),
    }
}

/// Refuses a tensor that is not `[batch][channels][height][width]`.
pub(super) fn expect_map(node: Node<'_>, signal: Signal) -> Result<(), Error> {
    match signal.flat {
        false => Ok(()),
        true => Err(node.unsupported(
            "its input has the shape [batch, elements]",
            "only maps of [batch, channels, height, width] are read",
        )),
    }
}

pub(super) fn conv<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&[
        "auto_pad",
        "dilations",
        "group",
        "kernel_shape",
        "pads",
        "strides",
    ])?;
    let signal = import.signal(node, 0)?;
    expect_map(node, signal)?;
    let weight = import.constant(node, 1)?;
    let bias = import.optional_constant(node, 2)?;
    let [out_channels, in_group, height, width] = weight.dims[..] else {
        return Err(node.unsupported(
            format!("its weight has the shape {:?}", weight.dims),
            "only two-dimensional convolutions are read",
        ));
    };
    let kernel = [height, width];
    let groups = groups(
        node,
        &weight,
        import.shape(signal).channels,
        in_group,
        kernel,
    )?;
    if bias.as_ref().is_some_and(|b| b.dims != [out_channels]) {
        return Err(node.damaged(format!("its bias has not the shape [{out_channels}]")));
    }
    let (rows, columns) = window(import, node, signal, kernel)?;
    import.budget.take(node.name(), &[weight.len()])?;
    let mut tensors = vec![weight.weights()];
    tensors.extend(bias.as_ref().map(|b| b.weights()));
    let layer = Conv {
        out_channels,
        window: window::window(rows, columns),
        groups,
        bias: bias.is_some(),
    };
    let input = import.unpadded_layer(node, signal)?;
    let layer = import
        .network
        .add(node.name(), Layer::Conv(layer), &[input], tensors)?;
    Ok(import.signal_of(layer, false))
}

/// The number of groups, if weight, input channels and attributes agree.
fn groups(
    node: Node<'_>,
    weight: &Constant<'_>,
    channels: usize,
    in_group: usize,
    kernel: [usize; 2],
) -> Result<usize, Error> {
    let dilations = node.sizes("dilations", MAX_SIDE)?.unwrap_or([1, 1]);
    if dilations != [1, 1] {
        return Err(node.unsupported(format!("dilations are {dilations:?}"), "use dilation 1"));
    }
    let stated = node.sizes("kernel_shape", MAX_SIDE)?.unwrap_or(kernel);
    let groups = node.integer("group", 1)?;
    let fitting = usize::try_from(groups)
        .ok()
        .filter(|g| *g > 0 && in_group.checked_mul(*g) == Some(channels));
    match fitting {
        Some(fitting) if stated == kernel && kernel.iter().all(|k| *k <= MAX_SIDE) => Ok(fitting),
        _ => Err(node.damaged(format!(
            "its weight {:?} does not belong to {channels} input channels in {groups} group(s) with a kernel of {stated:?}",
            weight.dims
        ))),
    }
}

/// A convolution of each channel by itself whose window holds `value` everywhere.
pub(super) fn box_filter(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: Signal,
    (rows, columns): (Axis, Axis),
    value: f64,
) -> Result<Signal, Error> {
    let Shape { channels, .. } = import.shape(signal);
    let area = rows.kernel * columns.kernel;
    import.budget.take(node.name(), &[channels, area])?;
    let weights = vec![value as f32; channels * rows.kernel * columns.kernel];
    let layer = Conv {
        out_channels: channels,
        window: window::window(rows, columns),
        groups: channels,
        bias: false,
    };
    let tensors = vec![weights];
    let input = import.unpadded_layer(node, signal)?;
    let layer = import
        .network
        .add(node.name(), Layer::Conv(layer), &[input], tensors)?;
    Ok(import.signal_of(layer, false))
}
