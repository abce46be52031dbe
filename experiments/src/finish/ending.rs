//! What the end of a search works on.

use hemet_search::data::TrainTest;

use crate::experiment::Experiment;
use crate::run::folder::RunFolder;
use crate::run::images;
use crate::schemes::SchemeCosts;

/// A search whose trials have ended.
#[derive(Clone, Copy)]
pub struct Ending<'a> {
    /// What was searched, and how.
    pub experiment: &'a Experiment,
    /// What its networks see: its images, or what its prefix gives for them.
    pub sets: &'a TrainTest,
    /// Its images, which clients encrypt.
    pub images: &'a TrainTest,
    /// What networks cost.
    pub costs: &'a SchemeCosts,
    /// Where its files lie.
    pub run: &'a RunFolder,
}

impl Ending<'_> {
    /// How many images the accuracies of the search are of.
    pub fn validation_images(&self) -> usize {
        images::validation_images(&self.sets.train, self.experiment.data.validation)
    }
}
