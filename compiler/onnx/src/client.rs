//! What the nodes at the end of a model do, as the steps of an output transform.

use hemet_schedule::{Groups, Meaning, Norm, OutputPart, OutputStep};

use crate::Error;
use crate::constant::Constant;
use crate::node::Node;
use crate::tail::{Head, Step, Tail, is_two_of_one};

/// What is known where the walk over the end of a model is.
struct End<'t, 'm> {
    tail: &'t Tail<'m>,
    /// The version of the standard operators.
    opset: i64,
    /// Extents as ONNX has them, the batch 1; none behind a change of shape that keeps several long axes.
    dims: Option<Vec<usize>>,
    /// How many numbers there are.
    len: usize,
    /// Whether they are positions or other whole numbers.
    whole: bool,
    classes: Vec<String>,
    steps: Vec<OutputStep>,
}

/// What the client makes of the head's tensor, whose extents are `dims`, and what its classes are called; no names
/// where the model does not say.
///
/// # Errors
/// A node that the client cannot apply.
pub(crate) fn part<'m>(
    tail: &Tail<'m>,
    opset: i64,
    head: &Head<'m>,
    dims: &[usize],
) -> Result<(OutputPart, Vec<String>), Error> {
    let len = dims.iter().product();
    let mut end = End {
        tail,
        opset,
        dims: Some(dims.to_vec()),
        len,
        whole: false,
        classes: Vec::new(),
        steps: Vec::new(),
    };
    for step in &head.steps {
        end.node(*step)?;
    }
    let maker = tail.maker(head.tensor);
    let regressor = maker.is_some_and(|node| node.operator() == "LinearRegressor");
    let meaning = match regressor || (end.len == 1 && !head.is_label()) {
        true => Meaning::Values,
        false => Meaning::Scores,
    };
    let part = OutputPart {
        name: head.name.to_owned(),
        len,
        meaning,
        unit: String::new(),
        steps: end.steps,
    };
    Ok((part, end.classes))
}

impl<'m> End<'_, 'm> {
    fn node(&mut self, step: Step<'m>) -> Result<(), Error> {
        let node = step.node;
        match node.operator() {
            "Softmax" => self.softmax(node, OutputStep::Softmax)?,
            "LogSoftmax" => self.softmax(node, OutputStep::LogSoftmax)?,
            "Hardmax" => self.softmax(node, OutputStep::Hardmax)?,
            "ArgMax" => self.position(node)?,
            "Normalizer" => {
                let norm = match node.text("norm", "MAX")? {
                    "L1" => Norm::L1,
                    "L2" => Norm::L2,
                    "MAX" => Norm::Max,
                    other => {
                        let why = format!("its norm is `{other}`");
                        return Err(node.unsupported(why, "use L1, L2 or MAX"));
                    }
                };
                let groups = self.groups(node, -1)?;
                self.steps.push(OutputStep::Normalize { groups, norm });
            }
            "ZipMap" => self.classes = class_names(node)?,
            "LinearClassifier" if step.output == 0 => self.classify(node)?,
            "LinearClassifier" | "LinearRegressor" => self.scores(node)?,
            "Cast" => self.cast(node)?,
            "Identity" => {}
            "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" => self.reshape(),
            "ArrayFeatureExtractor" | "Gather" => self.label(node)?,
            "Concat" => {
                self.steps.push(OutputStep::Complement);
                (self.len, self.dims) = (2, Some(vec![1, 2]));
            }
            "Add" | "Sub" | "Mul" | "Div" => self.arithmetic(node)?,
            _ => self.function(node)?,
        }
        Ok(())
    }

    /// The groups along an axis.
    fn groups(&self, node: Node<'m>, axis: i64) -> Result<Groups, Error> {
        let Some(dims) = self.dims.as_ref().filter(|dims| dims.len() > 1) else {
            return Ok(Groups::whole(self.len));
        };
        let at = node.axis(axis, dims.len())?;
        if at == 0 {
            return Err(node.unsupported(
                "its axis 0 is the batch",
                "take the axis of the classes, which is 1 or -1",
            ));
        }
        Ok(Groups {
            outer: dims[..at].iter().product(),
            len: dims[at],
            inner: dims[at + 1..].iter().product(),
        })
    }

    fn softmax(&mut self, node: Node<'m>, step: fn(Groups) -> OutputStep) -> Result<(), Error> {
        let groups = self.softmax_groups(node)?;
        self.steps.push(step(groups));
        Ok(())
    }

    /// Until operator set 12 a softmax was over all axes from one on.
    fn softmax_groups(&self, node: Node<'m>) -> Result<Groups, Error> {
        if self.opset >= 13 {
            return self.groups(node, node.integer("axis", -1)?);
        }
        let dims = self.dims.clone().unwrap_or(vec![1, self.len]);
        let at = node.axis(node.integer("axis", 1)?, dims.len())?;
        Ok(Groups {
            outer: dims[..at].iter().product(),
            len: dims[at..].iter().product(),
            inner: 1,
        })
    }

    fn position(&mut self, node: Node<'m>) -> Result<(), Error> {
        let axis = node.integer("axis", 0)?;
        let groups = self.groups(node, axis)?;
        if let Some(dims) = &mut self.dims {
            let at = node.axis(axis, dims.len())?;
            match node.integer("keepdims", 1)? {
                0 => drop(dims.remove(at)),
                _ => dims[at] = 1,
            }
        }
        self.len = groups.outer * groups.inner;
        self.whole = true;
        self.steps.push(OutputStep::ArgMax(groups));
        Ok(())
    }

    /// The label of a linear classifier, which it finds from its scores before any function of them.
    fn classify(&mut self, node: Node<'m>) -> Result<(), Error> {
        self.steps.push(match self.len {
            1 => OutputStep::Above { threshold: 0.0 },
            len => OutputStep::ArgMax(Groups::whole(len)),
        });
        let names = class_names(node)?;
        self.names(names);
        Ok(())
    }

    /// What a linear model makes of its scores.
    fn scores(&mut self, node: Node<'m>) -> Result<(), Error> {
        self.classes = class_names(node)?;
        match node.text("post_transform", "NONE")? {
            "LOGISTIC" => self.steps.push(OutputStep::Sigmoid),
            "SOFTMAX" if !is_two_of_one(node) => {
                self.steps
                    .push(OutputStep::Softmax(Groups::whole(self.len)));
            }
            "NONE" | "SOFTMAX" => {}
            other => {
                return Err(node.unsupported(
                    format!("its post_transform is {other}"),
                    "NONE, LOGISTIC and SOFTMAX are applied by the client; choose one of them",
                ));
            }
        }
        if is_two_of_one(node) {
            self.steps.push(OutputStep::Complement);
            (self.len, self.dims) = (2, Some(vec![1, 2]));
        }
        Ok(())
    }

    fn cast(&mut self, node: Node<'m>) -> Result<(), Error> {
        match node.integer("to", 1)? {
            1 | 10 | 11 | 16 => Ok(()),
            _ if self.whole => Ok(()),
            other => Err(node.unsupported(
                format!("it casts the outputs to type number {other}, which cuts their fractions"),
                "leave it out of the export",
            )),
        }
    }

    /// The order of elements stays; which axis is which is known only where one is longer than 1.
    fn reshape(&mut self) {
        let dims = self.dims.take();
        self.dims = dims.filter(|dims| dims.iter().filter(|d| **d > 1).count() <= 1);
    }

    fn label(&mut self, node: Node<'m>) -> Result<(), Error> {
        let names = node.input(0).and_then(|name| self.tail.tensor(name));
        let Some(tensor) = names.filter(|_| self.len == 1 && self.whole) else {
            return Err(node.unsupported(
                "what it looks up is no label of one class",
                "leave it out of the export",
            ));
        };
        let names = match tensor.string_data.is_empty() {
            false => tensor.string_data.iter().map(|name| text(name)).collect(),
            true => {
                let constant = Constant::new(node.name(), tensor)?;
                constant.numbers().map(|x| x.to_string()).collect()
            }
        };
        self.names(names);
        Ok(())
    }

    fn names(&mut self, names: Vec<String>) {
        (self.len, self.whole) = (1, true);
        self.classes.clone_from(&names);
        if !names.is_empty() {
            self.steps.push(OutputStep::Label { names });
        }
    }

    /// The numbers of a constant input.
    fn numbers(&self, node: Node<'m>, index: usize) -> Result<Option<Vec<f64>>, Error> {
        let Some(name) = node.input(index) else {
            return Ok(None);
        };
        if let Some(tensor) = self.tail.tensor(name) {
            return Ok(Some(Constant::new(name, tensor)?.numbers().collect()));
        }
        match self.tail.maker(name) {
            Some(node) if node.operator() == "Constant" => {
                Ok(Some(Constant::of_node(node)?.numbers().collect()))
            }
            Some(_) | None => Ok(None),
        }
    }

    fn arithmetic(&mut self, node: Node<'m>) -> Result<(), Error> {
        let (left, right) = (self.numbers(node, 0)?, self.numbers(node, 1)?);
        let behind = right.is_some();
        let Some(numbers) = right.or(left) else {
            return Err(node.damaged("its constant cannot be read"));
        };
        if numbers.len() != 1 && numbers.len() != self.len {
            return Err(node.unsupported(
                format!("it has {} numbers for {} outputs", numbers.len(), self.len),
                "use one, or one an output",
            ));
        }
        let negative = || numbers.iter().map(|x| -x).collect::<Vec<f64>>();
        let (scale, shift) = match (node.operator(), behind) {
            ("Add", _) => (vec![1.0], numbers),
            ("Sub", true) => (vec![1.0], negative()),
            ("Sub", false) => (vec![-1.0], numbers),
            ("Mul", _) => (numbers, vec![0.0]),
            (_, true) => (numbers.iter().map(|x| x.recip()).collect(), vec![0.0]),
            (_, false) => {
                return Err(
                    node.unsupported("it divides by the outputs", "leave it out of the export")
                );
            }
        };
        self.whole = false;
        self.steps.push(OutputStep::Affine { scale, shift });
        Ok(())
    }

    /// A function of each number.
    fn function(&mut self, node: Node<'m>) -> Result<(), Error> {
        let float = |name: &str, default: f32| node.float(name, default).map(f64::from);
        let only = |numbers: Option<Vec<f64>>| match numbers.as_deref() {
            Some([one]) => Ok(Some(*one)),
            None | Some([]) => Ok(None),
            Some(_) => Err(node.unsupported("it has several bounds", "use one number")),
        };
        let step = match node.operator() {
            "Sigmoid" => OutputStep::Sigmoid,
            "HardSigmoid" => OutputStep::HardSigmoid {
                alpha: float("alpha", 0.2)?,
                beta: float("beta", 0.5)?,
            },
            "Tanh" => OutputStep::Tanh,
            "Exp" => OutputStep::Exp,
            "Softplus" => OutputStep::Softplus,
            "Relu" => OutputStep::Relu { slope: 0.0 },
            "LeakyRelu" => OutputStep::Relu {
                slope: float("alpha", 0.01)?,
            },
            "Clip" => {
                // Attributes until operator set 10, inputs since.
                let least = only(self.numbers(node, 1)?)?.unwrap_or(f64::MIN);
                let most = only(self.numbers(node, 2)?)?.unwrap_or(f64::MAX);
                let bound = |name: &str, given: f64| match node.attribute(name) {
                    Some(_) => float(name, 0.0),
                    None => Ok(given),
                };
                OutputStep::Clip {
                    low: bound("min", least)?.max(f64::MIN),
                    high: bound("max", most)?.min(f64::MAX),
                }
            }
            "Greater" => OutputStep::Above {
                threshold: only(self.numbers(node, 1)?)?.unwrap_or(0.0),
            },
            _ => {
                return Err(
                    node.unsupported("the client cannot apply it", "leave it out of the export")
                );
            }
        };
        self.whole = matches!(step, OutputStep::Above { .. });
        self.steps.push(step);
        Ok(())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a node of `ai.onnx.ml` calls its classes; none where it does not say.
fn class_names(node: Node<'_>) -> Result<Vec<String>, Error> {
    for name in [
        "classlabels_strings",
        "classlabels_ints",
        "classlabels_int64s",
    ] {
        let Some(attribute) = node.attribute(name) else {
            continue;
        };
        let words = attribute.strings.iter().map(|name| text(name));
        let numbers = attribute.ints.iter().map(i64::to_string);
        let names: Vec<String> = words.chain(numbers).collect();
        if !names.is_empty() {
            return Ok(names);
        }
    }
    Ok(Vec::new())
}
