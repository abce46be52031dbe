//! Comparisons that a device computes in the clear, before it encrypts: read exactly where they stand in front of the
//! cut. Elsewhere activations are fitted, and maxima refused.

use hemet_spaces::Layer;
use hemet_spaces::layer::{Clear, Window};

use super::conv::padded_dims;
use crate::Error;
use crate::forms::Signal;
use crate::limits::MAX_SIDE;
use crate::node::Node;
use crate::polynomial::Polynomial;
use crate::state::{Import, Value};
use crate::window::{self, output_dims};

/// The activation that a node is, where a device computes it.
pub(crate) fn activation<'m>(import: &Import<'m>, node: Node<'m>) -> Result<Option<Clear>, Error> {
    if !node.domain().is_empty() {
        return Ok(None);
    }
    match node.operator() {
        "Relu" => Ok(Some(Clear::RELU)),
        "LeakyRelu" => Ok(Some(Clear::Relu {
            slope: node.float("alpha", 0.01)?,
            cap: f32::INFINITY,
        })),
        "Clip" => {
            let bound = |index: usize, name: &str, usual: f32| match node.input(index) {
                None => node.float(name, usual).map(Some),
                Some(_) => Ok(match import.value(node, index)? {
                    Some(Value::Constant(constant)) => constant.single().map(|n| n as f32),
                    Some(Value::Signal(_)) | None => None,
                }),
            };
            let low = bound(1, "min", f32::NEG_INFINITY)?;
            let high = bound(2, "max", f32::INFINITY)?;
            Ok(match (low, high) {
                (Some(0.0), Some(cap)) if cap > 0.0 => Some(Clear::Relu { slope: 0.0, cap }),
                (_, _) => None,
            })
        }
        _ => Ok(None),
    }
}

/// The node as a layer of the clear, where it is one.
pub(crate) fn import<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Option<Signal>, Error> {
    if let Some(clear) = activation(import, node)? {
        let signal = import.signal(node, 0)?;
        let signal = import.settled(node, &signal)?;
        let layer = import.form_layer(node, &signal)?;
        let layer = import
            .network
            .add(node.name(), Layer::Clear(clear), &[layer], Vec::new())?;
        let made = import.new_signal(layer, Polynomial::identity(), "", signal.view);
        return Ok(Some(made));
    }
    match (node.domain(), node.operator()) {
        ("", "MaxPool") => max_pool(import, node).map(Some),
        ("", "GlobalMaxPool") => {
            node.expect_attributes(&[])?;
            let signal = import.signal(node, 0)?;
            let signal = import.unpadded(node, &signal)?;
            let layer = import.layer(node, &signal)?;
            let shape = import.network.shape(layer);
            pooled(
                import,
                node,
                &signal,
                Window::tile(shape.height, shape.width),
            )
            .map(Some)
        }
        (_, _) => Ok(None),
    }
}

fn max_pool<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&[
        "auto_pad",
        "ceil_mode",
        "dilations",
        "kernel_shape",
        "pads",
        "storage_order",
        "strides",
    ])?;
    if node
        .proto
        .output
        .iter()
        .skip(1)
        .any(|name| !name.is_empty())
    {
        return Err(node.unsupported(
            "its second output says where the greatest elements are",
            "use its first output alone",
        ));
    }
    let signal = import.signal(node, 0)?;
    // Zeros of a Pad node are elements, places beside the map are none.
    let signal = import.unpadded(node, &signal)?;
    let count = signal.dims().len().saturating_sub(2);
    let Some(kernel) = node.sizes("kernel_shape", MAX_SIDE, count)? else {
        return Err(node.damaged("it has no kernel_shape"));
    };
    let mut axes = window::axes(node, &padded_dims(&signal), &kernel)?;
    if node.flag("ceil_mode")? {
        for axis in &mut axes {
            axis.end += axis.hanging();
        }
    }
    pooled(import, node, &signal, window::window(axes))
}

fn pooled(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: &Signal,
    window: Window,
) -> Result<Signal, Error> {
    let input = import.layer(node, signal)?;
    let channels = import.network.shape(input).channels;
    let layer = Layer::Clear(Clear::MaxPool(window));
    let layer = import
        .network
        .add(node.name(), layer, &[input], Vec::new())?;
    let shape = import.network.shape(layer);
    let dims = output_dims(signal.dims(), channels, [shape.height, shape.width]);
    Ok(import.signal_of(layer, dims))
}
