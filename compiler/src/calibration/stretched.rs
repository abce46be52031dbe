//! Stretched samples: inputs a little farther out than those at hand.
//!
//! A deep network of squares answers most inputs alike and errs ten times more on a few: one in five hundred, which a
//! hundred samples do not show. Where such inputs lie shows on `x + s·(x − y)` for samples `x` and `y`: away from the
//! others, as inputs to come lie that are unlike all samples. No element leaves the range that it has on the samples.

/// How far out, as a share of the way from one sample to another.
const STRETCH: f64 = 0.3;
/// Stretched inputs of each sample.
const OF_EACH: usize = 3;

/// Those of some samples of one length.
pub fn inputs(samples: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let range = |e: usize| {
        let values = samples.iter().map(|x| x[e]);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        })
    };
    let len = samples.first().map_or(0, Vec::len);
    let ranges: Vec<(f64, f64)> = (0..len).map(range).collect();
    let count = samples.len();
    let of_pair = |(x, y): (&Vec<f64>, &Vec<f64>)| -> Vec<f64> {
        let pairs = x.iter().zip(y).zip(&ranges);
        pairs
            .map(|((x, y), (low, high))| (x + STRETCH * (x - y)).clamp(*low, *high))
            .collect()
    };
    // First one of each sample, then another: who looks at fewer sees all samples.
    let pairs =
        (1..=OF_EACH).flat_map(|step| (0..count).map(move |i| (i, (i + step * step) % count)));
    let unequal = pairs.filter(|(i, j)| i != j);
    unequal
        .map(|(i, j)| of_pair((&samples[i], &samples[j])))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretched_samples_lie_beyond_others_and_within_the_range_of_each_element() {
        let samples: Vec<Vec<f64>> = (0..10)
            .map(|i| vec![f64::from(i), f64::from(i % 2), 7.0])
            .collect();
        let found = inputs(&samples);
        assert_eq!(found.len(), 30);
        assert_eq!(found[4], [4.0 - 0.3, 0.0, 7.0]);
        for x in &found {
            assert!(
                (0.0..=9.0).contains(&x[0]) && (0.0..=1.0).contains(&x[1]) && x[2] == 7.0,
                "{x:?}"
            );
        }
        assert!(inputs(&[]).is_empty());
        assert!(
            inputs(&samples[..1]).is_empty(),
            "there is no other to stretch away from"
        );
    }
}
