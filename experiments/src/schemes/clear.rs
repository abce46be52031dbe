//! What classifying a data set in the clear alone gives: in 64-bit floats, without keys.

use hemet_runtime::door::Model;
use hemet_search::data::Dataset;
use rayon::prelude::*;
use serde::Serialize;

use super::evaluation::{How, Reading, quality_of, share};
use crate::error::Error;
use crate::run::accuracy::{Accuracy, ClassFigures, Confusion, Quality};
use crate::run::measures::Measures;

/// What classifying a data set in the clear alone gives.
#[derive(Clone, Debug, Serialize)]
pub struct ClearFigures {
    /// Number of images.
    pub images: usize,
    /// What accuracies are: of a regression R².
    #[serde(skip_serializing_if = "Quality::is_accuracy")]
    pub quality: Quality,
    /// Share of them that the network classifies rightly in the clear.
    pub plaintext_accuracy: f64,
    /// Least share that the true accuracy has, 95 times in 100.
    pub interval_low: f64,
    /// Greatest such share.
    pub interval_high: f64,
    /// What the classes are called, in the order of their numbers.
    pub classes: Vec<String>,
    /// Images of each true class by the class that they are taken for.
    pub confusion: Confusion,
    /// Recall and precision of each class.
    pub per_class: Vec<ClassFigures>,
    /// What else is measured.
    pub measures: Measures,
}

impl ClearFigures {
    /// Of outputs for the first images of `test`.
    fn of(outputs: &[&[f64]], test: &Dataset, reading: &Reading<'_>) -> Self {
        let accuracy = Accuracy {
            share: share(outputs, test, reading.class),
            images: outputs.len(),
            quality: quality_of(test),
        };
        let (interval, confusion) = (accuracy.interval(), reading.confusion(outputs, test));
        Self {
            images: accuracy.images,
            quality: accuracy.quality,
            plaintext_accuracy: accuracy.share,
            interval_low: interval.low,
            interval_high: interval.high,
            classes: test.class_names.clone(),
            per_class: confusion.per_class(&test.class_names),
            confusion,
            measures: reading.measures(outputs, test),
        }
    }

    /// The accuracy.
    pub fn accuracy(&self) -> Accuracy {
        Accuracy {
            share: self.plaintext_accuracy,
            images: self.images,
            quality: self.quality,
        }
    }
}

/// Classifies images of `test` in the clear alone.
///
/// # Errors
/// A constant that cannot be used; images that the network does not take.
pub fn evaluate_clear(
    model: &dyn Model,
    test: &Dataset,
    how: &How<'_>,
) -> Result<ClearFigures, Error> {
    let count = how.count(test);
    let spec = model.spec()?;
    let facts = spec.facts();
    let (classes, size) = (facts.classes.len(), facts.images);
    let reference = model.reference()?;
    let outputs = |first: usize| -> Result<Vec<Vec<f64>>, Error> {
        let images = (first..count.min(first + size)).map(|index| test.image(index));
        let images: Vec<Vec<f64>> = images
            .map(|image| image.iter().map(|v| f64::from(*v)).collect())
            .collect();
        let images: Vec<&[f64]> = images.iter().map(Vec::as_slice).collect();
        let features = spec.features(&images)?;
        let features: Vec<&[f64]> = features.iter().map(AsRef::as_ref).collect();
        let answers = reference(&features)?.into_iter();
        Ok(answers.map(|answer| answer.scores(classes)).collect())
    };
    let threads = match how.threads {
        0 => crate::common::cores(),
        threads => threads,
    };
    let firsts: Vec<usize> = (0..count).step_by(size).collect();
    let found = crate::common::pool(threads)?.install(|| {
        let found = firsts.into_par_iter().map(outputs);
        found.collect::<Result<Vec<_>, Error>>()
    })?;
    let found: Vec<&[f64]> = found.iter().flatten().map(Vec::as_slice).collect();
    let reading = Reading {
        class: &|outputs| facts.class(outputs),
        promised: &|_| None,
        trusted: &|_| true,
        exact: facts.exact,
        logits: facts.outputs.is_none() && !facts.exact,
        specificity: how.specificity,
    };
    Ok(ClearFigures::of(&found, test, &reading))
}
