//! `greedy`: HEMET's block-by-block rule.
//!
//! Q. Lou and L. Jiang, HEMET: A Homomorphic-Encryption-Friendly Privacy-Preserving Mobile Neural Network Architecture,
//! ICML 2021: start from the network of mobile blocks; at each position in turn put a regular convolution in the place
//! of the mobile block, and keep it if the predicted latency falls. Latency is known without training, so the whole
//! path is; every network on it is proposed, kept or not, so that its accuracy is known too.

use hemet_spaces::{Architecture, Space};

use super::{Context, Strategy};
use crate::Seed;
use crate::constraint::CostEstimate;

pub(super) struct Greedy;

impl Strategy for Greedy {
    fn name(&self) -> &'static str {
        "greedy"
    }

    fn about(&self) -> &'static str {
        "from the all-mobile network, block by block a regular convolution where it lowers the latency (HEMET, Lou and Jiang 2021)"
    }

    fn propose(&self, context: &Context<'_>, _: Seed) -> Option<Architecture> {
        path(context.space, context.cost)
            .into_iter()
            .find(|architecture| !context.is_tried(architecture))
    }
}

/// Every network that the rule looks at, in order.
fn path(
    space: &Space,
    cost: &dyn Fn(&Architecture) -> Result<CostEstimate, String>,
) -> Vec<Architecture> {
    // An infeasible network is slower than any feasible one.
    let latency = |a: &Architecture| cost(a).map_or(f64::INFINITY, |c| c.latency_ms);
    let mut kept = space.mobile();
    let mut kept_latency = latency(&kept);
    let mut path = vec![kept.clone()];
    for position in 0..space.positions().len() {
        let Some(candidate) = space.regular(&kept, position) else {
            continue;
        };
        let candidate_latency = latency(&candidate);
        path.push(candidate.clone());
        if candidate_latency < kept_latency {
            (kept, kept_latency) = (candidate, candidate_latency);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::conformance::{cost_of, three_positions};

    #[test]
    fn a_regular_convolution_stays_only_where_the_latency_falls() {
        let space = three_positions();
        let mobile = space.mobile();
        let at = |positions: &[usize]| {
            positions.iter().fold(mobile.clone(), |a, p| {
                space
                    .regular(&a, *p)
                    .expect("a regular convolution is listed")
            })
        };
        // Latency falls at the second position alone.
        let latency = |a: &Architecture| {
            let regular =
                |p: usize| f64::from(a.genes != mobile.genes && a.genes[p] == at(&[p]).genes[p]);
            10.0 + regular(0) - 2.0 * regular(1) + 3.0 * regular(2)
        };
        let cost = |a: &Architecture| Ok(cost_of(latency(a)));
        assert_eq!(
            path(&space, &cost),
            [mobile.clone(), at(&[0]), at(&[1]), at(&[1, 2])]
        );
    }

    #[test]
    fn a_feasible_convolution_replaces_an_infeasible_start() {
        let space = three_positions();
        let mobile = space.mobile();
        let cost = |a: &Architecture| match *a == mobile {
            true => Err("too deep".to_owned()),
            false => Ok(cost_of(5.0)),
        };
        let path = path(&space, &cost);
        let first = space.regular(&mobile, 0).expect("listed");
        let second = space.regular(&first, 1).expect("listed");
        assert_eq!(path[..3], [mobile, first, second]);
    }
}
