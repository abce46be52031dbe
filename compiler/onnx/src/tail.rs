//! The end of a model that is left to the client: softmax, sigmoid, the largest output, names of classes.
//!
//! The client applies it to the decrypted outputs exactly; under encryption it would be a polynomial's approximation.

use std::collections::HashMap;

use crate::node::Node;
use crate::proto::{GraphProto, NodeProto};

/// What the client does with the outputs, first step first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientStep {
    /// Name of the node.
    pub node: String,
    /// Its operator.
    pub operator: String,
}

/// A tensor of the model, and what the client makes of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Head<'m> {
    /// What the network computes.
    pub(crate) tensor: &'m str,
    pub(crate) steps: Vec<ClientStep>,
}

/// Makers of tensors by name.
pub(crate) type Makers<'m> = HashMap<&'m str, &'m NodeProto>;

/// The node that makes each tensor.
pub(crate) fn makers(graph: &GraphProto) -> Makers<'_> {
    let mut makers = HashMap::new();
    for node in &graph.node {
        for output in &node.output {
            makers.entry(output.as_str()).or_insert(node);
        }
    }
    makers
}

/// What the network computes for `output`, without the end that is left to the client.
pub(crate) fn head<'m>(makers: &Makers<'m>, output: &'m str) -> Head<'m> {
    below(makers, output, 0).unwrap_or(Head {
        tensor: output,
        steps: Vec::new(),
    })
}

/// Longest end that is looked at.
const MOST_STEPS: usize = 32;

/// The tensor below an end that is left to the client; none where `name` is no such end.
fn below<'m>(makers: &Makers<'m>, name: &'m str, depth: usize) -> Option<Head<'m>> {
    let proto = makers.get(name).filter(|_| depth < MOST_STEPS)?;
    let node = Node { proto };
    let step = ClientStep {
        node: node.name().to_owned(),
        operator: node.operator().to_owned(),
    };
    let deeper = |name: &'m str| below(makers, name, depth + 1);
    let ends = |name: &'m str| {
        deeper(name).unwrap_or(Head {
            tensor: name,
            steps: Vec::new(),
        })
    };
    let mut head = match (node.domain(), node.operator()) {
        ("", "Softmax" | "LogSoftmax" | "Sigmoid" | "ArgMax" | "Hardmax")
        | ("ai.onnx.ml", "ZipMap" | "Normalizer") => ends(node.input(0)?),
        ("ai.onnx.ml", "LinearClassifier") if proto.output.first().is_some_and(|o| o == name) => {
            ends(proto.output.get(1)?)
        }
        ("ai.onnx.ml", "LinearClassifier" | "LinearRegressor") => {
            match node.text("post_transform", "NONE") {
                Ok("NONE") | Err(_) => return None,
                Ok(_) => Head {
                    tensor: name,
                    steps: Vec::new(),
                },
            }
        }
        // Labels: what the end makes, in another type or shape, or as names.
        ("", "Cast" | "Identity" | "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten") => {
            deeper(node.input(0)?)?
        }
        ("ai.onnx.ml", "ArrayFeatureExtractor") | ("", "Gather") => deeper(node.input(1)?)?,
        ("", "Concat") => probabilities(makers, node, depth)?,
        _ => return None,
    };
    head.steps.push(step);
    Some(head)
}

/// The two probabilities `1 − p` and `p` of one score, as scikit-learn's models have them.
fn probabilities<'m>(makers: &Makers<'m>, node: Node<'m>, depth: usize) -> Option<Head<'m>> {
    let [first, second] = &node.proto.input[..] else {
        return None;
    };
    let negative = Node {
        proto: makers.get(first.as_str())?,
    };
    let complements = negative.operator() == "Sub" && negative.input(1) == Some(second.as_str());
    match complements {
        true => below(makers, second, depth + 1),
        false => None,
    }
}
