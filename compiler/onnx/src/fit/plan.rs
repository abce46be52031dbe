//! Which nodes of a model are activations to be fitted: what arithmetic and functions make of one tensor becomes one
//! curve.
//!
//! Exporters write SiLU as `Mul(x, Sigmoid(x))` and GELU with Erf; both are one function of one tensor and one
//! polynomial. Arithmetic without a function is left to the import, which keeps it exact.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::curve::{Curve, Function, Pair};
use crate::Error;
use crate::constant::Constant;
use crate::node::Node;
use crate::proto::NodeProto;

/// Operators that a curve may hold at most; longer ones begin anew.
const MAX_SIZE: usize = 64;

/// What becomes of a node.
#[derive(Clone, Debug)]
pub(crate) enum Role<'m> {
    /// It is imported as it is.
    Kept,
    /// It is part of a curve whose value nothing else reads.
    Inside,
    /// Its output is a curve of the tensor `source`: one, or one a channel.
    Fitted {
        source: &'m str,
        curves: Vec<Rc<Curve>>,
    },
}

/// A tensor as a curve of another.
#[derive(Clone)]
struct Traced<'m> {
    source: &'m str,
    /// One, or one a channel.
    curves: Vec<Rc<Curve>>,
    size: usize,
    /// Whether there is a function in it, so that it is no polynomial.
    function: bool,
}

/// An operand of arithmetic.
enum Operand<'m> {
    Number(f64),
    Tensor(&'m str),
}

/// What a name is before the network runs: none where it depends on the input, else its constant where that can be
/// read.
pub(crate) type Known<'k, 'm> = &'k dyn Fn(&'m str) -> Option<Option<Constant<'m>>>;

struct Tracer<'k, 'm> {
    known: Known<'k, 'm>,
    traced: HashMap<&'m str, Traced<'m>>,
}

/// The role of every node; `heads` are the tensors that the network computes.
///
/// # Errors
/// A function with attributes that are not read.
pub(crate) fn roles<'m>(
    nodes: &[&'m NodeProto],
    heads: &[&'m str],
    kept: &HashSet<&'m str>,
    known: Known<'_, 'm>,
) -> Result<Vec<Role<'m>>, Error> {
    let mut tracer = Tracer {
        known,
        traced: HashMap::new(),
    };
    let mut inside = vec![false; nodes.len()];
    let mut read: HashSet<&str> = heads.iter().copied().collect();
    for (index, proto) in nodes.iter().enumerate() {
        let node = Node { proto };
        let output = proto.output.first().map_or("", String::as_str);
        let traced = match kept.contains(output) {
            true => None,
            false => tracer.trace(node)?,
        };
        match traced {
            Some(traced) => {
                inside[index] = traced.function;
                // A curve that has grown too long is itself the source of the next.
                read.insert(traced.source);
                tracer.traced.insert(output, traced);
            }
            None => read.extend(proto.input.iter().map(String::as_str)),
        }
    }
    let role = |(proto, inside): (&&'m NodeProto, bool)| {
        let output = proto.output.first().map_or("", String::as_str);
        let traced = tracer.traced.get(output);
        match traced.filter(|_| inside) {
            None => Role::Kept,
            Some(_) if !read.contains(output) => Role::Inside,
            Some(traced) => Role::Fitted {
                source: traced.source,
                curves: traced.curves.clone(),
            },
        }
    };
    Ok(nodes.iter().zip(inside).map(role).collect())
}

impl<'m> Tracer<'_, 'm> {
    /// The node's output as a curve of one tensor, if it is one.
    fn trace(&self, node: Node<'m>) -> Result<Option<Traced<'m>>, Error> {
        if node.operator() == "PRelu" {
            return Ok(self.slopes(node));
        }
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
            let known = match name {
                // A bound that is left out.
                "" if clip && operands.len() == 1 => {
                    operands.push(Operand::Number(f64::NEG_INFINITY));
                    continue;
                }
                "" => return None,
                name => (self.known)(name),
            };
            let operand = match known {
                None => Operand::Tensor(name),
                Some(constant) => Operand::Number(constant.and_then(|c| c.single())?),
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
            curves: vec![Rc::new(Curve::X)],
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
        let of = |curve: &Rc<Curve>| Rc::new(Curve::Of(function, curve.clone()));
        Ok(Some(Traced {
            curves: x.curves.iter().map(of).collect(),
            size: x.size + 1,
            function: true,
            source: x.source,
        }))
    }

    /// PRelu: a leaky ReLU with one slope, or one a channel.
    fn slopes(&self, node: Node<'m>) -> Option<Traced<'m>> {
        let (x, slope) = (node.input(0)?, node.input(1)?);
        if (self.known)(x).is_some() {
            return None;
        }
        let slopes = (self.known)(slope)??;
        let x = self.tensor(x);
        if x.curves.len() > 1 {
            return None;
        }
        let of = |slope: f64| Rc::new(Curve::Of(Function::leaky(slope), x.curves[0].clone()));
        Some(Traced {
            curves: slopes.numbers().map(of).collect(),
            size: x.size + 1,
            function: true,
            source: x.source,
        })
    }

    fn pair(&self, pair: Pair, a: &Operand<'m>, b: &Operand<'m>) -> Option<Traced<'m>> {
        let traced = |operand: &Operand<'m>| match operand {
            Operand::Tensor(name) => Some(self.tensor(name)),
            Operand::Number(_) => None,
        };
        let curves = |operand: &Operand<'m>| match operand {
            Operand::Tensor(name) => self.tensor(name).curves,
            Operand::Number(number) => vec![Rc::new(Curve::Number(*number))],
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
            curves: {
                let (a, b) = (curves(a), curves(b));
                let at = |curves: &[Rc<Curve>], i: usize| curves[i.min(curves.len() - 1)].clone();
                let pairs =
                    (0..a.len().max(b.len())).map(|i| Curve::Pair(pair, at(&a, i), at(&b, i)));
                pairs.map(Rc::new).collect()
            },
            size: sides.clone().map(|side| side.size).sum::<usize>() + 1,
            function: !pair.is_polynomial(exponent) || sides.clone().any(|side| side.function),
        })
    }
}
