//! The end of a model that is left to the client: which nodes it is, and which tensor the network computes instead.
//!
//! The client applies it to the decrypted outputs exactly; under encryption it would be a polynomial's approximation.
//! [`crate::client`] says what each node does.

use std::collections::HashMap;

use crate::node::Node;
use crate::proto::{GraphProto, TensorProto};

/// A node of the end, and which of its outputs is followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'m> {
    pub(crate) node: Node<'m>,
    pub(crate) output: usize,
}

/// A tensor of the model, and what the client makes of it.
#[derive(Clone, Debug)]
pub(crate) struct Head<'m> {
    /// The model's output.
    pub(crate) name: &'m str,
    /// What the network computes for it.
    pub(crate) tensor: &'m str,
    /// First step first.
    pub(crate) steps: Vec<Step<'m>>,
}

impl Head<'_> {
    /// Whether the client ends with a class instead of a number a class.
    pub(crate) fn is_label(&self) -> bool {
        self.steps.iter().any(|step| {
            let operator = step.node.operator();
            operator == "ArgMax" || (operator == "LinearClassifier" && step.output == 0)
        })
    }
}

/// The nodes and constants of a graph by what they make.
#[derive(Debug)]
pub(crate) struct Tail<'m> {
    makers: HashMap<&'m str, (Node<'m>, usize)>,
    initializers: HashMap<&'m str, &'m TensorProto>,
}

/// Longest end that is looked at.
const MOST_STEPS: usize = 32;

/// Functions of each number that the client can apply.
const FUNCTIONS: [&str; 9] = [
    "Sigmoid",
    "HardSigmoid",
    "Tanh",
    "Exp",
    "Softplus",
    "Relu",
    "LeakyRelu",
    "Clip",
    "Greater",
];

impl<'m> Tail<'m> {
    pub(crate) fn new(
        graph: &'m GraphProto,
        initializers: &HashMap<&'m str, &'m TensorProto>,
    ) -> Self {
        let mut makers = HashMap::new();
        for proto in &graph.node {
            for (index, output) in proto.output.iter().enumerate() {
                makers
                    .entry(output.as_str())
                    .or_insert((Node { proto }, index));
            }
        }
        Self {
            makers,
            initializers: initializers.clone(),
        }
    }

    /// What the network computes for `output`, without the end that is left to the client.
    pub(crate) fn head(&self, output: &'m str) -> Head<'m> {
        let mut head = self.ends(output, 0);
        head.name = output;
        head
    }

    fn ends(&self, name: &'m str, depth: usize) -> Head<'m> {
        self.below(name, depth).unwrap_or(Head {
            name,
            tensor: name,
            steps: Vec::new(),
        })
    }

    /// The tensor below an end that is left to the client; none where `name` is no such end.
    fn below(&self, name: &'m str, depth: usize) -> Option<Head<'m>> {
        let (node, output) = *self.makers.get(name).filter(|_| depth < MOST_STEPS)?;
        let deeper = |name: &'m str| self.below(name, depth + 1);
        let ends = |name: &'m str| self.ends(name, depth + 1);
        let itself = |tensor: &'m str| Head {
            name,
            tensor,
            steps: Vec::new(),
        };
        let mut head = match (node.domain(), node.operator()) {
            ("", "Softmax" | "LogSoftmax" | "ArgMax" | "Hardmax")
            | ("ai.onnx.ml", "ZipMap" | "Normalizer") => ends(node.input(0)?),
            ("", function) if FUNCTIONS.contains(&function) => {
                let signal = node.input(0).filter(|name| !self.is_constant(name))?;
                let constant = |name: &String| name.is_empty() || self.is_constant(name);
                node.proto
                    .input
                    .iter()
                    .skip(1)
                    .all(constant)
                    .then_some(())?;
                ends(signal)
            }
            ("ai.onnx.ml", "LinearClassifier") if output == 0 => {
                itself(node.proto.output.get(1).filter(|name| !name.is_empty())?)
            }
            ("ai.onnx.ml", "LinearClassifier" | "LinearRegressor") => {
                itself(name).filter_scores(node)?
            }
            // What the end makes, in another type or shape, or as names.
            ("", "Cast" | "Identity" | "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten") => {
                deeper(node.input(0)?)?
            }
            ("ai.onnx.ml", "ArrayFeatureExtractor") | ("", "Gather") => deeper(node.input(1)?)?,
            ("", "Add" | "Sub" | "Mul" | "Div") => deeper(self.only_signal(node)?)?,
            ("", "Concat") => self.probabilities(node, depth)?,
            _ => return None,
        };
        head.steps.push(Step { node, output });
        Some(head)
    }

    /// The operand of arithmetic that is no constant, where the other is one.
    fn only_signal(&self, node: Node<'m>) -> Option<&'m str> {
        let (a, b) = (node.input(0)?, node.input(1)?);
        match (self.is_constant(a), self.is_constant(b)) {
            (false, true) => Some(a),
            (true, false) => Some(b),
            (true, true) | (false, false) => None,
        }
    }

    /// The two probabilities `1 − p` and `p` of one score, as scikit-learn's models have them.
    fn probabilities(&self, node: Node<'m>, depth: usize) -> Option<Head<'m>> {
        let [first, second] = &node.proto.input[..] else {
            return None;
        };
        let (negative, _) = *self.makers.get(first.as_str())?;
        let complements = negative.operator() == "Sub"
            && negative.input(1) == Some(second.as_str())
            && self.is_constant(negative.input(0)?);
        match complements {
            true => self.below(second, depth + 1),
            false => None,
        }
    }

    /// Whether a name is a constant of the file.
    fn is_constant(&self, name: &str) -> bool {
        let made = self.makers.get(name);
        self.initializers.contains_key(name)
            || made.is_some_and(|(node, _)| node.operator() == "Constant")
    }

    /// The node that makes a tensor.
    pub(crate) fn maker(&self, name: &str) -> Option<Node<'m>> {
        self.makers.get(name).map(|(node, _)| *node)
    }

    /// A constant of the file as it is written there.
    pub(crate) fn tensor(&self, name: &str) -> Option<&'m TensorProto> {
        let stored = self.initializers.get(name).copied();
        stored.or_else(|| self.maker(name)?.attribute("value")?.t.as_ref())
    }
}

impl Head<'_> {
    /// Itself, where the scores of a linear model are not what it gives.
    fn filter_scores(self, node: Node<'_>) -> Option<Self> {
        let plain = matches!(node.text("post_transform", "NONE"), Ok("NONE") | Err(_));
        match plain && !is_two_of_one(node) {
            true => None,
            false => Some(self),
        }
    }
}

/// Whether a classifier has one score for two classes, of which it makes two numbers.
pub(crate) fn is_two_of_one(node: Node<'_>) -> bool {
    let classes = |name: &str| {
        node.attribute(name)
            .map_or(0, |a| a.ints.len().max(a.strings.len()))
    };
    let labels = classes("classlabels_ints").max(classes("classlabels_strings"));
    let scores = node.attribute("intercepts").map_or(0, |a| a.floats.len());
    node.operator() == "LinearClassifier" && labels == 2 && scores == 1
}
