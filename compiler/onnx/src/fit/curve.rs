//! Curve: a function of one number, written as the operators of a model write it.

use std::fmt;
use std::rc::Rc;

use crate::Error;
use crate::node::Node;

/// A function of `x`.
#[derive(Clone, Debug)]
pub(crate) enum Curve {
    X,
    Number(f64),
    Of(Function, Rc<Curve>),
    Pair(Pair, Rc<Curve>, Rc<Curve>),
}

/// A function of one number that ONNX has an operator for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    name: &'static str,
    at: At,
    parameters: [f64; 2],
}

/// Arithmetic of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pair {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Min,
    Max,
}

impl Curve {
    pub(crate) fn at(&self, x: f64) -> f64 {
        match self {
            Curve::X => x,
            Curve::Number(number) => *number,
            Curve::Of(function, inner) => (function.at)(inner.at(x), function.parameters),
            Curve::Pair(pair, a, b) => {
                let (a, b) = (a.at(x), b.at(x));
                match pair {
                    Pair::Add => a + b,
                    Pair::Sub => a - b,
                    Pair::Mul => a * b,
                    Pair::Div => a / b,
                    Pair::Pow => a.powf(b),
                    Pair::Min => a.min(b),
                    Pair::Max => a.max(b),
                }
            }
        }
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Curve::X => write!(f, "x"),
            Curve::Number(number) => write!(f, "{number}"),
            Curve::Of(function, inner) => match (function.name, function.parameters) {
                ("Clip", [low, high]) => write!(f, "Clip({inner}, {low}, {high})"),
                (name, _) => write!(f, "{name}({inner})"),
            },
            Curve::Pair(pair, a, b) => write!(f, "{}({a}, {b})", pair.name()),
        }
    }
}

impl Pair {
    fn name(self) -> &'static str {
        match self {
            Pair::Add => "Add",
            Pair::Sub => "Sub",
            Pair::Mul => "Mul",
            Pair::Div => "Div",
            Pair::Pow => "Pow",
            Pair::Min => "Min",
            Pair::Max => "Max",
        }
    }

    /// The arithmetic of an operator of two inputs.
    pub(crate) fn of_operator(operator: &str) -> Option<Self> {
        let all = [
            Pair::Add,
            Pair::Sub,
            Pair::Mul,
            Pair::Div,
            Pair::Pow,
            Pair::Min,
            Pair::Max,
        ];
        all.into_iter().find(|pair| pair.name() == operator)
    }

    /// Whether polynomials of `x` stay polynomials.
    pub(crate) fn is_polynomial(self, exponent: Option<f64>) -> bool {
        match self {
            Pair::Add | Pair::Sub | Pair::Mul => true,
            // By a number: a tensor as divisor or exponent is no polynomial.
            Pair::Div => exponent.is_some(),
            Pair::Pow => exponent.is_some_and(|e| e >= 1.0 && e.fract() == 0.0),
            Pair::Min | Pair::Max => false,
        }
    }
}

impl Function {
    /// ReLU with a slope below 0.
    pub(crate) fn leaky(slope: f64) -> Self {
        Self {
            name: "PRelu",
            at: |x, [a, _]| if x < 0.0 { a * x } else { x },
            parameters: [slope, 0.0],
        }
    }

    /// The function of a node of one input, with its attributes; `bounds` are the numbers of a Clip. `Ok(None)` where
    /// the operator is none of these.
    pub(crate) fn of_node(node: Node<'_>, bounds: [f64; 2]) -> Result<Option<Self>, Error> {
        if node.operator() == "Clip" {
            return Self::clip(node, bounds).map(Some);
        }
        if node.operator() == "Gelu" {
            return Self::gelu(node).map(Some);
        }
        let Some(known) = KNOWN.iter().find(|known| known.name == node.operator()) else {
            return Ok(None);
        };
        let names: Vec<&str> = known.attributes.iter().map(|(name, _)| *name).collect();
        node.expect_attributes(&names)?;
        let mut parameters = [0.0; 2];
        for (parameter, (name, default)) in parameters.iter_mut().zip(known.attributes) {
            *parameter = f64::from(node.float(name, *default)?);
        }
        Ok(Some(Self {
            name: known.name,
            at: known.at,
            parameters,
        }))
    }

    fn clip(node: Node<'_>, bounds: [f64; 2]) -> Result<Self, Error> {
        node.expect_attributes(&["min", "max"])?;
        // Attributes until operator set 10, inputs since.
        let bound = |name: &str, given: f64| match node.attribute(name) {
            Some(_) => node.float(name, 0.0).map(f64::from),
            None => Ok(given),
        };
        Ok(Self {
            name: "Clip",
            at: |x, [low, high]| x.max(low).min(high),
            parameters: [bound("min", bounds[0])?, bound("max", bounds[1])?],
        })
    }

    fn gelu(node: Node<'_>) -> Result<Self, Error> {
        node.expect_attributes(&["approximate"])?;
        let at: At = match node.text("approximate", "none")? {
            "tanh" => |x, _| {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
                0.5 * x * (1.0 + inner.tanh())
            },
            _ => |x, _| 0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2)),
        };
        Ok(Self {
            name: "Gelu",
            at,
            parameters: [0.0; 2],
        })
    }
}

type At = fn(f64, [f64; 2]) -> f64;

/// A function with at most two attributes and their defaults in ONNX.
struct Known {
    name: &'static str,
    attributes: &'static [(&'static str, f32)],
    at: At,
}

const fn plain(name: &'static str, at: At) -> Known {
    Known {
        name,
        attributes: &[],
        at,
    }
}

const KNOWN: [Known; 22] = [
    plain("Relu", |x, _| x.max(0.0)),
    plain("Sigmoid", |x, _| sigmoid(x)),
    plain("HardSwish", |x, _| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
    plain("Mish", |x, _| x * softplus(x).tanh()),
    plain("Tanh", |x, _| x.tanh()),
    plain("Softplus", |x, _| softplus(x)),
    plain("Softsign", |x, _| x / (1.0 + x.abs())),
    plain("Erf", |x, _| erf(x)),
    plain("Exp", |x, _| x.exp()),
    plain("Log", |x, _| x.ln()),
    plain("Sqrt", |x, _| x.sqrt()),
    plain("Abs", |x, _| x.abs()),
    plain("Reciprocal", |x, _| x.recip()),
    plain("Sign", |x, _| if x == 0.0 { 0.0 } else { x.signum() }),
    Known {
        name: "LeakyRelu",
        attributes: &[("alpha", 0.01)],
        at: |x, [a, _]| if x < 0.0 { a * x } else { x },
    },
    Known {
        name: "ThresholdedRelu",
        attributes: &[("alpha", 1.0)],
        at: |x, [a, _]| if x > a { x } else { 0.0 },
    },
    Known {
        name: "Elu",
        attributes: &[("alpha", 1.0)],
        at: |x, [a, _]| if x < 0.0 { a * x.exp_m1() } else { x },
    },
    Known {
        name: "Celu",
        attributes: &[("alpha", 1.0)],
        at: |x, [a, _]| x.max(0.0) + (a * (x / a).exp_m1()).min(0.0),
    },
    Known {
        name: "Selu",
        attributes: &[("alpha", 1.673_263_2), ("gamma", 1.050_701)],
        at: |x, [a, g]| g * if x < 0.0 { a * x.exp_m1() } else { x },
    },
    Known {
        name: "HardSigmoid",
        attributes: &[("alpha", 0.2), ("beta", 0.5)],
        at: |x, [a, b]| (a * x + b).clamp(0.0, 1.0),
    },
    Known {
        name: "Swish",
        attributes: &[("alpha", 1.0)],
        at: |x, [a, _]| x * sigmoid(a * x),
    },
    plain("Sin", |x, _| x.sin()),
];

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The error function to 1.5e-7 (Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 7.1.26), far
/// below the error of any polynomial fitted to it.
fn erf(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let coefficients = [
        1.061_405_429,
        -1.453_152_027,
        1.421_413_741,
        -0.284_496_736,
        0.254_829_592,
    ];
    let sum = coefficients.iter().fold(0.0, |sum, c| sum * t + c) * t;
    (1.0 - sum * (-x * x).exp()).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_is_that_of_the_tables() {
        // Abramowitz and Stegun, table 7.1.
        for (x, y) in [
            (0.0, 0.0),
            (0.5, 0.520_499_877_8),
            (-1.0, -0.842_700_792_9),
            (2.0, 0.995_322_265_0),
        ] {
            assert!((erf(x) - y).abs() < 1.5e-7, "{x}");
        }
    }

    #[test]
    fn a_curve_is_what_its_operators_compute() {
        let x = Rc::new(Curve::X);
        let sigmoid = Function {
            name: "Sigmoid",
            at: |x, _| sigmoid(x),
            parameters: [0.0; 2],
        };
        let silu = Curve::Pair(Pair::Mul, x.clone(), Rc::new(Curve::Of(sigmoid, x)));
        assert_eq!(silu.to_string(), "Mul(x, Sigmoid(x))");
        assert!((silu.at(1.0) - 0.731_058_578_6).abs() < 1e-9);
    }
}
