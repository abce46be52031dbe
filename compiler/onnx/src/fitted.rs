//! Import with fitted activations: of one degree, or of the degree that each layer needs.
//!
//! Degrees are chosen by what they cost on inputs that were not fitted: of few inputs each is held out once, of many a
//! quarter. Where no degree is good enough, the one that measures best is kept, and a fit that is of no use is refused.

use crate::fit::{Calibration, FIT_DEGREES, FitReport, Tried, calibrate};
use crate::{Error, Imported, Source, import};

/// Degrees that are tried: the largest for each number of levels.
const LADDER: [usize; 4] = [2, 4, 8, 15];

/// Share of answers that may change, and error against the outputs' deviation, below which a fit is good enough.
const GOOD_CHANGE: f64 = 0.005;
const GOOD_ERROR: f64 = 0.05;
/// Above these a fit is of no use: a tenth of the answers, or of values a quarter of their variance.
const USELESS_CHANGE: f64 = 0.1;
const USELESS_ERROR: f64 = 0.5;
/// A degree is better than a lower one if its error is below this share of the other's.
const BETTER: f64 = 0.9;

/// Inputs that degrees are chosen on; more cost time and tell little more.
const CHOICE_INPUTS: usize = 256;
/// Parts of which each is held out in turn, where there are fewer inputs than that.
const FOLDS: usize = 4;

/// Degree of the polynomials that stand for activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Degree {
    /// The same for all.
    Fixed(usize),
    /// The least for each at which the outputs are good enough, chosen by the accuracy lost.
    Auto,
}

/// Imports a model as [`crate::import`] does, with its activations fitted by polynomials.
///
/// # Errors
/// As [`crate::import`]; a degree out of [`FIT_DEGREES`], no calibration data or data of another size, a function
/// that is not finite where the data lie; with [`Degree::Auto`] a fit that is of no use.
pub fn import_fitted<'a>(
    source: impl Into<Source<'a>>,
    degree: Degree,
    data: Calibration<'_>,
) -> Result<(Imported, FitReport), Error> {
    check(data)?;
    let source = source.into();
    match degree {
        Degree::Fixed(degree) if !FIT_DEGREES.contains(&degree) => Err(Error::Fit(format!(
            "a degree of {degree} is asked for, {} to {} are possible",
            FIT_DEGREES.start(),
            FIT_DEGREES.end()
        ))),
        Degree::Fixed(degree) => fit(source, &[degree], data),
        Degree::Auto => {
            let (degrees, tried) = degrees(source, data)?;
            let (imported, mut report) = fit(source, &degrees, data)?;
            report.tried = tried;
            refuse_useless(&report)?;
            Ok((imported, report))
        }
    }
}

fn check(data: Calibration<'_>) -> Result<(), Error> {
    if data.inputs.len() <= data.held_out {
        return Err(Error::Fit(
            "there are no calibration inputs; give some".into(),
        ));
    }
    if !data.labels.is_empty() && data.labels.len() != data.inputs.len() {
        return Err(Error::Fit(format!(
            "{} calibration inputs have {} labels; give equally many or none",
            data.inputs.len(),
            data.labels.len()
        )));
    }
    Ok(())
}

fn fit(
    source: Source<'_>,
    degrees: &[usize],
    data: Calibration<'_>,
) -> Result<(Imported, FitReport), Error> {
    let (mut imported, pending) = import::import(source, Some(degrees))?;
    let report = calibrate(&mut imported, &pending, data)?;
    Ok((imported, report))
}

/// Refuses a fit that loses so much that its answers are not those of the model.
fn refuse_useless(report: &FitReport) -> Result<(), Error> {
    let values = !report.has_answers;
    // An error that is no number is no use either.
    let useful = match values {
        true => report.spread_error <= USELESS_ERROR,
        false => report.lost() <= USELESS_CHANGE && report.max_abs_error.is_finite(),
    };
    if useful || report.activations.is_empty() {
        return Ok(());
    }
    let tried: Vec<String> = report.tried.iter().map(|t| t.degree.to_string()).collect();
    let lost = match values {
        true => format!(
            "the error is {:.0} % of what the outputs vary by",
            100.0 * report.spread_error
        ),
        false => format!("{:.1} % of the answers change", 100.0 * report.lost()),
    };
    Err(Error::Fit(format!(
        "degrees {} were tried, and with the best {lost} on {} held-out inputs; give more calibration inputs, or train the \
         network with polynomial activations. A degree that you give, such as --fit-activations 4, is taken as it is",
        tried.join(", "),
        report.inputs
    )))
}

/// What degrees cost on inputs that they were not fitted on.
#[derive(Clone, Copy, Debug)]
struct Cost {
    lost: f64,
    spread_error: f64,
    /// Whether outputs are values, and no answer that could change.
    values: bool,
}

impl Cost {
    /// Whether so little is lost that more is not worth a level.
    fn is_good(&self) -> bool {
        match self.values {
            true => self.spread_error <= GOOD_ERROR,
            false => {
                self.lost <= GOOD_CHANGE / 2.0
                    || (self.lost <= GOOD_CHANGE && self.spread_error <= GOOD_ERROR)
            }
        }
    }

    /// Whether it is better than `lower`, the cost of lower degrees, by so much that it is worth a level.
    fn beats(&self, lower: &Cost) -> bool {
        let error = self.spread_error < BETTER * lower.spread_error;
        match self.values {
            true => error,
            false => {
                self.lost < lower.lost - GOOD_CHANGE
                    || (self.lost < lower.lost + GOOD_CHANGE && error)
            }
        }
    }
}

/// Inputs to choose degrees on, and how they are measured.
struct Choice<'a> {
    source: Source<'a>,
    /// Inputs and their labels, each turn with another part at the end.
    turns: Vec<(Vec<Vec<f64>>, Vec<usize>)>,
    held_out: usize,
}

impl<'a> Choice<'a> {
    /// Inputs that the final report is on choose nothing.
    fn new(source: Source<'a>, data: Calibration<'_>) -> Self {
        let count = (data.inputs.len() - data.held_out).min(CHOICE_INPUTS);
        let inputs = data.inputs[..count].to_vec();
        let labels = data.labels[..count.min(data.labels.len())].to_vec();
        let folds = match (FOLDS..CHOICE_INPUTS).contains(&count) {
            true => FOLDS,
            false => 1,
        };
        let held_out = count / FOLDS;
        let turn = |turn: usize| {
            let (mut inputs, mut labels) = (inputs.clone(), labels.clone());
            inputs.rotate_left(turn * held_out);
            let moved = (turn * held_out).min(labels.len());
            labels.rotate_left(moved);
            (inputs, labels)
        };
        Self {
            source,
            turns: (0..folds).map(turn).collect(),
            held_out,
        }
    }

    /// The cost of degrees, and how many activations there are.
    fn cost(&self, degrees: &[usize]) -> Result<(Cost, usize), Error> {
        let (mut lost, mut squared, mut count, mut values) = (0.0, 0.0, 0, false);
        for (inputs, labels) in &self.turns {
            let data = Calibration {
                inputs,
                labels,
                held_out: self.held_out,
            };
            let (_, report) = fit(self.source, degrees, data)?;
            lost += report.lost();
            squared += report.spread_error.powi(2);
            count = report.activations.len();
            values = !report.has_answers;
        }
        let turns = self.turns.len() as f64;
        let cost = Cost {
            lost: lost / turns,
            spread_error: match squared.is_finite() {
                true => (squared / turns).sqrt(),
                false => f64::INFINITY,
            },
            values,
        };
        Ok((cost, count))
    }
}

/// The degree of each activation, and the common ones that were tried: the least common one of the ladder that is good
/// enough, or the one that measures best; then lower ones where those are no worse.
fn degrees(source: Source<'_>, data: Calibration<'_>) -> Result<(Vec<usize>, Vec<Tried>), Error> {
    let choice = Choice::new(source, data);
    let mut tried = Vec::new();
    let mut best: Option<(usize, Cost)> = None;
    let mut count = 0;
    for (step, degree) in LADDER.iter().enumerate() {
        let cost;
        (cost, count) = choice.cost(&[*degree])?;
        tried.push(Tried {
            degree: *degree,
            lost: cost.lost,
            spread_error: cost.spread_error,
        });
        if best.is_none_or(|(_, best)| cost.is_good() || cost.beats(&best)) {
            best = Some((step, cost));
        }
        if cost.is_good() {
            break;
        }
    }
    let Some((step, wanted)) = best else {
        return Ok((vec![LADDER[0]], tried));
    };
    let mut degrees = vec![LADDER[step]; count];
    for at in 0..degrees.len() {
        for lower in &LADDER[..step] {
            let before = std::mem::replace(&mut degrees[at], *lower);
            let (cost, _) = choice.cost(&degrees)?;
            if cost.is_good() || (!wanted.is_good() && !wanted.beats(&cost)) {
                break;
            }
            degrees[at] = before;
        }
    }
    Ok((degrees, tried))
}
