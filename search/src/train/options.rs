//! The options of a training, as they stand in an experiment.

use serde::{Deserialize, Serialize};

use super::Device;
use crate::Error;

/// How to train. The defaults suit small networks on small images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainOptions {
    /// Passes over the training images, at least 1.
    pub epochs: usize,
    /// Images a step, at least 2.
    pub batch: usize,
    /// Greatest learning rate, reached after the warm-up; above 0.
    pub learning_rate: f32,
    /// Share of the training in which the learning rate rises, 0 to below 1; then it falls to 0 as a cosine.
    pub warmup: f32,
    /// Nesterov momentum, 0 to below 1.
    pub momentum: f32,
    /// Decay of convolution and dense weights towards 0, at least 0.
    pub weight_decay: f32,
    /// Share of the target spread over all classes, 0 to below 1.
    pub label_smoothing: f32,
    /// Greatest norm of the gradient over all parameters but those of batch norms; above 0.
    pub clip_norm: f32,
    /// Inputs of polynomials beyond this magnitude are penalized; above 0.
    pub range: f32,
    /// Weight of that penalty in the loss; at least 0.
    pub range_penalty: f32,
    /// Images are moved by up to this many pixels at random, at least 0.
    pub shift: usize,
    /// Whether every other image, by chance, is mirrored left to right: for photographs, not for digits.
    pub flip: bool,
    /// Brightness and contrast vary by chance: all pixels `x` of an image become `a·x + b`, `a` within `1 ± jitter` and `b` within
    /// `± jitter`; at least 0. For images of other devices or exposures than the training images.
    pub jitter: f32,
    /// Whether each class counts alike in the loss, however many training images it has.
    pub balance: bool,
    /// Share of the batch in the running statistics of batch norms, above 0 and at most 1.
    pub norm_rate: f32,
    /// Decay a step of the average of weights that is validated and exported (Polyak and Juditsky 1992), 0 to below 1;
    /// 0 exports the last weights themselves.
    pub ema: f32,
    /// How quadratics of each channel are trained.
    pub polynomials: Polynomials,
    /// Share of the loss that comes from a ReLU teacher of the same architecture (Hinton et al. 2015), 0 to 1; 0 trains none.
    pub distillation: f32,
    /// By how much logits are divided before they are compared with the teacher's; above 0.
    pub temperature: f32,
    /// Greatest step of Adam where integers are trained (scheme `tfhe`), in units of an integer weight; above 0.
    #[serde(alias = "quantised_rate")]
    pub quantized_rate: f32,
    /// Where to train; scheme `tfhe` is trained on the CPU alone.
    #[serde(skip_serializing_if = "Device::is_cpu")]
    pub device: Device,
}

/// How quadratics of each channel are trained. Those for a whole layer, and other degrees, always have trained coefficients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Polynomials {
    /// Their coefficients, from ReLU's Hermite expansion on.
    #[default]
    Learnable,
    /// As a sum of Hermite polynomials, each with a batch norm of its own (HerPN: Park et al., AESPA, 2022).
    Herpn,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            epochs: 20,
            batch: 64,
            learning_rate: 0.1,
            warmup: 0.2,
            momentum: 0.9,
            weight_decay: 5e-4,
            label_smoothing: 0.05,
            clip_norm: 1.0,
            range: 4.0,
            range_penalty: 0.1,
            shift: 0,
            flip: false,
            jitter: 0.0,
            balance: false,
            norm_rate: 0.1,
            ema: 0.0,
            polynomials: Polynomials::Learnable,
            distillation: 0.0,
            temperature: 2.0,
            quantized_rate: 0.005,
            device: Device::Cpu,
        }
    }
}

impl TrainOptions {
    /// Refuses values out of range, naming the option, and a device that this program or machine has not.
    pub fn check(&self) -> Result<(), Error> {
        let share = |value: f32| (0.0..1.0).contains(&value);
        let positive = |value: f32| value > 0.0 && value.is_finite();
        let not_negative = |value: f32| value >= 0.0 && value.is_finite();
        let rules: [(&'static str, f64, bool, &str); 16] = [
            ("epochs", self.epochs as f64, self.epochs >= 1, "at least 1"),
            ("batch", self.batch as f64, self.batch >= 2, "at least 2"),
            (
                "learning_rate",
                self.learning_rate.into(),
                positive(self.learning_rate),
                "above 0",
            ),
            (
                "warmup",
                self.warmup.into(),
                share(self.warmup),
                "from 0 to below 1",
            ),
            (
                "momentum",
                self.momentum.into(),
                share(self.momentum),
                "from 0 to below 1",
            ),
            (
                "weight_decay",
                self.weight_decay.into(),
                not_negative(self.weight_decay),
                "at least 0",
            ),
            (
                "label_smoothing",
                self.label_smoothing.into(),
                share(self.label_smoothing),
                "from 0 to below 1",
            ),
            (
                "clip_norm",
                self.clip_norm.into(),
                positive(self.clip_norm),
                "above 0",
            ),
            ("range", self.range.into(), positive(self.range), "above 0"),
            (
                "range_penalty",
                self.range_penalty.into(),
                not_negative(self.range_penalty),
                "at least 0",
            ),
            (
                "jitter",
                self.jitter.into(),
                not_negative(self.jitter),
                "at least 0",
            ),
            (
                "norm_rate",
                self.norm_rate.into(),
                self.norm_rate > 0.0 && self.norm_rate <= 1.0,
                "above 0 and at most 1",
            ),
            ("ema", self.ema.into(), share(self.ema), "from 0 to below 1"),
            (
                "distillation",
                self.distillation.into(),
                (0.0..=1.0).contains(&self.distillation),
                "from 0 to 1",
            ),
            (
                "temperature",
                self.temperature.into(),
                positive(self.temperature),
                "above 0",
            ),
            (
                "quantized_rate",
                self.quantized_rate.into(),
                positive(self.quantized_rate),
                "above 0",
            ),
        ];
        match rules.into_iter().find(|(_, _, allowed, _)| !allowed) {
            Some((option, found, _, allowed)) => Err(Error::Option {
                option,
                found: found.to_string(),
                allowed: allowed.to_owned(),
            }),
            None => self.device.check(),
        }
    }
}
