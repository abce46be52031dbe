//! Provenance of a network that a search found: on what it was trained, from which seed, and how good it was.

use hemet_schedule::{DataNote, Provenance, Score};
use hemet_search::Trial;
use hemet_search::data::TrainTest;

use crate::experiment::{Card, Experiment};
use crate::run::accuracy::Accuracy;
use crate::run::images;

/// On which images an accuracy was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Those that the search saw.
    Validation,
    /// Those that were seen at the end alone.
    Test,
}

/// Where the network of a trial comes from, so far without its costs and scores.
pub fn of(experiment: &Experiment, trial: &Trial, sets: &TrainTest) -> Provenance {
    let validation = images::validation_images(&sets.train, experiment.data.validation);
    let mut hash = blake3::Hasher::new();
    for set in [&sets.train, &sets.test] {
        hash.update(images::sum(set).as_bytes());
    }
    let card = experiment.card.clone();
    Provenance {
        trial: Some(trial.number),
        seed: Some(experiment.seed),
        data: Some(DataNote {
            hash: hash.finalize().to_hex().to_string(),
            training: sets.train.len() - validation,
            validation,
            test: sets.test.len(),
            resize: experiment.data.resize,
            crop: experiment.data.crop,
            gray: experiment.data.gray,
        }),
        model: None,
        calibration: None,
        cost_table: None,
        scores: Vec::new(),
        purpose: card.purpose,
        limits: card.limits,
        license: card.license,
    }
}

/// Where a network of a model file comes from; `table` is the id of the cost table.
pub fn of_model(model: &[u8], samples: &[Vec<f64>], table: String, card: Card) -> Provenance {
    let mut hash = blake3::Hasher::new();
    for number in samples.iter().flatten() {
        hash.update(&number.to_le_bytes());
    }
    Provenance {
        model: Some(blake3::hash(model).to_hex().to_string()),
        calibration: (!samples.is_empty()).then(|| hash.finalize().to_hex().to_string()),
        cost_table: Some(table),
        purpose: card.purpose,
        limits: card.limits,
        license: card.license,
        ..Provenance::default()
    }
}

/// What was measured, with its interval.
pub fn score(accuracy: Accuracy, on: On) -> Score {
    let interval = accuracy.interval();
    Score {
        name: accuracy.quality.name().to_owned(),
        on: match on {
            On::Validation => "validation",
            On::Test => "test",
        }
        .to_owned(),
        share: accuracy.share,
        count: accuracy.images,
        low: interval.low,
        high: interval.high,
    }
}

/// The score of a trial on the validation images; none where it has none.
pub fn of_validation(experiment: &Experiment, trial: &Trial, sets: &TrainTest) -> Option<Score> {
    let accuracy = Accuracy {
        share: trial.outcome.accuracy()?,
        images: images::validation_images(&sets.train, experiment.data.validation),
        quality: experiment.searched(),
    };
    Some(score(accuracy, On::Validation))
}
