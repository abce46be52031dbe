//! Fits activations that are no polynomials (ReLU, SiLU, GELU, …) by polynomials on the ranges that calibration data
//! show.
//!
//! An activation becomes an affine map of its seen range onto [−1, 1] (which merges into the layer before it) and a
//! polynomial there, nearest in the mean square where the data lie. Layers are fitted in order, each on what the
//! layers before it really give, so later ones make up for the errors of earlier ones.

mod calibrate;
mod curve;
mod least_squares;
mod plan;
mod report;

use std::rc::Rc;

pub(crate) use calibrate::calibrate;
pub(crate) use curve::Curve;
pub(crate) use plan::{Role, roles};

/// Least and largest degree of a fitted polynomial. In powers, higher ones lose the digits of 32-bit coefficients.
pub const FIT_DEGREES: std::ops::RangeInclusive<usize> = 2..=15;

/// Inputs that the network will see, to fit activations on.
#[derive(Clone, Copy, Debug)]
pub struct Calibration<'a> {
    /// Each in channel-major order.
    pub inputs: &'a [Vec<f64>],
    /// Class of each input; empty where it is not known.
    pub labels: &'a [usize],
    /// So many of them, the last ones, are held out: nothing is fitted on them, and the report is on them.
    pub held_out: usize,
}

/// What fitting cost in accuracy, measured in 64-bit floats on the calibration data that were held out (on all of them
/// where none were).
#[derive(Clone, Debug, PartialEq)]
pub struct FitReport {
    /// Activation by activation, in the order of the network.
    pub activations: Vec<FittedActivation>,
    /// Calibration inputs that it was measured on.
    pub inputs: usize,
    /// Greatest difference of any output.
    pub max_abs_error: f64,
    /// Root mean square of the differences over that of the outputs.
    pub relative_error: f64,
    /// Root mean square of the differences over the deviation of the outputs from their mean: what of a regression is
    /// lost.
    pub spread_error: f64,
    /// Whether the model's outputs are an answer, a class; otherwise they are values.
    pub has_answers: bool,
    /// Share of inputs with the same answer; 1 where there are none.
    pub agreement: f64,
    /// Share of right answers with the activations as they were and as fitted, where labels are known.
    pub accuracy: Option<(f64, f64)>,
    /// The common degrees that were tried before degrees were chosen; empty where they were given.
    pub tried: Vec<Tried>,
}

impl FitReport {
    /// Share of answers that fitting changes for the worse, 0 to 1: of right ones where labels are known.
    pub fn lost(&self) -> f64 {
        match self.accuracy {
            Some((exact, fitted)) => exact - fitted,
            None => 1.0 - self.agreement,
        }
    }
}

/// One degree for all activations, and what it costs on inputs that it was not fitted on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    /// The degree.
    pub degree: usize,
    /// See [`FitReport::lost`].
    pub lost: f64,
    /// See [`FitReport::spread_error`].
    pub spread_error: f64,
}

/// A fitted activation.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedActivation {
    /// Name of the layer.
    pub layer: String,
    /// What was fitted, such as `Mul(x, Sigmoid(x))`.
    pub function: String,
    /// Degree of the polynomial.
    pub degree: usize,
    /// Least and greatest input seen.
    pub range: (f64, f64),
    /// Root mean square of its error over that of its output.
    pub relative_error: f64,
    /// Share of its values on held-out inputs that lie outside the range that it was fitted on, 0 to 1.
    pub outside: f64,
}

impl Pending {
    /// The curve of a channel.
    pub(crate) fn curve(&self, channel: usize) -> &Curve {
        &self.curves[channel.min(self.curves.len() - 1)]
    }
}

/// An activation whose coefficients are still to be found.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    /// Name of the Affine layer that brings its input into [−1, 1].
    pub(crate) scale: String,
    /// Name of the Poly layer.
    pub(crate) poly: String,
    /// One, or one a channel.
    pub(crate) curves: Vec<Rc<Curve>>,
}
