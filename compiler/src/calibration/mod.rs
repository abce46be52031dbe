//! Calibration: the inputs that a network is compiled for.
//!
//! Samples are checked, and a quarter of them is held out: scales are fitted to the others, the promise is tested on
//! those. Without samples inputs are made up ([`plausible`]); what is promised then holds for such inputs, with a
//! margin.

mod check;
pub mod features;
mod headroom;
mod plausible;
mod stretched;
mod tail;
mod trust;

pub use check::check_samples;
pub use headroom::{Headroom, lacking};
pub use plausible::{Known, MOST_SIZE};
pub use tail::{CONFIDENCE, error};
pub use trust::{Trust, products_in_a_row};

use hemet_schedule::{Basis, InputTransform};

use crate::net::Net;
use crate::{Error, Options};

/// Most samples that are looked at.
pub const SAMPLES: usize = 1024;
/// Products of a weight and a number that one pass over the samples may take, and the samples that it takes at least.
const PRODUCTS: usize = 10_000_000_000;
const LEAST: usize = 24;
/// Every so many samples one is held out.
const HELD_OUT: usize = 4;

/// Inputs to fit to, in groups that each must keep the promise, and inputs to test on.
pub struct Inputs {
    /// What they are.
    pub basis: Basis,
    /// To fit to: the samples as one group, or the kinds of made-up inputs.
    pub groups: Vec<Vec<Vec<f64>>>,
    /// To test on; none where inputs are made up.
    pub held_out: Vec<Vec<f64>>,
    /// A little farther out than those to fit to; none where these are made up.
    pub stretched: Vec<Vec<f64>>,
}

impl Inputs {
    /// Those of the first [`SAMPLES`] samples (fewer for a large network); where there are none, choices of made-up
    /// ones, the most inclusive first.
    ///
    /// # Errors
    /// As [`check_samples`]; [`Error::Unbounded`] where no made-up inputs leave the network's values in proportion.
    pub fn choices(
        samples: &[Vec<f64>],
        net: &Net,
        known: &Known<'_>,
        options: &Options,
    ) -> Result<Vec<Self>, Error> {
        if samples.is_empty() {
            let assumed = |groups| Self {
                basis: Basis::Assumed,
                groups,
                held_out: Vec::new(),
                stretched: Vec::new(),
            };
            let choices = match known.moments.is_empty() {
                true => plausible::choices(net, options)?,
                false => plausible::choices_by_moments(known, options)?,
            };
            return Ok(choices.into_iter().map(assumed).collect());
        }
        check_samples(samples, Some(net.nodes[0].shape.len()))?;
        let most = (PRODUCTS / net.entries().max(1)).clamp(LEAST, SAMPLES);
        let some = samples.iter().take(most).cloned().enumerate();
        let (held_out, fitted): (Vec<_>, Vec<_>) =
            some.partition(|(i, _)| i % HELD_OUT == HELD_OUT - 1);
        let of = |part: Vec<(usize, Vec<f64>)>| -> Vec<Vec<f64>> {
            part.into_iter().map(|(_, x)| x).collect()
        };
        let fitted = of(fitted);
        Ok(vec![Self {
            basis: Basis::Samples,
            stretched: stretched::inputs(&fitted),
            groups: vec![fitted],
            held_out: of(held_out),
        }])
    }

    /// All inputs to fit to.
    pub fn fitted(&self) -> Vec<Vec<f64>> {
        self.groups.concat()
    }

    /// What a client would make of them.
    pub fn transformed(&self, transform: Option<&InputTransform>) -> Self {
        let of = |inputs: &[Vec<f64>]| -> Vec<Vec<f64>> {
            let apply = |x: &Vec<f64>| transform.map_or_else(|| x.clone(), |t| t.apply(x));
            inputs.iter().map(apply).collect()
        };
        Self {
            basis: self.basis,
            groups: self.groups.iter().map(|group| of(group)).collect(),
            held_out: of(&self.held_out),
            stretched: of(&self.stretched),
        }
    }
}
