//! A trial of a run becomes an artifact.

use hemet_runtime::door::Model;
use hemet_schedule::{FittedNumbers, Provenance};
use hemet_search::Trial;
use hemet_search::data::TrainTest;
use hemet_spaces::Scheme;

use super::Args;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::folder::RunFolder;
use crate::run::images;
use crate::run::provenance;
use crate::run::samples::samples;
use crate::run::weights;
use crate::schemes::{self, CostSource, TrainedNetwork, Wishes};

pub(super) fn from_run(
    args: &Args,
    number: usize,
    like: Option<&FittedNumbers>,
) -> Result<Box<dyn Model>, Error> {
    let run = RunFolder::open(&args.source)?;
    let mut experiment = run.experiment()?;
    let trial = run.trial(&experiment, number)?;
    let scheme = experiment.space()?.scheme(&trial.architecture);
    check(args, &trial, scheme)?;
    let door = schemes::door(scheme);
    let wishes = Wishes {
        target: args.target.into(),
        security: args.security,
        precision_bits: args.precision,
        agreement: args.agreement,
        share_results: args.share_results,
        device_layers: args.device_layers,
    };
    door.wish(&mut experiment, &wishes)?;
    let weights = weights::read(&run, &experiment, &trial, args.search_weights)?;
    let source = CostSource {
        run: Some(&run),
        kept_only: true,
        ..CostSource::default()
    };
    let costs = door.costs(Some(&experiment), &source)?;
    let images = images_of(&experiment);
    let train = images.as_ref().map(|sets| &sets.train);
    let columns = train.and_then(|train| train.columns.clone());
    if experiment.is_regression() && columns.is_none() {
        return Err(Error::user(
            "the table of the run cannot be read, and without it nobody knows the unit of its values; put it where it was",
        ));
    }
    let trained = TrainedNetwork {
        experiment: &experiment,
        architecture: &trial.architecture,
        weights: &weights,
        samples: &|| match train {
            Some(train) => samples(&experiment, train),
            None => Ok(Vec::new()),
        },
        like,
        class_names: &images::class_names(&experiment, train)?,
        columns: columns.as_ref(),
        provenance: images.as_ref().map(|sets| Provenance {
            // What `hemet train` made of it is another network.
            scores: match weights::takes_trained(&run, &trial, args.search_weights) {
                true => Vec::new(),
                false => provenance::of_validation(&experiment, &trial, sets)
                    .into_iter()
                    .collect(),
            },
            ..provenance::of(&experiment, &trial, sets)
        }),
    };
    Ok(costs.compile(&trained, wishes.target)?.0)
}

/// Refuses a trial that cannot become what was asked for.
fn check(args: &Args, trial: &Trial, scheme: Scheme) -> Result<(), Error> {
    let number = trial.number;
    if let Some(wanted) = args.scheme.filter(|wanted| *wanted != scheme) {
        return Err(Error::user(format!(
            "trial {number} was trained for scheme {scheme}, not {wanted}; choose one of that scheme in report/report.md"
        )));
    }
    weights::check_trained(trial)?;
    if args.json && scheme != Scheme::Ckks {
        return Err(Error::user(format!(
            "--json tells parameters of scheme ckks; trial {number} is of scheme {scheme}: use `hemet inspect --json`"
        )));
    }
    Ok(())
}

/// The images, whose training part scales are set by and names the classes, where they can be read.
fn images_of(experiment: &Experiment) -> Option<TrainTest> {
    match images::read(experiment) {
        Ok(sets) => Some(sets),
        Err(error) => {
            eprintln!(
                "note: no training images to set scales by ({error}); they are set for independent pixels"
            );
            None
        }
    }
}
