//! The walk over a model's nodes: names to tensors, and one call of an operator a node.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use hemet_schedule::{Meaning, OutputPart, OutputTransform};
use hemet_spaces::layer::{Affine, Poly};
use hemet_spaces::{Layer, LayerGraph, LayerMoments, Shape, Weights};
use prost::Message;

use crate::fit::{self, Curve, Pending, Role};
use crate::forms::{Forms, Signal};
use crate::layers::canonical;
use crate::limits::{Budget, check_file};
use crate::movement::Movement;
use crate::network::{LayerId, Network, check_elements};
use crate::node::Node;
use crate::polynomial::Polynomial;
use crate::proto::{GraphProto, ModelProto, TensorProto, ValueInfoProto};
use crate::state::{Import, Value};
use crate::tail::{Head, Tail};
use crate::{Error, Imported, Source, client, external, family, ops};

/// Degrees of the polynomials that stand for activations, in the order of the nodes; the last holds for all further
/// ones.
pub(crate) type Degrees<'d> = Option<&'d [usize]>;

/// See [`crate::import`]; `degrees` is none where activations are refused.
pub(crate) fn import(
    source: Source<'_>,
    degrees: Degrees<'_>,
) -> Result<(Imported, Vec<Pending>), Error> {
    check_file(source.bytes)?;
    let mut model =
        ModelProto::decode(source.bytes).map_err(|error| Error::NotOnnx(error.to_string()))?;
    let opset = opset(&model)?;
    if let Some(folder) = source.folder {
        external::read(&mut model, folder)?;
    }
    let Some(proto) = &model.graph else {
        return Err(Error::NotOnnx("it holds no graph".into()));
    };
    let initializers = initializers(proto)?;
    let tail = Tail::new(proto, &initializers);
    let (heads, named) = heads(proto, &tail, source.outputs)?;
    let needed = needed(proto, &heads);
    let nodes = needed.iter().map(|index| &proto.node[*index]);
    family::check(nodes, |name| initializers.contains_key(name))?;
    let input = Input::of(proto, &initializers, &needed)?;
    let mut import = Import {
        network: Network::new(input.shape)?,
        forms: Forms::default(),
        budget: Budget::new(),
        batch: input.batch.filter(|batch| *batch > 1),
        pending: Vec::new(),
        moments: LayerMoments::new(),
        values: HashMap::new(),
        initializers,
    };
    let base = import.network.input();
    let signal = import.signal_of(base, input.dims.clone());
    import.values.insert(input.name, Value::Signal(signal));
    let roles = match degrees {
        Some(_) => fitted_roles(&mut import, proto, &needed, &heads)?,
        None => vec![Role::Kept; needed.len()],
    };
    for (index, role) in needed.iter().zip(&roles) {
        node(
            &mut import,
            Node {
                proto: &proto.node[*index],
            },
            role,
            degrees,
        )?;
    }
    let last = output_layer(&mut import, proto, &heads)?;
    let (outputs, classes) = left_to_client(&import, &tail, opset, &heads, named.as_ref())?;
    let Import {
        network,
        mut pending,
        mut moments,
        ..
    } = import;
    let (graph, weights): (LayerGraph, Weights) = network.finish(last)?;
    // Those that the output does not depend on are gone.
    pending.retain(|pending| graph.find(&pending.poly).is_some());
    moments.retain(|layer, _| graph.find(layer).is_some());
    let output_name = match source.outputs.is_empty() {
        true => heads[0].tensor.to_owned(),
        false => source.outputs.join(","),
    };
    let imported = Imported {
        graph,
        weights,
        moments,
        input_name: input.name.to_owned(),
        output_name,
        outputs,
        classes,
    };
    Ok((imported, pending))
}

/// What becomes of each needed node where activations are fitted.
fn fitted_roles<'m>(
    import: &mut Import<'m>,
    proto: &'m GraphProto,
    needed: &[usize],
    heads: &[Head<'m>],
) -> Result<Vec<Role<'m>>, Error> {
    fold(import, proto, needed);
    let nodes: Vec<_> = needed.iter().map(|index| &proto.node[*index]).collect();
    let heads: Vec<&str> = heads.iter().map(|head| head.tensor).collect();
    fit::roles(&nodes, &heads, &|name| match import.is_constant(name) {
        true => Some(import.known(name)),
        false => None,
    })
}

/// Computes what does not depend on the input, so that the numbers of curves are known; what fails is told when the
/// walk reaches it.
fn fold<'m>(import: &mut Import<'m>, proto: &'m GraphProto, needed: &[usize]) {
    for index in needed {
        let node = Node {
            proto: &proto.node[*index],
        };
        let constant = |name: &String| name.is_empty() || import.is_constant(name);
        if !node.proto.input.iter().all(constant) {
            continue;
        }
        let Ok(values) = ops::import(import, node) else {
            continue;
        };
        for (name, value) in node.proto.output.iter().zip(values) {
            if let Value::Constant(_) = value {
                import.values.entry(name).or_insert(value);
            }
        }
    }
}

fn node<'m>(
    import: &mut Import<'m>,
    node: Node<'m>,
    role: &Role<'m>,
    degrees: Degrees<'_>,
) -> Result<(), Error> {
    let outputs = &node.proto.output;
    if outputs.iter().all(String::is_empty) {
        return Err(node.damaged("it has no output"));
    }
    let is_known =
        |name: &String| matches!(import.values.get(name.as_str()), Some(Value::Constant(_)));
    if degrees.is_some() && outputs.iter().all(is_known) {
        return Ok(());
    }
    let values = match role {
        Role::Kept => ops::import(import, node)?,
        Role::Inside => return Ok(()),
        Role::Fitted { source, curves } => {
            let at = import.pending.len();
            let degree = degrees.and_then(|d| d.get(at).or(d.last())).copied();
            let degree = degree.unwrap_or(*fit::FIT_DEGREES.start());
            vec![fitted(import, node, source, curves, degree)?]
        }
    };
    // The first output of a linear classifier is the label, which the client finds.
    let skipped = usize::from(node.operator() == "LinearClassifier");
    for (name, value) in outputs.iter().skip(skipped).zip(values) {
        if name.is_empty() {
            continue;
        }
        let taken = import.initializers.contains_key(name.as_str());
        if taken || import.values.insert(name, value).is_some() {
            return Err(node.damaged(format!("the tensor `{name}` is made twice")));
        }
    }
    Ok(())
}

/// An activation of the tensor `source`: a scale and a polynomial whose numbers are found later.
fn fitted<'m>(
    import: &mut Import<'m>,
    node: Node<'m>,
    source: &'m str,
    curves: &[Rc<Curve>],
    degree: usize,
) -> Result<Value<'m>, Error> {
    let Some(Value::Signal(signal)) = import.values.get(source).cloned() else {
        let why = format!("it reads a tensor `{source}` that nothing before it makes");
        return Err(node.damaged(why));
    };
    let signal = import.settled(node, &signal)?;
    let layer = import.form_layer(node, &signal)?;
    let channels = import.network.shape(layer).channels;
    if curves.len() > 1 && curves.len() != channels {
        return Err(node.unsupported(
            format!("it has {} slopes for {channels} channels", curves.len()),
            "use one slope, or one a channel",
        ));
    }
    import.budget.take(node.name(), &[channels, degree + 3])?;
    // Not 1, which would be an addition of constants that other layers take in.
    let tensors = vec![vec![0.5; channels], vec![0.0; channels]];
    let scale_name = format!("{}.scale", node.name());
    let scale = import
        .network
        .add(&scale_name, Layer::Affine(Affine), &[layer], tensors)?;
    let poly = Poly {
        degree,
        per_channel: true,
    };
    let tensors = vec![vec![0.0; channels * (degree + 1)]];
    let poly = import
        .network
        .add(node.name(), Layer::Poly(poly), &[scale], tensors)?;
    import.pending.push(Pending {
        scale: import.network.name(scale).to_owned(),
        poly: import.network.name(poly).to_owned(),
        curves: curves.to_vec(),
    });
    let made = import.new_signal(poly, Polynomial::identity(), "", signal.view);
    Ok(Value::Signal(made))
}

/// The layer of the outputs, joined where there are several.
fn output_layer<'m>(
    import: &mut Import<'m>,
    proto: &'m GraphProto,
    heads: &[Head<'m>],
) -> Result<LayerId, Error> {
    let mut signals: Vec<Signal> = Vec::new();
    let mut last = None;
    for head in heads {
        let name = head.tensor;
        let error = |why: &str| Error::Model {
            what: format!("output `{name}`"),
            why: why.into(),
        };
        let maker = proto
            .node
            .iter()
            .find(|n| n.output.iter().any(|o| o == name));
        match (import.values.get(name), maker) {
            (Some(Value::Signal(signal)), maker) => {
                signals.push(signal.clone());
                last = last.or(maker.map(|proto| Node { proto }));
            }
            (Some(Value::Constant(_)), _) => {
                return Err(error(
                    "it is a constant; the network's result must depend on its input",
                ));
            }
            (None, _) => return Err(error("no node makes it")),
        }
    }
    let Some(node) = last else {
        return Ok(import.network.input());
    };
    if let [signal] = &signals[..] {
        return import.flat_layer(node, signal);
    }
    let mut rows = Vec::new();
    for signal in &signals {
        let signal = import.unpadded(node, signal)?;
        let len = signal.view.len();
        rows.push(import.moved(node, &signal, &Movement::in_order(vec![1, len]))?);
    }
    let joined = ops::joined(import, node, &rows, 1)?;
    import.flat_layer(node, &joined)
}

/// What the client makes of the outputs, and what their classes are called, which `named` may say too.
fn left_to_client<'m>(
    import: &Import<'m>,
    tail: &Tail<'m>,
    opset: i64,
    heads: &[Head<'m>],
    named: Option<&Head<'m>>,
) -> Result<(Option<OutputTransform>, Vec<String>), Error> {
    let part = |head: &Head<'m>| match import.values.get(head.tensor) {
        Some(Value::Signal(signal)) => client::part(tail, opset, head, signal.dims()),
        Some(Value::Constant(_)) | None => client::part(tail, opset, head, &[]),
    };
    let mut parts = Vec::new();
    let mut classes = Vec::new();
    for head in heads {
        let (made, names) = part(head)?;
        parts.push(made);
        classes = names;
    }
    if parts.len() > 1 {
        classes.clear();
    }
    if let (true, Some(named)) = (classes.is_empty(), named) {
        // What only names the classes is not applied, so it need not be read.
        classes = part(named).map_or(Vec::new(), |(_, names)| names);
    }
    let scores_alone = |parts: &[OutputPart]| match parts {
        [part] => part.steps.is_empty() && part.meaning == Meaning::Scores,
        _ => false,
    };
    let outputs = (!scores_alone(&parts)).then_some(OutputTransform { parts });
    Ok((outputs, classes))
}

/// What the network computes for the chosen outputs; and where one tensor gives scores and a label, the label, which
/// names the classes.
fn heads<'m>(
    proto: &'m GraphProto,
    tail: &Tail<'m>,
    chosen: &[String],
) -> Result<(Vec<Head<'m>>, Option<Head<'m>>), Error> {
    let names: Vec<&str> = proto
        .output
        .iter()
        .filter_map(|output| output.name.as_deref())
        .collect();
    let error = |why: String| Error::Model {
        what: "outputs".into(),
        why,
    };
    let wanted = match chosen {
        [] => names.clone(),
        _ => chosen
            .iter()
            .map(|wanted| {
                let found = names.iter().find(|name| *name == wanted).copied();
                found.ok_or_else(|| {
                    let all = names.join("`, `");
                    error(format!("none is named `{wanted}`; there are `{all}`"))
                })
            })
            .collect::<Result<_, _>>()?,
    };
    let mut heads: Vec<Head<'m>> = wanted.iter().map(|name| tail.head(name)).collect();
    if heads.is_empty() {
        return Err(error("there are none".into()));
    }
    // A label and its probabilities come of the same scores.
    let same = heads.iter().all(|head| head.tensor == heads[0].tensor);
    match (heads.len(), chosen.len(), same) {
        (1, _, _) => {}
        (_, _, true) => {
            let order = |head: &Head<'_>| (!head.is_label(), head.steps.len());
            heads.sort_by_key(order);
            let named = heads.iter().find(|head| head.is_label()).cloned();
            heads = heads.pop().into_iter().collect();
            return Ok((heads, named));
        }
        (count, 0, false) => {
            return Err(error(format!(
                "{count} tensors, `{}`; choose one with --output NAME, or several as one with --output NAME,NAME",
                names.join("`, `")
            )));
        }
        (_, _, false) => {}
    }
    Ok((heads, None))
}

/// Positions of the nodes that the heads are computed from, in order.
fn needed(proto: &GraphProto, heads: &[Head<'_>]) -> Vec<usize> {
    let mut wanted: HashSet<&str> = heads.iter().map(|head| head.tensor).collect();
    let mut needed = Vec::new();
    for (index, node) in proto.node.iter().enumerate().rev() {
        if node
            .output
            .iter()
            .any(|name| !name.is_empty() && wanted.contains(name.as_str()))
        {
            wanted.extend(node.input.iter().map(String::as_str));
            needed.push(index);
        }
    }
    needed.reverse();
    needed
}

fn is_standard(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// From version 7 to 23 the operators that are read mean the same: what differs (attributes that became inputs,
/// training outputs) is told by the nodes themselves. A softmax is the exception.
fn opset(model: &ModelProto) -> Result<i64, Error> {
    let found = model
        .opset_import
        .iter()
        .find(|set| is_standard(set.domain.as_deref().unwrap_or("")));
    let version = found.map(|set| set.version.unwrap_or(0));
    match version {
        Some(version @ 7..=23) => Ok(version),
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
                why: "two initializers have this name".into(),
            });
        }
    }
    Ok(initializers)
}

/// The network's input.
struct Input<'m> {
    name: &'m str,
    /// The batch where it is fixed.
    batch: Option<usize>,
    shape: Shape,
    /// Extents as ONNX has them, the batch 1.
    dims: Vec<usize>,
}

impl<'m> Input<'m> {
    fn of(
        graph: &'m GraphProto,
        initializers: &HashMap<&str, &TensorProto>,
        needed: &[usize],
    ) -> Result<Self, Error> {
        let read: HashSet<&str> = needed
            .iter()
            .flat_map(|index| graph.node[*index].input.iter().map(String::as_str))
            .collect();
        let name = |input: &'m ValueInfoProto| input.name.as_deref().unwrap_or("");
        let free: Vec<&ValueInfoProto> = graph
            .input
            .iter()
            .filter(|input| !initializers.contains_key(name(input)))
            .collect();
        let inputs: Vec<&ValueInfoProto> = match free[..] {
            [_] => free,
            _ => free
                .into_iter()
                .filter(|input| read.contains(name(input)))
                .collect(),
        };
        let [input] = inputs[..] else {
            let names: Vec<&str> = inputs.iter().map(|input| name(input)).collect();
            return Err(Error::Model {
                what: "inputs".into(),
                why: format!(
                    "{} tensors (`{}`); a network has one, so join them before the export",
                    names.len(),
                    names.join("`, `")
                ),
            });
        };
        Self::of_tensor(name(input), input)
    }

    fn of_tensor(name: &'m str, input: &ValueInfoProto) -> Result<Self, Error> {
        let error = |why: String| Error::Model {
            what: format!("input `{name}`"),
            why,
        };
        let tensor = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
        let kind = tensor.and_then(|t| t.elem_type).unwrap_or(1);
        if !matches!(kind, 1..=7 | 10 | 11 | 12 | 13 | 16) {
            return Err(error(format!(
                "its data type is number {kind}; read are numbers, not texts, truth values or complex numbers"
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
        let whole: Option<Vec<usize>> = dims.iter().skip(1).copied().collect();
        let (batch, own) = match (dims.as_slice(), whole) {
            ([Some(elements)], _) => (None, vec![*elements]),
            ([batch, _, ..], Some(own)) if own.len() <= 4 => (*batch, [vec![1], own].concat()),
            _ => {
                let dims: Vec<String> = dims
                    .iter()
                    .map(|d| d.map_or("?".into(), |d| d.to_string()))
                    .collect();
                return Err(error(format!(
                    "its shape is [{}], needed is [batch, elements], [batch, channels, length] or [batch, channels, height, width], \
                     all but batch fixed",
                    dims.join(", ")
                )));
            }
        };
        let product = |len: usize, dim: &usize| len.checked_mul(*dim);
        if own.iter().try_fold(1, product).is_none() {
            return Err(error(format!(
                "its shape {own:?} has more elements than can be counted"
            )));
        }
        let shape = match own[..] {
            // Gray images as Keras has them.
            [1, height, width, 1] if height == width && height > 1 => Shape::new(1, height, width),
            _ => canonical(&own),
        };
        check_elements(name, shape)?;
        Ok(Self {
            name,
            batch,
            shape,
            dims: own,
        })
    }
}
