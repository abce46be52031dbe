//! `greedy`: HEMET's block-by-block rule.
//!
//! Q. Lou and L. Jiang, HEMET: A Homomorphic-Encryption-Friendly Privacy-Preserving Mobile Neural Network Architecture,
//! ICML 2021: start from the network of mobile blocks; at each position in turn put a regular convolution in the place
//! of the mobile block, and keep it if the predicted latency falls. One round ends in a local optimum, up to a third slower than
//! the best network of a small space, because a block's gain depends on the others (depth, ring degree, layouts). So rounds go on
//! until none exchanges anything, back to mobile blocks too, and again from the network of regular convolutions. Latency is known without
//! training, so the whole path is; every network on it is proposed, kept or not, so that its accuracy is known too.

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
        "from the all-mobile network, block by block a regular convolution where it lowers the latency (HEMET, Lou and Jiang 2021), in \
         rounds, and back from the all-regular one"
    }

    fn propose(&self, context: &Context<'_>, _: Seed) -> Option<Architecture> {
        path(context.space, context.cost)
            .into_iter()
            .find(|architecture| !context.is_tried(architecture))
    }
}

/// Every network that is looked at, in order, each once.
fn path(
    space: &Space,
    cost: &dyn Fn(&Architecture) -> Result<CostEstimate, String>,
) -> Vec<Architecture> {
    let mut walk = Walk {
        space,
        cost,
        seen: Vec::new(),
    };
    let mobile = space.mobile();
    let positions: Vec<usize> = (0..space.positions().len())
        .filter(|p| space.regular(&mobile, *p).is_some())
        .collect();
    let mut from_mobile = vec![false; positions.len()];
    walk.round(&mobile, &positions, &mut from_mobile);
    // Until here it is HEMET's rule.
    while walk.round(&mobile, &positions, &mut from_mobile) {}
    let mut from_regular = vec![true; positions.len()];
    while walk.round(&mobile, &positions, &mut from_regular) {}
    walk.seen.into_iter().map(|(a, _)| a).collect()
}

struct Walk<'a> {
    space: &'a Space,
    cost: &'a dyn Fn(&Architecture) -> Result<CostEstimate, String>,
    /// With their latencies in milliseconds.
    seen: Vec<(Architecture, f64)>,
}

impl Walk<'_> {
    /// Exchanges the block at each position in turn and keeps what lowers the latency; whether anything did. `regular` says where a
    /// regular convolution stands.
    fn round(&mut self, mobile: &Architecture, positions: &[usize], regular: &mut [bool]) -> bool {
        let mut least = self.latency(mobile, positions, regular);
        let mut improved = false;
        for position in 0..positions.len() {
            regular[position] = !regular[position];
            let latency = self.latency(mobile, positions, regular);
            if latency < least {
                (least, improved) = (latency, true);
            } else {
                regular[position] = !regular[position];
            }
        }
        improved
    }

    fn latency(&mut self, mobile: &Architecture, positions: &[usize], regular: &[bool]) -> f64 {
        let chosen = positions.iter().zip(regular).filter(|(_, r)| **r);
        let architecture = chosen.fold(mobile.clone(), |a, (p, _)| {
            self.space.regular(&a, *p).unwrap_or(a)
        });
        if let Some((_, latency)) = self.seen.iter().find(|(a, _)| *a == architecture) {
            return *latency;
        }
        // An infeasible network is slower than any feasible one.
        let latency = (self.cost)(&architecture).map_or(f64::INFINITY, |c| c.latency_ms);
        self.seen.push((architecture, latency));
        latency
    }
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
        let path = path(&space, &cost);
        assert_eq!(path[..4], [mobile.clone(), at(&[0]), at(&[1]), at(&[1, 2])]);
        // Further rounds and those from the other end find nothing better here.
        assert!(path.contains(&at(&[0, 1, 2])));
        let fastest = path.iter().min_by(|a, b| latency(a).total_cmp(&latency(b)));
        assert_eq!(fastest, Some(&at(&[1])));
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
