//! The encrypted argmax: the client gets the class and nothing of the logits.
//!
//! Every pair of classes is compared by the sign of the difference of its logits (`n(n − 1)/2` bootstraps), each class
//! counts its wins, and the class with `n − 1` wins says its number (`n` bootstraps); the sum of these is the label.
//! Of equal logits the first wins, as in [`hemet_spaces::quantized::label`]. Differences are rounded off by as many
//! bits as is cheapest: the sign does not change when low bits go.

use hemet_schedule::tfhe::{Schedule, estimate};
use hemet_spaces::QuantizedNetwork;
use hemet_spaces::quantized::{
    IntegerMap, Limits, Operation, QuantizedNode, TableLayer, ValueRange,
};

use crate::tfhe::choose::choose;
use crate::tfhe::stages::{Stages, stages};
use crate::tfhe::{Error, Options};

/// Most low bits of a difference that are rounded off.
const MAX_SHIFT: u32 = 6;

/// The cheapest schedule that gives the label.
///
/// # Errors
/// As [`crate::tfhe::compile`]; the error of the last shift if none works.
pub fn choose_label(network: &QuantizedNetwork, options: &Options) -> Result<Schedule, Error> {
    let mut best: Option<(f64, Schedule)> = None;
    let mut last = None;
    for shift in 0..=MAX_SHIFT {
        match choose(&stages(&with_label(network, shift)?)?, options) {
            Ok(found) => {
                let cost = estimate(&found, &options.costs)?.total_ms;
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, found));
                }
            }
            Err(error) => last = Some(error),
        }
    }
    match (best, last) {
        (Some((_, found)), _) => Ok(found),
        (None, Some(error)) => Err(error),
        (None, None) => Err(Error::NoSet {
            set: "(none)".into(),
            layer: "argmax".into(),
            found: 0.0,
        }),
    }
}

/// The network with an argmax behind its logits: one output, the label. Differences lose `shift` low bits.
///
/// # Errors
/// A network with one output, or with logits too wide for a table.
pub fn with_label(network: &QuantizedNetwork, shift: u32) -> Result<QuantizedNetwork, Error> {
    let classes = network.output_len();
    let pairs: Vec<(u32, u32)> = (0..classes as u32)
        .flat_map(|i| (i + 1..classes as u32).map(move |j| (i, j)))
        .collect();
    let difference = IntegerMap::from_rows(
        classes,
        pairs.iter().map(|(i, j)| (vec![(*i, 1), (*j, -1)], 0)),
    );
    let widest = widest_difference(&stages(network)?, &difference)?;
    let half = u32::try_from(widest >> shift)
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    let mut signs = TableLayer::uniform(half.max(1), 1, pairs.len().max(1), 1, |_| 1);
    signs.shift = shift;
    let wins = wins(classes, &pairs);
    let winner = TableLayer {
        half: classes as u32,
        shift: 0,
        channel_len: 1,
        tables: (0..classes)
            .map(|class| winner_table(classes, class))
            .collect(),
        flip: (0..classes as i32).collect(),
    };
    let sum = IntegerMap::from_rows(
        classes,
        [((0..classes as u32).map(|c| (c, 1)).collect(), 0)],
    );
    let mut nodes = network.nodes().to_vec();
    let mut push = |name: &str, len: usize, operation: Operation| {
        let inputs = vec![nodes.len() - 1];
        nodes.push(QuantizedNode {
            name: format!("argmax.{name}"),
            shape: [len, 1, 1],
            inputs,
            operation,
        });
    };
    push("difference", pairs.len(), linear(difference));
    push("sign", pairs.len(), Operation::Table(signs));
    push("wins", classes, linear(wins));
    push("winner", classes, Operation::Table(winner));
    push("label", 1, linear(sum));
    Ok(QuantizedNetwork::new(nodes, 1.0)?)
}

/// How often each class wins, from the signs of all pairs' differences.
fn wins(classes: usize, pairs: &[(u32, u32)]) -> IntegerMap {
    let row = |class: u32| {
        let of_pair = |(position, (i, j)): (usize, &(u32, u32))| match class {
            _ if *i == class => Some((position as u32, 1)),
            _ if *j == class => Some((position as u32, -1)),
            _ => None,
        };
        // A pair that the class is second in counts for it when the bit is 0: 1 − bit.
        let seconds = pairs.iter().filter(|(_, j)| *j == class).count();
        (
            pairs.iter().enumerate().filter_map(of_pair).collect(),
            seconds as i64,
        )
    };
    IntegerMap::from_rows(pairs.len(), (0..classes as u32).map(row))
}

/// The class's number for `classes − 1` wins, else 0.
fn winner_table(classes: usize, class: usize) -> Vec<i32> {
    (0..classes)
        .map(|wins| if wins + 1 == classes { class as i32 } else { 0 })
        .collect()
}

fn linear(map: IntegerMap) -> Operation {
    let limits = Limits::worst_case(&map, 1);
    Operation::Linear { map, limits }
}

/// The largest absolute difference of two logits, from the weights as they are behind the last tables.
fn widest_difference(stages: &Stages, difference: &IntegerMap) -> Result<i64, Error> {
    let limits = Limits::worst_case(difference, 1);
    let composed = stages.output.then(difference, &limits);
    let composed = composed.ok_or_else(|| Error::Weights(stages.output_name.clone()))?;
    let mut columns: Vec<ValueRange> = Vec::new();
    for source in &stages.sources {
        columns.extend(std::iter::repeat_n(source.range, source.len));
    }
    let ranges = composed.map.ranges(&columns);
    Ok(ranges.iter().map(|r| r.high.max(-r.low)).max().unwrap_or(0))
}
