//! Stochastic gradient descent with momentum, and its rules for each kind of parameter.
//!
//! A step ends with the projection of quadratics `a·x² + b·x + c` onto `a ≥ |b|/4` and `a ≥ 1/1024`: an encrypted one
//! is run as `a(x + b/2a)² + …` (coefficient merging, Lou and Jiang, HEMET, 2021), which loses the bits that `b/2a`
//! stands above `x`. The set is convex and `a > 0` forgoes nothing, for the weights that follow have any sign.
//!
//! Written out rather than taken from burn, because one norm is clipped over all parameters but those of batch norms
//! (deep quadratic networks diverge without clipping, and stop learning when their batch norms are clipped).

use super::options::TrainOptions;
use super::parameter::{Parameter, Role};

/// The momentum of each parameter.
pub(super) struct Sgd {
    pub velocity: Vec<Vec<f32>>,
}

impl Sgd {
    pub fn new(parameters: &[Parameter]) -> Self {
        Self {
            velocity: parameters
                .iter()
                .map(|p| vec![0.0; p.value.len()])
                .collect(),
        }
    }

    /// One step with Nesterov momentum; `gradients[i]` belongs to `parameters[i]`.
    pub fn step(
        &mut self,
        parameters: &mut [Parameter],
        gradients: &[Vec<f32>],
        options: &TrainOptions,
        learning_rate: f32,
    ) {
        let scale = clip_scale(parameters, gradients, options.clip_norm);
        let momentum = options.momentum;
        for ((parameter, gradient), velocity) in
            parameters.iter_mut().zip(gradients).zip(&mut self.velocity)
        {
            if parameter.frozen {
                continue;
            }
            let (scale, decay, rate) = match parameter.role {
                Role::Weight => (scale, options.weight_decay, learning_rate),
                Role::Bias | Role::Activation => (scale, 0.0, learning_rate),
                Role::NormScale if options.fixed_scales => continue,
                Role::NormScale => (1.0, 0.0, learning_rate),
                Role::NormShift => (1.0, 0.0, learning_rate * options.bias_rate),
            };
            let cells = parameter.value.iter_mut().zip(gradient).zip(velocity);
            for ((value, gradient), velocity) in cells {
                let gradient = scale * gradient + decay * *value;
                *velocity = momentum * *velocity + gradient;
                *value -= rate * (gradient + momentum * *velocity);
            }
            if parameter.role == Role::Activation && parameter.columns == 3 {
                parameter.value.chunks_exact_mut(3).for_each(bend);
            }
        }
    }
}

/// Greatest `|b|` of a quadratic in units of `a`; a power of two, so that its product with `a` is exact.
const STEEPEST: f32 = 4.0;
/// Greatest `|b/2a|` of a trained quadratic `a·x² + b·x + c`, HerPN's included.
pub const LARGEST_SHIFT: f64 = STEEPEST as f64 / 2.0;
/// Least `a` of a quadratic.
const FLATTEST: f32 = 1.0 / 1024.0;

/// Moves `[c, b, a]` to the nearest quadratic with `a ≥ |b|/4` (in `a` and `b`), then `a` up to its least.
pub(super) fn bend(quadratic: &mut [f32]) {
    let (b, a) = (quadratic[1], quadratic[2]);
    if b.abs() > STEEPEST * a {
        // The foot of the perpendicular on the ray `b = ±4a`, or the origin for what lies behind it.
        let foot = (a + STEEPEST * b.abs()) / (1.0 + STEEPEST * STEEPEST);
        quadratic[2] = foot.max(0.0);
        quadratic[1] = (STEEPEST * quadratic[2]).copysign(b);
    }
    if quadratic[2] < FLATTEST {
        quadratic[2] = FLATTEST;
    }
}

/// The factor that brings the norm of all gradients but those of batch norms down to `limit`.
fn clip_scale(parameters: &[Parameter], gradients: &[Vec<f32>], limit: f32) -> f32 {
    let square: f64 = parameters
        .iter()
        .zip(gradients)
        .filter(|(parameter, _)| !parameter.role.is_norm())
        .map(|(parameter, gradient)| {
            // Elements that are one number count once.
            let squares: f64 = gradient.iter().map(|g| f64::from(*g).powi(2)).sum();
            squares / parameter.shared() as f64
        })
        .sum();
    (limit / (square.sqrt() as f32).max(limit)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::parameter::TensorSpec;

    fn parameter(role: Role, value: f32) -> Parameter {
        let tensor = TensorSpec {
            name: "layer.t".into(),
            shape: vec![1],
        };
        let mut p = Parameter::new(&tensor, role, [1, 1], |_, c| c);
        p.value = vec![value];
        p
    }

    #[test]
    fn clipping_takes_one_norm_over_all_but_batch_norms() {
        let mut parameters = [
            parameter(Role::Weight, 0.0),
            parameter(Role::Activation, 0.0),
            parameter(Role::NormScale, 0.0),
        ];
        let options = TrainOptions {
            momentum: 0.0,
            weight_decay: 0.0,
            clip_norm: 1.0,
            ..TrainOptions::default()
        };
        let gradients = [vec![30.0], vec![40.0], vec![100.0]];
        Sgd::new(&parameters).step(&mut parameters, &gradients, &options, 1.0);
        let values: Vec<f32> = parameters.iter().map(|p| p.value[0]).collect();
        for (value, expected) in values.iter().zip([-0.6, -0.8, -100.0]) {
            assert!((value - expected).abs() < 1e-5, "{values:?}");
        }
    }

    #[test]
    fn quadratics_stay_bent_and_those_that_are_stay_as_they_are() {
        let flattest = FLATTEST;
        let cases = [
            ([0.3, 0.5, 0.2], [0.3, 0.5, 0.2]),
            ([0.3, -0.8, 0.2], [0.3, -0.8, 0.2]),
            ([0.3, 2.0, -1.0], [0.3, 28.0 / 17.0, 7.0 / 17.0]),
            ([0.3, -2.0, 0.1], [0.3, -32.4 / 17.0, 8.1 / 17.0]),
            ([0.3, 0.1, -1.0], [0.3, 0.0, flattest]),
            ([0.3, 0.0, 0.0], [0.3, 0.0, flattest]),
        ];
        for (before, expected) in cases {
            let mut found = before;
            bend(&mut found);
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-6, "{before:?} {found:?}");
            }
            assert!(found[1].abs() <= STEEPEST * found[2], "{found:?}");
            let again = found;
            bend(&mut found);
            assert_eq!(found, again);
        }
    }

    #[test]
    fn scales_of_batch_norms_stay_and_their_shifts_run_ahead_where_asked() {
        let options = TrainOptions {
            momentum: 0.0,
            fixed_scales: true,
            bias_rate: 8.0,
            ..TrainOptions::default()
        };
        for (role, expected) in [
            (Role::NormScale, 1.0),
            (Role::NormShift, 0.2),
            (Role::Bias, 0.9),
        ] {
            let mut parameters = [parameter(role, 1.0)];
            Sgd::new(&parameters).step(&mut parameters, &[vec![1.0]], &options, 0.1);
            assert!((parameters[0].value[0] - expected).abs() < 1e-6, "{role:?}");
        }
    }

    #[test]
    fn only_weights_decay() {
        let options = TrainOptions {
            momentum: 0.0,
            weight_decay: 0.1,
            ..TrainOptions::default()
        };
        for (role, expected) in [
            (Role::Weight, 0.9),
            (Role::Bias, 1.0),
            (Role::Activation, 1.0),
            (Role::NormScale, 1.0),
            (Role::NormShift, 1.0),
        ] {
            let mut parameters = [parameter(role, 1.0)];
            Sgd::new(&parameters).step(&mut parameters, &[vec![0.0]], &options, 1.0);
            assert!((parameters[0].value[0] - expected).abs() < 1e-6, "{role:?}");
        }
    }
}
