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
/// Probability with which a magnitude may exceed its bound, and the deviations that a normal quantity exceeds with it.
const RARE: f64 = 1e-4;
const RARE_DEVIATIONS: f64 = 3.72;
/// Probability with which some output of an input may err more than is promised, where errors just reach that: of a
/// hundred such networks with a thousand inputs each, one breaks its promise once.
const RISK: f64 = 1e-5;
/// Deviation of the logarithms of deviations over the inputs of a network, before anything is seen, and the number of
/// inputs that this counts as.
const PRIOR_SPREAD: f64 = 0.2;
const PRIOR_INPUTS: f64 = 4.0;
/// Steps of numerical integration, in deviations; of a tail, in mean lengths of it.
const STEP: f64 = 0.05;
const STEPS: std::ops::RangeInclusive<i32> = -160..=600;
const TAIL_STEPS: i32 = 400;
/// Twice as many deviations as a normal error with a probability of [`RISK`] has.
const MOST_DEVIATIONS: f64 = 10.0;
const HALVINGS: u32 = 50;

/// The magnitude that once in ten thousand inputs is exceeded; infinite where a value is not finite, 0 where none is
/// above 0.
pub fn bound(values: &[f64]) -> f64 {
    if values.iter().any(|v| !v.is_finite()) {
        return f64::INFINITY;
    }
    let logs = logs(values);
    let Some(largest) = logs.last().copied() else {
        return 0.0;
    };
    let lognormal = lognormal(&logs);
    let both = match logs.len() >= LEAST_WITH_TAIL {
        true => (lognormal + pareto(&logs)) / 2.0,
        false => lognormal,
    };
    largest.max(lognormal).max(both).exp()
}

/// The largest error of an input to come, from the deviations of the errors of `outputs` outputs on some inputs:
/// exceeded with probability [`RISK`]. Infinite where a deviation is not finite, 0 where none is above 0.
///
/// An error is a deviation, which differs from input to input, times a normal number: both are averaged over. The
/// logarithms of deviations are normal with a mean and a variance that few inputs say little about, so their
/// distribution for one more input is Student's (Gelman et al., "Bayesian Data Analysis", section 3.2), with a prior
/// that counts as
/// [`PRIOR_INPUTS`] inputs.
pub fn error(deviations: &[f64], outputs: usize) -> f64 {
    if deviations.iter().any(|v| !v.is_finite()) {
        return f64::INFINITY;
    }
    let logs = logs(deviations);
    if logs.is_empty() {
        return 0.0;
    }
    let usual = exceeded(&student(&logs), outputs);
    let both = match logs.len() >= LEAST_WITH_TAIL {
        true => (usual + exceeded(&pareto_points(&logs), outputs)) / 2.0,
        false => usual,
    };
    usual.max(both).exp()
}

/// Logarithms of deviations, and how probable each is.
type Points = Vec<(f64, f64)>;

/// What one more deviation may be.
fn student(logs: &[f64]) -> Points {
    let count = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let squares: f64 = logs.iter().map(|x| (x - mean).powi(2)).sum();
    let freedom = count - 1.0 + PRIOR_INPUTS;
    let variance = (squares + PRIOR_INPUTS * PRIOR_SPREAD.powi(2)) / freedom;
    let spread = (variance * (1.0 + 1.0 / count)).sqrt();
    let density = |y: f64| (y * y / freedom).ln_1p() * -(freedom + 1.0) / 2.0;
    let at = |step: i32| {
        let y = f64::from(step) * STEP;
        (mean + spread * y, density(y).exp())
    };
    let points: Points = STEPS.map(at).collect();
    let all: f64 = points.iter().map(|(_, weight)| weight).sum();
    points
        .into_iter()
        .map(|(log, weight)| (log, weight / all))
        .collect()
}

/// The same with a Pareto tail; for ascending values, at least [`LEAST_WITH_TAIL`].
fn pareto_points(logs: &[f64]) -> Points {
    let (threshold, index, share) = pareto_tail(logs);
    let below = logs.iter().filter(|x| **x <= threshold);
    let weight = 1.0 / logs.len() as f64;
    let tail = (0..TAIL_STEPS).map(|step| {
        let (from, to) = (f64::from(step) * STEP, f64::from(step + 1) * STEP);
        (
            threshold + index * to,
            share * ((-from).exp() - (-to).exp()),
        )
    });
    below.map(|x| (*x, weight)).chain(tail).collect()
}

/// The logarithm of the error that one of `outputs` normal errors of such deviations exceeds with probability [`RISK`].
fn exceeded(points: &Points, outputs: usize) -> f64 {
    // Two-sided; a bound on the tail of a normal distribution (Mills' ratio), at most 1.
    let beyond = |z: f64| {
        (outputs as f64 * (2.0 / std::f64::consts::PI).sqrt() * (-z * z / 2.0).exp() / z).min(1.0)
    };
    let risk = |error: f64| -> f64 {
        points
            .iter()
            .map(|(log, weight)| weight * beyond((error - log).exp()))
            .sum()
    };
    let least = points
        .iter()
        .map(|(log, _)| *log)
        .fold(f64::INFINITY, f64::min);
    let most = points
        .iter()
        .map(|(log, _)| *log)
        .fold(f64::NEG_INFINITY, f64::max);
    let (mut low, mut high) = (least, most + MOST_DEVIATIONS.ln());
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        match risk(middle) > RISK {
            true => low = middle,
            false => high = middle,
        }
    }
    high
}

/// The logarithms of the values above 0, ascending.
fn logs(values: &[f64]) -> Vec<f64> {
    let positive = values.iter().filter(|v| **v > 0.0);
    let mut logs: Vec<f64> = positive.map(|v| v.ln()).collect();
    logs.sort_by(f64::total_cmp);
    logs
}

/// The logarithm of the bound that a lognormal distribution gives.
fn lognormal(logs: &[f64]) -> f64 {
    let count = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let squares: f64 = logs.iter().map(|x| (x - mean).powi(2)).sum();
    let deviation = (squares / (count - 1.0).max(1.0)).sqrt();
    // Mean and deviation of few values are uncertain themselves: the bound is that for one more value.
    mean + RARE_DEVIATIONS * deviation * (1.0 + 1.0 / count).sqrt()
}

/// The logarithm of the bound that a Pareto tail gives to ascending values, at least [`LEAST_WITH_TAIL`].
fn pareto(logs: &[f64]) -> f64 {
    let (threshold, index, share) = pareto_tail(logs);
    threshold + index * (share / RARE).ln()
}

/// Where the tail of ascending values begins, how far it reaches, and the share of values in it.
fn pareto_tail(logs: &[f64]) -> (f64, f64, f64) {
    let tail = logs.len() / TAIL_SHARE;
    let (below, above) = logs.split_at(logs.len() - tail);
    let threshold = below[below.len() - 1];
    let index = above.iter().map(|x| x - threshold).sum::<f64>() / tail as f64;
    (threshold, index, tail as f64 / logs.len() as f64)
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
                let bound = bound(&seen);
                exceeded += (0..100).filter(|_| draw(spread) > bound).count();
            }
            // One in ten thousand with the true deviation; with that of 24 values more.
            assert!(exceeded <= 20_000 / 1000, "{spread}: {exceeded} of 20000");
        }
    }

    /// Share of inputs of which some output errs more than `bound`, for deviations drawn by `draw`.
    fn exceeding(bound: f64, outputs: usize, draws: usize, mut draw: impl FnMut() -> f64) -> f64 {
        let risk = (0..draws).map(|_| {
            let z = bound / draw();
            // Both tails of a normal distribution, bounded as in the text books.
            (outputs as f64 * 0.8 * (-z * z / 2.0).exp() / z).min(1.0)
        });
        risk.sum::<f64>() / draws as f64
    }

    #[test]
    fn an_error_bound_from_few_or_many_inputs_is_seldom_exceeded_on_others() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(6);
        for spread in [0.1, 0.3, 0.6] {
            for count in [6, 24, 96, 400] {
                let mut draw = || {
                    let sum: f64 = (0..12).map(|_| rng.random_range(-0.5..0.5)).sum();
                    (spread * sum).exp()
                };
                // On average over what may be seen: few values may all be small by chance.
                let mut risk = 0.0;
                for _ in 0..40 {
                    let seen: Vec<f64> = (0..count).map(|_| draw()).collect();
                    risk += exceeding(error(&seen, 10), 10, 500, &mut draw) / 40.0;
                }
                // Few inputs say little of a spread as wide as this: what is stated holds, what is aimed at only for
                // many.
                let allowed = if count < 96 {
                    1.0 - CONFIDENCE
                } else {
                    5.0 * RISK
                };
                assert!(risk <= allowed, "{spread}, {count} inputs: {risk:e}");
            }
        }
    }

    #[test]
    fn more_outputs_and_rarer_larger_deviations_widen_the_error_bound() {
        let even = vec![1.0; 200];
        let one = error(&even, 1);
        assert!(one > 4.4, "{one}: of a normal error with a risk of 1e-5");
        assert!(error(&even, 100) > one);
        let mut rare = even.clone();
        rare[..20].iter_mut().for_each(|d| *d = 10.0);
        assert!(error(&rare, 1) > 30.0);
        assert_eq!(error(&[1.0, f64::NAN], 1), f64::INFINITY);
        assert_eq!(error(&[0.0], 1), 0.0);
    }

    #[test]
    fn values_that_overflowed_have_no_bound_and_zeros_have_a_bound_of_zero() {
        assert_eq!(bound(&[1.0, f64::NAN]), f64::INFINITY);
        assert_eq!(bound(&[0.0, 0.0]), 0.0);
        assert!((bound(&[0.0, 3.0]) - 3.0).abs() < 1e-9);
    }
}
