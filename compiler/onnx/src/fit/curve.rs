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
    at: fn(f64, [f64; 2]) -> f64,
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
    /// The function of a node of one input, with its attributes; `bounds` are the numbers of a Clip. `Ok(None)` where the operator
    /// is none of these.
    pub(crate) fn of_node(node: Node<'_>, bounds: [f64; 2]) -> Result<Option<Self>, Error> {
        let attribute = |name, default| node.float(name, default).map(f64::from);
        let alpha = |default| Ok([attribute("alpha", default)?, 0.0]);
        let none: Result<[f64; 2], Error> = Ok([0.0; 2]);
        type At = fn(f64, [f64; 2]) -> f64;
        let (name, parameters, at): (_, Result<[f64; 2], Error>, At) = match node.operator() {
            "Relu" => ("Relu", none, |x, _| x.max(0.0)),
            "LeakyRelu" => (
                "LeakyRelu",
                alpha(0.01),
                |x, [a, _]| if x < 0.0 { a * x } else { x },
            ),
            "ThresholdedRelu" => (
                "ThresholdedRelu",
                alpha(1.0),
                |x, [a, _]| if x > a { x } else { 0.0 },
            ),
            "Elu" => (
                "Elu",
                alpha(1.0),
                |x, [a, _]| if x < 0.0 { a * x.exp_m1() } else { x },
            ),
            "Celu" => ("Celu", alpha(1.0), |x, [a, _]| {
                x.max(0.0) + (a * (x / a).exp_m1()).min(0.0)
            }),
            "Selu" => {
                // The defaults of the ONNX operator.
                let both = Ok([
                    attribute("alpha", 1.673_263_2)?,
                    attribute("gamma", 1.050_701)?,
                ]);
                ("Selu", both, |x, [a, g]| {
                    g * if x < 0.0 { a * x.exp_m1() } else { x }
                })
            }
            "Sigmoid" => ("Sigmoid", none, |x, _| sigmoid(x)),
            "HardSigmoid" => {
                let both = Ok([attribute("alpha", 0.2)?, attribute("beta", 0.5)?]);
                ("HardSigmoid", both, |x, [a, b]| (a * x + b).clamp(0.0, 1.0))
            }
            "HardSwish" => ("HardSwish", none, |x, _| {
                x * (x / 6.0 + 0.5).clamp(0.0, 1.0)
            }),
            "Mish" => ("Mish", none, |x, _| x * softplus(x).tanh()),
            "Tanh" => ("Tanh", none, |x, _| x.tanh()),
            "Softplus" => ("Softplus", none, |x, _| softplus(x)),
            "Softsign" => ("Softsign", none, |x, _| x / (1.0 + x.abs())),
            "Erf" => ("Erf", none, |x, _| erf(x)),
            "Exp" => ("Exp", none, |x, _| x.exp()),
            "Log" => ("Log", none, |x, _| x.ln()),
            "Sqrt" => ("Sqrt", none, |x, _| x.sqrt()),
            "Abs" => ("Abs", none, |x, _| x.abs()),
            "Reciprocal" => ("Reciprocal", none, |x, _| x.recip()),
            "Clip" => ("Clip", Ok(bounds), |x, [low, high]| x.max(low).min(high)),
            _ => return Ok(None),
        };
        node.expect_attributes(match name {
            "LeakyRelu" | "ThresholdedRelu" | "Elu" | "Celu" => &["alpha"],
            "Selu" => &["alpha", "gamma"],
            "HardSigmoid" => &["alpha", "beta"],
            _ => &[],
        })?;
        Ok(Some(Self {
            name,
            at,
            parameters: parameters?,
        }))
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The error function to 1.5e-7 (Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 7.1.26), far below the error of
/// any polynomial fitted to it.
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
