//! Conv, and ConvTranspose as a convolution of a map with zeros between its elements.

use hemet_spaces::Layer;
use hemet_spaces::layer::{Conv, Structure, Window};

use crate::Error;
use crate::constant::Constant;
use crate::forms::Signal;
use crate::limits::{MAX_ELEMENTS, MAX_SIDE};
use crate::movement::Movement;
use crate::node::Node;
use crate::state::Import;
use crate::window::{self, Axis, output_dims};

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
    let weight = import.constant(node, 1)?;
    let bias = import.optional_constant(node, 2)?;
    let [out_channels, in_group, ref kernel @ ..] = weight.dims[..] else {
        return Err(node.damaged(format!("its weight has the shape {:?}", weight.dims)));
    };
    // The pads of a Pad node are part of the map on which auto_pad counts.
    let padded = padded_dims(&signal);
    let mut axes = window::axes(node, &padded, kernel)?;
    take_pads(&signal, &mut axes);
    let groups = groups(node, signal.dims()[1], in_group)?;
    let stated = node.sizes("kernel_shape", MAX_SIDE, kernel.len())?;
    if stated.is_some_and(|stated| stated != kernel) {
        return Err(node.damaged(format!(
            "its kernel_shape is not that of its weight {:?}",
            weight.dims
        )));
    }
    if bias.as_ref().is_some_and(|b| b.len() != out_channels) {
        return Err(node.damaged(format!("its bias has not the shape [{out_channels}]")));
    }
    import.budget.take(node.name(), &[weight.len()])?;
    let layer = Conv {
        out_channels,
        window: window::window(axes),
        groups,
        bias: bias.is_some(),
        structure: Structure::FULL,
    };
    let mut tensors = vec![weight.weights()];
    tensors.extend(bias.as_ref().map(Constant::weights));
    convolved(import, node, &signal, layer, tensors)
}

/// A convolution's layer with its tensors, over the tensor without its pads.
fn convolved(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: &Signal,
    layer: Conv,
    tensors: Vec<Vec<f32>>,
) -> Result<Signal, Error> {
    let bare = Signal {
        pads: [0; 4],
        ..signal.clone()
    };
    let input = import.layer(node, &bare)?;
    let channels = layer.out_channels;
    let made = import
        .network
        .add(node.name(), Layer::Conv(layer), &[input], tensors)?;
    let shape = import.network.shape(made);
    let dims = output_dims(signal.dims(), channels, [shape.height, shape.width]);
    Ok(import.signal_of(made, dims))
}

/// Extents of the tensor with its pads.
pub(super) fn padded_dims(signal: &Signal) -> Vec<usize> {
    let mut dims = signal.dims().to_vec();
    let [above, left, below, right] = signal.pads;
    let rank = dims.len();
    if rank >= 3 {
        dims[rank - 1] += left + right;
    }
    if rank >= 4 {
        dims[rank - 2] += above + below;
    }
    dims
}

/// Makes the tensor's pads the window's.
pub(super) fn take_pads(signal: &Signal, axes: &mut [Axis; 2]) {
    let [above, left, below, right] = signal.pads;
    for (axis, [begin, end]) in axes.iter_mut().zip([[above, below], [left, right]]) {
        axis.len -= begin + end;
        axis.begin += begin;
        axis.end += end;
    }
}

/// The number of groups, if it fits the input's channels.
fn groups(node: Node<'_>, channels: usize, in_group: usize) -> Result<usize, Error> {
    let groups = node.integer("group", 1)?;
    let fitting = usize::try_from(groups).ok();
    match fitting.filter(|g| *g > 0 && in_group.checked_mul(*g) == Some(channels)) {
        Some(fitting) => Ok(fitting),
        None => Err(node.damaged(format!(
            "its weight takes {in_group} channels a group, its input has {channels} in {groups} group(s)"
        ))),
    }
}

pub(super) fn transposed<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&[
        "auto_pad",
        "dilations",
        "group",
        "kernel_shape",
        "output_padding",
        "pads",
        "strides",
    ])?;
    let signal = import.signal(node, 0)?;
    let signal = import.unpadded(node, &signal)?;
    let weight = import.constant(node, 1)?;
    let bias = import.optional_constant(node, 2)?;
    let dims = signal.dims().to_vec();
    let [in_channels, out_group, ref kernel @ ..] = weight.dims[..] else {
        return Err(node.damaged(format!("its weight has the shape {:?}", weight.dims)));
    };
    let rank = kernel.len();
    let groups = usize::try_from(node.integer("group", 1)?).unwrap_or(0);
    if !(1..=2).contains(&rank) || dims.len() != rank + 2 || kernel.contains(&0) {
        return Err(node.unsupported(
            format!(
                "its weight has the shape {:?}, its input {dims:?}",
                weight.dims
            ),
            "only signals and maps are read",
        ));
    }
    if dims[1] != in_channels || groups == 0 || !in_channels.is_multiple_of(groups) {
        return Err(node.damaged(format!(
            "its weight {:?} takes {in_channels} channels in {groups} group(s), its input has {}",
            weight.dims, dims[1]
        )));
    }
    if !["NOTSET", ""].contains(&node.text("auto_pad", "NOTSET")?) {
        return Err(node.unsupported(
            "its padding is found by rule",
            "write pads instead of auto_pad",
        ));
    }
    let spread = Spread::of(node, &dims, kernel)?;
    import.budget.take(node.name(), &[2, weight.len()])?;
    let movement = spread.movement(node, &dims)?;
    let wide = import.moved(node, &signal, &movement)?;
    let mut window = Window::square(1, 1, 0);
    for (axis, side) in kernel.iter().enumerate() {
        window.kernel[axis + 2 - rank] = *side;
        window.dilation[axis + 2 - rank] = spread.dilations[axis];
    }
    let layer = Conv {
        out_channels: out_group * groups,
        window,
        groups,
        bias: bias.is_some(),
        structure: Structure::FULL,
    };
    let area = window.area();
    let mut tensors = vec![turned(
        &weight.weights(),
        [in_channels, out_group, groups],
        area,
    )];
    tensors.extend(bias.as_ref().map(Constant::weights));
    convolved(import, node, &wide, layer, tensors)
}

/// Where a transposed convolution puts zeros: between the elements, and around them.
struct Spread {
    strides: Vec<usize>,
    dilations: Vec<usize>,
    /// Zeros before and behind, or elements to cut.
    around: Vec<[i64; 2]>,
}

impl Spread {
    fn of(node: Node<'_>, dims: &[usize], kernel: &[usize]) -> Result<Self, Error> {
        let rank = kernel.len();
        let of = |name: &str, default: usize, count: usize| -> Result<Vec<usize>, Error> {
            let found = node.sizes(name, MAX_SIDE, count)?;
            Ok(found.unwrap_or_else(|| vec![default; count]))
        };
        let (strides, dilations) = (of("strides", 1, rank)?, of("dilations", 1, rank)?);
        let (pads, more) = (of("pads", 0, 2 * rank)?, of("output_padding", 0, rank)?);
        if strides.contains(&0) || dilations.contains(&0) || kernel.iter().any(|k| *k > MAX_SIDE) {
            return Err(node.damaged("its strides or dilations have a zero"));
        }
        let around = (0..rank).map(|axis| {
            let reach = ((kernel[axis] - 1) * dilations[axis]) as i64;
            let end = reach - pads[axis + rank] as i64 + more[axis] as i64;
            [reach - pads[axis] as i64, end]
        });
        let around: Vec<[i64; 2]> = around.collect();
        let lens = (0..rank).map(|axis| {
            let inner = (dims[axis + 2] - 1) * strides[axis] + 1;
            inner as i64 + around[axis][0] + around[axis][1]
        });
        let len = lens.fold(dims[1] as i64, |len, axis| len.saturating_mul(axis.max(0)));
        if len <= 0 || len > MAX_ELEMENTS as i64 {
            return Err(node.damaged(format!("it spreads {dims:?} to {len} elements")));
        }
        Ok(Self {
            strides,
            dilations,
            around,
        })
    }

    fn movement(&self, node: Node<'_>, dims: &[usize]) -> Result<Movement, Error> {
        let mut axes: Vec<Vec<Option<usize>>> =
            vec![vec![Some(0)], (0..dims[1]).map(Some).collect()];
        for (axis, [before, behind]) in self.around.iter().enumerate() {
            let (len, stride) = (dims[axis + 2] as i64, self.strides[axis] as i64);
            let inner = (len - 1) * stride + 1;
            let place = |at: i64| {
                let inside = (0..inner).contains(&at) && at % stride == 0;
                inside.then_some((at / stride) as usize)
            };
            axes.push((-before..inner + behind).map(place).collect());
        }
        match axes.iter().any(Vec::is_empty) {
            true => Err(node.damaged("its result has no elements")),
            false => Ok(Movement::by_axis(dims, &axes)),
        }
    }
}

/// `[in][out / groups][area]` as the weight `[out][in / groups][area]` of a convolution, each kernel turned by half a
/// turn.
fn turned(weight: &[f32], [inputs, out_group, groups]: [usize; 3], area: usize) -> Vec<f32> {
    let in_group = inputs / groups;
    let mut turned = Vec::with_capacity(weight.len());
    for group in 0..groups {
        for out in 0..out_group {
            for input in group * in_group..(group + 1) * in_group {
                let start = (input * out_group + out) * area;
                turned.extend(weight[start..start + area].iter().rev());
            }
        }
    }
    turned
}
