//! Import with fitted activations: of one degree, or of the degree that each layer needs.

use crate::fit::{Calibration, FIT_DEGREES, FitReport, calibrate};
use crate::{Error, Imported, Source, import};

/// Degrees that are tried: the largest for each number of levels.
const LADDER: [usize; 4] = [2, 4, 8, 15];

/// Share of inputs whose answer may change, and error of the outputs against their size, below which a fit is good
/// enough.
const GOOD_CHANGE: f64 = 0.005;
const GOOD_ERROR: f64 = 0.05;

/// Inputs that degrees are chosen on; more cost time and tell little more.
const CHOICE_INPUTS: usize = 256;

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
/// that is not finite where the data lie.
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
        Degree::Auto => fit(source, &degrees(source, data)?, data),
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

/// Whether a fit loses so little that more is not worth a level: few answers change, or, where there is one output
/// and so no answer, the error is small.
fn is_good(imported: &Imported, report: &FitReport) -> bool {
    let lost = match report.accuracy {
        Some((exact, fitted)) => exact - fitted,
        None => 1.0 - report.agreement,
    };
    let outputs = imported.graph.node(imported.graph.output()).shape.len();
    let answers = outputs == 1 || lost <= GOOD_CHANGE;
    answers && (report.relative_error <= GOOD_ERROR || (outputs > 1 && lost <= GOOD_CHANGE / 2.0))
}

/// The degree of each activation: the least common one of the ladder that is good enough, then lower ones where those
/// are too.
fn degrees(source: Source<'_>, data: Calibration<'_>) -> Result<Vec<usize>, Error> {
    // Held-out inputs choose nothing; of the others some are held out here, so that degrees are judged on what was not
    // fitted.
    let count = (data.inputs.len() - data.held_out).min(CHOICE_INPUTS);
    let data = Calibration {
        inputs: &data.inputs[..count],
        labels: &data.labels[..count.min(data.labels.len())],
        held_out: count / 4,
    };
    let mut chosen = None;
    for (step, degree) in LADDER.iter().enumerate() {
        let (imported, report) = fit(source, &[*degree], data)?;
        let count = report.activations.len();
        let good = is_good(&imported, &report);
        if good || step + 1 == LADDER.len() {
            chosen = Some((step, vec![*degree; count], good));
            break;
        }
    }
    let Some((step, mut degrees, true)) = chosen else {
        return Ok(chosen.map_or_else(|| vec![LADDER[0]], |(_, degrees, _)| degrees));
    };
    for at in 0..degrees.len() {
        for lower in &LADDER[..step] {
            let before = std::mem::replace(&mut degrees[at], *lower);
            let (imported, report) = fit(source, &degrees, data)?;
            if is_good(&imported, &report) {
                break;
            }
            degrees[at] = before;
        }
    }
    Ok(degrees)
}
