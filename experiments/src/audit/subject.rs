//! What is audited: a trial with its weights, and pictures for victim and attacker.

use std::path::Path;

use hemet_compiler::Options;
use hemet_schedule::CostTable;
use hemet_search::audit::{Effort, Place, Setting};
use hemet_search::data::{self, Dataset};
use hemet_search::train::Recipe;
use hemet_search::{Seed, Trial};
use hemet_spaces::{LayerGraph, Scheme, Weights};
use rand::seq::SliceRandom;

use super::cost::HandOver;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::folder::RunFolder;
use crate::run::images;
use crate::run::weights;
use crate::schemes::CostSource;
use crate::schemes::ckks::costs;

/// What a user wants audited.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// Number of the trial.
    pub trial: usize,
    /// Folder of the data set's files, where they lie elsewhere than at the time of the search.
    pub data: Option<&'a Path>,
    /// Where an attacker has pictures of another kind.
    pub similar: Option<Similar<'a>>,
    /// Pictures to be reconstructed.
    pub targets: usize,
    /// Pictures of the attacker's own; as many as are enough where nobody says.
    pub own: Option<usize>,
    /// How much is spent on attacks.
    pub effort: Effort,
}

/// Pictures of the attacker's own, where there are so many and nobody says.
const OWN: usize = 4000;
/// Most pictures that a network is trained on for a defense.
const TRAINING: usize = 10_000;
/// Most pictures that its accuracy is measured on.
const TEST: usize = 2000;

/// A trial, ready to be audited.
pub struct Subject {
    /// The trial.
    pub trial: Trial,
    /// The experiment that it is of.
    pub experiment: Experiment,
    /// The network.
    pub graph: LayerGraph,
    /// Its weights.
    pub weights: Weights,
    /// How it is compiled.
    pub options: Options,
    /// The machine that latencies are of.
    pub table: CostTable,
    /// How much is spent on attacks.
    pub effort: Effort,
    targets: Dataset,
    own: Dataset,
    similar: Option<Dataset>,
    training: Dataset,
    test: Dataset,
}

/// Where pictures of another kind come from.
#[derive(Clone, Copy)]
pub struct Similar<'a> {
    /// Name of the data set.
    pub set: &'a str,
    /// Folder of its files, where it is not embedded.
    pub folder: Option<&'a Path>,
}

impl Subject {
    /// A trial of a run.
    ///
    /// # Errors
    /// A trial without weights or of a scheme of integers; pictures that are missing or too few.
    pub fn read(run: &RunFolder, wanted: &Wanted<'_>) -> Result<Self, Error> {
        let number = wanted.trial;
        let mut experiment = run.experiment()?;
        if let Some(data) = wanted.data {
            experiment.data.path = Some(data.to_owned());
        }
        let trial = run.trial(&experiment, number)?;
        weights::check_trained(&trial)?;
        let space = experiment.space()?;
        let scheme = space.scheme(&trial.architecture);
        if scheme != Scheme::Ckks {
            return Err(Error::user(format!(
                "trial {number} is of scheme {scheme}, whose layers are tables of integers; audits are of networks of scheme {}",
                Scheme::Ckks
            )));
        }
        let graph = space.graph(&trial.architecture)?;
        let weights = weights::read(run, &experiment, &trial, false)?;
        let source = CostSource {
            run: Some(run),
            kept_only: true,
            ..CostSource::default()
        };
        if experiment.deploy.prefix.is_some() {
            return Err(Error::user(
                "attacks here are on networks that take pictures; behind a prefix they take its outputs",
            ));
        }
        let sets = images::load(&experiment)?;
        let seed = Seed::new(experiment.seed).derive("audit");
        let own = wanted.own.unwrap_or(OWN.min(sets.train.len()));
        let similar = wanted
            .similar
            .map(|similar| data::load(similar.set, similar.folder));
        let similar = similar.transpose()?;
        Ok(Self {
            options: experiment.compile_options()?,
            table: costs::from(&source)?,
            targets: some(&sets.test, wanted.targets, seed.derive("targets"))?,
            own: some(&sets.train, own, seed.derive("own"))?,
            similar: match similar {
                Some(similar) => {
                    let count = own.min(similar.train.len());
                    Some(some(&similar.train, count, seed.derive("similar"))?)
                }
                None => None,
            },
            training: some(
                &sets.train,
                TRAINING.min(sets.train.len()),
                seed.derive("training"),
            )?,
            test: some(&sets.test, TEST.min(sets.test.len()), seed.derive("test"))?,
            trial,
            experiment,
            graph,
            weights,
            effort: wanted.effort,
        })
    }

    /// Victim and attacker.
    pub fn setting(&self) -> Setting<'_> {
        Setting {
            graph: &self.graph,
            weights: &self.weights,
            targets: &self.targets,
            own: &self.own,
            similar: self.similar.as_ref(),
            training: &self.training,
            test: &self.test,
            effort: self.effort,
            seed: Seed::new(self.experiment.seed).derive("audit"),
        }
    }

    /// The pictures that are to be reconstructed.
    pub fn targets(&self) -> &Dataset {
        &self.targets
    }

    /// Name of the pictures of another kind, where there are some.
    pub fn similar(&self) -> Option<&str> {
        self.similar.as_ref().map(|similar| similar.name.as_str())
    }

    /// The first so many pictures of the attacker's own.
    pub fn own_pictures(&self, count: usize) -> Dataset {
        self.own
            .select(&(0..count.min(self.own.len())).collect::<Vec<_>>())
    }

    /// Accuracy of the network on the test pictures, 0 to 1.
    ///
    /// # Errors
    /// None after [`Setting::check`].
    pub fn accuracy(&self) -> Result<f64, Error> {
        Ok(Recipe::Polynomials.accuracy(&self.graph, &self.weights, &self.test)?)
    }

    /// What the rest of the network costs behind a place; of its outputs what the whole costs.
    pub fn cost(&self, place: &Place) -> HandOver {
        let graph = place
            .halves
            .as_ref()
            .map_or(&self.graph, |halves| &halves.tail);
        HandOver::of(&place.name, graph, &self.options, &self.table)
    }

    /// What the whole network costs.
    pub fn whole_cost(&self) -> HandOver {
        let name = &self.graph.node(self.graph.input()).name;
        HandOver::of(name, &self.graph, &self.options, &self.table)
    }
}

/// So many pictures, chosen by a seed.
fn some(data: &Dataset, count: usize, seed: Seed) -> Result<Dataset, Error> {
    if count > data.len() {
        return Err(Error::user(format!(
            "{count} pictures of {} are asked for, there are {}; ask for fewer",
            data.name,
            data.len()
        )));
    }
    let mut order: Vec<usize> = (0..data.len()).collect();
    order.shuffle(&mut seed.rng());
    Ok(data.select(&order[..count]))
}
