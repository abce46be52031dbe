//! The device part of a network: its first layers, for the client to run in the clear, and the tail that is compiled.
//!
//! The client's last layer brings every channel of the features to a magnitude of at most 1 on the samples, and the
//! tail's first layer undoes that; it merges into the maps behind it. So a tail is compiled as a network on images is,
//! and its estimate needs no weights. Scales are powers of two: undoing them is exact.

use std::sync::Arc;

use hemet_schedule::DevicePart;
use hemet_schedule::device::{
    DeviceConv, DeviceKind, DeviceLayer, DeviceSparse, DeviceWindow, Numbers,
};
use hemet_spaces::layer::{
    AveragePool, Clear, Conv, Dense, Entries, Poly, Sparse, Window, circulant_index,
};
use hemet_spaces::{Cut, Layer, LayerGraph, NodeId, Shape, Tensor, Weights};

use crate::Error;

/// Name of the tail's layer that undoes the scaling of the features.
const UNSCALE: &str = "device.unscale";
/// Name of the device part's last layer.
const SCALE: &str = "device.scale";

/// A network cut in two.
pub struct Cutting {
    /// What the client runs.
    pub part: DevicePart,
    /// The graph that is compiled.
    pub tail: LayerGraph,
    /// Its weights.
    pub weights: Weights,
    /// The samples as the client encrypts them.
    pub features: Vec<Vec<f64>>,
}

/// What is compiled of a network that is cut.
///
/// # Errors
/// A cut of another network.
pub fn tail(graph: &LayerGraph, cut: Cut) -> Result<LayerGraph, Error> {
    unscaled(&graph.halves(cut)?.tail)
}

/// Cuts a network with its weights in two, for inputs such as `samples`.
///
/// # Errors
/// A cut of another network, weights that do not fit; no samples, or such that a feature is not finite; a device part
/// that is too large.
pub fn cut(
    graph: &LayerGraph,
    weights: &Weights,
    cut: Cut,
    samples: &[Vec<f64>],
) -> Result<Cutting, Error> {
    let halves = graph.halves(cut)?;
    let (front, back) = halves.weights(weights)?;
    let front = Trained {
        graph: &halves.prefix,
        weights: &front,
    };
    let back = Trained {
        graph: &halves.tail,
        weights: &back,
    };
    behind(&front, &back, samples)
}

/// A network with its weights.
#[derive(Clone, Copy, Debug)]
pub struct Trained<'a> {
    /// The network.
    pub graph: &'a LayerGraph,
    /// Its weights.
    pub weights: &'a Weights,
}

/// A public network for the device, and one that takes its outputs; for inputs such as `samples`.
///
/// # Errors
/// As [`cut`]; outputs that the second network does not take.
pub fn behind(
    prefix: &Trained<'_>,
    back: &Trained<'_>,
    samples: &[Vec<f64>],
) -> Result<Cutting, Error> {
    if samples.is_empty() {
        return Err(Error::Device(
            "the features of a device part are scaled by what typical inputs give, and there are none; give training images"
                .into(),
        ));
    }
    let (front, old) = (prefix.graph, back.graph);
    let shape = old.node(old.input()).shape;
    let gives = front.node(front.output()).shape;
    if gives != shape {
        return Err(Error::Device(format!(
            "it gives {gives}, the network behind it takes {shape}"
        )));
    }
    let mut layers = layers(front, prefix.weights)?;
    let input = extents(front.node(front.input()).shape);
    let part = DevicePart::new(input, layers.clone()).map_err(Error::Device)?;
    let run = |sample: &Vec<f64>| part.run(sample).map_err(Error::Device);
    let features = samples.iter().map(run).collect::<Result<Vec<_>, Error>>()?;
    let scales = scales(shape, &features)?;
    layers.push(DeviceLayer {
        name: SCALE.into(),
        from: vec![layers.len()],
        kind: DeviceKind::Affine {
            scale: numbers(&scales)?,
            shift: numbers(&vec![0.0; scales.len()])?,
        },
    });
    let plane = (shape.height * shape.width).max(1);
    let factors = (0..shape.len()).map(|element| scales[element / plane].recip());
    let mut weights = back.weights.clone();
    weights.tensors.insert(
        format!("{UNSCALE}.weight"),
        Tensor {
            shape: vec![shape.len()],
            data: factors.collect(),
        },
    );
    let scaled = features.into_iter().map(|mut features| {
        let elements = features.iter_mut().enumerate();
        elements.for_each(|(element, x)| *x *= f64::from(scales[element / plane]));
        features
    });
    Ok(Cutting {
        part: DevicePart::new(input, layers).map_err(Error::Device)?,
        tail: unscaled(old)?,
        weights,
        features: scaled.collect(),
    })
}

/// The network behind a device part, with the layer in front that undoes the scaling of features.
///
/// # Errors
/// None for a network.
pub fn unscaled(old: &LayerGraph) -> Result<LayerGraph, Error> {
    let shape = old.node(old.input()).shape;
    let columns = (0..shape.len() as u32).collect();
    let mut tail = LayerGraph::new(shape)?;
    let unscale = Sparse {
        output: shape,
        entries: Arc::new(Entries::selection(columns)),
        weights: true,
        bias: false,
    };
    let first = tail.add(UNSCALE, Layer::Sparse(unscale), &[tail.input()])?;
    let mut places: Vec<NodeId> = vec![first];
    for (id, node) in old.nodes().skip(1) {
        let read: Vec<NodeId> = old.inputs(id).iter().map(|i| places[i.index()]).collect();
        places.push(tail.add(node.name.clone(), node.layer.clone(), &read)?);
    }
    Ok(tail)
}

/// For each channel the largest power of two that keeps the features of the samples within 1.
fn scales(shape: Shape, features: &[Vec<f64>]) -> Result<Vec<f32>, Error> {
    let plane = (shape.height * shape.width).max(1);
    let scale = |channel: usize| {
        let of_channel = |x: &'_ Vec<f64>| {
            let own = x[channel * plane..(channel + 1) * plane].iter();
            own.fold(0.0, |most: f64, x| {
                if x.is_nan() {
                    f64::NAN
                } else {
                    most.max(x.abs())
                }
            })
        };
        let largest = features.iter().map(of_channel).fold(0.0, f64::max);
        let scale = match largest > 0.0 {
            true => largest.log2().ceil().exp2().recip() as f32,
            // Nothing that the samples show; whatever comes is sent as it is.
            false => 1.0,
        };
        match scale.is_normal() && scale.recip().is_normal() {
            true => Ok(scale),
            false => Err(Error::Device(format!(
                "channel {channel} of its features reaches {largest:e} on the samples; run fewer layers on the device"
            ))),
        }
    };
    (0..shape.channels).map(scale).collect()
}

fn numbers(values: &[f32]) -> Result<Numbers, Error> {
    Numbers::new(values.to_vec()).map_err(Error::Device)
}

fn extents(shape: Shape) -> [u32; 3] {
    [shape.channels, shape.height, shape.width].map(|extent| extent as u32)
}

/// The layers of a graph but its input, in the form of the device.
fn layers(graph: &LayerGraph, weights: &Weights) -> Result<Vec<DeviceLayer>, Error> {
    let layer = |(id, node): (NodeId, &hemet_spaces::Node)| {
        let own = Own {
            graph,
            id,
            weights,
            name: &node.name,
        };
        Ok(DeviceLayer {
            name: node.name.clone(),
            from: graph.inputs(id).iter().map(|input| input.index()).collect(),
            kind: own.kind(&node.layer, node.shape)?,
        })
    };
    graph.nodes().skip(1).map(layer).collect()
}

/// A layer with its weights.
struct Own<'a> {
    graph: &'a LayerGraph,
    id: NodeId,
    weights: &'a Weights,
    name: &'a str,
}

impl Own<'_> {
    fn kind(&self, layer: &Layer, output: Shape) -> Result<DeviceKind, Error> {
        let input = || self.graph.input_shapes(self.id)[0];
        Ok(match layer {
            Layer::Input(_) => return Err(Error::Device("a second input".into())),
            Layer::Add => DeviceKind::Add,
            Layer::Concat => DeviceKind::Concat,
            Layer::Conv(conv) => DeviceKind::Conv(self.conv(conv, input())?),
            Layer::Dense(dense) => DeviceKind::Dense {
                weights: numbers(&self.matrix(dense, input())?)?,
                bias: self.bias(dense.bias, dense.out_features)?,
            },
            Layer::Affine(_) => DeviceKind::Affine {
                scale: numbers(self.tensor("scale")?)?,
                shift: numbers(self.tensor("shift")?)?,
            },
            Layer::Poly(poly) => DeviceKind::Poly {
                coefficients: self.polynomials(poly, output.channels)?,
            },
            Layer::Clear(Clear::Relu { slope, cap }) => DeviceKind::Relu {
                slope: *slope,
                cap: cap.is_finite().then_some(*cap),
            },
            Layer::Clear(Clear::MaxPool(window)) => DeviceKind::MaxPool {
                window: of_window(window),
            },
            Layer::AveragePool(AveragePool {
                window,
                counts_padding,
            }) => DeviceKind::AveragePool {
                window: of_window(window),
                counts_padding: *counts_padding,
            },
            Layer::Sparse(sparse) => DeviceKind::Sparse(DeviceSparse {
                shape: extents(sparse.output),
                lengths: sparse.entries.lengths().to_vec(),
                columns: sparse.entries.columns().to_vec(),
                weights: match sparse.weights {
                    true => numbers(self.tensor("weight")?)?,
                    false => Numbers::default(),
                },
                bias: match sparse.bias {
                    true => numbers(self.tensor("bias")?)?,
                    false => Numbers::default(),
                },
            }),
        })
    }

    fn tensor(&self, parameter: &str) -> Result<&[f32], Error> {
        let name = format!("{}.{parameter}", self.name);
        // The weights were checked against the graph.
        let missing = || Error::Device(format!("tensor `{name}` is missing"));
        let tensor = self.weights.tensors.get(&name).ok_or_else(missing)?;
        Ok(&tensor.data)
    }

    fn bias(&self, has: bool, outputs: usize) -> Result<Numbers, Error> {
        match has {
            true => numbers(self.tensor("bias")?),
            false => numbers(&vec![0.0; outputs]),
        }
    }

    /// The weights with those that the layer's structure leaves out as 0.
    fn conv(&self, conv: &Conv, input: Shape) -> Result<DeviceConv, Error> {
        let stored = self.tensor("weight")?;
        let (in_group, out_group) = (
            input.channels / conv.groups,
            conv.out_channels / conv.groups,
        );
        let (taps, kernel) = (conv.structure.taps, conv.window.kernel);
        let (read, area) = (conv.read_channels(input.channels), conv.window.area());
        let mut weights = vec![0.0; conv.out_channels * in_group * area];
        for output in 0..conv.out_channels {
            let channels = conv
                .structure
                .seen
                .channels(in_group, out_group, output % out_group);
            for (number, channel) in channels.enumerate() {
                let extents = [conv.out_channels, read];
                let [row, column] =
                    circulant_index(conv.structure.circulant, extents, [output, number]);
                let first = (row * read + column) * taps.count(kernel);
                for place in 0..area {
                    if let Some(rank) = taps.rank(kernel, place) {
                        weights[(output * in_group + channel) * area + place] =
                            stored[first + rank];
                    }
                }
            }
        }
        Ok(DeviceConv {
            window: of_window(&conv.window),
            groups: conv.groups as u32,
            weights: numbers(&weights)?,
            bias: self.bias(conv.bias, conv.out_channels)?,
        })
    }

    fn matrix(&self, dense: &Dense, input: Shape) -> Result<Vec<f32>, Error> {
        let stored = self.tensor("weight")?;
        let of = |output: usize| {
            let elements = 0..input.len();
            elements.map(move |element| stored[dense.weight_index(input, output, element)])
        };
        Ok((0..dense.out_features).flat_map(of).collect())
    }

    fn polynomials(&self, poly: &Poly, channels: usize) -> Result<Numbers, Error> {
        let own = self.tensor("coefficients")?;
        match poly.per_channel {
            true => numbers(own),
            false => numbers(&own.repeat(channels)),
        }
    }
}

fn of_window(window: &Window) -> DeviceWindow {
    let number = |n: usize| n as u32;
    DeviceWindow {
        kernel: window.kernel.map(number),
        stride: window.stride.map(number),
        padding: window.padding.map(number),
        dilation: window.dilation.map(number),
    }
}
