//! Tail: what a positive quantity that was seen on some inputs will rarely exceed on others.
//!
//! Sizes that pass through squares spread by factors, not by differences, so a lognormal distribution is fitted to
//! them. Some networks amplify a few inputs far more than all others: where there are enough values, a Pareto tail is
//! fitted to the largest tenth too (Hill, "A Simple General Approach to Inference About the Tail of a Distribution",
//! Annals of Statistics 1975). As that overrates lognormal tails, the geometric mean of both bounds counts if it is
//! larger. The bound is never below the largest value seen.

/// Share of inputs that a promise is made for. Bounds are made for rarer ones, since what few values say is uncertain.
pub const CONFIDENCE: f64 = 0.999;
/// Share of the values that the tail is read off, and the fewest values whose tail says something.
const TAIL_SHARE: usize = 10;
const LEAST_WITH_TAIL: usize = 100;

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
    let both = match logs.len() >= LEAST_WITH_TAIL {
        true => (lognormal + pareto(&logs, rarity)) / 2.0,
        false => lognormal,
    };
    largest.max(lognormal).max(both).exp()
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

/// The logarithm of the bound that a Pareto tail gives to ascending values, at least [`LEAST_WITH_TAIL`].
fn pareto(logs: &[f64], rarity: Rarity) -> f64 {
    let tail = logs.len() / TAIL_SHARE;
    let (below, above) = logs.split_at(logs.len() - tail);
    let threshold = below[below.len() - 1];
    let index = above.iter().map(|x| x - threshold).sum::<f64>() / tail as f64;
    threshold + index * (tail as f64 / logs.len() as f64 / rarity.probability).ln()
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
