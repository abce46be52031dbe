//! What is measured of a network beside its accuracy: of classes how well each is found and how well scores rank them,
//! of values by how much they miss.

use hemet_search::data::Dataset;
use hemet_search::metrics;
use serde::{Deserialize, Serialize};

use crate::run::accuracy::{Accuracy, Quality, Z_95};

/// Share of the images of the first of two classes that must not be taken for the second, where nothing else is asked.
pub const SPECIFICITY: f64 = 0.9;

/// What is measured beside accuracy or R².
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measures {
    /// Mean over the classes of the share of their images that is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balanced_accuracy: Option<f64>,
    /// Area under the curve of sensitivity against false alarms: of two classes of the second, of more the mean of each
    /// against all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auc: Option<f64>,
    /// Least area that the true one is, 95 times in 100; of two classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auc_low: Option<f64>,
    /// Greatest such area.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auc_high: Option<f64>,
    /// Of two classes, how many images of the second are found where few of the first are taken for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
    /// Mean negative logarithm of the softmax probability of the true class; none where outputs are no logits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_loss: Option<f64>,
    /// Of values, by how much they miss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Errors>,
}

/// How many images of a class a threshold finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// The class.
    pub class: String,
    /// Share of its images that is found.
    pub share: f64,
    /// Least share that the true one is, 95 times in 100.
    pub low: f64,
    /// Greatest such share.
    pub high: f64,
    /// Share of the others that is left out, at least.
    pub specificity: f64,
}

/// By how much values miss, in their unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Greatest absolute error.
    pub greatest: f64,
    /// The unit; empty where there is none.
    pub unit: String,
}

/// What outputs are.
#[derive(Clone, Copy)]
pub struct Outputs<'a> {
    /// Of each image, in the order of the data set.
    pub all: &'a [&'a [f64]],
    /// The class that outputs tell.
    pub class: &'a dyn Fn(&[f64]) -> usize,
    /// Whether they are logits, of which a softmax makes probabilities.
    pub logits: bool,
}

impl Measures {
    /// Of outputs for the first images of a data set.
    pub fn of(outputs: &Outputs<'_>, test: &Dataset, specificity: f64) -> Self {
        match test.is_regression() {
            true => Self {
                errors: Errors::of(outputs.all, test),
                ..Self::default()
            },
            false => Self::of_classes(outputs, test, specificity),
        }
    }

    fn of_classes(outputs: &Outputs<'_>, test: &Dataset, specificity: f64) -> Self {
        let (classes, images) = (test.classes, outputs.all.len());
        let labels = &test.labels[..images.min(test.labels.len())];
        let answers: Vec<usize> = outputs.all.iter().map(|o| (outputs.class)(o)).collect();
        let all: Vec<Vec<f64>> = outputs.all.iter().map(|o| o.to_vec()).collect();
        let auc = metrics::auc_of_classes(&all, labels, classes);
        let second = metrics::scored_second(&all, labels, classes);
        let inside = labels.iter().filter(|label| **label == 1).count();
        let half = auc
            .filter(|_| second.is_some())
            .map(|auc| Z_95 * metrics::auc_deviation(auc, inside, images - inside));
        let sensitivity = second.and_then(|scored| {
            let share = metrics::sensitivity_at(&scored, specificity)?;
            let interval = Accuracy {
                share,
                images: inside,
                quality: Quality::Accuracy,
            }
            .interval();
            Some(Sensitivity {
                class: test.class_names.get(1).cloned().unwrap_or("1".into()),
                share,
                low: interval.low,
                high: interval.high,
                specificity,
            })
        });
        let log_loss = metrics::log_loss(&all, labels).filter(|_| outputs.logits && classes > 1);
        Self {
            balanced_accuracy: metrics::balanced_accuracy(&answers, labels, classes),
            auc,
            auc_low: auc.zip(half).map(|(auc, half)| (auc - half).max(0.0)),
            auc_high: auc.zip(half).map(|(auc, half)| (auc + half).min(1.0)),
            sensitivity,
            log_loss: log_loss.filter(|loss| loss.is_finite()),
            errors: None,
        }
    }

    /// Names and values for people.
    pub fn told(&self) -> Vec<(String, String)> {
        let percent = crate::common::percent;
        let interval =
            |low: f64, high: f64| format!(" ({:.1} to {:.1} %)", 100.0 * low, 100.0 * high);
        let mut told = Vec::new();
        if let Some(share) = self.balanced_accuracy {
            told.push(("balanced accuracy".to_owned(), percent(share)));
        }
        if let Some(auc) = self.auc {
            let range = self.auc_low.zip(self.auc_high);
            let range = range.map_or(String::new(), |(low, high)| interval(low, high));
            told.push(("AUC".into(), format!("{}{range}", percent(auc))));
        }
        if let Some(found) = &self.sensitivity {
            let name = format!("found of {}", crate::print::one_line(&found.class));
            let at = percent(found.specificity);
            let range = interval(found.low, found.high);
            told.push((
                name,
                format!("{}{range} at a specificity of {at}", percent(found.share)),
            ));
        }
        if let Some(loss) = self.log_loss {
            told.push(("log loss".into(), format!("{loss:.4}")));
        }
        if let Some(errors) = &self.errors {
            let number = |value: f64| {
                let number = hemet_reports::number::significant(value, 4);
                format!("{number} {}", crate::print::one_line(&errors.unit))
                    .trim_end()
                    .to_owned()
            };
            told.push(("root mean square error".into(), number(errors.rmse)));
            told.push(("mean absolute error".into(), number(errors.mae)));
            told.push(("greatest miss".into(), number(errors.greatest)));
        }
        told
    }
}

impl Errors {
    /// Of standardized values; `None` without rows or without what brings them to their unit.
    fn of(outputs: &[&[f64]], test: &Dataset) -> Option<Self> {
        let target = test.columns.as_ref()?.target.as_ref()?;
        let pairs = outputs.iter().zip(&test.targets);
        let miss = |(found, value): (&&[f64], &f32)| {
            let miss = found.first().copied().unwrap_or(0.0) - f64::from(*value);
            (miss * target.deviation).abs()
        };
        let misses: Vec<f64> = pairs.map(miss).collect();
        let count = misses.len() as f64;
        let mean = |sum: f64| sum / count;
        (!misses.is_empty()).then(|| Self {
            rmse: mean(misses.iter().map(|miss| miss * miss).sum()).sqrt(),
            mae: mean(misses.iter().sum()),
            greatest: misses.iter().copied().fold(0.0, f64::max),
            unit: target.unit.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use hemet_search::data::columns::{Columns, Target};
    use hemet_spaces::Shape;

    use super::*;

    fn rows(
        classes: usize,
        labels: Vec<u8>,
        targets: Vec<f32>,
        columns: Option<Columns>,
    ) -> Dataset {
        Dataset {
            name: "rows".into(),
            shape: Shape::new(1, 1, 1),
            classes,
            class_names: vec!["well".into(), "ill".into()],
            images: vec![0.0; labels.len()],
            labels,
            held_out: 0,
            measure: hemet_search::data::Measure::default(),
            targets,
            columns,
        }
    }

    fn measured(outputs: &[[f64; 2]], test: &Dataset) -> Measures {
        let all: Vec<&[f64]> = outputs.iter().map(<[f64; 2]>::as_slice).collect();
        let class = |outputs: &[f64]| crate::common::argmax(outputs);
        let outputs = Outputs {
            all: &all,
            class: &class,
            logits: true,
        };
        Measures::of(&outputs, test, SPECIFICITY)
    }

    #[test]
    fn two_classes_have_an_area_and_a_sensitivity_with_intervals() {
        let test = rows(2, vec![0, 0, 1, 1], vec![], None);
        let found = measured(&[[1.0, 0.0], [0.0, 1.0], [0.0, 2.0], [1.0, 0.5]], &test);
        assert_eq!(
            (found.balanced_accuracy, found.auc),
            (Some(0.5), Some(0.75))
        );
        assert!(found.auc_low < Some(0.75) && found.auc_high == Some(1.0));
        let sensitivity = found.sensitivity.clone().expect("two classes");
        assert_eq!(
            (sensitivity.class.as_str(), sensitivity.share),
            ("ill", 0.5)
        );
        assert!(sensitivity.low < 0.5 && 0.5 < sensitivity.high);
        let told: Vec<String> = found.told().into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            told,
            ["balanced accuracy", "AUC", "found of ill", "log loss"]
        );
        let json = serde_json::to_string(&found).expect("numbers");
        let read: Measures = serde_json::from_str(&json).expect("numbers");
        assert_eq!(read.told(), found.told());
    }

    #[test]
    fn values_miss_in_their_unit() {
        let target = Target {
            name: "price".into(),
            unit: "EUR".into(),
            mean: 100.0,
            deviation: 10.0,
        };
        let columns = Columns {
            features: vec![],
            target: Some(target),
        };
        let test = rows(1, vec![0, 0], vec![0.0, 1.0], Some(columns));
        let found = measured(&[[0.3, 0.0], [0.6, 0.0]], &test);
        let errors = found.errors.clone().expect("values");
        assert!(
            (errors.mae - 3.5).abs() < 1e-6 && (errors.greatest - 4.0).abs() < 1e-5,
            "{errors:?}"
        );
        assert!((errors.rmse - 12.5_f64.sqrt()).abs() < 1e-5, "{errors:?}");
        assert_eq!(found.auc, None);
        assert!(found.told()[0].1.ends_with(" EUR"));
    }
}
