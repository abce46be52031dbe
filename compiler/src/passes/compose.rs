//! Merges consecutive affine maps: batch norm, pools, sums, concatenations and a polynomial's affine parts vanish into
//! their neighbours (coefficient merging, Lou and Jiang, "HEMET", ICML 2021, in its full form).
//!
//! A map is merged into the map after it if that adds no entries, or if no other node reads it and the rotations of
//! the merged map (about `2√d` for `d` diagonals between rasters or, of a grouped map, between layouts interleaved by
//! its groups) are at most those of both plus what a level is worth.
//! So a pool or a batch norm always merges, and two convolutions merge where their product stays small. For
//! throughput, where each entry is a product of its own and nothing rotates, the merged map must have no more entries
//! than both.

use hemet_spaces::Shape;

use super::Context;
use crate::Target;
use crate::maps::Footprint;
use crate::net::{Bias, Net, NodeKind, SparseMap, TensorId, Term};

/// Rotations that a level less is worth: everything before it works on one prime less.
const LEVEL_ROTATIONS: f64 = 6.0;
/// Composed maps larger than this are not tried: they take too long for an estimate.
const MAX_ENTRIES: usize = 1 << 23;
/// Nor are those that multiply the number of entries by more than this.
const MAX_GROWTH: usize = 8;

pub(super) fn run(net: &mut Net, context: &Context<'_>) {
    for id in net.ids() {
        // Each step replaces an operand by operands further up, so this ends.
        while let Some(position) = candidate(net, id, context.options.target) {
            absorb(net, id, position);
        }
    }
    net.prune();
}

/// A term of node `id` whose operand is to be merged into it.
fn candidate(net: &Net, id: TensorId, target: Target) -> Option<usize> {
    let NodeKind::Linear { terms, bias: _ } = &net.node(id).kind else {
        return None;
    };
    let uses = live_uses(net);
    if uses[id.0] == 0 && id != net.output() {
        return None;
    }
    let shape = net.node(id).shape;
    let merges = |position: &usize| worthwhile(net, &terms[*position], shape, &uses, target);
    (0..terms.len()).find(merges)
}

fn worthwhile(net: &Net, outer: &Term, shape: Shape, uses: &[usize], target: Target) -> bool {
    let inner_node = net.node(outer.input);
    let NodeKind::Linear { terms, bias: _ } = &inner_node.kind else {
        return false;
    };
    let only = uses[outer.input.0] == 1;
    if inner_node.shifted().is_some() {
        return true;
    }
    let monomial = terms.iter().all(|t| t.map.is_monomial());
    let entries: usize = terms.iter().map(|t| outer.map.entries_after(&t.map)).sum();
    if monomial && entries <= outer.map.entries() {
        return true;
    }
    if !only {
        return false;
    }
    let before = outer.map.entries() + terms.iter().map(|t| t.map.entries()).sum::<usize>();
    if outer.map.is_monomial() || entries <= outer.map.entries() {
        return true;
    }
    if target == Target::Throughput {
        return entries <= before;
    }
    entries <= MAX_ENTRIES && entries <= MAX_GROWTH * before && cheaper(net, outer, shape, terms)
}

fn cheaper(net: &Net, outer: &Term, shape: Shape, inner: &[Term]) -> bool {
    let rotations = |map: &SparseMap, input: TensorId, output: Shape| {
        let diagonals = Footprint::own_diagonals(map, net.node(input).shape, output);
        2.0 * (diagonals as f64).sqrt()
    };
    let middle = net.node(outer.input).shape;
    let apart: f64 = rotations(&outer.map, outer.input, shape)
        + inner
            .iter()
            .map(|t| rotations(&t.map, t.input, middle))
            .sum::<f64>();
    let merged = inner
        .iter()
        .map(|t| rotations(&outer.map.after(&t.map), t.input, shape));
    merged.sum::<f64>() <= apart + LEVEL_ROTATIONS
}

/// How many live nodes read each tensor.
fn live_uses(net: &Net) -> Vec<usize> {
    let mut live = vec![false; net.nodes.len()];
    let mut uses = vec![0; net.nodes.len()];
    live[net.output().0] = true;
    for id in net.ids().rev() {
        if live[id.0] {
            for input in net.node(id).inputs() {
                live[input.0] = true;
                uses[input.0] += 1;
            }
        }
    }
    uses
}

/// Replaces term `position` of node `id` by the terms of its operand.
fn absorb(net: &mut Net, id: TensorId, position: usize) {
    let NodeKind::Linear { terms, bias } =
        std::mem::replace(&mut net.nodes[id.0].kind, NodeKind::Input)
    else {
        return;
    };
    let outer = &terms[position];
    let inner = &net.nodes[outer.input.0];
    let (label, inner_layers) = ((inner.layer.clone(), inner.weight), inner.layers());
    let mut merged: Vec<Term> = Vec::new();
    let mut constant = bias;
    if let NodeKind::Linear {
        terms: inner_terms,
        bias: inner_bias,
    } = &inner.kind
    {
        constant = add_bias(constant, &outer.map, inner_bias);
        for term in inner_terms {
            let map = outer.map.after(&term.map);
            let input = term.input;
            merged.push(Term { input, map });
        }
    }
    for (_, term) in terms
        .into_iter()
        .enumerate()
        .filter(|(i, _)| *i != position)
    {
        match merged.iter_mut().find(|t| t.input == term.input) {
            Some(same) => same.map = same.map.plus(&term.map),
            None => merged.push(term),
        }
    }
    merged.sort_by_key(|term| term.input);
    let node = &mut net.nodes[id.0];
    node.kind = NodeKind::Linear {
        terms: merged,
        bias: constant,
    };
    let mut layers = node.layers();
    layers.extend(inner_layers);
    if label.1 > node.weight {
        (node.layer, node.weight) = label;
    }
    layers.remove(&node.layer);
    node.merged = layers;
}

/// `bias + map · inner`.
fn add_bias(bias: Bias, map: &SparseMap, inner: &Bias) -> Bias {
    let Bias::Vector(inner) = inner else {
        return bias;
    };
    let moved = inner.as_ref().map(|values| map.apply(values));
    match bias {
        Bias::None => Bias::Vector(moved),
        Bias::Vector(own) => Bias::Vector(own.zip(moved).map(|(mut own, moved)| {
            for (a, b) in own.iter_mut().zip(moved) {
                *a += b;
            }
            own
        })),
    }
}
