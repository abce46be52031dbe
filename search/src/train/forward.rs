//! The forward pass of a [`Model`] on burn tensors, in training and at inference.

use std::sync::Arc;

use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use hemet_spaces::{Shape, layer};

use super::kernel::batch_norm::{BatchNorm, Statistics};
use super::kernel::conv::Conv;
use super::kernel::depthwise::Depthwise;
use super::kernel::poly::{InputPenalty, Poly};
use super::kernel::pool::Pool;
use super::kernel::range::RangePenalty;
use super::kernel::window::Window;
use super::kernel::{binary, on_flex, ternary, unary};
use super::model::Model;
use super::op::{Herpn, Node, Op};
use super::parameter::Parameter;
use super::tensor::matrix;

/// What the forward pass of a batch gives in training.
pub(super) struct TrainingOutput {
    /// `[images][classes]`.
    pub logits: Tensor<2>,
    /// What the penalties on inputs of polynomials add to the loss: those on the tape, `[1][1]`, and those that
    /// kernels take along.
    pub penalty: Option<Tensor<2>>,
    pub penalties: Vec<InputPenalty>,
    /// Which running statistics the batch's belong to.
    norms: Vec<(usize, Arc<BatchNorm>)>,
}

/// A batch norm on the way, with the statistics of its input: its scale, shift and running statistics by index.
pub(super) type Seen = ((usize, usize, usize), Statistics);

enum Mode<'a> {
    Training {
        penalty: Penalty,
        output: &'a mut TrainingParts,
    },
    Inference,
    /// As in training for batch norms whose scale is not among those `taken` over, as at inference for the others.
    Calibration {
        taken: &'a [bool],
        seen: &'a mut Vec<Seen>,
    },
}

/// The penalty on inputs of polynomials beyond ±`bound`, and its weight in the loss.
#[derive(Clone, Copy, Debug)]
pub(super) struct Penalty {
    pub bound: f32,
    pub weight: f32,
}

/// What a forward pass in training collects on its way.
#[derive(Default)]
pub(super) struct TrainingParts {
    pub penalty: Option<Tensor<2>>,
    pub penalties: Vec<InputPenalty>,
    pub norms: Vec<(usize, Arc<BatchNorm>)>,
}

impl Model {
    /// The parameters as tensors on `device`; with `gradients` those that are not frozen have them.
    pub fn tensors(&self, device: &Device, gradients: bool) -> Vec<Tensor<2>> {
        let tensor = |p: &Parameter| {
            let tensor = matrix(p.value.clone(), p.rows, p.columns, device);
            if gradients && !p.frozen {
                tensor.require_grad()
            } else {
                tensor
            }
        };
        self.parameters.iter().map(tensor).collect()
    }

    /// Forward pass in training: batch statistics, penalties.
    pub fn forward_training(
        &self,
        tensors: &[Tensor<2>],
        input: Tensor<2>,
        images: usize,
        penalty: Penalty,
    ) -> TrainingOutput {
        let mut parts = TrainingParts::default();
        let mode = Mode::Training {
            penalty,
            output: &mut parts,
        };
        let logits = self.forward(tensors, input, images, mode);
        TrainingOutput {
            logits,
            penalty: parts.penalty,
            penalties: parts.penalties,
            norms: parts.norms,
        }
    }

    /// Forward pass at inference: batch norms with their running statistics.
    pub fn forward_inference(
        &self,
        tensors: &[Tensor<2>],
        input: Tensor<2>,
        images: usize,
    ) -> Tensor<2> {
        self.forward(tensors, input, images, Mode::Inference)
    }

    /// Forward pass with the parameters that [`Model::inherit`] took over: the statistics of every batch norm's input.
    pub fn forward_calibration(
        &self,
        tensors: &[Tensor<2>],
        input: Tensor<2>,
        images: usize,
        taken: &[bool],
    ) -> Vec<Seen> {
        let mut seen = Vec::new();
        let mode = Mode::Calibration {
            taken,
            seen: &mut seen,
        };
        self.forward(tensors, input, images, mode);
        seen
    }

    fn forward(
        &self,
        tensors: &[Tensor<2>],
        input: Tensor<2>,
        images: usize,
        mut mode: Mode<'_>,
    ) -> Tensor<2> {
        let mut values: Vec<Tensor<2>> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let first = |values: &[Tensor<2>]| match node.inputs.first() {
                Some(index) => values[*index].clone(),
                None => input.clone(),
            };
            let all = |values: &[Tensor<2>]| -> Vec<Tensor<2>> {
                node.inputs.iter().map(|i| values[*i].clone()).collect()
            };
            let value = match &node.op {
                Op::Input => first(&values),
                Op::Add => all(&values)
                    .into_iter()
                    .reduce(|a, b| a + b)
                    .unwrap_or_else(|| first(&values)),
                Op::Concat => Tensor::cat(all(&values), 1),
                Op::Norm {
                    scale,
                    shift,
                    running,
                    blocks,
                } => in_blocks(*blocks, first(&values), |x| {
                    self.norm((*scale, *shift, *running), tensors, x, &mut mode)
                }),
                Op::Poly {
                    poly,
                    coefficients,
                    blocks,
                } => in_blocks(*blocks, first(&values), |x| {
                    let kernel = Poly {
                        rows: x.dims()[0],
                        channels: x.dims()[1],
                        degree: poly.degree,
                        per_channel: poly.per_channel,
                        penalty: penalty_taken_along(&x, &mut mode),
                    };
                    binary(kernel, x, tensors[*coefficients].clone())
                }),
                Op::Herpn(herpn) => in_blocks(herpn.blocks, first(&values), |x| {
                    self.herpn(herpn, tensors, x, &mut mode)
                }),
                Op::Relu => relu(first(&values)),
                Op::Conv { .. } | Op::Depthwise { .. } | Op::Dense { .. } | Op::Pool(_) => {
                    linear(node, tensors, first(&values), images)
                }
            };
            values.push(value);
        }
        values.pop().expect("a graph has at least its input")
    }

    fn norm(
        &self,
        (scale, shift, running): (usize, usize, usize),
        tensors: &[Tensor<2>],
        x: Tensor<2>,
        mode: &mut Mode<'_>,
    ) -> Tensor<2> {
        let [rows, channels] = x.dims();
        match mode {
            Mode::Training { output, .. } if !self.parameters[scale].frozen => {
                let kernel = Arc::new(BatchNorm::new(rows, channels));
                output.norms.push((running, kernel.clone()));
                ternary(kernel, x, tensors[scale].clone(), tensors[shift].clone())
            }
            // One that is frozen works as at inference.
            Mode::Training { .. } | Mode::Inference => {
                let lines = self.folded(scale, shift, running).into_flattened();
                line(x, lines)
            }
            Mode::Calibration { taken, seen } => {
                let kernel = Arc::new(BatchNorm::new(rows, channels));
                let normed = ternary(
                    kernel.clone(),
                    x.clone(),
                    tensors[scale].clone(),
                    tensors[shift].clone(),
                );
                if let Some(statistics) = kernel.statistics() {
                    seen.push(((scale, shift, running), statistics.clone()));
                }
                if !taken[scale] {
                    return normed;
                }
                let (scale, shift) = (&self.parameters[scale].value, &self.parameters[shift].value);
                let lines = shift.iter().zip(scale).flat_map(|(b, a)| [*b, *a]);
                line(x, lines.collect())
            }
        }
    }

    fn herpn(
        &self,
        herpn: &Herpn,
        tensors: &[Tensor<2>],
        x: Tensor<2>,
        mode: &mut Mode<'_>,
    ) -> Tensor<2> {
        penalize(&x, mode);
        match mode {
            Mode::Training { output, .. } if !self.parameters[herpn.scale].frozen => {
                Self::herpn_training(herpn, tensors, x, output)
            }
            Mode::Calibration { .. } => {
                Self::herpn_training(herpn, tensors, x, &mut TrainingParts::default())
            }
            Mode::Training { .. } | Mode::Inference => {
                let coefficients = self.herpn_folded(herpn).into_flattened();
                let [rows, channels] = x.dims();
                let coefficients = matrix(coefficients, channels, 3, &x.device());
                let kernel = Poly {
                    rows,
                    channels,
                    degree: 2,
                    per_channel: true,
                    penalty: None,
                };
                binary(kernel, x, coefficients)
            }
        }
    }

    /// Moves the running statistics by `rate` towards those of a batch.
    pub fn update_running(&mut self, output: &TrainingOutput, rate: f32) {
        for (index, norm) in &output.norms {
            self.follow(*index, norm, rate);
        }
    }

    /// Moves the running statistics of one batch norm.
    pub fn follow(&mut self, running: usize, norm: &BatchNorm, rate: f32) {
        let Some(batch) = norm.statistics() else {
            return;
        };
        let running = &mut self.running[running];
        let towards = |old: &mut Vec<f32>, new: &[f32]| {
            let pairs = old.iter_mut().zip(new);
            pairs.for_each(|(old, new)| *old += rate * (new - *old));
        };
        towards(&mut running.mean, &batch.mean);
        towards(&mut running.variance, &batch.variance);
    }
}

/// A step on each channel of `[rows][channels]` where so many blocks of channels share its numbers: those of a place in
/// their blocks become one channel of as many more rows.
fn in_blocks(blocks: usize, x: Tensor<2>, step: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Tensor<2> {
    if blocks == 1 {
        return step(x);
    }
    let [rows, channels] = x.dims();
    step(x.reshape([rows * blocks, channels / blocks])).reshape([rows, channels])
}

/// `shift + scale·x` for each channel, from `[shift, scale]` of each.
fn line(x: Tensor<2>, lines: Vec<f32>) -> Tensor<2> {
    let [rows, channels] = x.dims();
    let kernel = Poly {
        rows,
        channels,
        degree: 1,
        per_channel: true,
        penalty: None,
    };
    let lines = matrix(lines, channels, 2, &x.device());
    binary(kernel, x, lines)
}

/// The penalty that the kernel of the polynomial on `x` is to take along; where none can run, it is put on the tape.
fn penalty_taken_along(x: &Tensor<2>, mode: &mut Mode<'_>) -> Option<InputPenalty> {
    if !on_flex(x) {
        penalize(x, mode);
        return None;
    }
    let Mode::Training { penalty, output } = mode else {
        return None;
    };
    let penalty = InputPenalty::new(penalty.bound, penalty.weight);
    output.penalties.push(penalty.clone());
    Some(penalty)
}

/// Puts the penalty on `x` on the tape.
fn penalize(x: &Tensor<2>, mode: &mut Mode<'_>) {
    if let Mode::Training { penalty, output } = mode {
        let (bound, weight) = (penalty.bound, penalty.weight);
        let penalty = unary(RangePenalty { bound }, x.clone()).mul_scalar(weight);
        output.penalty = Some(match output.penalty.take() {
            Some(sum) => sum + penalty,
            None => penalty,
        });
    }
}

/// Convolutions, dense layers and pools.
pub(super) fn linear(node: &Node, tensors: &[Tensor<2>], x: Tensor<2>, images: usize) -> Tensor<2> {
    let with_bias = |y: Tensor<2>, bias: &Option<usize>| match bias {
        Some(bias) => y + tensors[*bias].clone(),
        None => y,
    };
    match &node.op {
        Op::Conv { conv, groups, bias } => {
            let weights = groups.iter().map(|weight| tensors[*weight].clone());
            with_bias(grouped(node, conv, weights.collect(), x, images), bias)
        }
        Op::Depthwise { conv, weight, bias } => {
            let kernel = Depthwise(Window::new(images, node.from, conv.window));
            with_bias(binary(kernel, x, tensors[*weight].clone()), bias)
        }
        Op::Dense { weight, bias } => {
            let flat = x.reshape([images, node.from.len()]);
            with_bias(flat.matmul(tensors[*weight].clone()), bias)
        }
        Op::Pool(pool) => {
            let kernel = Pool {
                window: Window::new(images, node.from, pool.window),
                counts_padding: pool.counts_padding,
            };
            unary(kernel, x)
        }
        Op::Input
        | Op::Norm { .. }
        | Op::Poly { .. }
        | Op::Herpn(_)
        | Op::Relu
        | Op::Add
        | Op::Concat => x,
    }
}

/// A convolution as a matrix product for each group, with the weights of each.
fn grouped(
    node: &Node,
    conv: &layer::Conv,
    weights: Vec<Tensor<2>>,
    x: Tensor<2>,
    images: usize,
) -> Tensor<2> {
    let groups = weights.len();
    let channels = node.from.channels / groups;
    let image = Shape {
        channels,
        ..node.from
    };
    let outputs = weights.into_iter().enumerate().map(|(number, weight)| {
        let part = match groups {
            1 => x.clone(),
            _ => x.clone().narrow(1, number * channels, channels),
        };
        let kernel = Conv {
            window: Window::new(images, image, conv.window),
            outputs: conv.out_channels / groups,
        };
        binary(kernel, part, weight)
    });
    let mut outputs: Vec<Tensor<2>> = outputs.collect();
    match groups {
        1 => outputs.remove(0),
        _ => Tensor::cat(outputs, 1),
    }
}
