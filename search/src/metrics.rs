//! Metrics beside accuracy: how well scores rank two classes, how well every class is found, by how much values miss.
//!
//! Scores are any numbers that grow with the belief in a class. Of equal scores each pair counts half.

/// The area under the curve of sensitivity against false alarms: the probability that an image of the class has a
/// higher score than another. By the ranks of the scores (Mann and Whitney), in `n log n`. `None` without images of
/// both kinds, and where a score is no number.
pub fn auc(scored: &[(f64, bool)]) -> Option<f64> {
    let inside = scored.iter().filter(|(_, inside)| *inside).count();
    let outside = scored.len() - inside;
    if inside == 0 || outside == 0 || scored.iter().any(|(score, _)| score.is_nan()) {
        return None;
    }
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut won) = (0, 0.0);
    for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
        let own = equal.iter().filter(|(_, inside)| *inside).count();
        let others = equal.len() - own;
        won += own as f64 * (below as f64 + others as f64 / 2.0);
        below += others;
    }
    Some(won / (inside as f64 * outside as f64))
}

/// The deviation of such a measurement (J. A. Hanley and B. J. McNeil, The Meaning and Use of the Area under a Receiver
/// Operating Characteristic Curve, Radiology 143, 1982).
pub fn auc_deviation(auc: f64, inside: usize, outside: usize) -> f64 {
    let (n, m) = (inside.max(1) as f64, outside.max(1) as f64);
    let square = auc * auc;
    let (q1, q2) = (auc / (2.0 - auc), 2.0 * square / (1.0 + auc));
    let variance = auc * (1.0 - auc) + (n - 1.0) * (q1 - square) + (m - 1.0) * (q2 - square);
    (variance.max(0.0) / (n * m)).sqrt()
}

/// The greatest share of the images of the class that a threshold finds which leaves out at least `specificity` of the
/// others. `None` without images of both kinds.
pub fn sensitivity_at(scored: &[(f64, bool)], specificity: f64) -> Option<f64> {
    let inside = scored.iter().filter(|(_, inside)| *inside).count();
    let outside = scored.len() - inside;
    if inside == 0 || outside == 0 {
        return None;
    }
    // A hair's breadth, so that 0.9 of 10 images are 9.
    let allowed = ((1.0 - specificity) * outside as f64 + 1e-9).floor() as usize;
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut found, mut alarms) = (0, 0);
    for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
        let own = equal.iter().filter(|(_, inside)| *inside).count();
        if alarms + equal.len() - own > allowed {
            break;
        }
        found += own;
        alarms += equal.len() - own;
    }
    Some(found as f64 / inside as f64)
}

/// The scores of a class among outputs `[image][class]`: of two classes the difference to the other, else the
/// probability that the softmax gives it.
fn scored(outputs: &[Vec<f64>], labels: &[u8], class: usize) -> Vec<(f64, bool)> {
    let score = |outputs: &Vec<f64>| match &outputs[..] {
        [one] => *one,
        [first, second] if class == 0 => first - second,
        [first, second] => second - first,
        many => softmax(many).get(class).copied().unwrap_or(f64::NAN),
    };
    let pairs = outputs.iter().map(score).zip(labels);
    pairs
        .map(|(score, label)| (score, usize::from(*label) == class))
        .collect()
}

/// The scores of the second of two classes; `None` for other numbers of classes.
pub fn scored_second(
    outputs: &[Vec<f64>],
    labels: &[u8],
    classes: usize,
) -> Option<Vec<(f64, bool)>> {
    (classes == 2).then(|| scored(outputs, labels, 1))
}

/// The area under the curve: of two classes that of the second, of more the mean over the classes that have images,
/// each against all others. `None` where no class has images inside and outside.
pub fn auc_of_classes(outputs: &[Vec<f64>], labels: &[u8], classes: usize) -> Option<f64> {
    if let Some(scored) = scored_second(outputs, labels, classes) {
        return auc(&scored);
    }
    let areas = (0..classes).filter_map(|class| auc(&scored(outputs, labels, class)));
    mean(areas)
}

/// The mean over the classes with images of the share of their images that were taken for them; `None` without images.
pub fn balanced_accuracy(answers: &[usize], labels: &[u8], classes: usize) -> Option<f64> {
    let recall = |class: usize| {
        let own = answers.iter().zip(labels);
        let own = own.filter(|(_, label)| usize::from(**label) == class);
        let (images, right) = own.fold((0, 0), |(images, right), (answer, _)| {
            (images + 1, right + usize::from(*answer == class))
        });
        (images > 0).then(|| f64::from(right as u32) / f64::from(images))
    };
    mean((0..classes).filter_map(recall))
}

/// The mean; `None` of nothing.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / f64::from(count))
}

/// The probabilities that logits tell: `exp(x) / Σ exp(x)`, which add up to 1.
pub fn softmax(logits: &[f64]) -> Vec<f64> {
    let greatest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|x| (x - greatest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

/// The mean of the negative logarithms of the probabilities that the softmax gives the true classes; 0 is perfect, `ln`
/// of the number of classes is guessing. `None` without images.
pub fn log_loss(outputs: &[Vec<f64>], labels: &[u8]) -> Option<f64> {
    let loss = |(logits, label): (&Vec<f64>, &u8)| {
        let greatest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logits.iter().map(|x| (x - greatest).exp()).sum();
        Some(greatest + sum.ln() - logits.get(usize::from(*label))?)
    };
    mean(outputs.iter().zip(labels).filter_map(loss))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn areas_are_those_of_pairs_and_equal_scores_count_half() {
        for (scored, expected) in [
            (&[(0.9, true), (0.1, false)][..], Some(1.0)),
            (&[(0.1, true), (0.9, false)], Some(0.0)),
            (&[(0.5, true), (0.5, false)], Some(0.5)),
            (
                &[(0.8, true), (0.4, true), (0.6, false), (0.2, false)],
                Some(0.75),
            ),
            (&[(0.8, true)], None),
            (&[(f64::NAN, true), (0.0, false)], None),
            (&[], None),
        ] {
            assert_eq!(auc(scored), expected, "{scored:?}");
        }
    }

    /// The formula by hand: `Q1 = 0.75 / 1.25 = 0.6`, `Q2 = 2 · 0.5625 / 1.75 = 0.642857`, so for 11 and 6 images
    /// `(0.1875 + 10 · 0.0375 + 5 · 0.080357) / 66 = 0.0146104`.
    #[test]
    fn the_deviation_is_that_of_the_formula_and_none_where_all_pairs_are_in_order() {
        let variance = auc_deviation(0.75, 11, 6).powi(2);
        assert!((variance - 0.014_610_4).abs() < 1e-6, "{variance}");
        assert_eq!(auc_deviation(1.0, 5, 5), 0.0);
    }

    #[test]
    fn a_threshold_finds_as_many_as_the_specificity_allows() {
        let scored: Vec<(f64, bool)> = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
            .iter()
            .zip([
                true, false, true, true, false, false, true, false, false, false,
            ])
            .map(|(score, inside)| (f64::from(*score), inside))
            .collect();
        for (specificity, expected) in [(1.0, 0.25), (5.0 / 6.0, 0.75), (0.5, 1.0), (0.0, 1.0)] {
            assert_eq!(
                sensitivity_at(&scored, specificity),
                Some(expected),
                "{specificity}"
            );
        }
        // Equal scores stand on one side of every threshold.
        assert_eq!(sensitivity_at(&[(1.0, true), (1.0, false)], 0.9), Some(0.0));
        assert_eq!(sensitivity_at(&[(1.0, true)], 0.9), None);
    }

    #[test]
    fn rare_classes_count_as_much_as_others_and_classes_without_images_not_at_all() {
        let (labels, answers) = ([0, 0, 0, 0, 1], [0, 0, 0, 1, 1]);
        assert_eq!(balanced_accuracy(&answers, &labels, 3), Some(0.875));
        assert_eq!(balanced_accuracy(&[], &[], 3), None);
        let outputs = vec![
            vec![3.0, 1.0, 0.0],
            vec![0.0, 1.0, 0.0],
            vec![0.0, 2.0, 1.0],
        ];
        assert_eq!(auc_of_classes(&outputs, &[0, 1, 1], 3), Some(1.0));
        let loss = log_loss(&[vec![1.0; 4], vec![1e3, 0.0, 0.0, 0.0]], &[2, 0]);
        assert!((loss.expect("images") - 4.0_f64.ln() / 2.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_area_is_the_share_of_pairs_in_order(raw in proptest::collection::vec((0u8..9, any::<bool>()), 2..40)) {
            let scored: Vec<(f64, bool)> = raw.iter().map(|(score, inside)| (f64::from(*score), *inside)).collect();
            let (mut won, mut pairs) = (0.0, 0.0);
            for (a, _) in scored.iter().filter(|(_, inside)| *inside) {
                for (b, _) in scored.iter().filter(|(_, inside)| !*inside) {
                    pairs += 1.0;
                    won += if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
                }
            }
            match auc(&scored) {
                Some(area) => prop_assert!((area - won / pairs).abs() < 1e-12),
                None => prop_assert_eq!(pairs, 0.0),
            }
        }

        #[test]
        fn probabilities_add_up_to_one(logits in proptest::collection::vec(-1e3..1e3, 1..12)) {
            prop_assert!((softmax(&logits).iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}
