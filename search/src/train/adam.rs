//! Adam (Kingma and Ba, ICLR 2015): of latent weights, which are kept where rounding can still move them, of free
//! weights, and of plain numbers.

use super::parameter::{Parameter, Role};

const DECAYS: (f32, f32) = (0.9, 0.999);
const EPSILON: f32 = 1e-8;

/// How far and how fast a training is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Number of the step since the moments were zero, from 1.
    pub step: i32,
    /// The learning rate.
    pub rate: f32,
}

/// The moments of some numbers.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Moments {
    /// Of so many numbers, before the first step.
    pub fn new(len: usize) -> Self {
        Self {
            first: vec![0.0; len],
            second: vec![0.0; len],
        }
    }

    /// One step of the numbers against their gradient.
    pub fn step(&mut self, values: &mut [f32], gradient: &[f32], pace: Pace) {
        let unbias = (
            1.0 - DECAYS.0.powi(pace.step),
            1.0 - DECAYS.1.powi(pace.step),
        );
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((value, g), (m, v)) in values.iter_mut().zip(gradient).zip(moments) {
            *m = DECAYS.0 * *m + (1.0 - DECAYS.0) * g;
            *v = DECAYS.1 * *v + (1.0 - DECAYS.1) * g * g;
            *value -= pace.rate * (*m / unbias.0) / ((*v / unbias.1).sqrt() + EPSILON);
        }
    }
}

/// The moments of each parameter.
pub(super) struct Adam {
    moments: Vec<Moments>,
    /// The greatest magnitude of a weight.
    limit: f32,
}

impl Adam {
    /// Of weights within ±`limit`.
    pub fn new(parameters: &[Parameter], limit: f32) -> Self {
        let moments = parameters.iter().map(|p| Moments::new(p.value.len()));
        Self {
            moments: moments.collect(),
            limit,
        }
    }

    /// Both moments of every parameter, for a checkpoint: all first ones, then all second ones.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Vec<f32>> {
        let both = self
            .moments
            .iter_mut()
            .map(|m| (&mut m.first, &mut m.second));
        let (first, second): (Vec<_>, Vec<_>) = both.unzip();
        first.into_iter().chain(second)
    }

    /// One step; `gradients[i]` belongs to `parameters[i]`.
    pub fn step(&mut self, parameters: &mut [Parameter], gradients: &[Vec<f32>], pace: Pace) {
        let pairs = parameters.iter_mut().zip(gradients);
        for ((parameter, gradient), moments) in pairs.zip(&mut self.moments) {
            if parameter.frozen {
                continue;
            }
            moments.step(&mut parameter.value, gradient, pace);
            if parameter.role == Role::Weight {
                let limit = self.limit;
                let held = |value: &mut f32| *value = value.clamp(-limit, limit);
                parameter.value.iter_mut().for_each(held);
            }
        }
    }
}
