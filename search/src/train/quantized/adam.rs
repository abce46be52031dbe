//! Adam (Kingma and Ba, ICLR 2015) on latent weights, which are kept where rounding can still move them.

use hemet_spaces::quantized::Quantization;

use crate::train::parameter::{Parameter, Role};

const DECAYS: (f32, f32) = (0.9, 0.999);
const EPSILON: f32 = 1e-8;
/// How far beyond the greatest integer a latent weight may go.
const BEYOND: f32 = 0.49;

/// How far and how fast a training is.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Number of the step since the moments were zero, from 1.
    pub step: i32,
    /// The learning rate.
    pub rate: f32,
}

/// The moments of each parameter.
pub struct Adam {
    first: Vec<Vec<f32>>,
    second: Vec<Vec<f32>>,
    limit: f32,
}

impl Adam {
    pub fn new(parameters: &[Parameter], quantization: &Quantization) -> Self {
        let zeros = || {
            parameters
                .iter()
                .map(|p| vec![0.0; p.value.len()])
                .collect()
        };
        Self {
            first: zeros(),
            second: zeros(),
            limit: quantization.weight_limit() as f32 + BEYOND,
        }
    }

    /// Both moments of every parameter, for a checkpoint.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Vec<f32>> {
        self.first.iter_mut().chain(&mut self.second)
    }

    /// One step; `gradients[i]` belongs to `parameters[i]`.
    pub fn step(&mut self, parameters: &mut [Parameter], gradients: &[Vec<f32>], pace: Pace) {
        let unbias = (
            1.0 - DECAYS.0.powi(pace.step),
            1.0 - DECAYS.1.powi(pace.step),
        );
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((parameter, gradient), (first, second)) in
            parameters.iter_mut().zip(gradients).zip(moments)
        {
            if parameter.frozen {
                continue;
            }
            let cells = parameter.value.iter_mut().zip(gradient);
            for ((value, g), (m, v)) in cells.zip(first.iter_mut().zip(second.iter_mut())) {
                *m = DECAYS.0 * *m + (1.0 - DECAYS.0) * g;
                *v = DECAYS.1 * *v + (1.0 - DECAYS.1) * g * g;
                *value -= pace.rate * (*m / unbias.0) / ((*v / unbias.1).sqrt() + EPSILON);
                if parameter.role == Role::Weight {
                    *value = value.clamp(-self.limit, self.limit);
                }
            }
        }
    }
}
