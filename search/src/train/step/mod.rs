//! Step: what one batch teaches a network. One file a recipe; the loop around them is `run.rs`.

pub mod integers;
pub mod polynomials;

use burn::tensor::{Gradients, Tensor};
use hemet_spaces::Weights;

use super::model::Model;
use super::parameter::Parameter;
use super::tensor::values;
use crate::data::Dataset;

/// A batch, moved and laid out.
pub(super) struct Batch<'b> {
    /// The training images.
    pub indices: &'b [usize],
    /// Their pixels, `[images·height·width][channels]`.
    pub rows: Vec<f32>,
    /// How many batches came before it.
    pub number: usize,
    /// How many of them in its phase.
    pub in_phase: usize,
    /// Share of its phase that is done, 0 to 1.
    pub progress: f32,
    /// Share of the greatest learning rate.
    pub rate: f32,
}

/// What a batch gave.
pub(super) struct Lesson {
    /// The loss before the step; where it is not finite, the training ends.
    pub loss: f64,
    /// The logits before the step, `[image][class]`.
    pub logits: Vec<f32>,
}

/// A network in training, with all that a step needs.
pub(super) trait Step {
    /// The network as it is trained.
    fn model(&self) -> &Model;

    /// As [`Self::model`], to be changed.
    fn model_mut(&mut self) -> &mut Model;

    /// Every number of the state, in the order of a checkpoint: the network's, then the optimizer's, then others.
    fn state(&mut self) -> Box<dyn Iterator<Item = &mut Vec<f32>> + '_>;

    /// Forgets the momenta of the optimizer, as a new phase begins.
    fn forget(&mut self);

    /// Takes a step. Parameters that are frozen stay as they are.
    fn learn(&mut self, batch: Batch<'_>) -> Lesson;

    /// The loss above which a training counts as diverged.
    fn loss_limit(&self) -> f64;

    /// The logits of what would be exported now, `[image][class]`.
    fn logits(&self, images: &Dataset) -> Vec<Vec<f32>>;

    /// The trained weights.
    fn export(&self) -> Weights;
}

/// The gradient of a loss in each parameter, of which `tensors` are the leaves; zeros where it does not depend on one.
fn gradients(loss: &Tensor<2>, tensors: &[Tensor<2>], parameters: &[Parameter]) -> Vec<Vec<f32>> {
    of_parameters(&loss.backward(), tensors, parameters)
}

/// As [`gradients`], where the backward pass has run.
pub(super) fn of_parameters(
    gradients: &Gradients,
    tensors: &[Tensor<2>],
    parameters: &[Parameter],
) -> Vec<Vec<f32>> {
    let pairs = tensors.iter().zip(parameters);
    pairs
        .map(|(tensor, parameter)| match tensor.grad(gradients) {
            Some(gradient) => {
                let mut gradient = values(gradient);
                parameter.bind(&mut gradient);
                gradient
            }
            None => vec![0.0; parameter.value.len()],
        })
        .collect()
}
