//! Whether a network does on test images what it does on validation images. If not, the images are of another kind,
//! or the accuracy was not measured where it is said to be.

use crate::run::accuracy::{Accuracy, Quality};

/// Standard deviations of both measurements that lie between them by chance once in tens of thousands of searches.
const DEVIATIONS: f64 = 4.0;
/// What the choice of the best on the validation images adds, as a share.
const CHOICE: f64 = 0.02;

/// What must be told of a network whose accuracies lie farther apart than chance and choice explain.
pub fn warning(validation: Accuracy, test: Accuracy) -> Option<String> {
    let share = (validation.share + test.share) / 2.0;
    let variance = |of: Accuracy| Accuracy { share, ..of }.variance();
    let deviation = (variance(validation) + variance(test)).sqrt();
    let gap = (validation.share - test.share).abs();
    (gap > CHOICE + DEVIATIONS * deviation).then(|| {
        let percent = crate::common::percent;
        let (ours, theirs) = (percent(validation.share), percent(test.share));
        match validation.quality {
            Quality::Accuracy | Quality::BalancedAccuracy | Quality::Auc => format!(
                "warning: {ours} of the validation images but {theirs} of the test images are classified correctly; chance does not \
                 explain that: compare where the images of both come from"
            ),
            Quality::RSquared => format!(
                "warning: R² is {ours} on the validation rows but {theirs} on the test rows; chance does not explain that: compare \
                 where the rows of both come from"
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracies_are_warned_of_where_chance_does_not_explain_them() {
        for (validation, test, images, warned) in [
            (0.98, 0.97, 1000, false),
            (0.98, 0.90, 1000, true),
            (0.90, 0.98, 1000, true),
            (0.98, 0.90, 50, false),
            (1.0, 0.0, 20, true),
            (1.0, 1.0, 1, false),
        ] {
            let of = |share| Accuracy {
                share,
                images,
                quality: Quality::Accuracy,
            };
            let found = warning(of(validation), of(test));
            assert_eq!(found.is_some(), warned, "{validation} {test} {images}");
            assert!(found.is_none_or(|text| text.contains(" %")));
        }
    }
}
