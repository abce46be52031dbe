//! What samples must be, so that something can be read off them.

use crate::Error;

/// Fewest different samples that say something about others.
const LEAST: usize = 8;

/// Refuses samples of different lengths (or of another one than `expected`), numbers that are not finite, and samples
/// that are too few or too much alike to stand for inputs to come.
///
/// # Errors
/// [`Error::Sample`], [`Error::Calibration`].
pub fn check_samples(samples: &[Vec<f64>], expected: Option<usize>) -> Result<(), Error> {
    let refuse = |found: String, wanted: &'static str| Err(Error::Calibration { found, wanted });
    let expected = expected.or(samples.first().map(Vec::len)).unwrap_or(0);
    for (index, sample) in samples.iter().enumerate() {
        if sample.len() != expected {
            return Err(Error::Sample {
                index,
                found: sample.len(),
                expected,
            });
        }
        if let Some(element) = sample.iter().position(|x| !x.is_finite()) {
            let found = format!("element {element} of input {index} is {}", sample[element]);
            return refuse(
                found,
                "every number must be finite; repair or drop such inputs",
            );
        }
    }
    if samples.len() < LEAST {
        let found = format!("there are {} inputs", samples.len());
        return refuse(found, "at least 8 are needed, better 100 or more");
    }
    let mut sorted: Vec<&Vec<f64>> = samples.iter().collect();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    sorted.dedup();
    if sorted.len() < LEAST {
        let found = match sorted.as_slice() {
            [only] if only.iter().all(|x| *x == 0.0) => "all inputs are zero".to_owned(),
            different => format!(
                "of {} inputs only {} differ",
                samples.len(),
                different.len()
            ),
        };
        return refuse(
            found,
            "at least 8 different ones are needed, taken from the data to come",
        );
    }
    let first = |x: &Vec<f64>| x.iter().all(|v| *v == x[0]);
    if expected > 1 && samples.iter().all(first) {
        let found = "in every input all elements are equal".to_owned();
        return refuse(found, "they must vary as the data to come do");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(count: usize, of: impl Fn(usize, usize) -> f64) -> Vec<Vec<f64>> {
        let sample = |i| (0..4).map(|e| of(i, e)).collect();
        (0..count).map(sample).collect()
    }

    #[test]
    fn samples_that_stand_for_nothing_are_refused_with_the_reason() {
        let told = |samples: &[Vec<f64>]| check_samples(samples, Some(4)).unwrap_err().to_string();
        let good = |i: usize, e: usize| (i * 7 + e) as f64;
        assert!(check_samples(&samples(8, good), Some(4)).is_ok());
        for (samples, wanted) in [
            (samples(40, |_, _| 0.0), "all inputs are zero"),
            (samples(40, |_, e| e as f64), "only 1 differ"),
            (samples(40, |i, e| (i % 3 + e) as f64), "only 3 differ"),
            (samples(1, good), "there are 1 inputs"),
            (samples(40, |i, _| i as f64), "all elements are equal"),
            (
                samples(40, |i, e| {
                    if (i, e) == (9, 2) {
                        f64::NAN
                    } else {
                        good(i, e)
                    }
                }),
                "element 2 of input 9 is NaN",
            ),
            (
                samples(40, |i, e| if i == 3 { f64::INFINITY } else { good(i, e) }),
                "element 0 of input 3 is inf",
            ),
        ] {
            let message = told(&samples);
            assert!(message.contains(wanted), "{message}");
        }
    }

    #[test]
    fn samples_of_different_lengths_are_refused_though_no_length_is_known() {
        let mut mixed = samples(9, |i, e| (i + e) as f64);
        mixed[5].push(0.0);
        let message = check_samples(&mixed, None).unwrap_err().to_string();
        assert!(message.contains("sample 5 has 5 elements"), "{message}");
    }
}
