//! Lookahead (M. R. Zhang, J. Lucas, G. Hinton, J. Ba, Lookahead Optimizer: k steps forward, 1 step back, 2019), with a
//! slow average whose decay grows with the cube of the progress (K. Jordan, 94% on CIFAR-10 in 3.29 Seconds on a Single
//! GPU, 2024, section 3.4): in the beginning it follows the weights at once, in the end it hardly moves.
//!
//! Quadratics stay within the set that steps are projected onto, because that set is convex.

use super::model::Model;

/// Decay a step at the end of a phase.
const DECAY: f32 = 0.95;

/// The slow weights, in the order of [`Model::values`].
#[derive(Debug)]
pub(super) struct Lookahead {
    every: usize,
    pub values: Vec<Vec<f32>>,
}

impl Lookahead {
    /// Starts at the model; none for 0 steps.
    pub fn new(model: &Model, every: usize) -> Option<Self> {
        (every > 0).then(|| Self {
            every,
            values: model.values().map(<[f32]>::to_vec).collect(),
        })
    }

    /// After step `step` (from 0) of a phase of which the share `progress` is done: every so many steps the slow
    /// weights follow the model, and it goes back to them.
    pub fn update(&mut self, model: &mut Model, step: usize, progress: f32) {
        if !(step + 1).is_multiple_of(self.every) {
            return;
        }
        let decay = DECAY.powf(self.every as f32) * progress.powi(3);
        for (slow, fast) in self.values.iter_mut().zip(model.values_mut()) {
            for (slow, fast) in slow.iter_mut().zip(fast) {
                // So that what is equal stays so to the last bit.
                *slow += (1.0 - decay) * (*fast - *slow);
                *fast = *slow;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::train::model::Activations;
    use hemet_spaces::layer::Dense;
    use hemet_spaces::{Layer, LayerGraph, Shape};

    #[test]
    fn weights_go_back_every_few_steps_and_further_the_later_it_is() {
        let mut graph = LayerGraph::new(Shape::new(1, 1, 2)).expect("sound");
        let head = Layer::Dense(Dense {
            out_features: 2,
            bias: true,
            circulant: 1,
        });
        let input = graph.input();
        graph.add("head", head, &[input]).expect("shapes fit");
        let mut rng = Seed::new(1).rng();
        let mut start = Model::new(&graph, Activations::Learnable, &mut rng).expect("sound");
        start.values_mut().for_each(|values| values.fill(0.0));
        assert!(Lookahead::new(&start, 0).is_none());
        for (step, progress, expected) in [(3, 1.0, 1.0), (4, 0.0, 1.0), (4, 1.0, 0.226_219)] {
            let mut lookahead = Lookahead::new(&start, 5).expect("some steps");
            let mut model = start.clone();
            model.values_mut().for_each(|values| values.fill(1.0));
            lookahead.update(&mut model, step, progress);
            let found = model.parameters[0].value[0];
            assert!((found - expected).abs() < 1e-5, "{found} at step {step}");
        }
    }
}
