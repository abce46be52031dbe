//! The leak of a cut: what the cheap attacks reach, small enough to be measured of every network that a search trains.
//!
//! Cheap ones are a short descent on pixels and an inverse network that learns for a short time. Stronger attacks reach
//! more, so leaks tell networks apart, and a network is audited before it is used.

use hemet_spaces::{Cut, LayerGraph, Weights};

use super::{Attack, Defense, Effort, Place, Setting};
use crate::data::Dataset;
use crate::{Error, Seed};

/// Pictures that are reconstructed.
const TARGETS: usize = 8;
/// Pictures of the attacker's own.
const OWN: usize = 512;
const EFFORT: Effort = Effort {
    steps: 60,
    epochs: 4,
};

/// The structural similarity to the pictures that the strongest of the cheap attacks reaches behind a cut: validation
/// pictures are reconstructed, training pictures are the attacker's.
///
/// # Errors
/// Data that are no pictures of classes with pixels from 0 to 1; a cut of another network.
pub fn leak(
    graph: &LayerGraph,
    weights: &Weights,
    cut: Cut,
    [training, validation]: [&Dataset; 2],
    seed: Seed,
) -> Result<f64, Error> {
    let first =
        |data: &Dataset, count: usize| data.select(&(0..count.min(data.len())).collect::<Vec<_>>());
    let (targets, own) = (first(validation, TARGETS), first(training, OWN));
    let setting = Setting {
        graph,
        weights,
        targets: &targets,
        own: &own,
        similar: None,
        training: &own,
        test: &targets,
        effort: EFFORT,
        seed: seed.derive("leak"),
    };
    setting.check()?;
    let place = Place {
        name: graph.node(cut.after()).name.clone(),
        halves: Some(graph.halves(cut)?),
    };
    let attacks = [Attack::WhiteBox, Attack::InverseSame];
    let found = setting.run(&place, Defense::None, &attacks)?;
    Ok(found.strongest().map_or(0.0, |most| most.nearness.ssim))
}
