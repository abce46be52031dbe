//! `greedy`: HEMET's block-by-block rule.
//!
//! Q. Lou and L. Jiang, HEMET: A Homomorphic-Encryption-Friendly Privacy-Preserving Mobile Neural Network
//! Architecture, ICML 2021: start from the network of mobile blocks; at each position in turn put a regular
//! convolution in the place of the mobile block, and keep it if the predicted latency falls. Here what must fall is
//! the first objective beside accuracy, of which latency is one case (and what decides where that objective stays the
//! same, as depth and key size often do). One round ends in a local optimum, up to a third slower than the best
//! network of a small space, because a block's gain depends on the others (depth, ring degree, layouts). So rounds go
//! on until none exchanges anything, back to mobile blocks too, and again from the network of regular convolutions.
//! All of these are known without training, so the whole path is; every network on it is proposed, kept or not, so
//! that its accuracy is known too.

use hemet_spaces::{Architecture, Space};

use super::{Context, Strategy};
use crate::Seed;
use crate::trial::Point;

pub(super) struct Greedy;

impl Strategy for Greedy {
    fn name(&self) -> &'static str {
        "greedy"
    }

    fn about(&self) -> &'static str {
        "from the all-mobile network, block by block a regular convolution where it lowers the latency (HEMET, Lou and Jiang 2021) or \
         what else is the first objective beside accuracy, in rounds, and back from the all-regular one"
    }

    fn propose(&self, context: &Context<'_>, _: Seed) -> Option<Architecture> {
        path(context.space, &|architecture| loss(context, architecture))
            .into_iter()
            .find(|architecture| !context.is_tried(architecture))
    }
}

/// What is to fall: the first objective beside accuracy, then the latency in milliseconds. An infeasible network is
/// worse than any feasible one.
type Loss = [f64; 2];

fn loss(context: &Context<'_>, architecture: &Architecture) -> Loss {
    let Ok(cost) = (context.cost)(architecture) else {
        return [f64::INFINITY; 2];
    };
    // Accuracy has no part in it.
    let point = Point::with(0, 0.0, &cost);
    let second = context.objectives.second();
    let loss = second.map_or(cost.latency_ms, |o| context.objectives.loss(o, &point));
    [loss, cost.latency_ms]
}

/// Every network that is looked at, in order, each once.
fn path(space: &Space, loss: &dyn Fn(&Architecture) -> Loss) -> Vec<Architecture> {
    let mut walk = Walk {
        space,
        loss,
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
    loss: &'a dyn Fn(&Architecture) -> Loss,
    seen: Vec<(Architecture, Loss)>,
}

impl Walk<'_> {
    /// Exchanges the block at each position in turn and keeps what lowers the loss; whether anything did. `regular`
    /// says where a regular convolution stands.
    fn round(&mut self, mobile: &Architecture, positions: &[usize], regular: &mut [bool]) -> bool {
        let mut least = self.loss(mobile, positions, regular);
        let mut improved = false;
        for position in 0..positions.len() {
            regular[position] = !regular[position];
            let loss = self.loss(mobile, positions, regular);
            if loss < least {
                (least, improved) = (loss, true);
            } else {
                regular[position] = !regular[position];
            }
        }
        improved
    }

    fn loss(&mut self, mobile: &Architecture, positions: &[usize], regular: &[bool]) -> Loss {
        let chosen = positions.iter().zip(regular).filter(|(_, r)| **r);
        let architecture = chosen.fold(mobile.clone(), |a, (p, _)| {
            self.space.regular(&a, *p).unwrap_or(a)
        });
        if let Some((_, loss)) = self.seen.iter().find(|(a, _)| *a == architecture) {
            return *loss;
        }
        let loss = (self.loss)(&architecture);
        self.seen.push((architecture, loss));
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constraint::{Constraints, CostEstimate};
    use crate::objective::{DEFAULT, Objectives};
    use crate::strategy::conformance::{cost_of, three_positions};

    /// The path in the space of three positions, with these objectives.
    fn path_of(
        objectives: &[&str],
        cost: &dyn Fn(&Architecture) -> Result<CostEstimate, String>,
    ) -> Vec<Architecture> {
        let context = Context {
            space: &three_positions(),
            history: &[],
            pending: &[],
            objectives: &Objectives::new(objectives, &Constraints::default()).expect("sound"),
            cost,
        };
        path(context.space, &|architecture| loss(&context, architecture))
    }

    /// Regular convolutions at these positions.
    fn at(positions: &[usize]) -> Architecture {
        let space = three_positions();
        positions.iter().fold(space.mobile(), |a, p| {
            space
                .regular(&a, *p)
                .expect("a regular convolution is listed")
        })
    }

    /// Whether there is a regular convolution at a position: 1 or 0.
    fn regular(a: &Architecture, position: usize) -> f64 {
        f64::from(a.genes[position] != at(&[]).genes[position])
    }

    #[test]
    fn a_regular_convolution_stays_only_where_the_latency_falls() {
        // Latency falls at the second position alone.
        let latency =
            |a: &Architecture| 10.0 + regular(a, 0) - 2.0 * regular(a, 1) + 3.0 * regular(a, 2);
        let path = path_of(&DEFAULT, &|a| Ok(cost_of(latency(a))));
        assert_eq!(path[..4], [at(&[]), at(&[0]), at(&[1]), at(&[1, 2])]);
        // Further rounds and those from the other end find nothing better here.
        assert!(path.contains(&at(&[0, 1, 2])));
        let fastest = path.iter().min_by(|a, b| latency(a).total_cmp(&latency(b)));
        assert_eq!(fastest, Some(&at(&[1])));
    }

    #[test]
    fn it_goes_down_in_the_first_objective_beside_accuracy_and_among_equals_in_latency() {
        // The first position lowers the depth, the second the keys; the third the latency alone.
        let cost = |a: &Architecture| {
            Ok(CostEstimate {
                depth: 5 - regular(a, 0) as usize,
                key_bytes: 4 - regular(a, 1) as u64,
                latency_ms: 10.0 + 2.0 * regular(a, 0) + 2.0 * regular(a, 1) - regular(a, 2),
                ..cost_of(0.0)
            })
        };
        for (objectives, path) in [
            (
                ["accuracy", "depth"],
                [at(&[]), at(&[0]), at(&[0, 1]), at(&[0, 2])],
            ),
            (
                ["key_size", "accuracy"],
                [at(&[]), at(&[0]), at(&[1]), at(&[1, 2])],
            ),
            (
                ["accuracy", "latency"],
                [at(&[]), at(&[0]), at(&[1]), at(&[2])],
            ),
        ] {
            assert_eq!(path_of(&objectives, &cost)[..4], path, "{objectives:?}");
        }
        assert_eq!(
            path_of(&["accuracy"], &cost),
            path_of(&DEFAULT, &cost),
            "latency, where there is no other"
        );
    }

    #[test]
    fn a_feasible_convolution_replaces_an_infeasible_start() {
        let mobile = at(&[]);
        let path = path_of(&DEFAULT, &|a| match *a == mobile {
            true => Err("too deep".to_owned()),
            false => Ok(cost_of(5.0)),
        });
        assert_eq!(path[..3], [mobile.clone(), at(&[0]), at(&[0, 1])]);
    }
}
