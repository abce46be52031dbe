//! Joins branches side by side: squares of affine maps that read the same tensors become one square of the stacked map.
//!
//! The expansions of a Fire module, or the branches of an Inception module, so share their rotations, one square and
//! one relinearization, and the map behind them reads one tensor instead of several.

use std::collections::{BTreeMap, BTreeSet};

use hemet_spaces::Shape;

use super::Context;
use crate::net::{Bias, Net, Node, NodeKind, TensorId, Term};

/// What branches must share: the tensors they read, height and width.
type Key = (Vec<TensorId>, usize, usize);

pub(super) fn run(net: &mut Net, _context: &Context<'_>) {
    let consumers = net.consumers();
    let mut groups: BTreeMap<Key, Vec<TensorId>> = BTreeMap::new();
    for id in net.ids() {
        if let Some(key) = branch(net, &consumers, id) {
            groups.entry(key).or_default().push(id);
        }
    }
    let output = net.output();
    for group in groups.values().filter(|group| group.len() > 1) {
        join(net, group);
    }
    net.sort(output);
    net.prune();
}

/// The key of square `id`, if it can be stacked: its operand has no other reader and only affine maps read the square.
fn branch(net: &Net, consumers: &[Vec<TensorId>], id: TensorId) -> Option<Key> {
    let NodeKind::Product(u, v) = net.node(id).kind else {
        return None;
    };
    let node = net.node(u);
    if u != v || consumers[u.0].len() != 1 || node.shifted().is_some() || id == net.output() {
        return None;
    }
    let NodeKind::Linear { terms, bias: _ } = &node.kind else {
        return None;
    };
    let affine = |c: &TensorId| {
        matches!(net.node(*c).kind, NodeKind::Linear { .. }) && net.node(*c).shifted().is_none()
    };
    let mut inputs: Vec<TensorId> = terms.iter().map(|t| t.input).collect();
    inputs.sort_unstable();
    let Shape { height, width, .. } = node.shape;
    consumers[id.0]
        .iter()
        .all(affine)
        .then_some((inputs, height, width))
}

fn join(net: &mut Net, squares: &[TensorId]) {
    let operands: Vec<TensorId> = squares.iter().map(|s| net.node(*s).inputs()[0]).collect();
    let first = net.node(operands[0]).clone();
    let (mut shape, mut kind, mut offsets) = (first.shape, first.kind, vec![0]);
    for operand in &operands[1..] {
        let node = net.node(*operand);
        offsets.push(shape.len());
        kind = stacked(kind, node, shape.len());
        shape.channels += node.shape.channels;
    }
    let (merged, square_merged) = (others(net, &operands), others(net, squares));
    let operand = net.push(Node {
        layer: first.layer,
        merged,
        weight: first.weight,
        shape,
        kind,
    });
    let square = net.push(Node {
        layer: net.node(squares[0]).layer.clone(),
        merged: square_merged,
        weight: 0,
        shape,
        kind: NodeKind::Product(operand, operand),
    });
    for id in net.ids() {
        reread(net, id, squares, &offsets, square);
    }
}

/// The names of all layers that nodes do, but the first one's own.
fn others(net: &Net, nodes: &[TensorId]) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = nodes.iter().flat_map(|n| net.node(*n).layers()).collect();
    names.remove(&net.node(nodes[0]).layer);
    names
}

/// The block map `kind` (of `rows` outputs) with the map of `node` below it.
fn stacked(kind: NodeKind, node: &Node, rows: usize) -> NodeKind {
    match (kind, &node.kind) {
        (
            NodeKind::Linear { terms, bias },
            NodeKind::Linear {
                terms: more,
                bias: more_bias,
            },
        ) => {
            let stack = |term: Term| {
                let below = more.iter().find(|t| t.input == term.input);
                let map = match below {
                    Some(below) => term.map.stack(&below.map),
                    None => term.map,
                };
                Term {
                    input: term.input,
                    map,
                }
            };
            NodeKind::Linear {
                terms: terms.into_iter().map(stack).collect(),
                bias: stack_bias(bias, more_bias, rows, node.shape.len()),
            }
        }
        (
            kind @ (NodeKind::Input
            | NodeKind::Product(..)
            | NodeKind::Linear { .. }
            | NodeKind::WindowSum { .. }),
            _,
        ) => kind,
    }
}

fn stack_bias(bias: Bias, more: &Bias, rows: usize, more_rows: usize) -> Bias {
    if bias == Bias::None && *more == Bias::None {
        return Bias::None;
    }
    // Whether values are carried shows on either; a bias that is none counts as zeros.
    let values = |bias: &Bias, len: usize| match bias {
        Bias::None => Some(vec![0.0; len]),
        Bias::Vector(values) => values.clone(),
    };
    Bias::Vector(
        values(&bias, rows)
            .zip(values(more, more_rows))
            .map(|(mut own, more)| {
                own.extend(more);
                own
            }),
    )
}

/// Makes node `id` read the joint square where it read one of `squares`.
fn reread(net: &mut Net, id: TensorId, squares: &[TensorId], offsets: &[usize], joint: TensorId) {
    let len = net.node(joint).shape.len();
    let NodeKind::Linear { terms, bias: _ } = &mut net.nodes[id.0].kind else {
        return;
    };
    let mut merged: Vec<Term> = Vec::new();
    for mut term in std::mem::take(terms) {
        if let Some(branch) = squares.iter().position(|s| *s == term.input) {
            term.map = term.map.shift_columns(offsets[branch], len);
            term.input = joint;
        }
        match merged.iter_mut().find(|t| t.input == term.input) {
            Some(same) => same.map = same.map.plus(&term.map),
            None => merged.push(term),
        }
    }
    *terms = merged;
}
