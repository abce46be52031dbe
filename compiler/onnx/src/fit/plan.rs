//! Which nodes of a model are activations to be fitted: what arithmetic and functions make of one tensor becomes one curve.
//!
//! Exporters write SiLU as `Mul(x, Sigmoid(x))` and GELU with Erf; both are one function of one tensor and one polynomial.
//! Arithmetic without a function is left to the import, which keeps it exact.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::curve::{Curve, Function, Pair};
use crate::Error;
use crate::node::Node;
use crate::proto::GraphProto;
use crate::tensor::Constant;

/// Operators that a curve may hold at most; longer ones begin anew.
const MAX_SIZE: usize = 64;

/// What becomes of a node.
#[derive(Clone, Debug)]
pub(crate) enum Role<'m> {
    /// It is imported as it is.
    Kept,
    /// It is part of a curve whose value nothing else reads.
    Inside,
    /// Its output is a curve of the tensor `source`.
    Fitted { source: &'m str, curve: Rc<Curve> },
}

/// A tensor as a curve of another.
#[derive(Clone)]
struct Traced<'m> {
    source: &'m str,
    curve: Rc<Curve>,
    size: usize,
    /// Whether there is a function in it, so that it is no polynomial.
    function: bool,
}

/// An operand of arithmetic.
enum Operand<'m> {
    Number(f64),
    Tensor(&'m str),
}

struct Tracer<'m> {
    numbers: HashMap<&'m str, f64>,
    constants: HashSet<&'m str>,
    traced: HashMap<&'m str, Traced<'m>>,
}

/// The role of every node.
///
/// # Errors
/// A function with attributes that are not read.
pub(crate) fn roles(graph: &GraphProto) -> Result<Vec<Role<'_>>, Error> {
    let mut tracer = Tracer {
        numbers: HashMap::new(),
        constants: HashSet::new(),
        traced: HashMap::new(),
    };
    for tensor in &graph.initializer {
        let name = tensor.name.as_deref().unwrap_or("");
        tracer.constant(name, Constant::new(name, tensor).ok());
    }
    let mut inside = vec![false; graph.node.len()];
    let mut read: HashSet<&str> = graph
        .output
        .iter()
        .filter_map(|o| o.name.as_deref())
        .collect();
    for (index, proto) in graph.node.iter().enumerate() {
        let node = Node { proto };
        let output = proto.output.first().map_or("", String::as_str);
        if node.operator() == "Constant" {
            tracer.constant(output, crate::ops::constant(node).ok());
            continue;
        }
        match tracer.trace(node)? {
            Some(traced) => {
                inside[index] = traced.function;
                // A curve that has grown too long is itself the source of the next.
                read.insert(traced.source);
                tracer.traced.insert(output, traced);
            }
            None => read.extend(proto.input.iter().map(String::as_str)),
        }
    }
    let role = |(proto, inside): (&'_ crate::proto::NodeProto, bool)| {
        let output = proto.output.first().map_or("", String::as_str);
        let traced = tracer.traced.get(output);
        match traced.filter(|_| inside) {
            None => Role::Kept,
            Some(_) if !read.contains(output) => Role::Inside,
            Some(traced) => Role::Fitted {
                source: traced.source,
                curve: traced.curve.clone(),
            },
        }
    };
    Ok(graph.node.iter().zip(inside).map(role).collect())
}

impl<'m> Tracer<'m> {
    fn constant(&mut self, name: &'m str, constant: Option<Constant<'_>>) {
        self.constants.insert(name);
        if let Some(constant) = constant
            && let (1, Some(number)) = (constant.len(), constant.numbers().next())
        {
            self.numbers.insert(name, number);
        }
    }

    /// The node's output as a curve of one tensor, if it is one.
    fn trace(&self, node: Node<'m>) -> Result<Option<Traced<'m>>, Error> {
        let Some(operands) = self.operands(node) else {
            return Ok(None);
        };
        match (node.operator(), &operands[..]) {
            ("Identity", [Operand::Tensor(x)]) => Ok(Some(self.tensor(x))),
            ("Neg", [Operand::Tensor(x)]) => {
                let minus = Operand::Number(-1.0);
                Ok(self.pair(Pair::Mul, &minus, &Operand::Tensor(x)))
            }
            (operator, [a, b]) if Pair::of_operator(operator).is_some() => {
                Ok(Pair::of_operator(operator).and_then(|pair| self.pair(pair, a, b)))
            }
            ("Clip", [Operand::Tensor(x), bounds @ ..]) => {
                let number = |index: usize, default| match bounds.get(index) {
                    Some(Operand::Number(number)) => *number,
                    Some(Operand::Tensor(_)) | None => default,
                };
                self.function(
                    node,
                    x,
                    [number(0, f64::NEG_INFINITY), number(1, f64::INFINITY)],
                )
            }
            (_, [Operand::Tensor(x)]) => self.function(node, x, [0.0; 2]),
            _ => Ok(None),
        }
    }

    /// The operands, where each is a tensor that depends on the input or one number.
    fn operands(&self, node: Node<'m>) -> Option<Vec<Operand<'m>>> {
        let clip = node.operator() == "Clip";
        let mut operands = Vec::new();
        for name in &node.proto.input {
            let name = name.as_str();
            let operand = match (self.numbers.get(name), name) {
                (Some(number), _) => Operand::Number(*number),
                // A bound that is left out.
                (None, "") if clip && operands.len() == 1 => Operand::Number(f64::NEG_INFINITY),
                (None, "") => return None,
                (None, _) if self.constants.contains(name) => return None,
                (None, _) => Operand::Tensor(name),
            };
            operands.push(operand);
        }
        Some(operands)
    }

    fn tensor(&self, name: &'m str) -> Traced<'m> {
        let known = self
            .traced
            .get(name)
            .filter(|traced| traced.size < MAX_SIZE);
        known.cloned().unwrap_or(Traced {
            source: name,
            curve: Rc::new(Curve::X),
            size: 0,
            function: false,
        })
    }

    fn function(
        &self,
        node: Node<'m>,
        x: &&'m str,
        bounds: [f64; 2],
    ) -> Result<Option<Traced<'m>>, Error> {
        let Some(function) = Function::of_node(node, bounds)? else {
            return Ok(None);
        };
        let x = self.tensor(x);
        Ok(Some(Traced {
            curve: Rc::new(Curve::Of(function, x.curve)),
            size: x.size + 1,
            function: true,
            ..x
        }))
    }

    fn pair(&self, pair: Pair, a: &Operand<'m>, b: &Operand<'m>) -> Option<Traced<'m>> {
        let traced = |operand: &Operand<'m>| match operand {
            Operand::Tensor(name) => Some(self.tensor(name)),
            Operand::Number(_) => None,
        };
        let curve = |operand: &Operand<'m>| match operand {
            Operand::Tensor(name) => self.tensor(name).curve,
            Operand::Number(number) => Rc::new(Curve::Number(*number)),
        };
        let (left, right) = (traced(a), traced(b));
        let source = match (&left, &right) {
            (Some(left), Some(right)) if left.source != right.source => return None,
            (Some(one), _) | (None, Some(one)) => one.source,
            (None, None) => return None,
        };
        let exponent = match b {
            Operand::Number(number) => Some(*number),
            Operand::Tensor(_) => None,
        };
        let sides = [left, right];
        let sides = sides.iter().flatten();
        Some(Traced {
            source,
            curve: Rc::new(Curve::Pair(pair, curve(a), curve(b))),
            size: sides.clone().map(|side| side.size).sum::<usize>() + 1,
            function: !pair.is_polynomial(exponent) || sides.clone().any(|side| side.function),
        })
    }
}
