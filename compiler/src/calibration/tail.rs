//! Tail: what a positive quantity that was seen on some inputs will rarely exceed on others.
//!
//! Sizes that pass through squares spread by factors, not by differences. Two models are fitted, and the larger bound
//! counts, as does the largest value seen: a lognormal distribution to all values, and a Pareto tail to the largest
//! tenth (Hill, "A Simple General Approach to Inference About the Tail of a Distribution", Annals of Statistics
//! 1975), for networks that amplify a few inputs far more than all others.

/// Share of inputs that a promise is made for. Bounds are made for rarer ones, since what few values say is uncertain.
pub const CONFIDENCE: f64 = 0.999;
/// Share of the values that the tail is read off, and the fewest that say something about it.
const TAIL_SHARE: usize = 10;
const LEAST_IN_TAIL: usize = 5;

/// How rarely a bound may be exceeded.
#[derive(Clone, Copy, Debug)]
pub struct Rarity {
    /// Probability.
    probability: f64,
    /// Deviations above the mean that a normal quantity exceeds with that probability.
    deviations: f64,
}

impl Rarity {
    /// Once in a hundred inputs.
    pub const UNCOMMON: Self = Self {
        probability: 1e-2,
        deviations: 2.33,
    };
    /// Once in ten thousand inputs.
    pub const RARE: Self = Self {
        probability: 1e-4,
        deviations: 3.72,
    };
}

/// The bound; infinite where a value is not finite, 0 where none is above 0.
pub fn bound(values: &[f64], rarity: Rarity) -> f64 {
    if values.iter().any(|v| !v.is_finite()) {
        return f64::INFINITY;
    }
    let mut logs: Vec<f64> = values
        .iter()
        .filter(|v| **v > 0.0)
        .map(|v| v.ln())
        .collect();
    logs.sort_by(f64::total_cmp);
    let Some(largest) = logs.last().copied() else {
        return 0.0;
    };
    let lognormal = lognormal(&logs, rarity);
    let pareto = pareto(&logs, rarity);
    largest.max(lognormal).max(pareto).exp()
}

/// The logarithm of the bound that a lognormal distribution gives.
fn lognormal(logs: &[f64], rarity: Rarity) -> f64 {
    let count = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let squares: f64 = logs.iter().map(|x| (x - mean).powi(2)).sum();
    let deviation = (squares / (count - 1.0).max(1.0)).sqrt();
    // Mean and deviation of few values are uncertain themselves: the bound is that for one more value.
    mean + rarity.deviations * deviation * (1.0 + 1.0 / count).sqrt()
}

/// The logarithm of the bound that a Pareto tail gives to ascending values; that of the largest where they are too few.
fn pareto(logs: &[f64], rarity: Rarity) -> f64 {
    let tail = (logs.len() / TAIL_SHARE).max(LEAST_IN_TAIL);
    let (Some(start), Some(largest)) = (logs.len().checked_sub(tail + 1), logs.last()) else {
        return f64::NEG_INFINITY;
    };
    let threshold = logs[start];
    let share = tail as f64 / logs.len() as f64;
    if share > 0.25 || share <= rarity.probability {
        return *largest;
    }
    let index = logs[start + 1..].iter().map(|x| x - threshold).sum::<f64>() / tail as f64;
    threshold + index * (share / rarity.probability).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn a_bound_from_few_values_holds_for_almost_all_others_of_their_distribution() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        // Sums of twelve uniform numbers are as good as normal.
        let mut draw = |spread: f64| {
            let sum: f64 = (0..12).map(|_| rng.random_range(-0.5..0.5)).sum();
            (spread * sum).exp()
        };
        for spread in [0.1, 0.5, 1.2] {
            let mut exceeded = 0;
            for _ in 0..200 {
                let seen: Vec<f64> = (0..24).map(|_| draw(spread)).collect();
                let bound = bound(&seen, Rarity::RARE);
                exceeded += (0..100).filter(|_| draw(spread) > bound).count();
            }
            // One in ten thousand with the true deviation; with that of 24 values more.
            assert!(exceeded <= 20_000 / 1000, "{spread}: {exceeded} of 20000");
        }
    }

    #[test]
    fn values_that_overflowed_have_no_bound_and_zeros_have_a_bound_of_zero() {
        assert_eq!(bound(&[1.0, f64::NAN], Rarity::RARE), f64::INFINITY);
        assert_eq!(bound(&[0.0, 0.0], Rarity::RARE), 0.0);
        assert!((bound(&[0.0, 3.0], Rarity::RARE) - 3.0).abs() < 1e-9);
    }
}
