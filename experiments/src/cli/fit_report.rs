//! What fitting activations by polynomials cost, as it is printed.

use hemet_onnx::FitReport;

use crate::common::percent;

/// Above these a fit is warned of: answers lost, and error against the deviation of the outputs.
const MUCH_LOST: f64 = 0.02;
const LARGE_ERROR: f64 = 0.1;

/// Prints what was tried, what was chosen and what it costs; warns where that is much.
pub fn print(report: &FitReport) {
    for tried in &report.tried {
        println!(
            "tried: degree {} for all loses {} of the answers, with an error of {} of the outputs' deviation",
            tried.degree,
            percent(tried.lost),
            percent(tried.spread_error)
        );
    }
    println!(
        "{:<24} {:>22} {:>10} {:>7}  function",
        "activation", "range seen", "error", "degree"
    );
    for fitted in &report.activations {
        let range = format!("{:.3} to {:.3}", fitted.range.0, fitted.range.1);
        let (error, function) = (percent(fitted.relative_error), &fitted.function);
        let (layer, degree) = (&fitted.layer, fitted.degree);
        println!("{layer:<24} {range:>22} {error:>10} {degree:>7}  {function}");
    }
    println!(
        "fitted: on {} held-out inputs the outputs differ by {} in the root mean square ({} of their deviation), {:.2e} at \
         most{}",
        report.inputs,
        percent(report.relative_error),
        percent(report.spread_error),
        report.max_abs_error,
        match report.has_answers {
            true => format!("; the answer is the same for {}", percent(report.agreement)),
            false => String::new(),
        }
    );
    if let Some((exact, fitted)) = report.accuracy {
        println!(
            "accuracy on them: {} as it was, {} fitted",
            percent(exact),
            percent(fitted)
        );
    }
    warn(report);
}

fn warn(report: &FitReport) {
    for fitted in report.activations.iter().filter(|f| f.outside > 0.0) {
        eprintln!(
            "warning: {} of the values of `{}` on held-out inputs lie outside the range that it was fitted on, where its \
             polynomial means nothing; give more calibration inputs",
            percent(fitted.outside),
            fitted.layer
        );
    }
    let much = match report.has_answers {
        true => report.lost() > MUCH_LOST,
        false => report.spread_error > LARGE_ERROR,
    };
    if much {
        eprintln!(
            "warning: fitting loses {} of the answers, with an error of {} of the outputs' deviation; give more calibration \
             inputs or a higher degree, or train with polynomial activations",
            percent(report.lost()),
            percent(report.spread_error)
        );
    }
}
