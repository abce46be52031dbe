//! Trust: the outputs up to which errors can be promised.
//!
//! Networks of squares answer most inputs within a narrow range and explode on a few, one in a hundred to one in a
//! million: what is a little too large is squared again and again. Errors grow with it, by any factor, and so does the
//! answer, which is wrong in the clear too. No number of samples bounds such errors, but the answer tells: whoever
//! decrypts outputs far beyond those of samples knows that the promise does not hold for them. So a deep network is
//! promised to be exact for answers up to a bound, and inputs beyond it are not fitted to.

use hemet_schedule::Basis;

use super::Inputs;
use crate::net::{Net, NodeKind, Sizes};

/// Samples with larger outputs than this, over what all but one in [`RARE`] keep to, are explosions: 2 of 1,000 new
/// CIFAR-10 images.
const MARGIN: f64 = 1.5;
const RARE: usize = 100;
/// The bound exceeds the largest output of the other samples by the same where there are at most so many; by less for
/// more, as one of `n` new inputs lies beyond `n` samples.
const FEW: usize = 64;
/// The same over the largest output on made-up inputs, which say little of the outputs to come.
const MARGIN_OF_ASSUMED: f64 = 16.0;
/// Made-up inputs with outputs larger than the middle one of their kind by this factor are explosions.
const EXPLODED: f64 = 4.0;
/// Up to this many squares in a row nothing explodes.
const SHALLOW: usize = 1;

/// The bound that was found, and how many of the samples lie beyond.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Trust {
    /// Largest magnitude of an output for which errors are promised; nothing where that is all.
    pub bound: Option<f64>,
    /// Samples with a larger one.
    pub beyond: usize,
}

impl Inputs {
    /// Leaves out the samples, and those made of them, whose outputs lie beyond the bound. Where the user says what
    /// range outputs have, that is the bound, and samples beyond it are refused elsewhere.
    pub fn within_trust(mut self, net: &Net, range: Option<f64>) -> (Self, Trust) {
        if products_in_a_row(net) <= SHALLOW {
            return (self, Trust::default());
        }
        let at = |bound| Trust {
            bound: Some(bound),
            beyond: 0,
        };
        if let Some(range) = range {
            return (self, at(range));
        }
        if self.basis == Basis::Assumed {
            let mut most = 0.0f64;
            for group in &mut self.groups {
                let sizes = largest(net, group);
                let bound = EXPLODED * middle(&sizes);
                keep(group, &sizes, bound);
                most = sizes
                    .into_iter()
                    .filter(|size| *size <= bound)
                    .fold(most, f64::max);
            }
            return (self, at(MARGIN_OF_ASSUMED * most));
        }
        let fitted = largest(net, &self.groups[0]);
        let held_out = largest(net, &self.held_out);
        let all = [fitted.as_slice(), &held_out].concat();
        let bound = bound(&all);
        let stretched = largest(net, &self.stretched);
        let beyond = all.len() - all.iter().filter(|size| **size <= bound).count();
        keep(&mut self.groups[0], &fitted, bound);
        keep(&mut self.held_out, &held_out, bound);
        keep(&mut self.stretched, &stretched, bound);
        let trust = Trust {
            beyond,
            ..at(bound)
        };
        (self, trust)
    }
}

/// The largest magnitude of an output on each input.
fn largest(net: &Net, inputs: &[Vec<f64>]) -> Vec<f64> {
    if inputs.is_empty() {
        return Vec::new();
    }
    let mut sizes = Sizes::of(net, inputs);
    sizes.largest.swap_remove(net.output().0)
}

/// The bound for outputs of these sizes.
fn bound(sizes: &[f64]) -> f64 {
    let most = MARGIN * usual(sizes);
    let usual = sizes.iter().copied().filter(|size| *size <= most);
    let share = FEW as f64 / sizes.len().max(FEW) as f64;
    (1.0 + (MARGIN - 1.0) * share) * usual.fold(0.0, f64::max)
}

/// What all but the rare ones keep to.
fn usual(sizes: &[f64]) -> f64 {
    let mut sorted = sizes.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get((sorted.len() - sorted.len() / RARE).saturating_sub(1))
        .copied()
        .unwrap_or(0.0)
}

/// The middle one.
fn middle(sizes: &[f64]) -> f64 {
    let mut sorted = sizes.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

fn keep(inputs: &mut Vec<Vec<f64>>, sizes: &[f64], bound: f64) {
    let mut sizes = sizes.iter();
    inputs.retain(|_| sizes.next().is_some_and(|size| *size <= bound));
}

/// Products on the longest path.
pub fn products_in_a_row(net: &Net) -> usize {
    let mut depth = vec![0; net.nodes.len()];
    for id in net.ids() {
        let above = net.node(id).inputs().into_iter().map(|i| depth[i.0]).max();
        let own = usize::from(matches!(net.node(id).kind, NodeKind::Product(..)));
        depth[id.0] = above.unwrap_or(0) + own;
    }
    depth.into_iter().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_size_leaves_out_one_in_a_hundred() {
        let mut sizes: Vec<f64> = (1..=300).map(f64::from).collect();
        sizes[7] = f64::INFINITY;
        assert_eq!(usual(&sizes), 298.0);
        assert_eq!(usual(&[3.0, 1.0]), 3.0);
        assert_eq!(usual(&[]), 0.0);
    }

    #[test]
    fn the_bound_is_above_all_but_explosions_and_the_closer_the_more_samples_there_are() {
        assert_eq!(bound(&[1.0, 2.0]), 3.0);
        let many = [vec![2.0; 127], vec![1e6]].concat();
        assert_eq!(bound(&many), 2.5);
    }
}
