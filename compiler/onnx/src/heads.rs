//! The outputs of a model: which tensors the network computes for them, and what the client makes of those.

use std::collections::HashSet;

use hemet_schedule::{Meaning, OutputPart, OutputTransform};

use crate::forms::Signal;
use crate::movement::Movement;
use crate::network::LayerId;
use crate::node::Node;
use crate::proto::GraphProto;
use crate::state::{Import, Value};
use crate::tail::{Head, Tail};
use crate::{Error, client, ops};

/// What the network computes for the chosen outputs; and where one tensor gives scores and a label, the label, which
/// names the classes.
pub(crate) fn heads<'m>(
    proto: &'m GraphProto,
    tail: &Tail<'m>,
    chosen: &[String],
) -> Result<(Vec<Head<'m>>, Option<Head<'m>>), Error> {
    let names: Vec<&str> = proto
        .output
        .iter()
        .filter_map(|output| output.name.as_deref())
        .collect();
    let error = |why: String| Error::Model {
        what: "outputs".into(),
        why,
    };
    let wanted = match chosen {
        [] => names.clone(),
        _ => chosen
            .iter()
            .map(|wanted| {
                let found = names.iter().find(|name| *name == wanted).copied();
                found.ok_or_else(|| {
                    let all = names.join("`, `");
                    error(format!("none is named `{wanted}`; there are `{all}`"))
                })
            })
            .collect::<Result<_, _>>()?,
    };
    let mut heads: Vec<Head<'m>> = wanted.iter().map(|name| tail.head(name)).collect();
    if heads.is_empty() {
        return Err(error("there are none".into()));
    }
    // A label and its probabilities come of the same scores.
    let same = heads.iter().all(|head| head.tensor == heads[0].tensor);
    match (heads.len(), chosen.len(), same) {
        (1, _, _) => {}
        (_, _, true) => {
            let order = |head: &Head<'_>| (!head.is_label(), head.steps.len());
            heads.sort_by_key(order);
            let named = heads.iter().find(|head| head.is_label()).cloned();
            heads = heads.pop().into_iter().collect();
            return Ok((heads, named));
        }
        (count, 0, false) => {
            return Err(error(format!(
                "{count} tensors, `{}`; choose one with --output NAME, or several as one with --output NAME,NAME",
                names.join("`, `")
            )));
        }
        (_, _, false) => {}
    }
    Ok((heads, None))
}

/// Positions of the nodes that the heads are computed from, in order.
pub(crate) fn needed(proto: &GraphProto, heads: &[Head<'_>]) -> Vec<usize> {
    let mut wanted: HashSet<&str> = heads.iter().map(|head| head.tensor).collect();
    let mut needed = Vec::new();
    for (index, node) in proto.node.iter().enumerate().rev() {
        if node
            .output
            .iter()
            .any(|name| !name.is_empty() && wanted.contains(name.as_str()))
        {
            wanted.extend(node.input.iter().map(String::as_str));
            needed.push(index);
        }
    }
    needed.reverse();
    needed
}

/// The layer of the outputs, joined where there are several.
pub(crate) fn output_layer<'m>(
    import: &mut Import<'m>,
    proto: &'m GraphProto,
    heads: &[Head<'m>],
) -> Result<LayerId, Error> {
    let mut signals: Vec<Signal> = Vec::new();
    let mut last = None;
    for head in heads {
        let name = head.tensor;
        let error = |why: &str| Error::Model {
            what: format!("output `{name}`"),
            why: why.into(),
        };
        let maker = proto
            .node
            .iter()
            .find(|n| n.output.iter().any(|o| o == name));
        match (import.values.get(name), maker) {
            (Some(Value::Signal(signal)), maker) => {
                signals.push(signal.clone());
                last = last.or(maker.map(|proto| Node { proto }));
            }
            (Some(Value::Constant(_)), _) => {
                return Err(error(
                    "it is a constant; the network's result must depend on its input",
                ));
            }
            (None, _) => return Err(error("no node makes it")),
        }
    }
    let Some(node) = last else {
        return Ok(import.network.input());
    };
    if let [signal] = &signals[..] {
        return import.flat_layer(node, signal);
    }
    let mut rows = Vec::new();
    for signal in &signals {
        let signal = import.unpadded(node, signal)?;
        let len = signal.view.len();
        rows.push(import.moved(node, &signal, &Movement::in_order(vec![1, len]))?);
    }
    let joined = ops::joined(import, node, &rows, 1)?;
    import.flat_layer(node, &joined)
}

/// What the client makes of the outputs, and what their classes are called, which `named` may say too.
pub(crate) fn left_to_client<'m>(
    import: &Import<'m>,
    tail: &Tail<'m>,
    opset: i64,
    heads: &[Head<'m>],
    named: Option<&Head<'m>>,
) -> Result<(Option<OutputTransform>, Vec<String>), Error> {
    let part = |head: &Head<'m>| match import.values.get(head.tensor) {
        Some(Value::Signal(signal)) => client::part(tail, opset, head, signal.dims()),
        Some(Value::Constant(_)) | None => client::part(tail, opset, head, &[]),
    };
    let mut parts = Vec::new();
    let mut classes = Vec::new();
    for head in heads {
        let (made, names) = part(head)?;
        parts.push(made);
        classes = names;
    }
    if parts.len() > 1 {
        classes.clear();
    }
    if let (true, Some(named)) = (classes.is_empty(), named) {
        // What only names the classes is not applied, so it need not be read.
        classes = part(named).map_or(Vec::new(), |(_, names)| names);
    }
    let scores_alone = |parts: &[OutputPart]| match parts {
        [part] => part.steps.is_empty() && part.meaning == Meaning::Scores,
        _ => false,
    };
    let outputs = (!scores_alone(&parts)).then_some(OutputTransform { parts });
    Ok((outputs, classes))
}
