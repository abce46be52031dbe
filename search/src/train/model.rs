//! A LayerGraph as a trainable model: how each layer runs, its parameters, their import and export.
//!
//! Values between layers are matrices `[images·height·width][channels]`; see [`super::kernel`].

use hemet_spaces::{Layer, LayerGraph, NodeId, Shape, Weights, layer};
use rand::Rng;

use super::kernel::batch_norm::EPSILON;
use super::op::{Herpn, Node, Op, Running};
use super::parameter::{ConvPlaces, Parameter, Role, TensorSpec, dense_place};
use super::ties::ties;
use crate::Error;

/// The first terms of ReLU's expansion in Hermite polynomials under a standard normal input (Lee et al. 2022;
/// Park et al., AESPA, 2022): 1/√(8π)·x² + x/2 + 1/√(8π). Where learnable polynomials start.
const HERMITE_RELU: [f32; 3] = [0.199_471_14, 0.5, 0.199_471_14];

/// What stands where a graph has a polynomial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activations {
    /// Polynomials with trained coefficients.
    Learnable,
    /// [`Herpn`] for quadratics of each channel, trained coefficients for others.
    Herpn,
    /// ReLU, in a teacher; it has no weights.
    Relu,
}

/// A network with its parameters.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub nodes: Vec<Node>,
    pub parameters: Vec<Parameter>,
    pub running: Vec<Running>,
    pub input: Shape,
    pub outputs: usize,
    /// Name of the layer that gives the logits.
    pub head: String,
}

impl Model {
    /// The network with random weights, polynomials near ReLU, batch norms at identity.
    pub fn new(
        graph: &LayerGraph,
        activations: Activations,
        rng: &mut impl Rng,
    ) -> Result<Self, Error> {
        check_logits(graph)?;
        Self::part(graph, activations, rng)
    }

    /// As [`Self::new`], of a part of a network, which need not end in logits.
    pub fn part(
        graph: &LayerGraph,
        activations: Activations,
        rng: &mut impl Rng,
    ) -> Result<Self, Error> {
        let ties = match activations {
            Activations::Learnable | Activations::Herpn => ties(graph),
            // A teacher is never compiled, and integers have no norms to fold.
            Activations::Relu => vec![1; graph.nodes().len()],
        };
        let mut model = Self::zeros(graph, activations, &ties)?;
        for node in &model.nodes {
            initialize(&node.op, &mut model.parameters, rng);
        }
        Ok(model)
    }

    /// The network with trained weights, for inference; its polynomials have coefficients, or are ReLU.
    pub fn with_weights(graph: &LayerGraph, weights: &Weights, relu: bool) -> Result<Self, Error> {
        check_logits(graph)?;
        Self::part_with_weights(graph, weights, relu)
    }

    /// As [`Self::with_weights`], of a part of a network, which need not end in logits.
    pub fn part_with_weights(
        graph: &LayerGraph,
        weights: &Weights,
        relu: bool,
    ) -> Result<Self, Error> {
        let activations = match relu {
            true => Activations::Relu,
            false => Activations::Learnable,
        };
        let mut model = Self::zeros(graph, activations, &vec![1; graph.nodes().len()])?;
        for parameter in &mut model.parameters {
            parameter.import(weights)?;
        }
        // Exported scales are already divided by the deviation.
        for running in &mut model.running {
            running.variance.fill(1.0 - EPSILON);
        }
        Ok(model)
    }

    /// Lets the convolutions that do not read the image begin with filters that each hand one input channel on, as far
    /// as there are outputs; the other filters stay random.
    pub fn begin_with_identity(&mut self) {
        for node in &self.nodes {
            let Op::Conv { conv, groups, .. } = &node.op else {
                continue;
            };
            let reads_image = node
                .inputs
                .iter()
                .any(|i| matches!(self.nodes[*i].op, Op::Input));
            let [weight] = groups[..] else {
                continue;
            };
            if reads_image {
                continue;
            }
            let [rows, columns] = conv.window.kernel;
            let center = (rows / 2 * columns + columns / 2) * node.from.channels;
            let parameter = &mut self.parameters[weight];
            let outputs = parameter.columns;
            for channel in 0..node.from.channels.min(outputs) {
                let filter = parameter.value.iter_mut().skip(channel).step_by(outputs);
                filter
                    .enumerate()
                    .for_each(|(row, value)| *value = f32::from(row == center + channel));
            }
            parameter.keep_structure();
        }
    }

    /// `ties` says of each layer in how many blocks its channels lie that share the numbers of norms and polynomials.
    fn zeros(graph: &LayerGraph, activations: Activations, ties: &[usize]) -> Result<Self, Error> {
        let output = graph.node(graph.output()).shape;
        let mut model = Self {
            nodes: Vec::new(),
            parameters: Vec::new(),
            running: Vec::new(),
            input: graph.node(graph.input()).shape,
            outputs: output.len(),
            head: graph.node(graph.output()).name.clone(),
        };
        check_trainable(graph)?;
        for (id, _) in graph.nodes() {
            let inputs = graph.inputs(id);
            let from = from(graph, id);
            let op = model.add(graph, id, activations, ties[id.index()]);
            model.nodes.push(Node {
                op,
                inputs: inputs.into_iter().map(NodeId::index).collect(),
                from,
            });
        }
        Ok(model)
    }

    /// Adds the parameters of a layer and says how it runs.
    fn add(
        &mut self,
        graph: &LayerGraph,
        id: NodeId,
        activations: Activations,
        blocks: usize,
    ) -> Op {
        let node = graph.node(id);
        let from = from(graph, id);
        let tensors: Vec<TensorSpec> = graph
            .parameters(id)
            .into_iter()
            .map(|p| TensorSpec {
                name: format!("{}.{}", node.name, p.name),
                shape: p.shape,
            })
            .collect();
        match &node.layer {
            Layer::Input(_) => Op::Input,
            Layer::Conv(conv) => self.add_conv(conv, from, &tensors),
            Layer::Dense(dense) => {
                let size = [from.len(), dense.out_features];
                let place = |r, c| dense_place(dense, from, r, c);
                let weight = Parameter::new(&tensors[0], Role::Weight, size, place);
                Op::Dense {
                    weight: self.push(weight),
                    bias: dense.bias.then(|| self.line(&tensors[1], Role::Bias)),
                }
            }
            Layer::Affine(_) => Op::Norm {
                scale: self.blocks(&tensors[0], Role::NormScale, blocks),
                shift: self.blocks(&tensors[1], Role::NormShift, blocks),
                running: self.add_running(from.channels / blocks),
                blocks,
            },
            Layer::AveragePool(pool) => Op::Pool(pool.clone()),
            Layer::Sparse(_) | Layer::Clear(_) => unreachable!("refused by check_trainable"),
            Layer::Poly(poly) => {
                let channels = match poly.per_channel {
                    true => [from.channels, blocks],
                    false => [from.channels, 1],
                };
                self.add_poly(poly, channels, &tensors[0], activations)
            }
            Layer::Add => Op::Add,
            Layer::Concat => Op::Concat,
        }
    }

    fn add_conv(&mut self, conv: &layer::Conv, from: Shape, tensors: &[TensorSpec]) -> Op {
        let places = ConvPlaces::new(conv, from.channels);
        let bias = |model: &mut Self| conv.bias.then(|| model.line(&tensors[1], Role::Bias));
        if conv.groups > 1 && conv.groups == from.channels && conv.out_channels == from.channels {
            let place = |tap, channel| places.of(channel, tap, 0);
            let size = [conv.window.area(), from.channels];
            let weight = Parameter::partial(&tensors[0], Role::Weight, size, place);
            return Op::Depthwise {
                conv: conv.clone(),
                weight: self.push(weight),
                bias: bias(self),
            };
        }
        let groups = (0..conv.groups)
            .map(|group| {
                let place = |r, c| places.of(group, r, c);
                let size = places.size();
                self.push(Parameter::partial(&tensors[0], Role::Weight, size, place))
            })
            .collect();
        Op::Conv {
            conv: conv.clone(),
            groups,
            bias: bias(self),
        }
    }

    fn add_poly(
        &mut self,
        poly: &layer::Poly,
        [channels, blocks]: [usize; 2],
        tensor: &TensorSpec,
        activations: Activations,
    ) -> Op {
        let herpn = match activations {
            Activations::Relu => return Op::Relu,
            Activations::Herpn => poly.degree == 2 && poly.per_channel,
            Activations::Learnable => false,
        };
        if herpn {
            let (name, channels) = (&tensor.name, channels / blocks);
            let inner =
                |part: &str, role| Parameter::inner(format!("{name}.{part}"), role, channels);
            return Op::Herpn(Herpn {
                scale: self.push(inner("scale", Role::NormScale)),
                shift: self.push(inner("shift", Role::NormShift)),
                linear: self.add_running(channels),
                square: self.add_running(channels),
                coefficients: name.clone(),
                blocks,
            });
        }
        let terms = poly.degree + 1;
        let rows = if poly.per_channel {
            channels / blocks
        } else {
            1
        };
        let place = |r, c| r * terms + c;
        let mut coefficients = Parameter::new(tensor, Role::Activation, [rows, terms], place);
        coefficients.repeats = blocks;
        Op::Poly {
            poly: poly.clone(),
            coefficients: self.push(coefficients),
            blocks,
        }
    }

    fn add_running(&mut self, channels: usize) -> usize {
        self.running.push(Running {
            mean: vec![0.0; channels],
            variance: vec![1.0; channels],
        });
        self.running.len() - 1
    }

    fn push(&mut self, parameter: Parameter) -> usize {
        self.parameters.push(parameter);
        self.parameters.len() - 1
    }

    /// A parameter of one row for the channels of one block, which stands once for each of so many in the exported
    /// tensor.
    fn blocks(&mut self, tensor: &TensorSpec, role: Role, blocks: usize) -> usize {
        let columns = tensor.shape.iter().product::<usize>() / blocks;
        let mut line = Parameter::new(tensor, role, [1, columns], |_, c| c);
        line.repeats = blocks;
        self.push(line)
    }

    /// A parameter of one row.
    fn line(&mut self, tensor: &TensorSpec, role: Role) -> usize {
        let columns = tensor.shape.iter().product();
        self.push(Parameter::new(tensor, role, [1, columns], |_, c| c))
    }

    /// The trained weights: batch norms folded with their running statistics.
    pub fn export(&self) -> Weights {
        let mut weights = Weights::default();
        for parameter in &self.parameters {
            parameter.export(&mut weights);
        }
        for node in &self.nodes {
            if let Op::Herpn(herpn) = &node.op {
                let (name, tensor) = self.herpn_tensor(herpn);
                weights.tensors.insert(name, tensor);
            }
            if let Op::Norm {
                scale,
                shift,
                running,
                blocks: _,
            } = node.op
            {
                for (index, line) in self.folded(scale, shift, running).iter().enumerate() {
                    for (parameter, value) in [shift, scale].into_iter().zip(line) {
                        let name = &self.parameters[parameter].tensor;
                        if let Some(tensor) = weights.tensors.get_mut(name) {
                            let channels = self.parameters[parameter].value.len();
                            let copies = tensor.data.iter_mut().skip(index).step_by(channels);
                            copies.for_each(|copy| *copy = *value);
                        }
                    }
                }
            }
        }
        weights
    }

    /// `[shift, scale]` of each channel of a batch norm at inference.
    pub fn folded(&self, scale: usize, shift: usize, running: usize) -> Vec<[f32; 2]> {
        let running = &self.running[running];
        let (gamma, beta) = (&self.parameters[scale].value, &self.parameters[shift].value);
        (0..gamma.len())
            .map(|c| {
                let scale = gamma[c] / (running.variance[c] + EPSILON).sqrt();
                [beta[c] - scale * running.mean[c], scale]
            })
            .collect()
    }

    /// Every number that training changes: parameters, then running statistics.
    pub fn values(&self) -> impl Iterator<Item = &[f32]> {
        let parameters = self.parameters.iter().map(|p| p.value.as_slice());
        let running = self.running.iter();
        parameters.chain(running.flat_map(|r| [r.mean.as_slice(), r.variance.as_slice()]))
    }

    /// As [`Self::values`], to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Vec<f32>> {
        let parameters = self.parameters.iter_mut().map(|p| &mut p.value);
        let running = self.running.iter_mut();
        parameters.chain(running.flat_map(|r| [&mut r.mean, &mut r.variance]))
    }

    /// The tensor or statistics that hold a number that is not finite, if any.
    pub fn not_finite(&self) -> Option<String> {
        let bad = |values: &[f32]| values.iter().any(|v| !v.is_finite());
        let parameter = self.parameters.iter().find(|p| bad(&p.value));
        let running = self
            .running
            .iter()
            .position(|r| bad(&r.mean) || bad(&r.variance));
        parameter
            .map(|p| format!("tensor `{}`", p.tensor))
            .or(running.map(|index| format!("the statistics of batch norm number {index}")))
    }
}

/// Shape of the first input of a layer, or of the network's.
fn from(graph: &LayerGraph, id: NodeId) -> Shape {
    let first = graph.inputs(id).first().copied();
    graph.node(first.unwrap_or(id)).shape
}

/// Refuses networks that end in a picture.
fn check_logits(graph: &LayerGraph) -> Result<(), Error> {
    let head = graph.node(graph.output());
    if (head.shape.height, head.shape.width) == (1, 1) {
        return Ok(());
    }
    Err(Error::Untrainable {
        layer: head.name.clone(),
        why: format!(
            "it is the output and has shape {}; a classifier ends in a dense layer or a pool to 1x1",
            head.shape
        ),
    })
}

/// Refuses layers that the training kernels do not compute.
fn check_trainable(graph: &LayerGraph) -> Result<(), Error> {
    let refuse = |name: &str, why: String| Error::Untrainable {
        layer: name.to_owned(),
        why,
    };
    for (_, node) in graph.nodes() {
        match &node.layer {
            Layer::Sparse(_) => {
                let why = "maps given entry by entry are not trained";
                return Err(refuse(&node.name, why.into()));
            }
            Layer::Clear(clear) => {
                let why = format!("{clear} is computed in the clear alone and is not trained");
                return Err(refuse(&node.name, why));
            }
            Layer::Input(_)
            | Layer::Conv(_)
            | Layer::Dense(_)
            | Layer::Affine(_)
            | Layer::AveragePool(_)
            | Layer::Poly(_)
            | Layer::Add
            | Layer::Concat => {}
        }
    }
    Ok(())
}

/// Gives a layer's parameters their first values: random weights, identity batch norms, polynomials near ReLU.
fn initialize(op: &Op, parameters: &mut [Parameter], rng: &mut impl Rng) {
    match op {
        Op::Conv { groups, .. } => {
            for index in groups {
                let fan_in = parameters[*index].fan_in();
                parameters[*index].randomize(fan_in, rng);
            }
        }
        Op::Depthwise { weight, .. } | Op::Dense { weight, .. } => {
            let fan_in = parameters[*weight].fan_in();
            parameters[*weight].randomize(fan_in, rng);
        }
        Op::Norm { scale, .. } | Op::Herpn(Herpn { scale, .. }) => {
            parameters[*scale].value.fill(1.0);
        }
        Op::Poly { coefficients, .. } => {
            let polynomials = &mut parameters[*coefficients];
            for row in polynomials.value.chunks_exact_mut(polynomials.columns) {
                row.iter_mut()
                    .zip(HERMITE_RELU)
                    .for_each(|(value, start)| *value = start);
            }
        }
        Op::Input | Op::Pool(_) | Op::Relu | Op::Add | Op::Concat => {}
    }
}
