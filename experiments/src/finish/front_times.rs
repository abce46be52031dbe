//! Measured latencies of the members of a front, beside the predicted ones.

use std::collections::BTreeMap;

use hemet_compiler::Target;
use hemet_search::data::Dataset;
use hemet_search::pareto::ParetoFront;

use crate::cli::progress::Progress;
use crate::common;
use crate::error::Error;
use crate::finish::ending::Ending;
use crate::run::samples::samples;
use crate::run::trained::Trained;
use crate::schemes::TrainedNetwork;
use crate::schemes::session::Session;

/// Timed predictions of each member.
const TIMED_RUNS: usize = 3;

/// What timing a network gave.
pub struct Timed {
    /// Latencies of its predictions, in milliseconds.
    pub latencies_ms: Vec<f64>,
    /// Bytes of an encrypted image as sent.
    pub request_bytes: usize,
}

impl Timed {
    /// The least and the greatest latency, in milliseconds; none where nothing was timed.
    pub fn range_ms(&self) -> Option<[f64; 2]> {
        let least = self.latencies_ms.iter().copied().reduce(f64::min)?;
        let greatest = self.latencies_ms.iter().copied().reduce(f64::max)?;
        Some([least, greatest])
    }
}

/// Of each network, latencies of so many encrypted predictions on one thread, in milliseconds, after one that is not
/// counted, and the bytes of an encrypted image. They take turns, so that what else the machine does falls on all of
/// them alike.
///
/// # Errors
/// A prediction that fails.
pub fn time(sessions: &[&Session], test: &Dataset, runs: usize) -> Result<Vec<Timed>, Error> {
    let image: Vec<f64> = test.image(0).iter().map(|v| f64::from(*v)).collect();
    common::pool(1)?.install(|| {
        let first = |session: &&Session| -> Result<Timed, Error> {
            Ok(Timed {
                latencies_ms: Vec::new(),
                request_bytes: session.predict(&image)?.request_bytes,
            })
        };
        let mut timed: Vec<Timed> = sessions.iter().map(first).collect::<Result<_, _>>()?;
        for _ in 0..runs {
            for (session, timed) in sessions.iter().zip(&mut timed) {
                timed.latencies_ms.push(session.predict(&image)?.latency_ms);
            }
        }
        Ok(timed)
    })
}

/// Compiles members of the front other than those in `measured_ms`, as many as the experiment says, times each and adds
/// the median in milliseconds by the number of the trial. Those that cannot be compiled leave the front.
///
/// # Errors
/// Weights that cannot be read, a network that cannot be run.
pub fn measure(
    ending: &Ending<'_>,
    trained: &mut Trained,
    measured_ms: &mut BTreeMap<usize, f64>,
) -> Result<(), Error> {
    let (experiment, sets) = (ending.experiment, ending.images);
    let front = ParetoFront::of(&trained.trials, &experiment.objectives()?);
    let others: Vec<usize> = front.members().iter().map(|m| m.trial).collect();
    let others: Vec<usize> = others
        .into_iter()
        .filter(|t| !measured_ms.contains_key(t))
        .collect();
    let others = spread(&others, experiment.measured_members);
    let folder = ending.run.study()?;
    let mut progress = Progress::new("measure", others.len() as u64, others.is_empty());
    for (done, trial) in others.into_iter().enumerate() {
        progress.set(done as u64, &format!("front member #{trial}"));
        let weights = folder.read_weights(trial)?;
        let architecture = &trained.trials[trial].architecture;
        let network = TrainedNetwork {
            experiment,
            architecture,
            weights: &weights,
            samples: &|| samples(experiment, &sets.train),
            like: None,
            class_names: &sets.train.class_names,
            columns: sets.train.columns.as_ref(),
            // It is timed and thrown away.
            provenance: None,
        };
        let costs = ending
            .costs
            .scheme(experiment.space()?.scheme(architecture))?;
        let model = match costs.compile(&network, Target::Latency) {
            Err(Error::Uncompilable(reason)) => {
                trained.drop_from_front(trial, reason);
                continue;
            }
            result => result?.0,
        };
        let session = Session::new(model)?;
        for timed in time(&[&session], &sets.test, TIMED_RUNS)? {
            measured_ms.insert(trial, common::median(&timed.latencies_ms));
        }
    }
    progress.finish();
    Ok(())
}

/// At most `count` of these, spread evenly, the first and the last among them where there are two.
fn spread<T: Copy>(all: &[T], count: usize) -> Vec<T> {
    if all.len() <= count {
        return all.to_vec();
    }
    let last = (all.len() - 1) as f64;
    let place = |i: usize| (i as f64 * last / (count.max(2) - 1) as f64).round() as usize;
    (0..count).map(|i| all[place(i)]).collect()
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn the_measured_members_are_spread_over_the_front() {
        let all: Vec<usize> = (0..10).collect();
        for (count, expected) in [
            (0, vec![]),
            (1, vec![0]),
            (2, vec![0, 9]),
            (4, vec![0, 3, 6, 9]),
            (10, all.clone()),
            (20, all.clone()),
        ] {
            assert_eq!(spread(&all, count), expected);
        }
    }
}
