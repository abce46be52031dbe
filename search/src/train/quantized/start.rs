//! How the training of an integer network begins.

use hemet_spaces::quantized::Quantization;
use rand::{Rng, RngExt};

use crate::data::Dataset;
use crate::train::model::Model;
use crate::train::op::Op;

/// Share of a window that the deviation of an accumulator takes at the start.
const START_SPREAD: f32 = 0.2;
/// Images that the start looks at.
const START_IMAGES: usize = 256;

/// Gives weights their first values, so sparse or small that accumulators spread over [`START_SPREAD`] of their window.
pub fn spread(model: &mut Model, quantization: &Quantization, data: &Dataset, rng: &mut impl Rng) {
    let limit = quantization.weight_limit() as f32;
    let window = quantization.window() as f32;
    let images = data.len().min(START_IMAGES) * data.shape.len();
    let squares = data.images[..images]
        .iter()
        .map(|x| (quantization.input(f64::from(*x)) as f32).powi(2));
    let of_input = squares.sum::<f32>() / images.max(1) as f32;
    let (low, high) = quantization.levels().range();
    let of_tables = ((high - low) as f32).powi(2) / 8.0;
    let last = model.nodes.len() - 1;
    for index in 0..model.nodes.len() {
        let node = &model.nodes[index];
        let weights: Vec<usize> = match &node.op {
            Op::Conv { groups, .. } => groups.clone(),
            Op::Depthwise { weight, .. } | Op::Dense { weight, .. } => vec![*weight],
            Op::Input
            | Op::Norm { .. }
            | Op::Pool(_)
            | Op::Poly { .. }
            | Op::Herpn(_)
            | Op::Relu
            | Op::Add
            | Op::Concat => continue,
        };
        let from_input = matches!(model.nodes[node.inputs[0]].op, Op::Input);
        let square = if from_input { of_input } else { of_tables };
        for weight in weights {
            let parameter = &mut model.parameters[weight];
            let wanted = match index == last {
                true => 0.4,
                false => (START_SPREAD * window).powi(2) / (parameter.fan_in() as f32 * square),
            };
            // The mean square of a rounded uniform number within ±spread: 1 − 1/(2·spread) up to 1.5, about spread²/3
            // beyond.
            let share = wanted.clamp(0.05, 0.66 * limit * limit);
            let spread = match share < 0.66 {
                true => 0.5 / (1.0 - share),
                false => (3.0 * share).sqrt(),
            };
            parameter
                .value
                .iter_mut()
                .for_each(|w| *w = rng.random_range(-spread..spread));
            parameter.keep_structure();
        }
    }
}
