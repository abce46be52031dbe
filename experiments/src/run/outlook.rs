//! What a search will be like, before anything is trained for it: whether its experiment is sound, how many of its
//! networks keep the constraints, what is predicted of them, and about how long the search takes.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Instant;

use hemet_search::Seed;
use hemet_search::constraint::CostModel;
use hemet_search::data::Dataset;
use hemet_search::train::{End, EpochReport, TrainData, TrainOptions, Training};
use hemet_spaces::{Architecture, LayerGraph, Scheme, Space};
use serde::Serialize;

use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::accuracy::{Accuracy, Quality};
use crate::run::train::recipe;
use crate::schemes::SchemeCosts;

/// Networks that are looked at.
const LOOKED_AT: usize = 200;
/// Batches of an epoch that is timed.
const TIMED_BATCHES: usize = 4;

/// What a search will be like.
#[derive(Clone, Debug, Serialize)]
pub struct Outlook {
    /// Name of the experiment.
    pub name: String,
    /// Networks of its space.
    pub networks: u128,
    /// How many of them were looked at: all of a small space, else a sample that the seed decides.
    pub looked_at: usize,
    /// Share of these that can be compiled and keep the constraints, 0 to 1.
    pub feasible_share: f64,
    /// Least share that the whole space has, 95 times in 100.
    pub feasible_low: f64,
    /// Greatest such share.
    pub feasible_high: f64,
    /// Predicted latency of the fastest network that was looked at and can be compiled; none where none can.
    pub fastest_ms: Option<f64>,
    /// Of the slowest.
    pub slowest_ms: Option<f64>,
    /// Depth of the shallowest.
    pub least_depth: Option<usize>,
    /// Of the deepest.
    pub greatest_depth: Option<usize>,
    /// The reason that keeps most of the others out, as it is of one of them.
    pub commonest_reason: Option<String>,
    /// Hours that the trainings take, one after the other, by a few batches of one network that were timed here; at
    /// most `search.max_minutes`. None without a feasible network.
    pub hours: Option<f64>,
}

/// All architectures of a space that has at most `count`, else the all-mobile one and a random sample.
pub fn sample(space: &Space, count: usize, seed: Seed) -> Vec<Architecture> {
    if space.size() <= count as u128 {
        return space.architectures().collect();
    }
    let mut rng = seed.derive("space").rng();
    let mut chosen = vec![space.mobile()];
    // A space has more than `count` architectures, so new ones turn up.
    while chosen.len() < count {
        let architecture = space.sample(&mut rng);
        if !chosen.contains(&architecture) {
            chosen.push(architecture);
        }
    }
    chosen
}

impl Outlook {
    /// Looks ahead, for a search on these training images with these costs.
    ///
    /// # Errors
    /// An experiment without a space; a network that cannot be trained.
    pub fn of(
        experiment: &Experiment,
        images: &Dataset,
        costs: &SchemeCosts,
    ) -> Result<Self, Error> {
        let space = experiment.space()?;
        let looked = sample(space, LOOKED_AT, Seed::new(experiment.seed));
        let mut seen = Seen::default();
        for architecture in &looked {
            seen.look(experiment, space, architecture, costs);
        }
        let share = seen.feasible.len() as f64 / looked.len().max(1) as f64;
        let interval = match space.size() == looked.len() as u128 {
            true => (share, share),
            false => {
                let images = looked.len();
                let interval = Accuracy {
                    share,
                    images,
                    quality: Quality::Accuracy,
                }
                .interval();
                (interval.low, interval.high)
            }
        };
        let latencies = || seen.costs.iter().map(|(latency_ms, _)| *latency_ms);
        let depths = || seen.costs.iter().map(|(_, depth)| *depth);
        Ok(Self {
            name: experiment.name.clone(),
            networks: space.size(),
            looked_at: looked.len(),
            feasible_share: share,
            feasible_low: interval.0,
            feasible_high: interval.1,
            fastest_ms: latencies().reduce(f64::min),
            slowest_ms: latencies().reduce(f64::max),
            least_depth: depths().min(),
            greatest_depth: depths().max(),
            commonest_reason: seen.commonest_reason(),
            hours: seen.hours(experiment, images)?,
        })
    }
}

/// The networks that were looked at.
#[derive(Default)]
struct Seen {
    /// Latency in milliseconds and depth of those that can be compiled.
    costs: Vec<(f64, usize)>,
    /// Those that keep the constraints.
    feasible: Vec<(Scheme, LayerGraph)>,
    /// Why the others do not: a reason, and how many have it, by its text without numbers.
    reasons: BTreeMap<String, (String, usize)>,
}

impl Seen {
    fn look(
        &mut self,
        experiment: &Experiment,
        space: &Space,
        architecture: &Architecture,
        costs: &SchemeCosts,
    ) {
        let scheme = space.scheme(architecture);
        let feasible = space
            .graph(architecture)
            .map_err(|e| e.to_string())
            .and_then(|graph| {
                let cost = costs.estimate_at(space.placement(architecture), &graph)?;
                self.costs.push((cost.latency_ms, cost.depth));
                experiment.constraints.check(&cost)?;
                Ok(graph)
            });
        match feasible {
            Ok(graph) => self.feasible.push((scheme, graph)),
            Err(reason) => {
                let kind = reason.replace(|c: char| c.is_ascii_digit() || c == '.', "");
                self.reasons.entry(kind).or_insert((reason, 0)).1 += 1;
            }
        }
    }

    fn commonest_reason(&self) -> Option<String> {
        let commonest = self.reasons.values().max_by_key(|(_, count)| *count);
        commonest.map(|(reason, _)| reason.clone())
    }

    /// Hours of all trainings, by the network of middle size.
    fn hours(&self, experiment: &Experiment, images: &Dataset) -> Result<Option<f64>, Error> {
        let mut networks: Vec<_> = self.feasible.iter().collect();
        networks.sort_by_key(|(_, graph)| graph.statistics().macs);
        let Some((scheme, graph)) = networks.get(networks.len() / 2) else {
            return Ok(None);
        };
        let training = images.len() as f64 * (1.0 - experiment.data.validation);
        let seconds = seconds_an_image(experiment, images, *scheme, graph)? * training;
        let trials = experiment.search.trials as f64;
        let hours = trials * epochs_of_a_trial(experiment) * seconds / 3600.0;
        let limit = experiment.search.max_minutes.map(|minutes| minutes / 60.0);
        Ok(Some(limit.map_or(hours, |limit| hours.min(limit))))
    }
}

/// Epochs that a trial has on average: with successive halving one in `factor` passes each rung.
fn epochs_of_a_trial(experiment: &Experiment) -> f64 {
    let all = experiment.train.all_epochs();
    let (mut sum, mut share, mut before) = (0.0, 1.0, 0);
    if let Some(halving) = &experiment.search.halving {
        for rung in halving.rungs.iter().copied().filter(|rung| *rung < all) {
            sum += share * (rung - before) as f64;
            share /= halving.factor as f64;
            before = rung;
        }
    }
    sum + share * (all - before) as f64
}

/// Seconds that an image takes in training: the second of two epochs over a few batches, so without the preparations.
fn seconds_an_image(
    experiment: &Experiment,
    images: &Dataset,
    scheme: Scheme,
    graph: &LayerGraph,
) -> Result<f64, Error> {
    let count = images.len().min(TIMED_BATCHES * experiment.train.batch);
    let few = images.select(&(0..count).collect::<Vec<_>>());
    let data = TrainData {
        training: &few,
        validation: &few,
    };
    let options = TrainOptions {
        epochs: 2,
        phases: Vec::new(),
        distillation: 0.0,
        ..experiment.train.clone()
    };
    let mut training = Training::new(graph, data, &options, Seed::new(experiment.seed));
    training.recipe = recipe(experiment, scheme);
    let (mut begun, mut seconds) = (Instant::now(), 0.0);
    training.run(&mut |_: &EpochReport| {
        seconds = begun.elapsed().as_secs_f64();
        begun = Instant::now();
        ControlFlow::<End>::Continue(())
    })?;
    Ok(seconds / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_shortens_a_trial_by_those_that_it_stops() {
        let mut experiment = Experiment::read("digits.yaml".as_ref()).expect("published");
        experiment.train.epochs = 18;
        experiment.train.phases = Vec::new();
        for (halving, epochs) in [
            ("null", 18.0),
            ("{rungs: [6], factor: 3}", 6.0 + 12.0 / 3.0),
            ("{rungs: [2, 6], factor: 2}", 2.0 + 4.0 / 2.0 + 12.0 / 4.0),
            ("{rungs: [20], factor: 3}", 18.0),
        ] {
            experiment.search.halving = serde_yaml::from_str(halving).expect("sound");
            assert_eq!(epochs_of_a_trial(&experiment), epochs, "{halving}");
        }
    }
}
