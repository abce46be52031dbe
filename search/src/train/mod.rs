//! Training of a LayerGraph with burn, and export of its Weights.
//!
//! Polynomial networks need care: batch norm, clipped gradients (batch norms spared), polynomials that start near
//! ReLU's Hermite expansion, a penalty on inputs of polynomials that leave a range (AESPA, Park et al. 2022; AutoFHE,
//! Ao and Boddeti 2024). `Affine` layers train as batch norm and are exported folded. What makes few epochs go far is
//! after K. Jordan, 94% on CIFAR-10 in 3.29 Seconds on a Single GPU, 2024 (arXiv 2404.00498).
//!
//! One loop (`run.rs`) trains every network. What a batch teaches is the recipe's (`step/`), what follows the first
//! epochs is a list of phases (`phase/`).
//!
//! Deterministic: one seed, the same weights bit for bit on one machine, on any number of threads, whether the training
//! ran through or was killed and went on from its checkpoint.

mod adam;
mod average;
mod batch;
mod checkpoint;
mod decoder;
mod device;
mod forward;
mod halves;
mod herpn;
mod infer;
mod inherit;
mod kernel;
mod lookahead;
mod model;
mod op;
mod optimizer;
mod options;
mod parameter;
mod part;
mod phase;
mod plan;
mod quantized;
mod recipe;
mod report;
mod run;
mod step;
mod target;
mod targets;
mod teach;
mod teacher;
mod tensor;
mod threads;
mod ties;
mod training;
mod whiten;

pub(crate) use adam::{Moments, Pace};
pub use decoder::{Decoder, DecoderOptions, Pairs};
pub use device::Device;
pub(crate) use halves::drop_out;
pub use halves::{HalvesOptions, HalvesTraining};
pub use infer::{class, r_squared};
pub use optimizer::LARGEST_SHIFT;
pub use options::{Border, Polynomials, Schedule, TrainOptions, Whitening};
pub use part::{Intercepted, Part, Pull};
pub use phase::tune::Tune;
pub use phase::{Layers, PhaseOptions};
pub use recipe::Recipe;
pub use report::{End, EpochReport, OnEpoch, TrainOutcome, Trained};
pub use target::Target;
pub use teacher::Teacher;
pub use threads::on_threads;
pub use training::{TrainData, Training};
