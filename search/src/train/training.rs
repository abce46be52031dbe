//! A training: all that its result depends on.

use std::path::Path;

use hemet_spaces::{LayerGraph, Weights};

use super::options::TrainOptions;
use super::recipe::Recipe;
use super::target::{STATISTICS, Target};
use super::teacher::Teacher;
use crate::Seed;
use crate::data::Dataset;

/// What a training runs on.
#[derive(Clone, Copy, Debug)]
pub struct TrainData<'a> {
    /// Images that are learned from.
    pub training: &'a Dataset,
    /// Images that the accuracy is measured on.
    pub validation: &'a Dataset,
}

/// A training, ready to run.
pub struct Training<'a> {
    /// The network.
    pub graph: &'a LayerGraph,
    /// What it is trained to be.
    pub recipe: Recipe<'a>,
    /// The images.
    pub data: TrainData<'a>,
    /// How to train.
    pub options: &'a TrainOptions,
    /// The seed of every random choice.
    pub seed: Seed,
    /// Where the state is kept after each epoch, written aside and renamed. If it is there already, the training goes
    /// on from it.
    pub checkpoint: Option<&'a Path>,
    /// Weights of another network to start from: tensors of equal name and shape are taken over, the others begin at
    /// random.
    pub inherited: Option<&'a Weights>,
    /// What the network is adapted to, in a training of polynomials; nothing where it learns one kind of images.
    pub target: Option<Target<'a>>,
    /// Whom the network learns from besides the labels; needed where [`TrainOptions::distillation`] is above 0.
    pub teacher: Option<&'a Teacher>,
    /// After which epochs (from 1) the validation accuracy is measured, besides at the end.
    pub validate: &'a (dyn Fn(usize) -> bool + Sync),
}

impl<'a> Training<'a> {
    /// A training of polynomials that starts at random and keeps no checkpoint.
    pub fn new(
        graph: &'a LayerGraph,
        data: TrainData<'a>,
        options: &'a TrainOptions,
        seed: Seed,
    ) -> Self {
        Self {
            graph,
            recipe: Recipe::Polynomials,
            data,
            options,
            seed,
            checkpoint: None,
            inherited: None,
            target: None,
            teacher: None,
            validate: &|_| false,
        }
    }

    /// Names the training in its checkpoint: a hash of all that its result depends on. Options enter as they are
    /// written in an experiment, so that one that a later version adds changes no name where it is not used.
    pub(super) fn fingerprint(&self) -> String {
        let mut hash = blake3::Hasher::new();
        let mut part = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(self.graph.to_string().as_bytes());
        part(&serde_json::to_vec(self.options).unwrap_or_default());
        part(format!("{:?} {:?}", self.seed, self.recipe).as_bytes());
        let set = self.data.training;
        part(format!("{} {} {}", set.name, set.shape, set.classes).as_bytes());
        part(&set.labels);
        if set.is_regression() {
            let values = set.targets.iter().flat_map(|v| v.to_le_bytes());
            part(&values.collect::<Vec<u8>>());
        }
        if let Some(target) = &self.target {
            part(format!("target {}", target.labeled).as_bytes());
            for image in 0..target.unlabeled.len().min(STATISTICS) {
                let pixels = target.unlabeled.image(image).iter();
                part(&pixels.flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>());
            }
        }
        let teacher = self.teacher.map(Teacher::weights);
        for weights in [self.inherited, teacher].into_iter().flatten() {
            for (name, tensor) in &weights.tensors {
                let values = tensor.data.iter().flat_map(|v| v.to_le_bytes());
                part(name.as_bytes());
                part(&values.collect::<Vec<u8>>());
            }
        }
        hash.finalize().to_hex().to_string()
    }
}
