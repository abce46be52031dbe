//! The operators, one function each, and what would do instead of those that are not read.

mod arithmetic;
mod conv;
mod dense;
mod norm;
mod pad;
mod pool;
mod reshape;

use crate::Error;
use crate::import::{Import, Value};
use crate::node::Node;
use crate::tensor::Constant;

/// The operators that are read, in alphabetical order.
pub const OPERATORS: [&str; 20] = [
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Concat",
    "Constant",
    "Conv",
    "Div",
    "Dropout",
    "Flatten",
    "Gemm",
    "GlobalAveragePool",
    "Identity",
    "MatMul",
    "Mul",
    "Neg",
    "Pad",
    "Pow",
    "Reshape",
    "Sub",
    "Sum",
];

/// What the node's first output stands for.
pub(crate) fn import<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Value<'m>, Error> {
    let signal = match node.operator() {
        "Constant" => return constant(node).map(Value::Constant),
        "Identity" => return identity(import, node),
        "Conv" => conv::conv(import, node),
        "Gemm" => dense::gemm(import, node),
        "MatMul" => dense::mat_mul(import, node),
        "BatchNormalization" => norm::batch_norm(import, node),
        "Dropout" => norm::dropout(import, node),
        "AveragePool" => pool::average(import, node),
        "GlobalAveragePool" => pool::global(import, node),
        "Add" => arithmetic::add(import, node),
        "Sum" => arithmetic::sum(import, node),
        "Sub" => arithmetic::sub(import, node),
        "Mul" => arithmetic::mul(import, node),
        "Div" => arithmetic::div(import, node),
        "Neg" => arithmetic::neg(import, node),
        "Pow" => arithmetic::pow(import, node),
        "Concat" => arithmetic::concat(import, node),
        "Flatten" => reshape::flatten(import, node),
        "Reshape" => reshape::reshape(import, node),
        "Pad" => pad::pad(import, node),
        other => Err(node.unsupported("the operator is not read", instead_of(other))),
    }?;
    Ok(Value::Signal(signal))
}

pub(crate) fn constant(node: Node<'_>) -> Result<Constant<'_>, Error> {
    node.expect_attributes(&[
        "value",
        "value_float",
        "value_floats",
        "value_int",
        "value_ints",
    ])?;
    let name = node.name();
    let [attribute] = &node.proto.attribute[..] else {
        return Err(node.damaged("it must have exactly one value"));
    };
    match attribute.name.as_deref() {
        Some("value") => match &attribute.t {
            Some(tensor) => Constant::new(name, tensor),
            None => Err(node.damaged("its value is no tensor")),
        },
        Some("value_float") => Ok(Constant::from_floats(name, attribute.f.as_slice(), true)),
        Some("value_int") => Ok(Constant::from_integers(name, attribute.i.as_slice(), true)),
        Some("value_floats") => Ok(Constant::from_floats(name, &attribute.floats, false)),
        _ => Ok(Constant::from_integers(name, &attribute.ints, false)),
    }
}

/// Exporters share an initialiser through Identity, so a constant passes too.
fn identity<'m>(import: &Import<'m>, node: Node<'m>) -> Result<Value<'m>, Error> {
    node.expect_attributes(&[])?;
    import
        .value(node, 0)?
        .ok_or_else(|| node.damaged("its input 0 is missing"))
}

fn instead_of(operator: &str) -> String {
    match operator {
        "Relu" | "Sigmoid" | "Tanh" | "LeakyRelu" | "Elu" | "Selu" | "Celu" | "HardSigmoid"
        | "HardSwish" | "Clip" | "Softplus" | "Softsign" | "Mish" | "Erf" | "Exp" | "Log"
        | "Sqrt" | "Abs" | "ThresholdedRelu" | "Reciprocal" | "Max" | "Min" => {
            "give --fit-activations DEGREE --calibrate DATA to fit it by a polynomial".into()
        }
        "PRelu" => "use LeakyRelu, whose slope is one number".into(),
        "MaxPool" | "GlobalMaxPool" | "LpPool" | "GlobalLpPool" => "use AveragePool".into(),
        "Softmax" | "LogSoftmax" | "ArgMax" | "TopK" => {
            "leave it out of the export and apply it to the decrypted logits".into()
        }
        "LayerNormalization" | "InstanceNormalization" | "GroupNormalization" | "LRN" => {
            "use BatchNormalization, whose scales are known before the input is".into()
        }
        "ReduceMean" => "use GlobalAveragePool".into(),
        "Shape" | "Gather" | "Slice" | "Cast" | "ConstantOfShape" | "Expand" | "Unsqueeze"
        | "Squeeze" | "Transpose" => {
            "flatten with Flatten (torch.flatten(x, 1)) and fold constants when exporting".into()
        }
        "QLinearConv" | "QLinearMatMul" | "ConvInteger" | "MatMulInteger" | "QuantizeLinear"
        | "DequantizeLinear" => "export the float model".into(),
        _ => format!("read are {}", OPERATORS.join(", ")),
    }
}
