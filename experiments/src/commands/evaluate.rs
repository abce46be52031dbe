//! `hemet evaluate`: accuracy of an artifact on a data set, encrypted and in the clear, side by side.

use std::path::PathBuf;

use hemet_search::data;
use serde::Serialize;

use crate::cli::progress::Progress;
use crate::common::{self, Output, argmax};
use crate::error::Error;
use crate::schemes;
use crate::schemes::session::{Prediction, Session};

/// Accuracy of an artifact on a data set, encrypted and in the clear, side by side
///
/// Makes keys, encrypts test images, runs them, decrypts the answers. The images run side by side, each on one thread.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet evaluate runs/digits/best.hemet --set optdigits --limit 100\n  hemet evaluate runs/digits_tfhe/best.hemet --limit 300   # exit status 1 if a number is not the integer network's"
)]
pub struct Args {
    /// The artifact
    pub artifact: PathBuf,
    /// The data set; without it, the one that the artifact names
    #[arg(long, value_name = "SET")]
    pub set: Option<String>,
    /// Folder of the data set's files, if it is not embedded (or, as a name, the set itself)
    #[arg(long, value_name = "DIR|SET")]
    pub data: Option<PathBuf>,
    /// How many test images, from the first; 0 means all
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub limit: usize,
    /// Images side by side; 0 means one a core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// Accuracy encrypted and in the clear.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Number of images.
    pub images: usize,
    /// Share of them that the network classifies rightly in the clear.
    pub plaintext_accuracy: f64,
    /// Share of them that it classifies rightly encrypted.
    pub encrypted_accuracy: f64,
    /// Share of them with the same class both ways.
    pub agreement: f64,
    /// Greatest difference between a decrypted logit and its reference.
    pub max_abs_error: f64,
    /// Mean time of the server's work for one image, on one thread; of a batch an image's share, on all threads.
    pub mean_latency_ms: f64,
    /// Images whose decrypted numbers are not the reference's; `None` for a scheme that is approximate anyway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differing_images: Option<Vec<usize>>,
}

/// Most images that an error lists.
const MOST_LISTED: usize = 10;

impl Figures {
    /// From predictions of images with these labels; `exact` where a difference from the reference is a fault.
    pub fn of(predictions: &[Prediction], labels: &[u8], exact: bool) -> Self {
        let share = |hit: &dyn Fn(&Prediction, u8) -> bool| {
            let pairs = predictions.iter().zip(labels);
            let hits = pairs.filter(|(p, label)| hit(p, **label)).count();
            hits as f64 / predictions.len().max(1) as f64
        };
        let shares = predictions.iter().map(|p| p.latency_ms / p.images as f64);
        let latencies: f64 = shares.sum();
        Self {
            images: predictions.len(),
            plaintext_accuracy: share(&|p, label| argmax(&p.clear) == usize::from(label)),
            encrypted_accuracy: share(&|p, label| argmax(&p.encrypted) == usize::from(label)),
            agreement: share(&|p, _| argmax(&p.clear) == argmax(&p.encrypted)),
            max_abs_error: predictions
                .iter()
                .map(Prediction::error)
                .fold(0.0, f64::max),
            mean_latency_ms: latencies / predictions.len().max(1) as f64,
            differing_images: exact.then(|| {
                let differs = |(_, p): &(usize, &Prediction)| p.encrypted != p.clear;
                let differing = predictions.iter().enumerate().filter(differs);
                differing.map(|(index, _)| index).collect()
            }),
        }
    }

    /// Whether an exact scheme was exact.
    ///
    /// # Errors
    /// [`Error::Check`] with the images that were not.
    pub fn check(&self) -> Result<(), Error> {
        let Some(differing) = self.differing_images.as_ref().filter(|d| !d.is_empty()) else {
            return Ok(());
        };
        let listed: Vec<String> = (differing.iter().take(MOST_LISTED))
            .map(|index| format!("#{index}"))
            .collect();
        let more = match differing.len() > MOST_LISTED {
            true => ", …",
            false => "",
        };
        Err(Error::Check(format!(
            "{} of {} encrypted images give other numbers than the integer network, by up to {}: {}{more}; that is a fault and no noise",
            differing.len(),
            self.images,
            self.max_abs_error,
            listed.join(", ")
        )))
    }
}

/// Classifies the first `limit` images of `test` (0: all) encrypted, `threads` side by side.
pub fn evaluate(
    session: &Session,
    test: &data::Dataset,
    limit: usize,
    threads: usize,
    quiet: bool,
) -> Result<Figures, Error> {
    let count = if limit == 0 {
        test.len()
    } else {
        limit.min(test.len())
    };
    let mut progress = Progress::new("encrypted", count as u64, quiet);
    let image = |index: usize| test.image(index).iter().map(|v| f64::from(*v)).collect();
    let predictions = session.predict_all(count, threads, &image, &mut |done| {
        progress.set(done as u64, "images classified");
    })?;
    progress.finish();
    Ok(Figures::of(&predictions, &test.labels, session.is_exact()))
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let model = schemes::open(&args.artifact)?;
    let dataset = model.manifest().dataset.clone();
    let shape = model.spec().map_err(Error::user)?.facts().shape;
    let shape = shape.map(|n| n as usize);
    let as_name = args.data.as_ref().and_then(|path| path.to_str());
    let (set, folder) = match (&args.set, as_name) {
        (Some(set), _) => (set.clone(), args.data.clone()),
        (None, Some(name)) if data::source(name).is_ok() => (name.to_owned(), None),
        (None, _) => match &dataset {
            Some(set) => (set.clone(), args.data.clone()),
            None => {
                return Err(Error::user(
                    "the artifact names no data set; give one with --set",
                ));
            }
        },
    };
    let test = data::load(&set, folder.as_deref())
        .map_err(Error::user)?
        .test;
    let theirs = [test.shape.channels, test.shape.height, test.shape.width];
    if shape != theirs {
        return Err(Error::user(format!(
            "images of {set} are {}, the network takes {}x{}x{}",
            test.shape, shape[0], shape[1], shape[2]
        )));
    }
    let session = Session::new(model)?;
    let (limit, threads, quiet) = (args.limit, args.threads, args.output.json);
    let figures = evaluate(&session, &test, limit, threads, quiet)?;
    if args.output.json {
        common::print_json(&figures)?;
        return figures.check();
    }
    let percent = common::percent;
    println!("images               {} of {set}, test", figures.images);
    println!(
        "accuracy, clear      {}",
        percent(figures.plaintext_accuracy)
    );
    println!(
        "accuracy, encrypted  {}",
        percent(figures.encrypted_accuracy)
    );
    println!("same class           {}", percent(figures.agreement));
    println!("greatest error       {:.1e}", figures.max_abs_error);
    let latency = hemet_reports::number::milliseconds(figures.mean_latency_ms);
    let how = match session.images() {
        1 => "one thread an image".to_owned(),
        most => format!("an image's share of batches of up to {most}"),
    };
    println!("mean latency         {latency} ms, {how}");
    if let Some(differing) = &figures.differing_images {
        let equal = figures.images - differing.len();
        println!("equal to the clear   {equal} of {}", figures.images);
    }
    figures.check()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(encrypted: [f64; 2]) -> Prediction {
        Prediction {
            encrypted: encrypted.to_vec(),
            clear: vec![1.0, 0.5],
            images: 1,
            latency_ms: 1.0,
            computed_ms: 1.0,
            request_bytes: 1,
            answer_bytes: 1,
        }
    }

    #[test]
    fn a_differing_number_is_a_fault_where_the_scheme_is_exact_and_noise_elsewhere() {
        let predictions = [[1.0, 0.5], [1.0, 0.75], [1.0, 0.5]].map(prediction);
        let exact = Figures::of(&predictions, &[0, 0, 0], true);
        assert_eq!(exact.agreement, 1.0);
        assert_eq!(exact.differing_images, Some(vec![1]));
        let error = exact.check().unwrap_err();
        assert!(
            matches!(&error, Error::Check(text) if text.contains("1 of 3") && text.contains("0.25: #1;"))
        );
        assert_eq!(error.exit_status(), 1);
        assert!(Figures::of(&predictions[..1], &[0], true).check().is_ok());
        assert!(Figures::of(&predictions, &[0, 0, 0], false).check().is_ok());
    }
}
