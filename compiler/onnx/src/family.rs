//! What kind of model cannot work, told before any node is looked at: a recurrent network, a transformer, trees, an
//! int8 graph.

use crate::Error;
use crate::node::Node;
use crate::proto::NodeProto;

/// A kind of model by an operator that only it has.
struct Family {
    what: &'static str,
    operators: &'static [&'static str],
    why: &'static str,
    instead: &'static str,
}

const FAMILIES: [Family; 9] = [
    Family {
        what: "an int8 (quantized) graph",
        operators: &[
            "QLinearConv",
            "QLinearMatMul",
            "QLinearAdd",
            "QGemm",
            "ConvInteger",
            "MatMulInteger",
            "QuantizeLinear",
            "DequantizeLinear",
            "DynamicQuantizeLinear",
        ],
        why: "its rounding is no polynomial",
        instead: "export the float model that it was made from",
    },
    Family {
        what: "a recurrent network",
        operators: &["LSTM", "GRU", "RNN"],
        why: "each step of time multiplies what the step before gave, a level or more a step",
        instead: "train convolutions over the signal (Conv1d) with polynomial activations",
    },
    Family {
        what: "a forest or boosted trees",
        operators: &[
            "TreeEnsembleClassifier",
            "TreeEnsembleRegressor",
            "TreeEnsemble",
        ],
        why: "trees compare, and a comparison is no low polynomial",
        instead: "train an MLP or a linear model on the same table (hemet search on a CSV file, or skl2onnx)",
    },
    Family {
        what: "a support vector machine",
        operators: &["SVMClassifier", "SVMRegressor"],
        why: "its kernels are functions of two tensors",
        instead: "train a linear model or an MLP on the same table",
    },
    Family {
        what: "a transformer",
        operators: &[
            "Attention",
            "MultiHeadAttention",
            "GroupQueryAttention",
            "RotaryEmbedding",
            "SkipLayerNormalization",
            "LayerNormalization",
            "SimplifiedLayerNormalization",
            "EmbedLayerNormalization",
        ],
        why: "attention multiplies and normalizes tensors that all depend on the input",
        instead: "train a convolutional network or an MLP with batch norm for the task",
    },
    Family {
        what: "a program with control flow",
        operators: &["If", "Loop", "Scan"],
        why: "what runs would depend on encrypted numbers",
        instead: "export it traced, with fixed sizes and in evaluation mode",
    },
    Family {
        what: "an object detector",
        operators: &["NonMaxSuppression", "RoiAlign", "MaxRoiPool"],
        why: "choosing boxes compares numbers",
        instead: "export the convolutional part alone and choose boxes on the decrypted outputs",
    },
    Family {
        what: "a pipeline for texts or categories",
        operators: &[
            "TfIdfVectorizer",
            "Tokenizer",
            "StringNormalizer",
            "LabelEncoder",
            "OneHotEncoder",
            "CategoryMapper",
            "DictVectorizer",
        ],
        why: "it reads texts or categories, which are not encrypted as such",
        instead: "do this part at the client and export the model behind it, which reads numbers",
    },
    Family {
        what: "a nearest-neighbor or Gaussian model",
        operators: &["CDist", "Det"],
        why: "it compares or divides by what depends on the input",
        instead: "train a linear model or an MLP on the same table",
    },
];

/// Refuses a model of a kind that cannot work; `is_constant` tells which names are initializers.
pub(crate) fn check<'m>(
    nodes: impl Iterator<Item = &'m NodeProto> + Clone,
    is_constant: impl Fn(&str) -> bool,
) -> Result<(), Error> {
    for family in &FAMILIES {
        let count = nodes
            .clone()
            .filter(|proto| family.operators.contains(&Node { proto }.operator()))
            .count();
        let first = nodes
            .clone()
            .map(|proto| Node { proto })
            .find(|node| family.operators.contains(&node.operator()));
        if let Some(node) = first {
            return Err(Error::Family {
                what: family.what,
                found: format!("{} ({count}, first `{}`)", node.operator(), node.name()),
                why: family.why,
                instead: family.instead,
            });
        }
    }
    let attends = |node: &Node<'_>| {
        node.operator() == "Softmax"
            && nodes.clone().any(|reader| {
                Node { proto: reader }.operator() == "MatMul"
                    && reader.input.first() == node.proto.output.first()
                    && !reader.input.iter().any(|name| is_constant(name))
            })
    };
    match nodes.clone().map(|proto| Node { proto }).find(attends) {
        None => Ok(()),
        Some(node) => Err(Error::Family {
            what: "a transformer",
            found: format!(
                "a Softmax (`{}`) that a MatMul reads: attention",
                node.name()
            ),
            why: "attention multiplies and normalizes tensors that all depend on the input",
            instead: "train a convolutional network or an MLP with batch norm for the task",
        }),
    }
}
