//! Whether decrypted slots can be a result of the network: slots that must be equal are, within what is promised, and
//! no honest answer is without noise.

use super::spec::CkksSpec;
use crate::error::{Result, RuntimeError};
use crate::facts::Precision;

/// Refuses slots that no honest server gives. `logits` are those that were asked for, input by input.
///
/// # Errors
/// [`RuntimeError::Implausible`] with the numbers.
pub(super) fn check(spec: &CkksSpec, vectors: &[Vec<f64>], logits: &[Vec<f64>]) -> Result<()> {
    let refuse = |reason: String| Err(RuntimeError::Implausible { reason });
    if vectors.iter().flatten().all(|x| *x == 0.0) {
        return refuse(
            "every slot decrypts to exactly 0, without the noise that each encryption has".into(),
        );
    }
    let Some(precision) = spec.precision else {
        return Ok(());
    };
    // What explodes errs more than is promised, and is told not to be trusted.
    let trusted = spec.trusted_output.unwrap_or(f64::INFINITY);
    if logits.iter().flatten().any(|x| x.abs() > trusted) {
        return Ok(());
    }
    let period = spec.output.period as usize;
    let Some(vector) = vectors.first().filter(|vector| period < vector.len()) else {
        return Ok(());
    };
    // A tensor that takes part of a ciphertext lies in it again and again.
    for position in spec.output.positions() {
        let first = position as usize;
        for slot in (first + period..vector.len()).step_by(period) {
            let pair = [vector[first], vector[slot]];
            let (allowed, difference) = (
                2.0 * promised(precision, logits, pair),
                (pair[0] - pair[1]).abs(),
            );
            if difference > allowed {
                return refuse(format!(
                    "slots {first} and {slot} must be equal and are {:.4e} and {:.4e}, {difference:.1e} apart where \
                     {allowed:.1e} is promised",
                    pair[0], pair[1]
                ));
            }
        }
    }
    Ok(())
}

/// The error that is promised for these slots, whose own size counts where it is above that of the logits.
fn promised(precision: Precision, logits: &[Vec<f64>], pair: [f64; 2]) -> f64 {
    let of_logits = logits.iter().map(|logits| precision.error(logits));
    of_logits.fold(precision.error(&pair), f64::max)
}
