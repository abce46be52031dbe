//! The walk over a model's nodes: names to tensors, and one call of an operator a node.

use std::collections::HashMap;
use std::rc::Rc;

use hemet_spaces::layer::{Affine, Poly};
use hemet_spaces::{Layer, LayerGraph, Shape, Weights};
use prost::Message;

use crate::fit::{self, Curve, Pending, Role};
use crate::limits::{Budget, check_file};
use crate::network::{LayerId, Network, check_elements};
use crate::node::Node;
use crate::ops;
use crate::proto::{GraphProto, ModelProto, TensorProto, ValueInfoProto, data_type};
use crate::signal::{Forms, Signal};
use crate::tensor::Constant;
use crate::{Error, Imported};

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Value<'m> {
    Constant(Constant<'m>),
    Signal(Signal),
}

/// An import under way.
#[derive(Debug)]
pub(crate) struct Import<'m> {
    pub(crate) network: Network,
    pub(crate) forms: Forms,
    pub(crate) budget: Budget,
    /// The batch dimension where the model fixes it.
    pub(crate) batch: Option<usize>,
    /// Degree of the polynomials that stand for other activations; none where those are refused.
    degree: Option<usize>,
    /// Activations to be fitted.
    pending: Vec<Pending>,
    values: HashMap<&'m str, Value<'m>>,
    initializers: HashMap<&'m str, &'m TensorProto>,
}

/// See [`crate::import`].
pub(crate) fn import(
    bytes: &[u8],
    degree: Option<usize>,
) -> Result<(Imported, Vec<Pending>), Error> {
    check_file(bytes)?;
    let model = ModelProto::decode(bytes).map_err(|error| Error::NotOnnx(error.to_string()))?;
    check_opset(&model)?;
    let Some(proto) = &model.graph else {
        return Err(Error::NotOnnx("it holds no graph".into()));
    };
    let initializers = initializers(proto)?;
    let (input_name, batch, shape, flat) = input(proto, &initializers)?;
    let output_name = output(proto)?;
    let network = Network::new(shape)?;
    let mut import = Import {
        network,
        forms: Forms::default(),
        budget: Budget::new(),
        batch,
        degree,
        pending: Vec::new(),
        values: HashMap::new(),
        initializers,
    };
    let signal = import.signal_of(import.network.input(), flat);
    import.values.insert(input_name, Value::Signal(signal));
    let roles = match degree {
        Some(_) => fit::roles(proto)?,
        None => vec![Role::Kept; proto.node.len()],
    };
    for (proto, role) in proto.node.iter().zip(&roles) {
        import.node(Node { proto }, role)?;
    }
    let last = import.output_layer(proto, output_name)?;
    let (graph, weights): (LayerGraph, Weights) = import.network.finish(last)?;
    // Those that the output does not depend on are gone.
    import
        .pending
        .retain(|pending| graph.find(&pending.poly).is_some());
    let imported = Imported {
        graph,
        weights,
        input_name: input_name.to_owned(),
        output_name: output_name.to_owned(),
    };
    Ok((imported, import.pending))
}

impl<'m> Import<'m> {
    fn node(&mut self, node: Node<'m>, role: &Role<'m>) -> Result<(), Error> {
        let output = match node.proto.output.first() {
            Some(output) if !output.is_empty() => output.as_str(),
            _ => return Err(node.damaged("it has no output")),
        };
        let domain = node.proto.domain.as_deref().unwrap_or("");
        if !is_standard(domain) {
            return Err(node.unsupported(
                format!("it is of the operator set `{domain}`"),
                "export the model with standard operators (domain ai.onnx) only",
            ));
        }
        let value = match role {
            Role::Kept => ops::import(self, node)?,
            Role::Inside => return Ok(()),
            Role::Fitted { source, curve } => self.fitted(node, source, curve)?,
        };
        if self.initializers.contains_key(output) || self.values.insert(output, value).is_some() {
            return Err(node.damaged(format!("the tensor `{output}` is made twice")));
        }
        Ok(())
    }

    /// An activation of the tensor `source`: a scale and a polynomial whose numbers are found later.
    fn fitted(
        &mut self,
        node: Node<'m>,
        source: &'m str,
        curve: &Rc<Curve>,
    ) -> Result<Value<'m>, Error> {
        let Some(Value::Signal(signal)) = self.values.get(source).cloned() else {
            let why = format!("it reads a tensor `{source}` that nothing before it makes");
            return Err(node.damaged(why));
        };
        let layer = self.layer(node, signal)?;
        let channels = self.network.shape(layer).channels;
        let degree = self.degree.unwrap_or(*crate::FIT_DEGREES.start());
        self.budget.take(node.name(), &[channels, degree + 3])?;
        // Not 1, which would be an addition of constants that other layers take in.
        let tensors = vec![vec![0.5; channels], vec![0.0; channels]];
        let scale_name = format!("{}.scale", node.name());
        let scale = self
            .network
            .add(&scale_name, Layer::Affine(Affine), &[layer], tensors)?;
        let poly = Poly {
            degree,
            per_channel: true,
        };
        let tensors = vec![vec![0.0; channels * (degree + 1)]];
        let poly = self
            .network
            .add(node.name(), Layer::Poly(poly), &[scale], tensors)?;
        self.pending.push(Pending {
            scale: self.network.name(scale).to_owned(),
            poly: self.network.name(poly).to_owned(),
            curve: curve.clone(),
        });
        Ok(Value::Signal(self.signal_of(poly, signal.flat)))
    }

    /// What input `index` of the node stands for; none where it is left out.
    pub(crate) fn value(&self, node: Node<'m>, index: usize) -> Result<Option<Value<'m>>, Error> {
        let Some(name) = node.input(index) else {
            return Ok(None);
        };
        if let Some(value) = self.values.get(name) {
            return Ok(Some(value.clone()));
        }
        match self.initializers.get(name) {
            Some(proto) => Constant::new(name, proto).map(|c| Some(Value::Constant(c))),
            None => Err(node.damaged(format!(
                "it reads a tensor `{name}` that nothing before it makes"
            ))),
        }
    }

    /// Input `index`, which must depend on the network's input.
    pub(crate) fn signal(&self, node: Node<'m>, index: usize) -> Result<Signal, Error> {
        match self.value(node, index)? {
            Some(Value::Signal(signal)) => Ok(signal),
            Some(Value::Constant(constant)) => Err(node.unsupported(
                format!("its input {index}, `{}`, is a constant", constant.name),
                "fold constants when exporting the model",
            )),
            None => Err(node.damaged(format!("its input {index} is missing"))),
        }
    }

    /// Input `index`, which must be a constant; none where it is left out.
    pub(crate) fn optional_constant(
        &self,
        node: Node<'m>,
        index: usize,
    ) -> Result<Option<Constant<'m>>, Error> {
        match self.value(node, index)? {
            Some(Value::Constant(constant)) => Ok(Some(constant)),
            Some(Value::Signal(_)) => Err(node.unsupported(
                format!("its input {index} depends on the network's input"),
                "only a constant (initialiser) can stand there",
            )),
            None => Ok(None),
        }
    }

    /// Input `index`, which must be a constant.
    pub(crate) fn constant(&self, node: Node<'m>, index: usize) -> Result<Constant<'m>, Error> {
        self.optional_constant(node, index)?
            .ok_or_else(|| node.damaged(format!("its input {index} is missing")))
    }

    fn output_layer(&mut self, proto: &'m GraphProto, name: &str) -> Result<LayerId, Error> {
        let maker = proto
            .node
            .iter()
            .find(|n| n.output.iter().any(|o| o == name));
        match (self.values.get(name), maker) {
            (Some(Value::Signal(signal)), Some(proto)) => {
                let signal = *signal;
                self.layer(Node { proto }, signal)
            }
            (Some(Value::Signal(_)), None) => Ok(self.network.input()),
            (Some(Value::Constant(_)), _) => Err(Error::Model {
                what: format!("output `{name}`"),
                why: "it is a constant; the network's result must depend on its input".into(),
            }),
            (None, _) => Err(Error::Model {
                what: format!("output `{name}`"),
                why: "no node makes it".into(),
            }),
        }
    }
}

fn is_standard(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// From version 11 to 18 the operators that are read mean the same: what differs (training outputs, optional inputs) is
/// told by the nodes themselves.
fn check_opset(model: &ModelProto) -> Result<(), Error> {
    let found = model
        .opset_import
        .iter()
        .find(|set| is_standard(set.domain.as_deref().unwrap_or("")));
    let version = found.map(|set| set.version.unwrap_or(0));
    match version {
        Some(11..=18) => Ok(()),
        Some(version) => Err(Error::Opset {
            found: version.to_string(),
        }),
        None => Err(Error::Opset {
            found: "none of ai.onnx".into(),
        }),
    }
}

fn initializers(graph: &GraphProto) -> Result<HashMap<&str, &TensorProto>, Error> {
    let mut initializers = HashMap::new();
    for tensor in &graph.initializer {
        let name = tensor.name.as_deref().unwrap_or("");
        if initializers.insert(name, tensor).is_some() {
            return Err(Error::Tensor {
                name: name.to_owned(),
                why: "two initialisers have this name".into(),
            });
        }
    }
    Ok(initializers)
}

/// Name, batch dimension where it is fixed, shape, and whether the shape is `[batch][elements]`.
fn input<'m>(
    graph: &'m GraphProto,
    initializers: &HashMap<&str, &TensorProto>,
) -> Result<(&'m str, Option<usize>, Shape, bool), Error> {
    let inputs: Vec<&ValueInfoProto> = graph
        .input
        .iter()
        .filter(|i| !initializers.contains_key(i.name.as_deref().unwrap_or("")))
        .collect();
    let [input] = inputs[..] else {
        return Err(Error::Model {
            what: "inputs".into(),
            why: format!("{} tensors; a network has one", inputs.len()),
        });
    };
    let name = input.name.as_deref().unwrap_or("");
    let error = |why: String| Error::Model {
        what: format!("input `{name}`"),
        why,
    };
    let tensor = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    let kind = tensor.and_then(|t| t.elem_type).unwrap_or(data_type::FLOAT);
    if kind != data_type::FLOAT && kind != data_type::DOUBLE {
        return Err(error(format!(
            "its data type is number {kind}, read are float (1) and double (11)"
        )));
    }
    let Some(shape) = tensor.and_then(|t| t.shape.as_ref()) else {
        return Err(error("it has no shape; export the model with one".into()));
    };
    let dims: Vec<Option<usize>> = shape
        .dim
        .iter()
        .map(|d| {
            d.dim_value
                .and_then(|v| usize::try_from(v).ok())
                .filter(|v| *v > 0)
        })
        .collect();
    let (batch, shape, flat) = match dims[..] {
        [batch, Some(c), Some(h), Some(w)] => (batch, Shape::new(c, h, w), false),
        [batch, Some(elements)] => (batch, Shape::new(elements, 1, 1), true),
        _ => {
            let dims: Vec<String> = dims
                .iter()
                .map(|d| d.map_or("?".into(), |d| d.to_string()))
                .collect();
            return Err(error(format!(
                "its shape is [{}], needed is [batch, channels, height, width] or [batch, elements], all but batch fixed",
                dims.join(", ")
            )));
        }
    };
    check_elements(name, shape)?;
    Ok((name, batch, shape, flat))
}

fn output(graph: &GraphProto) -> Result<&str, Error> {
    match &graph.output[..] {
        [output] => Ok(output.name.as_deref().unwrap_or("")),
        outputs => Err(Error::Model {
            what: "outputs".into(),
            why: format!("{} tensors; a network has one", outputs.len()),
        }),
    }
}
