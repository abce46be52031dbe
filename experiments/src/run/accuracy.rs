//! Accuracy: a share of right answers with what its number of images says of it, and where the wrong ones fell.

use std::fmt;

use hemet_search::metrics::auc_deviation;
use serde::{Deserialize, Serialize};

/// Quantile of the normal distribution for intervals that hold the true share 95 times in 100.
pub const Z_95: f64 = 1.959_963_985;

/// What tells how good a network is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// The share of right answers.
    #[default]
    Accuracy,
    /// Of a regression the share of the variance that is explained, at least 0.
    RSquared,
    /// The mean over the classes of the share of their images that is found.
    BalancedAccuracy,
    /// The area under the curve of sensitivity against false alarms.
    Auc,
}

impl Quality {
    /// Its name in tables and sentences.
    pub fn name(self) -> &'static str {
        match self {
            Quality::Accuracy => "accuracy",
            Quality::RSquared => "R²",
            Quality::BalancedAccuracy => "balanced accuracy",
            Quality::Auc => "AUC",
        }
    }

    /// Whether it is that of most experiments.
    pub fn is_accuracy(&self) -> bool {
        *self == Quality::Accuracy
    }

    /// Whether training images are measured by it too: areas and balanced shares of single batches say little.
    pub fn measures_training(self) -> bool {
        match self {
            Quality::Accuracy | Quality::RSquared => true,
            Quality::BalancedAccuracy | Quality::Auc => false,
        }
    }

    /// Its name at the beginning of a sentence.
    pub fn heading(self) -> &'static str {
        match self {
            Quality::Accuracy => "Accuracy",
            Quality::RSquared => "R²",
            Quality::BalancedAccuracy => "Balanced accuracy",
            Quality::Auc => "AUC",
        }
    }

    /// What stands before a share of it, which of accuracy says enough alone.
    pub fn prefix(self) -> &'static str {
        match self {
            Quality::Accuracy => "",
            Quality::RSquared => "R² ",
            Quality::BalancedAccuracy => "balanced accuracy ",
            Quality::Auc => "AUC ",
        }
    }

    /// What two answers to one image have in common that agree.
    pub fn same(self) -> &'static str {
        match self {
            Quality::Accuracy | Quality::BalancedAccuracy | Quality::Auc => "the same class",
            Quality::RSquared => "the same value, within the promise,",
        }
    }
}

/// A share of right answers among so many images, or R² of so many values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracy {
    /// Share of right answers, or R², 0 to 1.
    pub share: f64,
    /// Number of images.
    pub images: usize,
    /// Which of them it is.
    pub quality: Quality,
}

/// Between which shares the true one lies, 95 times in 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Least share, 0 to 1.
    pub low: f64,
    /// Greatest share, 0 to 1.
    pub high: f64,
}

impl Accuracy {
    /// The square of the standard deviation of such a measurement. Of R² that of Olkin and Finn, Correlations Redux,
    /// Psychological Bulletin 118, 1995; of an area under the curve as if both classes had half of the images; of
    /// balanced accuracy as if all classes had as many.
    pub fn variance(self) -> f64 {
        let (share, n) = (self.share, self.images.max(1) as f64);
        match self.quality {
            Quality::Accuracy | Quality::BalancedAccuracy => share * (1.0 - share) / n,
            Quality::Auc => auc_deviation(share, self.images / 2, self.images / 2).powi(2),
            Quality::RSquared => 4.0 * share * (1.0 - share).powi(2) / n,
        }
    }

    /// Wilson's score interval at 95 % (E. B. Wilson, Probable Inference, the Law of Succession, and Statistical
    /// Inference, Journal of the American Statistical Association 22, 1927): it holds for few images and for shares
    /// near 0 and 1. Of no images from 0 to 1.
    pub fn interval(self) -> Interval {
        if self.images == 0 {
            return Interval {
                low: 0.0,
                high: 1.0,
            };
        }
        let n = self.images as f64;
        if matches!(self.quality, Quality::RSquared | Quality::Auc) {
            let half = Z_95 * self.variance().sqrt();
            return Interval {
                low: (self.share - half).max(0.0),
                high: (self.share + half).min(1.0),
            };
        }
        let square = Z_95 * Z_95;
        let center = (self.share + square / (2.0 * n)) / (1.0 + square / n);
        let spread = self.share * (1.0 - self.share) / n + square / (4.0 * n * n);
        let half = Z_95 * spread.sqrt() / (1.0 + square / n);
        Interval {
            low: (center - half).max(0.0),
            high: (center + half).min(1.0),
        }
    }
}

/// As in `96.67 % of 30 images (83.3 to 99.4 %)`, the interval in brackets.
impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Interval { low, high } = self.interval();
        let share = hemet_reports::number::percent(self.share);
        let (prefix, of) = match self.quality {
            Quality::Accuracy => ("", "images"),
            Quality::RSquared => ("R² ", "rows"),
            quality @ (Quality::BalancedAccuracy | Quality::Auc) => (quality.prefix(), "images"),
        };
        write!(
            f,
            "{prefix}{share} % of {} {of} ({:.1} to {:.1} %)",
            self.images,
            100.0 * low,
            100.0 * high
        )
    }
}

/// By how much one accuracy is better than another, with its interval at 95 % (R. G. Newcombe, Interval estimation for
/// the difference between independent proportions, Statistics in Medicine 17, 1998, method 10). Of the same images the
/// true interval is narrower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain {
    /// Percentage points.
    pub points: f64,
    /// Least, in percentage points.
    pub low: f64,
    /// Greatest, in percentage points.
    pub high: f64,
}

impl Gain {
    /// Of `own` on `other`.
    pub fn of(own: Accuracy, other: Accuracy) -> Self {
        let (mine, theirs) = (own.interval(), other.interval());
        let gain = own.share - other.share;
        let below = (own.share - mine.low).hypot(theirs.high - other.share);
        let above = (mine.high - own.share).hypot(other.share - theirs.low);
        Self {
            points: 100.0 * gain,
            low: 100.0 * (gain - below),
            high: 100.0 * (gain + above),
        }
    }
}

/// As in `+0.33 points (-1.90 to +2.60)`, the interval in brackets.
impl fmt::Display for Gain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { points, low, high } = self;
        write!(f, "{points:+.2} points ({low:+.2} to {high:+.2})")
    }
}

/// How often images of each class were taken for each: `counts[true class][answer]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Vec<usize>>")]
#[serde(into = "Vec<Vec<usize>>")]
pub struct Confusion {
    counts: Vec<Vec<usize>>,
}

impl TryFrom<Vec<Vec<usize>>> for Confusion {
    type Error = String;

    /// Refuses what is no square.
    fn try_from(counts: Vec<Vec<usize>>) -> Result<Self, String> {
        let rows = counts.len();
        match counts.iter().position(|row| row.len() != rows) {
            None => Ok(Self { counts }),
            Some(row) => Err(format!(
                "a confusion matrix has as many columns as rows: row {row} of {rows} has {}",
                counts[row].len()
            )),
        }
    }
}

impl From<Confusion> for Vec<Vec<usize>> {
    fn from(confusion: Confusion) -> Self {
        confusion.counts
    }
}

/// How well one class is told from the others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassFigures {
    /// What it is called.
    pub class: String,
    /// Images of it.
    pub images: usize,
    /// Share of its images that were taken for it; none without images of it.
    pub recall: Option<f64>,
    /// Share of the images that were taken for it that are of it; none where none was.
    pub precision: Option<f64>,
}

impl Confusion {
    /// Of pairs of true class and answer, among at least `classes` classes.
    pub fn of(pairs: impl IntoIterator<Item = (usize, usize)>, classes: usize) -> Self {
        let pairs: Vec<(usize, usize)> = pairs.into_iter().collect();
        let greatest = pairs.iter().map(|(truth, answer)| truth.max(answer) + 1);
        let classes = greatest.fold(classes, usize::max);
        let mut counts = vec![vec![0; classes]; classes];
        for (truth, answer) in pairs {
            counts[truth][answer] += 1;
        }
        Self { counts }
    }

    /// The figures of each class, called by `names` as far as they go and by numbers beyond.
    pub fn per_class(&self, names: &[String]) -> Vec<ClassFigures> {
        let share = |right: usize, all: usize| (all > 0).then(|| right as f64 / all as f64);
        let figures = |class: usize| {
            let right = self.counts[class][class];
            let images = self.counts[class].iter().sum();
            let taken = self.counts.iter().map(|row| row[class]).sum();
            ClassFigures {
                class: names.get(class).cloned().unwrap_or(class.to_string()),
                images,
                recall: share(right, images),
                precision: share(right, taken),
            }
        };
        (0..self.counts.len()).map(figures).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17, 1998, table
    /// I, method 3.
    #[test]
    fn intervals_are_those_that_newcombe_published() {
        for (right, images, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
            // The mirror image of the last but one.
            (20, 20, 1.0 - 0.1611, 1.0),
        ] {
            let share = f64::from(right) / images as f64;
            let accuracy = Accuracy {
                share,
                images,
                quality: Quality::Accuracy,
            };
            let interval = accuracy.interval();
            assert!((interval.low - low).abs() < 5e-5, "{right} of {images}");
            assert!((interval.high - high).abs() < 5e-5, "{right} of {images}");
        }
        let none = Accuracy {
            share: 0.0,
            images: 0,
            quality: Quality::Accuracy,
        };
        assert_eq!((none.interval().low, none.interval().high), (0.0, 1.0));
    }

    /// The same author's second paper, table II, method 10.
    #[test]
    fn the_interval_of_a_difference_is_that_of_the_published_examples() {
        for ([a, m], [b, n], low, high) in [
            ([56, 70], [48, 80], 0.0524, 0.3339),
            ([9, 10], [3, 10], 0.1705, 0.8090),
            ([10, 10], [0, 10], 0.6075, 1.0),
        ] {
            let accuracy = |right: u32, images: u32| Accuracy {
                share: f64::from(right) / f64::from(images),
                images: images as usize,
                quality: Quality::Accuracy,
            };
            let gain = Gain::of(accuracy(a, m), accuracy(b, n));
            assert!((gain.low - 100.0 * low).abs() < 5e-3, "{gain}");
            assert!((gain.high - 100.0 * high).abs() < 5e-3, "{gain}");
        }
    }

    #[test]
    fn recall_and_precision_are_of_rows_and_columns_and_missing_without_images() {
        let pairs = [(0, 0), (0, 0), (0, 1), (1, 1)];
        let confusion = Confusion::of(pairs, 3);
        let json = serde_json::to_string(&confusion).expect("numbers");
        assert_eq!(json, "[[2,1,0],[0,1,0],[0,0,0]]");
        assert_eq!(
            serde_json::from_str::<Confusion>(&json).ok(),
            Some(confusion.clone())
        );
        let ragged = serde_json::from_str::<Confusion>("[[1],[2,3]]");
        let refused = ragged.expect_err("no square").to_string();
        assert!(refused.contains("row 0 of 2 has 1"), "{refused}");
        let names = ["cat".to_owned(), "dog".to_owned()];
        let [cat, dog, third] = &confusion.per_class(&names)[..] else {
            panic!("three classes");
        };
        assert_eq!((cat.class.as_str(), cat.images), ("cat", 3));
        assert_eq!((cat.recall, cat.precision), (Some(2.0 / 3.0), Some(1.0)));
        assert_eq!((dog.recall, dog.precision), (Some(1.0), Some(0.5)));
        assert_eq!((third.class.as_str(), third.images), ("2", 0));
        assert_eq!((third.recall, third.precision), (None, None));
    }

    #[test]
    fn an_answer_beyond_the_known_classes_has_a_row_and_a_column() {
        assert_eq!(Confusion::of([(0, 4)], 2).per_class(&[]).len(), 5);
    }
}
