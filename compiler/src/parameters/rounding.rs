//! Rounding of weights: as few bits as the promised precision allows, so that artifacts stay small.
//!
//! The weights of a node's map are rounded to integers times one power of two. Where that errs, the promise pays: a
//! node's errors are evaluated with the network ([`Simulation::shares_of_rounding`]), and the steps are those with the
//! fewest bits in all whose errors together take at most [`SHARE`] of the promise and leave it kept
//! ([`Simulation::share`]). With `n_l` weights, `v_l` the square of what a node's errors take at step 1, and a budget
//! `B` the bits `Σ n_l·log2(1/Δ_l)` are fewest under `Σ v_l·Δ_l² ≤ B` where `v_l·Δ_l²` goes like `n_l` (reverse
//! water-filling: Cover and Thomas, "Elements of Information Theory", section 10.3.3).

use super::simulate::Simulation;
use crate::net::{NodeKind, Rounding, TensorId};

/// Share of the promise that the rounding of weights may take, if others leave it. Errors of independent sources add
/// as squares.
pub const SHARE: f64 = 0.75;
/// Times that a budget is tried: the errors of single nodes are known to about a fifth only.
const ROUNDS: usize = 6;
/// Part of the budget from which on it counts as used.
const ENOUGH: f64 = 0.85;
/// What the next try aims at.
const AIM: f64 = 0.8;
/// Most that a budget changes between two tries.
const MOST_CHANGE: f64 = 16.0;
/// Exponent of the step at which errors are evaluated, against that of the largest weight.
const TRIAL: i32 = -10;
/// Most bits of an integer, its sign included: with more 32-bit floats are as small.
const MOST_BITS: i32 = 22;

/// Some nodes' weights.
struct Weighted {
    id: TensorId,
    /// Number of weights that an artifact stores.
    count: f64,
    /// Exponent of the power of two above the largest magnitude.
    top: i32,
    /// Exponent of the step.
    step: i32,
    /// Square of the share of the promise that errors take at step 1.
    square: f64,
}

impl Weighted {
    fn square_at(&self, step: i32) -> f64 {
        self.square * (2.0 * f64::from(step)).exp2()
    }

    fn rounding(&self) -> Rounding {
        match self.top - self.step < MOST_BITS {
            true => Rounding::Step(f64::from(self.step).exp2()),
            false => Rounding::Exact,
        }
    }
}

/// How the weights of each node are rounded; `counts` says how many of them are stored, `share` is what
/// [`Simulation::share`] says of exact weights.
pub fn choose(simulation: &Simulation<'_>, counts: &[usize], share: f64) -> Vec<Rounding> {
    let mut nodes = weighted(simulation, counts);
    let exact = vec![Rounding::Exact; simulation.net.nodes.len()];
    let wanted = SHARE.powi(2).min(1.0 - share.powi(2));
    if nodes.is_empty() || wanted <= 0.0 {
        return exact;
    }
    sense(simulation, &mut nodes);
    let mut best = exact.clone();
    // The largest budget that keeps to what is wanted, and the smallest that does not.
    let (mut kept, mut exceeded) = (0.0, f64::INFINITY);
    let mut budget = wanted;
    for _ in 0..ROUNDS {
        allocate(&mut nodes, budget);
        let mut found = exact.clone();
        for node in &nodes {
            found[node.id.0] = node.rounding();
        }
        let taken = simulation.share(&found).powi(2) - share.powi(2);
        if taken <= wanted {
            (best, kept) = (found, budget);
            if taken >= ENOUGH * wanted {
                break;
            }
        } else {
            exceeded = budget;
        }
        budget = if kept > 0.0 && exceeded.is_finite() {
            (kept * exceeded).sqrt()
        } else {
            let change = AIM * wanted / taken.max(0.0);
            budget * change.clamp(1.0 / MOST_CHANGE, MOST_CHANGE)
        };
    }
    best
}

/// The nodes whose maps have weights of their own.
fn weighted(simulation: &Simulation<'_>, counts: &[usize]) -> Vec<Weighted> {
    let net = simulation.net;
    let node = |id: TensorId| {
        let NodeKind::Linear { terms, bias: _ } = &net.node(id).kind else {
            return None;
        };
        let values = terms.iter().flat_map(|term| term.map.all_values());
        let most = values.fold(0.0, |most: f64, v| most.max(v.abs()));
        let is_weighted = counts[id.0] > 0 && most.is_normal();
        is_weighted.then(|| {
            let top = most.log2().floor() as i32 + 1;
            Weighted {
                id,
                count: counts[id.0] as f64,
                top,
                step: top + TRIAL,
                square: 0.0,
            }
        })
    };
    net.ids().filter_map(node).collect()
}

/// Finds what the errors of each node take.
fn sense(simulation: &Simulation<'_>, nodes: &mut [Weighted]) {
    let mut trial = vec![Rounding::Exact; simulation.net.nodes.len()];
    for node in nodes.iter() {
        trial[node.id.0] = node.rounding();
    }
    let ids: Vec<TensorId> = nodes.iter().map(|node| node.id).collect();
    let shares = simulation.shares_of_rounding(&ids, &trial);
    for (node, share) in nodes.iter_mut().zip(shares) {
        node.square = share.powi(2) * (-2.0 * f64::from(node.step)).exp2();
    }
}

/// Sets the steps: what the rule of the module gives, rounded down, then larger ones where most bits are saved for
/// what they take.
fn allocate(nodes: &mut [Weighted], budget: f64) {
    let all: f64 = nodes.iter().map(|node| node.count).sum();
    for node in nodes.iter_mut() {
        let own = budget * node.count / all;
        // Weights that no error follows from, as all integers, need no step below that of the trial.
        if node.square > 0.0 && node.square.is_finite() {
            node.step = ((own / node.square).log2() / 2.0).floor() as i32;
        }
    }
    loop {
        let taken: f64 = nodes.iter().map(|node| node.square_at(node.step)).sum();
        let more = |node: &Weighted| node.square_at(node.step + 1) - node.square_at(node.step);
        let fits = |node: &&mut Weighted| {
            node.square > 0.0 && node.step + 1 < node.top && taken + more(node) <= budget
        };
        let gain = |node: &&mut Weighted| node.count / more(node);
        let best = nodes
            .iter_mut()
            .filter(fits)
            .max_by(|a, b| gain(a).total_cmp(&gain(b)));
        match best {
            Some(node) => node.step += 1,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_nodes_get_larger_steps_and_the_budget_is_kept() {
        let node = |count, square| Weighted {
            id: TensorId(0),
            count,
            top: 0,
            step: TRIAL,
            square,
        };
        let mut nodes = [node(1e3, 1e4), node(1e6, 1e4), node(1e6, 1e8)];
        allocate(&mut nodes, 0.1);
        let [small, large, delicate] = nodes.each_ref().map(|n| n.step);
        // By the rule a ten thousandfold variance is worth almost seven bits; few weights get what the others cannot
        // use.
        assert!(small <= large, "{small} {large}");
        assert!((6..=8).contains(&(large - delicate)), "{large} {delicate}");
        let taken: f64 = nodes.iter().map(|n| n.square_at(n.step)).sum();
        assert!(taken <= 0.1 && taken > 0.1 / 4.0, "{taken}");
    }
}
