//! The table of operators: how each is read, and what would do instead of those that are not.

use super::{arithmetic, conv, dense, learned, linear, norm, pad, pool, resize, select};
use crate::Error;
use crate::forms::Signal;
use crate::node::Node;
use crate::state::Import;

/// An operator that is read.
pub struct Operator {
    /// Its name in ONNX.
    pub name: &'static str,
    /// Its operator set: empty for the standard one.
    pub domain: &'static str,
    /// What is read of it, and what is not.
    pub note: &'static str,
    pub(super) reading: Reading,
}

/// How an operator is read.
pub(super) enum Reading {
    /// It becomes a layer, or part of one.
    Layer(for<'a, 'm> fn(&'a mut Import<'m>, Node<'m>) -> Result<Signal, Error>),
    /// It only moves elements.
    Moves,
    /// Of constants alone: it is computed at import.
    Constants,
    /// With `--fit-activations` a polynomial is fitted to it.
    Fitted,
    /// At the end of a model: it is left to the client.
    Client,
}

impl Reading {
    fn words(&self) -> &'static str {
        match self {
            Reading::Layer(_) => "computed",
            Reading::Moves => "moved",
            Reading::Constants => "of constants",
            Reading::Fitted => "fitted",
            Reading::Client => "left to the client",
        }
    }
}

const fn layer(
    name: &'static str,
    read: for<'a, 'm> fn(&'a mut Import<'m>, Node<'m>) -> Result<Signal, Error>,
    note: &'static str,
) -> Operator {
    Operator {
        name,
        domain: "",
        note,
        reading: Reading::Layer(read),
    }
}

const fn moves(name: &'static str, note: &'static str) -> Operator {
    Operator {
        name,
        domain: "",
        note,
        reading: Reading::Moves,
    }
}

const fn constants(name: &'static str) -> Operator {
    Operator {
        name,
        domain: "",
        note: "",
        reading: Reading::Constants,
    }
}

const fn fitted(name: &'static str, note: &'static str) -> Operator {
    Operator {
        name,
        domain: "",
        note,
        reading: Reading::Fitted,
    }
}

const fn client(name: &'static str, domain: &'static str, note: &'static str) -> Operator {
    Operator {
        name,
        domain,
        note,
        reading: Reading::Client,
    }
}

const fn learned(
    name: &'static str,
    read: for<'a, 'm> fn(&'a mut Import<'m>, Node<'m>) -> Result<Signal, Error>,
    note: &'static str,
) -> Operator {
    Operator {
        name,
        domain: "ai.onnx.ml",
        note,
        reading: Reading::Layer(read),
    }
}

/// The operators that are read.
pub const OPERATORS: [Operator; 94] = [
    layer(
        "Add",
        arithmetic::add,
        "tensors of shapes that broadcast, and constants of any shape",
    ),
    layer(
        "AveragePool",
        pool::average,
        "signals and maps; padding counted or not, ceil_mode, dilations",
    ),
    layer("BatchNormalization", norm::batch_norm, "at inference"),
    layer("Cast", cast, "from float to float; constants to any number"),
    layer("CastLike", cast, "the same"),
    layer("Concat", arithmetic::concat, "along any axis"),
    layer(
        "Conv",
        conv::conv,
        "of signals and maps: any kernel, stride, dilation, padding, groups",
    ),
    layer(
        "ConvTranspose",
        conv::transposed,
        "the same, with output_padding; padding in numbers",
    ),
    layer("CumSum", linear::cum_sum, "along any axis"),
    layer("Div", arithmetic::div, "by constants"),
    layer("Dropout", norm::dropout, "at inference"),
    layer(
        "Gemm",
        dense::gemm,
        "with a constant matrix on either side, transposed or not",
    ),
    layer(
        "Einsum",
        linear::einsum,
        "of one tensor, alone or with constants; axes named by letters",
    ),
    layer("GlobalAveragePool", pool::global, ""),
    layer("Identity", identity, ""),
    layer(
        "MatMul",
        dense::mat_mul,
        "with a constant matrix on either side",
    ),
    layer("Mean", arithmetic::sum, "of any number of tensors"),
    layer(
        "Mul",
        arithmetic::mul,
        "by constants of any shape; of polynomials of one tensor",
    ),
    layer("Neg", arithmetic::neg, ""),
    layer(
        "Pad",
        pad::pad,
        "with a constant, edge, reflect, wrap; negative pads cut",
    ),
    layer("Pow", arithmetic::pow, "whole exponents up to 31"),
    layer("ReduceMean", pool::reduce, "over any axes"),
    layer("ReduceSum", pool::reduce, "over any axes"),
    layer(
        "Resize",
        resize::resize,
        "nearest and linear, without antialias",
    ),
    layer("Sub", arithmetic::sub, "as Add"),
    layer("Sum", arithmetic::sum, "of any number of tensors"),
    layer("Upsample", resize::resize, "nearest and linear"),
    layer("Where", select::select, "by a constant condition"),
    moves("DepthToSpace", ""),
    moves("Expand", ""),
    moves("Flatten", "any axis"),
    moves("Gather", "constant indices"),
    moves("GatherND", "constant indices"),
    moves("Reshape", "any shape of as many elements; the batch is 1"),
    moves("Slice", "constant bounds and steps"),
    moves("SpaceToDepth", ""),
    moves("Split", "equal or given parts"),
    moves("Squeeze", ""),
    moves("Tile", ""),
    moves("Transpose", "any order of axes"),
    moves("Trilu", "zeros beside the triangle"),
    moves("Unsqueeze", ""),
    learned(
        "LinearClassifier",
        learned::linear,
        "its scores; post_transform and the label are left to the client",
    ),
    learned("LinearRegressor", learned::linear, ""),
    learned("Scaler", learned::scaler, ""),
    constants("And"),
    constants("Ceil"),
    constants("Constant"),
    constants("ConstantOfShape"),
    constants("Equal"),
    constants("Floor"),
    constants("Greater"),
    constants("Less"),
    constants("Mod"),
    constants("Not"),
    constants("Or"),
    constants("Range"),
    constants("ReduceMax"),
    constants("ReduceMin"),
    constants("ReduceProd"),
    constants("Round"),
    constants("Shape"),
    constants("Size"),
    fitted("Abs", ""),
    fitted("Celu", ""),
    fitted("Clip", ""),
    fitted("Elu", ""),
    fitted("Erf", "so GELU as exporters write it"),
    fitted("Exp", ""),
    fitted("Gelu", "exact and by tanh"),
    fitted("HardSigmoid", ""),
    fitted("HardSwish", ""),
    fitted("LeakyRelu", ""),
    fitted("Log", ""),
    fitted("Max", "of a tensor and a number"),
    fitted("Min", "of a tensor and a number"),
    fitted("Mish", ""),
    fitted("PRelu", "one slope, or one a channel"),
    fitted("Reciprocal", ""),
    fitted("Relu", ""),
    fitted("Selu", ""),
    fitted("Softplus", ""),
    fitted("Softsign", ""),
    fitted("Sqrt", ""),
    fitted("Tanh", ""),
    fitted("ThresholdedRelu", ""),
    client(
        "ArgMax",
        "",
        "the largest output, along any axis but the batch",
    ),
    client("Hardmax", "", ""),
    client("LogSoftmax", "", ""),
    client("Sigmoid", "", "inside a model it is fitted"),
    client("Softmax", "", ""),
    Operator {
        name: "ArrayFeatureExtractor",
        domain: "ai.onnx.ml",
        note: "constant columns; at the end of a model the names of classes, left to the client",
        reading: Reading::Moves,
    },
    client("Normalizer", "ai.onnx.ml", "of probabilities"),
    client("ZipMap", "ai.onnx.ml", "the names of classes"),
];

/// The table as a page of Markdown.
pub fn markdown() -> String {
    let mut text = String::from(
        "# ONNX operators that are read\n\n\
         `hemet compile MODEL.onnx` reads operator sets 7 to 23 and, of `ai.onnx.ml`, what is listed here. Weights may be 16, 32 or\n\
         64-bit floats and may lie in files beside the model. Everything is read for a batch of 1.\n\n\
         - **computed**: becomes a layer, or part of one\n\
         - **moved**: only moves elements, which costs no level\n\
         - **of constants**: computed at import, where all that it reads is constant or a shape\n\
         - **fitted**: replaced by a polynomial with `--fit-activations`; without it the model is refused. At the end of a model\n  Relu, LeakyRelu, Tanh, HardSigmoid, Softplus, Exp and Clip are left to the client\n\
         - **left to the client**: at the end of a model only; the artifact holds it, and the client applies it to the decrypted\n  outputs, exactly\n\n\
         Among the layers that a device computes in the clear (`--device-layers K`) and behind them, Relu, LeakyRelu, Clip from 0\n\
         on, MaxPool and GlobalMaxPool are read as they are.\n\n\
         | operator | how it is read | what of it |\n|---|---|---|\n",
    );
    let mut all: Vec<&Operator> = OPERATORS.iter().collect();
    all.sort_by_key(|operator| (operator.domain, operator.name));
    for operator in all {
        let name = match operator.domain {
            "" => operator.name.to_owned(),
            domain => format!("{domain}.{}", operator.name),
        };
        text += &format!(
            "| {name} | {} | {} |\n",
            operator.reading.words(),
            operator.note
        );
    }
    text += "\n## What is not read\n\n| operators | what would do instead |\n|---|---|\n";
    for (operators, instead) in INSTEAD {
        text += &format!("| {} | {instead} |\n", operators.join(", "));
    }
    text
}

const FIT: &str = "give --fit-activations auto --calibrate DATA to fit it by a polynomial";

/// Operators that are not read, and what would do instead.
const INSTEAD: [(&[&str], &str); 8] = [
    (
        &["MaxPool", "GlobalMaxPool", "LpPool", "GlobalLpPool"],
        "use AveragePool and train again, since a maximum is a comparison, which no low polynomial \
         is; or leave the layers up to it to the device (--device-layers K)",
    ),
    (
        &[
            "InstanceNormalization",
            "GroupNormalization",
            "LayerNormalization",
            "LRN",
            "LpNormalization",
        ],
        "use BatchNormalization, whose scales are known before the input is",
    ),
    (
        &["LSTM", "GRU", "RNN"],
        "train convolutions over the signal (Conv1d), which need a level each and not one a time step",
    ),
    (
        &[
            "QLinearConv",
            "QLinearMatMul",
            "ConvInteger",
            "MatMulInteger",
            "QuantizeLinear",
            "DequantizeLinear",
        ],
        "export the float model",
    ),
    (
        &["TreeEnsembleClassifier", "TreeEnsembleRegressor"],
        "train an MLP or a linear model on the same table",
    ),
    (
        &["TopK", "NonMaxSuppression", "ScatterND", "OneHot"],
        "leave it out of the export and apply it to the decrypted outputs",
    ),
    (
        &["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"],
        select::COMPARISON,
    ),
    (
        &["If", "Loop", "Scan"],
        "export the model without control flow (torch.jit.trace, fixed sizes)",
    ),
];

/// What would do instead of an operator.
pub(crate) fn instead_of(operator: &str) -> String {
    let known = OPERATORS.iter().find(|known| known.name == operator);
    let listed = INSTEAD.iter().find(|(names, _)| names.contains(&operator));
    match (known.map(|known| &known.reading), listed) {
        (Some(Reading::Fitted), _) => FIT.into(),
        (Some(Reading::Client), _) if operator == "Sigmoid" => FIT.into(),
        (Some(Reading::Client), _) => {
            "leave it out of the export and apply it to the decrypted outputs".into()
        }
        (_, Some((_, instead))) => (*instead).to_owned(),
        (Some(_), None) => "its inputs must be constants".into(),
        (None, None) => "docs/onnx-operators.md lists what is read".into(),
    }
}

fn identity<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    import.signal(node, 0)
}

fn cast<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    let signal = import.signal(node, 0)?;
    // CastLike takes the type of a constant, which no tensor of the network differs from.
    let to = node.integer("to", 1)?;
    match to {
        1 | 10 | 11 | 16 => Ok(signal),
        other => Err(node.unsupported(
            format!("it casts the network's values to type number {other}"),
            "cast to floats only; rounding is no polynomial",
        )),
    }
}
