//! The end of a search: choose from the front, compile, measure and classify encrypted, report.

pub mod deploy;
pub mod ending;
pub mod front_times;
pub mod gap;
pub mod slow;

use std::collections::BTreeMap;
use std::time::SystemTime;

use hemet_search::Trial;
use hemet_search::pareto::ParetoFront;
use hemet_search::study::Baseline;

use self::deploy::Deployed;
use self::ending::Ending;
use crate::cli::date;
use crate::cli::machine;
use crate::error::Error;
use crate::run::accuracy::Accuracy;
use crate::run::baseline;
use crate::run::clock::Clock;
use crate::run::counts::Counts;
use crate::run::summary::{self, AgainstBaseline, Best, Environment, Summary};
use crate::run::trained::Trained;
use crate::{common, report};

/// Compiles the chosen trial, classifies test images with it encrypted and writes artifact, summary and report.
pub fn finish(ending: &Ending<'_>, trials: &[Trial], clock: &Clock<'_>) -> Result<Summary, Error> {
    let Ending {
        experiment,
        costs,
        run,
        ..
    } = *ending;
    let mut front = Trained::of(trials);
    let end = chosen_and_baseline(ending, &mut front)?;
    let mut measured_ms: BTreeMap<usize, f64> = [Some(&end.best), end.baseline.as_ref()]
        .into_iter()
        .flatten()
        .map(|network| (network.trial, network.measured_latency_ms))
        .collect();
    front_times::measure(ending, &mut front, &mut measured_ms)?;
    let Trained {
        trials,
        uncompilable,
    } = front;
    let counts = Counts::of(&trials);
    let measured = |trial: usize| measured_ms.get(&trial).copied();
    let front = summary::front(experiment, &trials, &measured)?;
    let summary = Summary {
        name: experiment.name.clone(),
        hemet_version: env!("CARGO_PKG_VERSION").to_owned(),
        trials: trials.len(),
        complete: counts.complete,
        stopped: counts.stopped,
        infeasible: counts.infeasible,
        failed: counts.failed,
        uncompilable,
        validation_images: ending.validation_images(),
        front,
        against_baseline: end
            .baseline
            .as_ref()
            .map(|baseline| AgainstBaseline::of(&end.best, baseline)),
        best: end.best,
        baseline: end.baseline,
        notes: end.notes,
        machine: hemet_runtime::calibrate::machine_name(),
        seconds: clock.keep()?,
        environment: Some(environment()),
    };
    let json = serde_json::to_string_pretty(&summary)?;
    run.write(&run.summary_path(), json.as_bytes())?;
    report::write(&report::Run {
        folder: run,
        experiment,
        front: &summary.front,
        summary: Some(&summary),
        trials: &trials,
        costs,
    })?;
    Ok(summary)
}

/// Where and when.
fn environment() -> Environment {
    Environment {
        system: format!("{}, {}", std::env::consts::OS, std::env::consts::ARCH),
        cores: common::cores(),
        date: date::utc(SystemTime::now()),
    }
}

/// The networks that are measured at the end, and what a person must be told of them.
struct Measured {
    best: Best,
    /// The chosen network itself, where that is the baseline.
    baseline: Option<Best>,
    notes: Vec<String>,
}

/// Chooses, compiles and measures, and the baseline beside it.
fn chosen_and_baseline(ending: &Ending<'_>, trained: &mut Trained) -> Result<Measured, Error> {
    let (experiment, run) = (ending.experiment, ending.run);
    let objectives = experiment.objectives()?;
    let (choose, baseline) = (experiment.choose, experiment.search.baseline);
    // Its accuracy is known even where it turns out that it cannot be compiled.
    let choice = choose.choice(baseline, &trained.trials);
    let (chosen, missed) = loop {
        let front = ParetoFront::of(&trained.trials, &objectives);
        let point = front.choose(choice);
        let point = point.ok_or_else(|| Error::user("the front is empty"))?;
        let trial = &trained.trials[point.trial];
        match deploy::deploy(ending, trial, &run.artifact_path()) {
            Err(Error::Uncompilable(reason)) => trained.drop_from_front(trial.number, reason),
            result => {
                break (
                    result?,
                    choose.missed(choice, &front, experiment.searched()),
                );
            }
        }
    };
    let mut reference: Option<Deployed> = None;
    let known = |trials: &[Trial]| trials.get(Baseline::TRIAL)?.outcome.accuracy();
    if baseline.is_some() && chosen.trial() != Baseline::TRIAL && known(&trained.trials).is_some() {
        let trial = &trained.trials[Baseline::TRIAL];
        match deploy::deploy(ending, trial, &run.baseline_path()) {
            Err(Error::Uncompilable(reason)) => trained.drop_from_front(trial.number, reason),
            result => reference = Some(result?),
        }
    }
    let untrained = baseline.and_then(|baseline| baseline::untrained(baseline, &trained.trials));
    let notes = untrained.into_iter().chain(missed);
    let networks: Vec<&Deployed> = std::iter::once(&chosen).chain(&reference).collect();
    let busy = machine::remark();
    let mut measured = deploy::measure(experiment, &ending.images.test, &networks)?.into_iter();
    let best = measured.next();
    let best = best.ok_or_else(|| Error::user("nothing was measured"))?;
    let is_chosen = baseline.is_some() && best.trial == Baseline::TRIAL;
    let baseline = measured.next().or(is_chosen.then(|| best.clone()));
    let validation = Accuracy {
        share: best.validation_accuracy,
        images: (ending.sets.train.len() as f64 * experiment.data.validation) as usize,
        quality: experiment.quality(),
    };
    let test = Accuracy {
        share: best.test_accuracy,
        images: best.test_images,
        quality: experiment.quality(),
    };
    // Other measures of the search are not those of the test.
    let alike = experiment.searched() == experiment.quality();
    let notes = notes.chain(gap::warning(validation, test).filter(|_| alike));
    let notes = notes.chain(slow::remark(&best, busy)).collect();
    Ok(Measured {
        best,
        baseline,
        notes,
    })
}
