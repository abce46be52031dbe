//! Room: how large the elements of each tensor may become before they wrap round its modulus.

use super::structure::Structure;
use crate::net::{Net, NodeKind, TensorId};

/// Bits that are kept back: one for the sign, one for scales that differ from what was derived.
const KEPT_BACK: f64 = 2.0;

/// log2 of the magnitude that each tensor has room for, in units of the net's values. The output is not looked at: its
/// room is [`crate::Options::output_bits`].
pub fn bits(net: &Net, structure: &Structure) -> Vec<f64> {
    let (levels, precision) = (&structure.levels, &structure.precision);
    let logs: Vec<f64> = structure
        .parameters
        .moduli()
        .iter()
        .map(|q| (*q as f64).log2())
        .collect();
    let held = |id: TensorId| logs[..=levels.level[id.0] as usize].iter().sum::<f64>();
    let mut scales: Vec<f64> = Vec::with_capacity(net.nodes.len());
    for id in net.ids() {
        scales.push(match &net.node(id).kind {
            NodeKind::Input => f64::from(precision.input),
            NodeKind::WindowSum { input, side: _ } => scales[input.0],
            NodeKind::Product(a, b) => {
                let rescaled = levels.rescales[id.0];
                let prime = logs.get(levels.operands(id) as usize).filter(|_| rescaled);
                scales[a.0] + scales[b.0] - prime.copied().unwrap_or(0.0)
            }
            NodeKind::Linear { .. } => match net.node(id).shifted() {
                Some(x) => scales[x.0],
                None => f64::from(precision.of_result(net, id)),
            },
        });
    }
    let room = |id: TensorId| match id == net.output() {
        true => f64::INFINITY,
        false => held(id) - scales[id.0] - KEPT_BACK,
    };
    net.ids().map(room).collect()
}
