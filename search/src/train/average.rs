//! The running average of a training's weights (B. T. Polyak and A. B. Juditsky, Acceleration of Stochastic
//! Approximation by Averaging, 1992, with exponential weights), which is what gets validated and exported.
//!
//! Quadratics stay within the set that steps are projected onto, because that set is convex.

use super::model::Model;

/// The average of parameters and running statistics, in the order of [`Model::values`].
#[derive(Debug)]
pub(super) struct Average {
    decay: f32,
    pub values: Vec<Vec<f32>>,
}

impl Average {
    /// Starts at the model; none for a decay of 0.
    pub fn new(model: &Model, decay: f32) -> Option<Self> {
        (decay > 0.0).then(|| Self {
            decay,
            values: model.values().map(<[f32]>::to_vec).collect(),
        })
    }

    /// Moves towards the model after step `step` (from 0); early on faster, lest the random start linger.
    pub fn update(&mut self, model: &Model, step: usize) {
        let decay = self.decay.min((1.0 + step as f32) / (10.0 + step as f32));
        for (average, values) in self.values.iter_mut().zip(model.values()) {
            for (average, value) in average.iter_mut().zip(values) {
                *average = decay * *average + (1.0 - decay) * value;
            }
        }
    }

    /// The model with the averaged values.
    pub fn model(&self, model: &Model) -> Model {
        let mut model = model.clone();
        for (target, value) in model.values_mut().zip(&self.values) {
            target.clone_from(value);
        }
        model
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::train::model::Activations;
    use hemet_spaces::layer::Dense;
    use hemet_spaces::{Layer, LayerGraph, Shape};

    fn model() -> Model {
        let mut graph = LayerGraph::new(Shape::new(1, 1, 2)).expect("sound");
        let head = Layer::Dense(Dense {
            out_features: 2,
            bias: true,
            circulant: 1,
        });
        let input = graph.input();
        graph.add("head", head, &[input]).expect("shapes fit");
        Model::new(&graph, Activations::Learnable, &mut Seed::new(1).rng()).expect("sound")
    }

    #[test]
    fn the_average_follows_at_its_rate_and_faster_in_the_beginning() {
        let mut model = model();
        model.values_mut().for_each(|values| values.fill(0.0));
        for (step, moved) in [(0, 0.9), (1_000_000, 0.25)] {
            let mut average = Average::new(&model, 0.75).expect("a decay");
            let mut other = model.clone();
            other.values_mut().for_each(|values| values.fill(1.0));
            average.update(&other, step);
            let found = average.model(&model).parameters[0].value[0];
            assert!((found - moved).abs() < 1e-5, "{found}");
        }
        assert!(Average::new(&model, 0.0).is_none());
    }
}
