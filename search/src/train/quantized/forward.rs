//! The forward pass of an integer network on burn tensors: values between layers are integers, held as 32-bit floats
//! (exact up to 2^24).

use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use hemet_spaces::quantized::{Quantization, TableLayer};

use crate::train::forward::linear;
use crate::train::kernel::batch_norm::{BatchNorm, EPSILON};
use crate::train::kernel::overflow::Overflow;
use crate::train::kernel::round::RoundWeights;
use crate::train::kernel::table::{LookUp, Table};
use crate::train::kernel::{ternary, unary_on_flex};
use crate::train::model::Model;
use crate::train::op::{Node, Op};
use crate::train::parameter::Role;
use crate::train::tensor::matrix;

/// What a batch gives in training.
pub struct Output {
    /// `[images][classes]`, integers and a constant that is not rounded yet.
    pub logits: Tensor<2>,
    /// Penalty on accumulators that wrap, over all tables; `[1][1]`.
    pub penalty: Option<Tensor<2>>,
    /// The batch norms with the number of their running statistics.
    pub norms: Vec<(usize, Arc<BatchNorm>)>,
}

/// The parameters as tensors with gradients.
pub fn latent_tensors(model: &Model, device: &Device) -> Vec<Tensor<2>> {
    model.tensors(device, true)
}

/// The tensors that the forward pass takes: weights rounded.
pub fn rounded(model: &Model, quantization: &Quantization, latent: &[Tensor<2>]) -> Vec<Tensor<2>> {
    let pairs = model.parameters.iter().zip(latent);
    let round = pairs.map(|(parameter, tensor)| match parameter.role {
        Role::Weight => {
            let kernel = RoundWeights {
                size: [parameter.rows, parameter.columns],
                quantization: quantization.clone(),
            };
            unary_on_flex(kernel, tensor.clone())
        }
        Role::Bias | Role::Activation | Role::NormScale | Role::NormShift => tensor.clone(),
    });
    round.collect()
}

/// The forward pass in training: batch norms with the batch's statistics.
pub fn training(
    model: &Model,
    quantization: &Quantization,
    tensors: &[Tensor<2>],
    input: Tensor<2>,
    images: usize,
) -> Output {
    let mut output = Output {
        logits: input.clone(),
        penalty: None,
        norms: Vec::new(),
    };
    let mut half_turns: Vec<Vec<f32>> = vec![Vec::new(); model.nodes.len()];
    let mut values: Vec<Tensor<2>> = Vec::with_capacity(model.nodes.len());
    for (index, node) in model.nodes.iter().enumerate() {
        let value = match &node.op {
            Op::Norm {
                scale,
                shift,
                running,
                blocks: _,
            } => {
                let x = values[node.inputs[0]].clone();
                let [rows, channels] = x.dims();
                let kernel = Arc::new(BatchNorm::new(rows, channels));
                let (gamma, beta) = (tensors[*scale].clone(), tensors[*shift].clone());
                let normed = ternary(kernel.clone(), x.clone(), gamma, beta);
                let lines = batch_lines(model, *scale, *shift, &kernel);
                half_turns[index] = half_turns_of(&lines, quantization);
                let penalty = unary_on_flex(overflow(&lines, quantization), x);
                output.penalty = Some(match output.penalty.take() {
                    Some(sum) => sum + penalty,
                    None => penalty,
                });
                output.norms.push((*running, kernel));
                normed
            }
            Op::Relu => {
                let read = node.inputs[0];
                table(values[read].clone(), quantization, &half_turns[read])
            }
            Op::Input
            | Op::Conv { .. }
            | Op::Depthwise { .. }
            | Op::Dense { .. }
            | Op::Pool(_)
            | Op::Poly { .. }
            | Op::Herpn(_)
            | Op::Add
            | Op::Concat => other(node, tensors, &values, &input, images),
        };
        values.push(value);
    }
    if let Some(logits) = values.pop() {
        output.logits = logits;
    }
    output
}

/// An activation's table over a batch norm, whose half turns these are.
fn table(x: Tensor<2>, quantization: &Quantization, half_turns: &[f32]) -> Tensor<2> {
    let kernel = Table {
        rows: x.dims()[0],
        levels: quantization.levels(),
        half_turns: half_turns.to_vec(),
    };
    unary_on_flex(kernel, x)
}

/// The forward pass of the exported network: integer logits, `[images][classes]`, exact.
pub fn inference(
    model: &Model,
    quantization: &Quantization,
    tensors: &[Tensor<2>],
    input: Tensor<2>,
    images: usize,
) -> Tensor<2> {
    let mut values: Vec<Tensor<2>> = Vec::with_capacity(model.nodes.len());
    for node in &model.nodes {
        let value = match &node.op {
            // Its line is in the table that reads it.
            Op::Norm { .. } => values[node.inputs[0]].clone(),
            Op::Relu => {
                let x = values[node.inputs[0]].clone();
                let (table, bias) = look_up(model, node, quantization);
                let rows = x.dims()[0];
                unary_on_flex(LookUp { rows, table, bias }, x)
            }
            // Sums of pools are averages times their number, which 32-bit floats may miss by little.
            Op::Input
            | Op::Conv { .. }
            | Op::Depthwise { .. }
            | Op::Dense { .. }
            | Op::Pool(_)
            | Op::Poly { .. }
            | Op::Herpn(_)
            | Op::Add
            | Op::Concat => other(node, tensors, &values, &input, images).round(),
        };
        values.push(value);
    }
    values.pop().unwrap_or(input)
}

/// Steps that are the same in training and at inference.
fn other(
    node: &Node,
    tensors: &[Tensor<2>],
    values: &[Tensor<2>],
    input: &Tensor<2>,
    images: usize,
) -> Tensor<2> {
    let of = |position: usize| values[node.inputs[position]].clone();
    let all = || (0..node.inputs.len()).map(of).collect::<Vec<_>>();
    match &node.op {
        Op::Input => input.clone(),
        Op::Add => all()
            .into_iter()
            .reduce(|a, b| a + b)
            .unwrap_or_else(|| input.clone()),
        Op::Concat => Tensor::cat(all(), 1),
        Op::Pool(pool) => {
            linear(node, tensors, of(0), images).mul_scalar(pool.window.area() as f32)
        }
        Op::Conv { .. }
        | Op::Depthwise { .. }
        | Op::Dense { .. }
        | Op::Norm { .. }
        | Op::Poly { .. }
        | Op::Herpn(_)
        | Op::Relu => linear(node, tensors, of(0), images),
    }
}

/// `[scale, shift]` of each channel of a batch norm with the batch's statistics.
fn batch_lines(model: &Model, scale: usize, shift: usize, norm: &BatchNorm) -> Vec<[f32; 2]> {
    let (gamma, beta) = (
        &model.parameters[scale].value,
        &model.parameters[shift].value,
    );
    let Some(statistics) = norm.statistics() else {
        return vec![[1.0, 0.0]; gamma.len()];
    };
    (0..gamma.len())
        .map(|c| {
            let scale = gamma[c] / (statistics.variance[c] + EPSILON).sqrt();
            [scale, beta[c] - scale * statistics.mean[c]]
        })
        .collect()
}

/// The least magnitude of a slope that positions are divided by.
const FLATTEST: f32 = 1e-4;

fn half_turns_of(lines: &[[f32; 2]], quantization: &Quantization) -> Vec<f32> {
    let window = quantization.window() as f32;
    let half_turn = |[scale, _]: &[f32; 2]| window * scale.abs().max(FLATTEST);
    lines.iter().map(half_turn).collect()
}

/// Beyond its reach an accumulator comes near the function's other flank, half a turn further.
fn overflow(lines: &[[f32; 2]], quantization: &Quantization) -> Overflow {
    let (first, last) = quantization.levels().edges();
    let (middle, width) = ((first + last) as f32 / 2.0, (last - first) as f32);
    let window = quantization.window() as f32;
    let away = |scale: f32| scale.abs().max(FLATTEST).copysign(scale);
    Overflow {
        centers: lines.iter().map(|[a, b]| (middle - b) / away(*a)).collect(),
        reaches: lines
            .iter()
            .map(|[a, _]| (window - width / (2.0 * away(*a).abs()) - 1.0).max(1.0))
            .collect(),
    }
}

/// The tables of an activation and what is added before them, as the exported network has them.
fn look_up(model: &Model, node: &Node, quantization: &Quantization) -> (TableLayer, Vec<i64>) {
    let lines = match &model.nodes[node.inputs[0]].op {
        Op::Norm {
            scale,
            shift,
            running,
            blocks: _,
        } => model.folded(*scale, *shift, *running),
        Op::Input
        | Op::Conv { .. }
        | Op::Depthwise { .. }
        | Op::Dense { .. }
        | Op::Pool(_)
        | Op::Poly { .. }
        | Op::Herpn(_)
        | Op::Relu
        | Op::Add
        | Op::Concat => vec![[0.0, 1.0]; node.from.channels],
    };
    let (left, right) = quantization.levels().ends();
    let channels = lines.len();
    let of_lines = lines
        .into_iter()
        .map(|[shift, scale]| quantization.table(scale, shift));
    let (tables, bias): (Vec<_>, Vec<_>) = of_lines.unzip();
    let table = TableLayer {
        half: quantization.boxes,
        shift: quantization.rounding,
        channel_len: node.from.height * node.from.width,
        tables,
        flip: vec![left + right; channels],
    };
    (table, bias)
}

/// Input levels of images as laid out for the model.
pub fn levels(
    mut rows: Vec<f32>,
    quantization: &Quantization,
    (pixels, channels): (usize, usize),
    device: &Device,
) -> Tensor<2> {
    rows.iter_mut()
        .for_each(|x| *x = quantization.input(f64::from(*x)) as f32);
    matrix(rows, pixels, channels, device)
}
