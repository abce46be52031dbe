//! What classifying a data set encrypted gives, beside the same in the clear.

use std::path::Path;

use hemet_search::data::Dataset;
use hemet_search::train::r_squared;
use serde::Serialize;

use super::kept::Kept;
use super::session::{Many, Prediction, Session};
use crate::cli::progress::Progress;
use crate::error::Error;
use crate::run::accuracy::{Accuracy, ClassFigures, Confusion, Quality};
use crate::run::measures::{Measures, Outputs};

/// Accuracy encrypted and in the clear.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Number of images.
    pub images: usize,
    /// What accuracies are: of a regression R².
    #[serde(skip_serializing_if = "Quality::is_accuracy")]
    pub quality: Quality,
    /// Share of them that the network classifies rightly in the clear.
    pub plaintext_accuracy: f64,
    /// Share of them that it classifies rightly encrypted.
    pub encrypted_accuracy: f64,
    /// Least share that the true accuracy of encrypted classification has, 95 times in 100.
    pub interval_low: f64,
    /// Greatest such share.
    pub interval_high: f64,
    /// Share of them with the same class both ways; of values, of those that agree within the promise.
    pub agreement: f64,
    /// Greatest difference between a decrypted logit and its reference, over the answers that are to be trusted.
    pub max_abs_error: f64,
    /// Images whose error is beyond what the artifact promises; `None` where it promises nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond_promise: Option<usize>,
    /// Images whose answer says by its size that it is not to be trusted, and that nothing is promised for.
    pub untrusted: usize,
    /// Mean time of the server's work for one image, on one thread; of a batch an image's share, on all threads.
    pub mean_latency_ms: f64,
    /// What the classes are called, in the order of their numbers.
    pub classes: Vec<String>,
    /// Images of each true class by their encrypted class: `confusion[true class][answer]`.
    pub confusion: Confusion,
    /// The same in the clear.
    pub clear_confusion: Confusion,
    /// Recall and precision of each class, encrypted.
    pub per_class: Vec<ClassFigures>,
    /// What else is measured, encrypted.
    pub measures: Measures,
    /// The same in the clear.
    pub clear_measures: Measures,
    /// Where encryption was simulated: how many images were encrypted to measure the errors that the others were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulated_from: Option<usize>,
    /// Images whose decrypted numbers are not the reference's; `None` for a scheme that is approximate anyway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differing_images: Option<Vec<usize>>,
}

/// How predictions are read.
pub struct Reading<'a> {
    /// The class that outputs tell.
    pub class: &'a dyn Fn(&[f64]) -> usize,
    /// The largest error that is promised for outputs, where one is.
    pub promised: &'a dyn Fn(&[f64]) -> Option<f64>,
    /// Whether that promise holds for decrypted outputs.
    pub trusted: &'a dyn Fn(&[f64]) -> bool,
    /// Whether a difference from the reference is a fault.
    pub exact: bool,
    /// Whether outputs are logits, of which a softmax makes probabilities.
    pub logits: bool,
    /// At which specificity the sensitivity of two classes is told.
    pub specificity: f64,
}

impl Reading<'_> {
    /// Images of each true class by the class that outputs tell; of values none.
    pub(super) fn confusion(&self, outputs: &[&[f64]], test: &Dataset) -> Confusion {
        if test.is_regression() {
            return Confusion::of([], 0);
        }
        let pairs = test.labels.iter().zip(outputs);
        let pairs = pairs.map(|(label, outputs)| (usize::from(*label), (self.class)(outputs)));
        Confusion::of(pairs, test.classes)
    }

    pub(super) fn measures(&self, outputs: &[&[f64]], test: &Dataset) -> Measures {
        let outputs = Outputs {
            all: outputs,
            class: self.class,
            logits: self.logits,
        };
        Measures::of(&outputs, test, self.specificity)
    }
}

/// What is measured on a data set.
pub(super) fn quality_of(test: &Dataset) -> Quality {
    match test.is_regression() {
        true => Quality::RSquared,
        false => Quality::Accuracy,
    }
}

/// The share of right classes, or R² of values, of the outputs for the first images.
pub(super) fn share(outputs: &[&[f64]], test: &Dataset, class: &dyn Fn(&[f64]) -> usize) -> f64 {
    if test.is_regression() {
        let value = |outputs: &&[f64]| outputs.first().copied().unwrap_or(0.0) as f32;
        let found: Vec<f32> = outputs.iter().map(value).collect();
        return r_squared(found.iter().zip(&test.targets));
    }
    let pairs = outputs.iter().zip(&test.labels);
    let hits = pairs.filter(|(outputs, label)| class(outputs) == usize::from(**label));
    hits.count() as f64 / outputs.len().max(1) as f64
}

/// Most images that an error lists.
const MOST_LISTED: usize = 10;

impl Figures {
    /// From predictions of the first images of `test`.
    pub fn of(predictions: &[Prediction], test: &Dataset, reading: &Reading<'_>) -> Self {
        let class = reading.class;
        let shares = predictions.iter().map(|p| p.latency_ms / p.images as f64);
        let latencies: f64 = shares.sum();
        let (encrypted, clear): (Vec<&[f64]>, Vec<&[f64]>) = predictions
            .iter()
            .map(|p| (p.encrypted.as_slice(), p.clear.as_slice()))
            .unzip();
        let measures = reading.measures(&encrypted, test);
        let confusion = reading.confusion(&encrypted, test);
        let encrypted = Accuracy {
            share: share(&encrypted, test, class),
            images: predictions.len(),
            quality: quality_of(test),
        };
        let interval = encrypted.interval();
        let agrees = |p: &&Prediction| match test.is_regression() {
            true => (reading.promised)(&p.clear).is_some_and(|promised| p.error() <= promised),
            false => class(&p.clear) == class(&p.encrypted),
        };
        let agreeing = predictions.iter().filter(agrees).count();
        let untrusted = |p: &Prediction| !(reading.trusted)(&p.encrypted);
        let beyond =
            |p: &Prediction| Some(p.error() > (reading.promised)(&p.clear)? && !untrusted(p));
        let beyond: Option<Vec<bool>> = predictions.iter().map(beyond).collect();
        Self {
            images: predictions.len(),
            quality: encrypted.quality,
            plaintext_accuracy: share(&clear, test, class),
            encrypted_accuracy: encrypted.share,
            interval_low: interval.low,
            interval_high: interval.high,
            agreement: agreeing as f64 / predictions.len().max(1) as f64,
            max_abs_error: predictions
                .iter()
                .filter(|p| !untrusted(p))
                .map(Prediction::error)
                .fold(0.0, f64::max),
            beyond_promise: beyond.map(|beyond| beyond.into_iter().filter(|b| *b).count()),
            untrusted: predictions.iter().filter(|p| untrusted(p)).count(),
            mean_latency_ms: latencies / predictions.len().max(1) as f64,
            classes: test.class_names.clone(),
            per_class: confusion.per_class(&test.class_names),
            confusion,
            clear_confusion: reading.confusion(&clear, test),
            measures,
            clear_measures: reading.measures(&clear, test),
            simulated_from: None,
            differing_images: reading.exact.then(|| {
                let differs = |(_, p): &(usize, &Prediction)| p.encrypted != p.clear;
                let differing = predictions.iter().enumerate().filter(differs);
                differing.map(|(index, _)| index).collect()
            }),
        }
    }

    /// Of predictions of a session.
    pub(super) fn read(
        session: &Session,
        test: &Dataset,
        predictions: &[Prediction],
        how: &How<'_>,
    ) -> Self {
        let facts = session.spec().facts();
        let promised = |outputs: &[f64]| facts.precision.map(|p| p.error(outputs));
        let reading = Reading {
            class: &|outputs| facts.class(outputs),
            promised: &promised,
            trusted: &|outputs| facts.is_trusted(outputs),
            exact: session.is_exact(),
            logits: facts.outputs.is_none() && !session.is_exact(),
            specificity: how.specificity,
        };
        Self::of(predictions, test, &reading)
    }

    /// The accuracy of encrypted classification.
    pub fn encrypted(&self) -> Accuracy {
        Accuracy {
            share: self.encrypted_accuracy,
            images: self.images,
            quality: self.quality,
        }
    }

    /// What the user must be told of the errors: that some went beyond what is promised, that some answers are not to
    /// be trusted.
    pub fn warning(&self) -> Option<String> {
        let beyond = self.beyond_promise.filter(|beyond| *beyond > 0);
        let beyond = beyond.map(|beyond| {
            format!(
                "warning: {beyond} of {} encrypted images have errors beyond what the artifact promises, up to {:.1e}: trust \
                 the numbers only where the class is the same, or compile with more samples or a higher precision",
                self.images, self.max_abs_error
            )
        });
        let untrusted = (self.untrusted > 0).then(|| {
            format!(
                "note: {} of {} answers lie beyond the outputs that the network was compiled for: they are marked as not to be \
                 trusted when they are decrypted, and nothing is promised for them",
                self.untrusted, self.images
            )
        });
        let told: Vec<String> = beyond.into_iter().chain(untrusted).collect();
        (!told.is_empty()).then(|| told.join("\n"))
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

/// How an evaluation runs.
#[derive(Clone, Copy, Debug)]
pub struct How<'a> {
    /// How many images, from the first; 0 for all.
    pub limit: usize,
    /// Images side by side; 0 for one a core.
    pub threads: usize,
    /// Whether progress is not shown.
    pub quiet: bool,
    /// At which specificity the sensitivity of two classes is told.
    pub specificity: f64,
    /// Where answers are kept until the evaluation ends, so that an interrupted one goes on.
    pub keep: Option<&'a Path>,
}

impl How<'_> {
    /// How many of these images.
    pub(super) fn count(&self, test: &Dataset) -> usize {
        match self.limit {
            0 => test.len(),
            limit => limit.min(test.len()),
        }
    }
}

/// Classifies images of `test` encrypted.
///
/// # Errors
/// As [`Session::predict_all`].
pub fn evaluate(session: &Session, test: &Dataset, how: &How<'_>) -> Result<Figures, Error> {
    let count = how.count(test);
    let mut progress = Progress::new("encrypted", count as u64, how.quiet);
    let image = |index: usize| test.image(index).iter().map(|v| f64::from(*v)).collect();
    let kept = how.keep.map(|path| Kept::open(path, session, test));
    let mut kept = kept.transpose()?;
    let known = kept
        .as_ref()
        .map(|kept| kept.known().clone())
        .unwrap_or_default();
    let already = known.range(..count).count();
    if already > 0 {
        progress.begin_at(already as u64);
        progress.note(&format!(
            "{already} of {count} encrypted images are known from before; the others follow"
        ));
    }
    let work = Many {
        count,
        threads: how.threads,
        image: &image,
        known: &known,
    };
    let predictions = session.predict_all(&work, &mut |new, done| {
        progress.set(done as u64, "images classified");
        kept.as_mut().map_or(Ok(()), |kept| kept.add(new))
    })?;
    if let Some(kept) = kept {
        kept.remove();
    }
    progress.finish();
    Ok(Figures::read(session, test, &predictions, how))
}

#[cfg(test)]
mod tests {
    use hemet_spaces::Shape;

    use super::*;
    use crate::common::argmax;
    use crate::run::measures::SPECIFICITY;

    fn reading(exact: bool) -> Reading<'static> {
        Reading {
            class: &argmax_of,
            promised: &|_| Some(0.2),
            trusted: &|outputs| outputs.iter().all(|x| *x < 100.0),
            exact,
            logits: true,
            specificity: SPECIFICITY,
        }
    }

    fn argmax_of(outputs: &[f64]) -> usize {
        argmax(outputs)
    }

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
            measure: hemet_search::data::Measure::default(),
            targets: Vec::new(),
            columns: None,
        };
        let exact = Figures::of(&predictions, &test, &reading(true));
        let json = serde_json::to_value(&exact).unwrap();
        assert_eq!(json["classes"], serde_json::json!(["cat", "dog"]));
        assert_eq!(json["confusion"], serde_json::json!([[2, 0], [1, 0]]));
        assert_eq!(json["clear_confusion"], json["confusion"]);
        assert_eq!(json["measures"]["balanced_accuracy"], 0.5);
        assert_eq!(
            json["measures"]["auc"], 0.25,
            "one pair in the wrong order, one of equal scores, which counts a half"
        );
        assert_eq!(json["per_class"][0]["precision"], 2.0 / 3.0);
        assert_eq!(json["per_class"][1]["class"], "dog");
        let (low, high) = (exact.interval_low, exact.interval_high);
        assert!(low < 2.0 / 3.0 && 2.0 / 3.0 < high, "{low} {high}");
        assert_eq!(exact.agreement, 1.0);
        assert_eq!(exact.differing_images, Some(vec![1]));
        assert_eq!(json["beyond_promise"], 1);
        let warning = exact.warning().unwrap();
        assert!(
            warning.contains("1 of 3") && warning.contains("2.5e-1"),
            "{warning}"
        );
        let exploded = [[1.0, 0.5], [1e4, 0.5]].map(prediction);
        let exploded = Figures::of(&exploded, &test, &reading(false));
        assert_eq!((exploded.untrusted, exploded.beyond_promise), (1, Some(0)));
        assert_eq!(exploded.max_abs_error, 0.0);
        assert!(exploded.warning().unwrap().starts_with("note: 1 of 2"));
        let kept = Figures::of(&predictions[..1], &test, &reading(false));
        assert_eq!((kept.beyond_promise, kept.warning()), (Some(0), None));
        let error = exact.check().unwrap_err();
        assert!(
            matches!(&error, Error::Check(text) if text.contains("1 of 3") && text.contains("0.25: #1;"))
        );
        assert_eq!(error.exit_status(), 1);
        assert!(
            Figures::of(&predictions[..1], &test, &reading(true))
                .check()
                .is_ok()
        );
        assert!(
            Figures::of(&predictions, &test, &reading(false))
                .check()
                .is_ok()
        );
    }
}
