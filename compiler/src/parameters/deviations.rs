//! Deviations: the errors that each node adds under the decisions for a net, by the table of [`super::noise`].

use super::noise::{encryption_variance, rescale_variance};
use super::structure::Structure;
use crate::net::{Net, NodeKind, TensorId};

/// The errors that each node adds, by the table of [`super::noise`].
pub struct Deviations<'a> {
    net: &'a Net,
    structure: &'a Structure,
    n: f64,
}

impl<'a> Deviations<'a> {
    /// Those of a net under its decisions.
    pub fn new(net: &'a Net, structure: &'a Structure) -> Self {
        let n = f64::from(structure.parameters.log_n()).exp2();
        Self { net, structure, n }
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
            NodeKind::Input => at(encryption_variance(self.n), precision.input),
            NodeKind::WindowSum { .. } => 0.0,
            NodeKind::Product(..) => at(2.0 * rescale, precision.working),
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
