//! Deviations: the errors that each node adds under the decisions for a net, by the table of [`super::noise`].

use hemet_ckks_params::{Parameters, digits_share};

use super::noise::{encryption_variance, rescale_variance, switch_variance};
use super::structure::Structure;
use crate::net::{Net, NodeKind, TensorId};

/// The errors that each node adds, by the table of [`super::noise`].
pub struct Deviations<'a> {
    net: &'a Net,
    structure: &'a Structure,
    n: f64,
    /// Variance of switching keys.
    switch: f64,
}

impl<'a> Deviations<'a> {
    /// Those of a net under its decisions.
    pub fn new(net: &'a Net, structure: &'a Structure) -> Self {
        let parameters = &structure.parameters;
        let n = f64::from(parameters.log_n()).exp2();
        let digits = digits_share(parameters.moduli().len(), margin_bits(parameters));
        Self {
            net,
            structure,
            n,
            switch: switch_variance(n, digits),
        }
    }

    /// Standard deviation that node `id` adds to each element; `rounded` as in [`super::Precision::derive`].
    pub fn of(&self, id: TensorId, rounded: f64) -> f64 {
        let precision = &self.structure.precision;
        let at = |variance: f64, bits: u32| variance * (-2.0 * f64::from(bits)).exp2();
        let rescale = match self.structure.levels.rescales[id.0] {
            true => rescale_variance(self.n),
            false => 0.0,
        };
        let variance = match self.net.node(id).kind {
            NodeKind::Input => {
                let switch = match precision.switched_input {
                    true => self.switch,
                    false => 0.0,
                };
                at(encryption_variance(self.n) + switch, precision.input)
            }
            NodeKind::WindowSum { .. } => 0.0,
            NodeKind::Product(..) if rescale == 0.0 => 0.0,
            NodeKind::Product(..) => at(rescale + self.switch, precision.working),
            NodeKind::Linear { .. } => {
                at(rescale, precision.of_result(self.net, id))
                    + at(rounded / 24.0, precision.plain[id.0])
            }
        };
        let size = match id == self.net.output() {
            true => f64::from(precision.output_size).exp2(),
            false => 1.0,
        };
        variance.sqrt() * size
    }
}

/// Bits by which the special primes exceed the widest digit together.
fn margin_bits(parameters: &Parameters) -> f64 {
    let bits = |primes: &[u64]| primes.iter().map(|&q| (q as f64).log2()).sum::<f64>();
    let digits = parameters.digit_ranges();
    let widest = digits
        .map(|range| bits(&parameters.moduli()[range]))
        .fold(0.0, f64::max);
    bits(parameters.special()) - widest
}
