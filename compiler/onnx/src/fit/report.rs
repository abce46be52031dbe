//! What fitting cost, from what the network gives as it was and as fitted.

use hemet_schedule::OutputTransform;

use super::{FitReport, FittedActivation};

/// The values of a layer for one input: as the network was, and as it is fitted.
pub(super) struct Values {
    pub(super) exact: Vec<f64>,
    pub(super) fitted: Vec<f64>,
}

/// What is summed up about an activation or the outputs.
pub(super) struct Outcome {
    pub(super) range: (f64, f64),
    squared_error: f64,
    squared: f64,
    count: f64,
    max_abs_error: f64,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            range: (f64::INFINITY, f64::NEG_INFINITY),
            squared_error: 0.0,
            squared: 0.0,
            count: 0.0,
            max_abs_error: 0.0,
        }
    }
}

impl Outcome {
    pub(super) fn add(&mut self, x: f64, exact: f64, fitted: f64) {
        self.range = (self.range.0.min(x), self.range.1.max(x));
        self.squared_error += (fitted - exact).powi(2);
        self.squared += exact.powi(2);
        self.count += 1.0;
        self.max_abs_error = self.max_abs_error.max((fitted - exact).abs());
    }

    /// Of the errors.
    fn root_mean_square(&self) -> f64 {
        (self.squared_error / self.count.max(1.0)).sqrt()
    }

    pub(super) fn relative_error(&self) -> f64 {
        match self.squared > 0.0 {
            true => (self.squared_error / self.squared).sqrt(),
            false => self.squared_error.sqrt(),
        }
    }
}

/// Root mean square of what each exact output varies by around its mean.
fn spread(outputs: &[Values]) -> f64 {
    let count = outputs.len().max(1) as f64;
    let len = outputs.first().map_or(0, |values| values.exact.len());
    let mut sum = 0.0;
    for output in 0..len {
        let values = || outputs.iter().map(|values| values.exact[output]);
        let mean = values().sum::<f64>() / count;
        sum += values().map(|x| (x - mean).powi(2)).sum::<f64>();
    }
    (sum / count / len.max(1) as f64).sqrt()
}

/// The answer that outputs are: the class of the model's own outputs, after what the client does to them; none where
/// they are values.
pub(super) fn answer(transform: Option<&OutputTransform>, outputs: &[f64]) -> Option<usize> {
    match transform {
        Some(transform) => match &transform.apply(outputs)[..] {
            [part] => part.class,
            [] | [_, ..] => None,
        },
        None => (outputs.len() > 1).then(|| argmax(outputs)),
    }
}

/// The report on the outputs for inputs whose classes are `labels`, where they are known.
pub(super) fn of(
    outputs: &[Values],
    activations: Vec<FittedActivation>,
    labels: &[usize],
    answer: &dyn Fn(&[f64]) -> Option<usize>,
) -> FitReport {
    let mut outcome = Outcome::default();
    for values in outputs {
        for (exact, fitted) in values.exact.iter().zip(&values.fitted) {
            outcome.add(0.0, *exact, *fitted);
        }
    }
    let count = outputs.len().max(1) as f64;
    let share = |right: &dyn Fn(usize, &Values) -> bool| {
        let right = outputs.iter().enumerate().filter(|(i, v)| right(*i, v));
        right.count() as f64 / count
    };
    let has_answers = outputs
        .first()
        .is_some_and(|values| answer(&values.exact).is_some());
    let is = |label: Option<&usize>, values: &[f64]| answer(values) == label.copied();
    FitReport {
        activations,
        inputs: outputs.len(),
        max_abs_error: outcome.max_abs_error,
        relative_error: outcome.relative_error(),
        spread_error: outcome.root_mean_square() / spread(outputs).max(f64::MIN_POSITIVE),
        has_answers,
        agreement: share(&|_, v| answer(&v.exact) == answer(&v.fitted)),
        accuracy: (has_answers && !labels.is_empty()).then(|| {
            (
                share(&|i, v| is(labels.get(i), &v.exact)),
                share(&|i, v| is(labels.get(i), &v.fitted)),
            )
        }),
        tried: Vec::new(),
    }
}

/// Position of the largest; the first of equals.
fn argmax(values: &[f64]) -> usize {
    let better = |best: usize, (i, x): (usize, &f64)| if *x > values[best] { i } else { best };
    values.iter().enumerate().fold(0, better)
}
