//! The options of a training, as they stand in an experiment.

use hemet_spaces::{quantized, schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::device::Device;
use super::phase::PhaseOptions;
use crate::Error;

/// How to train. The defaults suit small networks on small images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainOptions {
    /// Passes over the training images in the first phase, at least 1.
    #[schemars(range(min = 1), extend("x-unit" = "epochs"))]
    pub epochs: usize,
    /// Images a step, at least 2.
    #[schemars(range(min = 2), extend("x-unit" = "images"))]
    pub batch: usize,
    /// Greatest learning rate, reached after the warm-up; above 0.
    #[schemars(extend("exclusiveMinimum" = 0, "x-scheme" = "ckks"))]
    pub learning_rate: f32,
    /// Share of the training in which the learning rate rises, 0 to below 1; then it falls to 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1, "x-scheme" = "ckks"))]
    pub warmup: f32,
    /// How the learning rate falls after the warm-up.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(extend("default" = "cosine", "x-scheme" = "ckks"))]
    pub schedule: Schedule,
    /// Nesterov momentum, 0 to below 1.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1, "x-scheme" = "ckks"))]
    pub momentum: f32,
    /// Decay of convolution and dense weights towards 0, at least 0.
    #[schemars(range(min = 0.0), extend("x-scheme" = "ckks"))]
    pub weight_decay: f32,
    /// Share of the target spread over all classes, 0 to below 1.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub label_smoothing: f32,
    /// Greatest norm of the gradient over all parameters but those of batch norms; above 0.
    #[schemars(extend("exclusiveMinimum" = 0, "x-scheme" = "ckks"))]
    pub clip_norm: f32,
    /// Inputs of polynomials beyond this magnitude are penalized; above 0.
    #[schemars(extend("exclusiveMinimum" = 0, "x-scheme" = "ckks"))]
    pub range: f32,
    /// Weight of that penalty in the loss; at least 0.
    #[schemars(range(min = 0.0), extend("x-scheme" = "ckks"))]
    pub range_penalty: f32,
    /// Images are moved by up to this many pixels at random, at least 0.
    #[schemars(extend("x-unit" = "pixels"))]
    pub shift: usize,
    /// What comes in at the border where images are moved.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(extend("default" = "zero"))]
    pub border: Border,
    /// Whether every other image, by chance, is mirrored left to right: for photographs, not for digits.
    pub flip: bool,
    /// With `flip`: whether each image is mirrored in every other epoch, by chance in the first or the second, so that
    /// two epochs show both sides of it (Jordan 2024, section 3.6). Needs `flip`.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(extend("default" = false))]
    pub alternate: bool,
    /// Brightness and contrast vary by chance: all pixels `x` of an image become `a·x + b`, `a` within `1 ± jitter` and
    /// `b` within `± jitter`; at least 0. For images of other devices or exposures than the training images.
    #[schemars(range(min = 0.0))]
    pub jitter: f32,
    /// Whether each class counts alike in the loss, however many training images it has.
    pub balance: bool,
    /// Share of the batch in the running statistics of batch norms, above 0 and at most 1.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0))]
    pub norm_rate: f32,
    /// Whether the scales of batch norms stay at 1, so that their shifts alone are trained (Jordan 2024).
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(extend("default" = false, "x-scheme" = "ckks"))]
    pub fixed_scales: bool,
    /// Learning rate of the shifts of batch norms, in units of the others'; above 0.
    #[serde(skip_serializing_if = "is_one")]
    #[schemars(extend("default" = 1.0, "exclusiveMinimum" = 0, "x-scheme" = "ckks"))]
    pub bias_rate: f32,
    /// Whether convolutions of the image begin as filters that whiten its patches (Page 2019; Jordan 2024, section
    /// 3.2).
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(extend("default" = "none", "x-scheme" = "ckks"))]
    pub whitening: Whitening,
    /// Whether the other convolutions begin with filters that hand their inputs on, one for each, as far as there are
    /// outputs; the rest of them at random (Jordan 2024, section 3.3).
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(extend("default" = false, "x-scheme" = "ckks"))]
    pub identity: bool,
    /// Every so many steps the weights go back to an average of those before, which follows them ever more slowly
    /// (Zhang et al. 2019; Jordan 2024, section 3.4); 0 for never.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(extend("default" = 0, "x-unit" = "steps", "x-scheme" = "ckks"))]
    pub lookahead: usize,
    /// Decay a step of the average of weights that is validated and exported (Polyak and Juditsky 1992), 0 to below 1;
    /// 0 exports the last weights themselves.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1, "x-scheme" = "ckks"))]
    pub ema: f32,
    /// How quadratics of each channel are trained.
    #[schemars(extend("x-scheme" = "ckks"))]
    pub polynomials: Polynomials,
    /// Share of the loss that comes from a ReLU teacher of the same architecture (Hinton et al. 2015), 0 to 1; 0 trains
    /// none.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-scheme" = "ckks"))]
    pub distillation: f32,
    /// By how much logits are divided before they are compared with the teacher's; above 0.
    #[schemars(extend("exclusiveMinimum" = 0, "x-scheme" = "ckks"))]
    pub temperature: f32,
    /// Greatest step of Adam where integers are trained, in units of an integer weight; above 0.
    #[serde(alias = "quantised_rate")]
    #[schemars(extend("exclusiveMinimum" = 0, "x-scheme" = quantized::SCHEME.name(), "x-alias" = "quantised_rate"))]
    pub quantized_rate: f32,
    /// A training ends when the accuracy on the validation images, which is then measured after each epoch, has not
    /// risen for so many epochs, at least 1; it then has the weights of its last epoch. No such end where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1), extend("x-unit" = "epochs"))]
    pub patience: Option<usize>,
    /// Where to train; integers are trained on the CPU alone.
    #[serde(skip_serializing_if = "Device::is_cpu")]
    #[schemars(extend("default" = "cpu"))]
    pub device: Device,
    /// What follows the first phase, in this order: `[{phase: tune, epochs: 5}]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("default" = []))]
    pub phases: Vec<PhaseOptions>,
}

/// How quadratics of each channel are trained. Those for a whole layer, and other degrees, always have trained
/// coefficients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Polynomials {
    /// Their coefficients, from ReLU's Hermite expansion on.
    #[default]
    Learnable,
    /// As a sum of Hermite polynomials, each with a batch norm of its own (HerPN: Park et al., AESPA, 2022).
    Herpn,
}

/// How the learning rate falls after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// As a cosine (Loshchilov and Hutter 2017).
    #[default]
    Cosine,
    /// In a straight line: better where epochs are few (Jordan 2024).
    Triangular,
}

/// What comes in at the border where images are moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Border {
    /// Zeros.
    #[default]
    Zero,
    /// The image, reflected at its outermost pixels: for photographs.
    Reflect,
}

/// Whether convolutions of the image begin as filters that whiten its patches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Whitening {
    /// They begin at random.
    #[default]
    None,
    /// They begin so, and are trained.
    Start,
    /// They are so and stay so.
    Fixed,
}

/// Whether an option is what it is where it is not given: then it is not written, and the name of a training is that
/// which it had before there was the option.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_one(value: &f32) -> bool {
    *value == 1.0
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            epochs: 20,
            batch: 64,
            learning_rate: 0.1,
            warmup: 0.2,
            schedule: Schedule::Cosine,
            momentum: 0.9,
            weight_decay: 5e-4,
            label_smoothing: 0.05,
            clip_norm: 1.0,
            range: 4.0,
            range_penalty: 0.1,
            shift: 0,
            border: Border::Zero,
            flip: false,
            alternate: false,
            jitter: 0.0,
            balance: false,
            norm_rate: 0.1,
            fixed_scales: false,
            bias_rate: 1.0,
            whitening: Whitening::None,
            identity: false,
            lookahead: 0,
            ema: 0.0,
            polynomials: Polynomials::Learnable,
            distillation: 0.0,
            temperature: 2.0,
            quantized_rate: 0.005,
            patience: None,
            device: Device::Cpu,
            phases: Vec::new(),
        }
    }
}

impl TrainOptions {
    /// Epochs of all phases.
    pub fn all_epochs(&self) -> usize {
        let others = self.phases.iter().map(PhaseOptions::epochs);
        self.epochs + others.sum::<usize>()
    }

    /// Refuses values out of range, naming the option. Whether this machine has the device is asked where it trains.
    ///
    /// # Errors
    /// The first such option, with what is allowed.
    pub fn check(&self) -> Result<(), Error> {
        schema::check(self).map_err(Error::Form)?;
        if self.alternate && !self.flip {
            return Err(Error::Option {
                option: "alternate",
                found: "true".into(),
                allowed: "true where `flip` is true as well".into(),
            });
        }
        Ok(())
    }
}
