//! What classifying a data set encrypted gives, beside the same in the clear.

use hemet_runtime::door::{Answer, Model};
use hemet_search::data::Dataset;
use rayon::prelude::*;
use serde::Serialize;

use super::session::{Prediction, Session};
use crate::cli::progress::Progress;
use crate::common::argmax;
use crate::error::Error;
use crate::run::accuracy::{Accuracy, ClassFigures, Confusion};

/// Accuracy encrypted and in the clear.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Number of images.
    pub images: usize,
    /// Share of them that the network classifies rightly in the clear.
    pub plaintext_accuracy: f64,
    /// Share of them that it classifies rightly encrypted.
    pub encrypted_accuracy: f64,
    /// Least share that the true accuracy of encrypted classification has, 95 times in 100.
    pub interval_low: f64,
    /// Greatest such share.
    pub interval_high: f64,
    /// Share of them with the same class both ways.
    pub agreement: f64,
    /// Greatest difference between a decrypted logit and its reference.
    pub max_abs_error: f64,
    /// Mean time of the server's work for one image, on one thread; of a batch an image's share, on all threads.
    pub mean_latency_ms: f64,
    /// What the classes are called, in the order of their numbers.
    pub classes: Vec<String>,
    /// Images of each true class by their encrypted class: `confusion[true class][answer]`.
    pub confusion: Confusion,
    /// Recall and precision of each class, encrypted.
    pub per_class: Vec<ClassFigures>,
    /// Images whose decrypted numbers are not the reference's; `None` for a scheme that is approximate anyway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differing_images: Option<Vec<usize>>,
}

/// Most images that an error lists.
const MOST_LISTED: usize = 10;

impl Figures {
    /// From predictions of the first images of `test`; `exact` where a difference from the reference is a fault.
    pub fn of(predictions: &[Prediction], test: &Dataset, exact: bool) -> Self {
        let labels = &test.labels;
        let share = |hit: &dyn Fn(&Prediction, u8) -> bool| {
            let pairs = predictions.iter().zip(labels);
            let hits = pairs.filter(|(p, label)| hit(p, **label)).count();
            hits as f64 / predictions.len().max(1) as f64
        };
        let shares = predictions.iter().map(|p| p.latency_ms / p.images as f64);
        let latencies: f64 = shares.sum();
        let pairs = predictions.iter().zip(labels);
        let pairs = pairs.map(|(p, label)| (usize::from(*label), argmax(&p.encrypted)));
        let confusion = Confusion::of(pairs, test.classes);
        let encrypted = Accuracy {
            share: share(&|p, label| argmax(&p.encrypted) == usize::from(label)),
            images: predictions.len(),
        };
        let interval = encrypted.interval();
        Self {
            images: predictions.len(),
            plaintext_accuracy: share(&|p, label| argmax(&p.clear) == usize::from(label)),
            encrypted_accuracy: encrypted.share,
            interval_low: interval.low,
            interval_high: interval.high,
            agreement: share(&|p, _| argmax(&p.clear) == argmax(&p.encrypted)),
            max_abs_error: predictions
                .iter()
                .map(Prediction::error)
                .fold(0.0, f64::max),
            mean_latency_ms: latencies / predictions.len().max(1) as f64,
            classes: test.class_names.clone(),
            per_class: confusion.per_class(&test.class_names),
            confusion,
            differing_images: exact.then(|| {
                let differs = |(_, p): &(usize, &Prediction)| p.encrypted != p.clear;
                let differing = predictions.iter().enumerate().filter(differs);
                differing.map(|(index, _)| index).collect()
            }),
        }
    }

    /// The accuracy of encrypted classification.
    pub fn encrypted(&self) -> Accuracy {
        Accuracy {
            share: self.encrypted_accuracy,
            images: self.images,
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
    test: &Dataset,
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
    Ok(Figures::of(&predictions, test, session.is_exact()))
}

/// Accuracy of the first `limit` images of `test` (0: all) in the clear, on `threads` threads (0: one a core).
///
/// # Errors
/// A constant that cannot be used; images that the network does not take.
pub fn evaluate_clear(
    model: &dyn Model,
    test: &Dataset,
    limit: usize,
    threads: usize,
) -> Result<Accuracy, Error> {
    let count = match limit {
        0 => test.len(),
        limit => limit.min(test.len()),
    };
    let spec = model.spec()?;
    let (classes, size) = (spec.facts().classes.len(), spec.facts().images);
    let reference = model.reference()?;
    let correct = |first: usize| -> Result<usize, Error> {
        let indices = first..count.min(first + size);
        let images = indices.clone().map(|index| test.image(index));
        let images: Vec<Vec<f64>> = images
            .map(|image| image.iter().map(|v| f64::from(*v)).collect())
            .collect();
        let images: Vec<&[f64]> = images.iter().map(Vec::as_slice).collect();
        let answers = reference(&images)?.into_iter().zip(&test.labels[indices]);
        let right = |(answer, label): (Answer, &u8)| {
            usize::from(argmax(&answer.scores(classes)) == usize::from(*label))
        };
        Ok(answers.map(right).sum())
    };
    let threads = match threads {
        0 => crate::common::cores(),
        threads => threads,
    };
    let firsts: Vec<usize> = (0..count).step_by(size).collect();
    let sums = crate::common::pool(threads)?.install(|| {
        let sums = firsts.into_par_iter().map(correct);
        sums.try_reduce(|| 0, |a, b| Ok(a + b))
    });
    Ok(Accuracy {
        share: sums? as f64 / count.max(1) as f64,
        images: count,
    })
}

#[cfg(test)]
mod tests {
    use hemet_spaces::Shape;

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
        let test = Dataset {
            name: "three".into(),
            shape: Shape::new(1, 1, 1),
            classes: 2,
            class_names: vec!["cat".into(), "dog".into()],
            images: vec![0.0; 3],
            labels: vec![0, 0, 1],
            held_out: 0,
        };
        let exact = Figures::of(&predictions, &test, true);
        let json = serde_json::to_value(&exact).unwrap();
        assert_eq!(json["classes"], serde_json::json!(["cat", "dog"]));
        assert_eq!(json["confusion"], serde_json::json!([[2, 0], [1, 0]]));
        assert_eq!(json["per_class"][0]["precision"], 2.0 / 3.0);
        assert_eq!(json["per_class"][1]["class"], "dog");
        let (low, high) = (exact.interval_low, exact.interval_high);
        assert!(low < 2.0 / 3.0 && 2.0 / 3.0 < high, "{low} {high}");
        assert_eq!(exact.agreement, 1.0);
        assert_eq!(exact.differing_images, Some(vec![1]));
        let error = exact.check().unwrap_err();
        assert!(
            matches!(&error, Error::Check(text) if text.contains("1 of 3") && text.contains("0.25: #1;"))
        );
        assert_eq!(error.exit_status(), 1);
        assert!(Figures::of(&predictions[..1], &test, true).check().is_ok());
        assert!(Figures::of(&predictions, &test, false).check().is_ok());
    }
}
