//! The walk over a model's nodes: names to tensors, and one call of an operator a node.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use hemet_spaces::layer::{Affine, Poly};
use hemet_spaces::{Layer, LayerGraph, LayerMoments, Weights};
use prost::Message;

use crate::fit::{self, Curve, Pending, Role};
use crate::forms::Forms;
use crate::heads::{heads, left_to_client, needed, output_layer};
use crate::input::Input;
use crate::limits::{Budget, check_file};
use crate::network::Network;
use crate::node::Node;
use crate::polynomial::Polynomial;
use crate::proto::{GraphProto, ModelProto, NodeProto, TensorProto};
use crate::state::{Import, Value};
use crate::tail::{Head, Tail};
use crate::{Error, Imported, Source, external, family, ops};

/// Degrees of the polynomials that stand for activations, in the order of the nodes; the last holds for all further
/// ones.
pub(crate) type Degrees<'d> = Option<&'d [usize]>;

/// Which comparisons are read as layers of the clear, by the first outputs of their nodes.
enum Exact {
    All,
    These(HashSet<String>),
}

impl Exact {
    fn has(&self, proto: &NodeProto) -> bool {
        match self {
            Self::All => true,
            Self::These(outputs) => {
                let output = proto.output.first();
                output.is_some_and(|output| outputs.contains(output))
            }
        }
    }
}

/// See [`crate::import`]; `degrees` is none where activations are refused.
pub(crate) fn import(
    source: Source<'_>,
    degrees: Degrees<'_>,
) -> Result<(Imported, Vec<Pending>), Error> {
    let exact = match source.device_layers {
        0 => Exact::These(HashSet::new()),
        crate::WHOLE => Exact::All,
        layers => Exact::These(in_front(source, degrees, layers)?),
    };
    let read = import_as(source, degrees, &exact)?;
    Ok((read.imported, read.pending))
}

/// The comparisons in front of the cut behind so many convolutions and dense layers; none where the model cannot be
/// read with all of them, which the import without them tells.
fn in_front(
    source: Source<'_>,
    degrees: Degrees<'_>,
    layers: usize,
) -> Result<HashSet<String>, Error> {
    let Ok(read) = import_as(source, degrees, &Exact::All) else {
        return Ok(HashSet::new());
    };
    let graph = &read.imported.graph;
    let last = graph.cut_of(layers)?.after();
    let clear = read.clear.into_iter();
    let inside = clear.filter(|(layer, _)| graph.find(layer).is_some_and(|id| id <= last));
    Ok(inside.map(|(_, output)| output).collect())
}

/// What was read of a model.
struct Read {
    imported: Imported,
    pending: Vec<Pending>,
    /// Layers of the clear, and the first outputs of their nodes.
    clear: Vec<(String, String)>,
}

fn import_as(source: Source<'_>, degrees: Degrees<'_>, exact: &Exact) -> Result<Read, Error> {
    let model = decoded(source)?;
    let opset = opset(&model)?;
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
    let mut import = start(&input, initializers)?;
    let roles = match degrees {
        Some(_) => fitted_roles(&mut import, proto, &needed, &heads, exact)?,
        None => vec![Role::Kept; needed.len()],
    };
    for (index, role) in needed.iter().zip(&roles) {
        let proto = &proto.node[*index];
        if !(exact.has(proto) && clear(&mut import, Node { proto })?) {
            node(&mut import, Node { proto }, role, degrees)?;
        }
    }
    let last = output_layer(&mut import, proto, &heads)?;
    let (outputs, classes) = left_to_client(&import, &tail, opset, &heads, named.as_ref())?;
    let Import {
        network,
        mut pending,
        mut moments,
        clear,
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
    let clear = clear.into_iter();
    Ok(Read {
        imported,
        pending,
        clear: clear
            .map(|(layer, output)| (layer, output.to_owned()))
            .collect(),
    })
}

/// The model with the weights that lie beside it.
fn decoded(source: Source<'_>) -> Result<ModelProto, Error> {
    check_file(source.bytes)?;
    let mut model =
        ModelProto::decode(source.bytes).map_err(|error| Error::NotOnnx(error.to_string()))?;
    // Of another set nothing more is read.
    opset(&model)?;
    if let Some(folder) = source.folder {
        external::read(&mut model, folder)?;
    }
    Ok(model)
}

/// Reads a node as a layer of the clear, where it is one.
fn clear<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<bool, Error> {
    let constant = |name: &String| name.is_empty() || import.is_constant(name);
    if node.proto.input.iter().all(constant) {
        return Ok(false);
    }
    let Some(signal) = ops::clear::import(import, node)? else {
        return Ok(false);
    };
    let Some(output) = node.proto.output.first().map(String::as_str) else {
        return Err(node.damaged("it has no output"));
    };
    let layer = import.network.last_name().to_owned();
    import.clear.push((layer, output));
    name_output(import, node, output, Value::Signal(signal))?;
    Ok(true)
}

/// Says what a name stands for from now on.
fn name_output<'m>(
    import: &mut Import<'m>,
    node: Node<'m>,
    name: &'m str,
    value: Value<'m>,
) -> Result<(), Error> {
    let taken = import.initializers.contains_key(name);
    if taken || import.values.insert(name, value).is_some() {
        return Err(node.damaged(format!("the tensor `{name}` is made twice")));
    }
    Ok(())
}

/// An import that knows the input and nothing else.
fn start<'m>(
    input: &Input<'m>,
    initializers: HashMap<&'m str, &'m TensorProto>,
) -> Result<Import<'m>, Error> {
    let mut import = Import {
        network: Network::new(input.shape)?,
        forms: Forms::default(),
        budget: Budget::new(),
        batch: input.batch.filter(|batch| *batch > 1),
        pending: Vec::new(),
        clear: Vec::new(),
        moments: LayerMoments::new(),
        values: HashMap::new(),
        initializers,
    };
    let base = import.network.input();
    let signal = import.signal_of(base, input.dims.clone());
    import.values.insert(input.name, Value::Signal(signal));
    Ok(import)
}

/// What becomes of each needed node where activations are fitted.
fn fitted_roles<'m>(
    import: &mut Import<'m>,
    proto: &'m GraphProto,
    needed: &[usize],
    heads: &[Head<'m>],
    exact: &Exact,
) -> Result<Vec<Role<'m>>, Error> {
    fold(import, proto, needed);
    let nodes: Vec<_> = needed.iter().map(|index| &proto.node[*index]).collect();
    let heads: Vec<&str> = heads.iter().map(|head| head.tensor).collect();
    let mut kept = HashSet::new();
    for proto in nodes.iter().copied().filter(|proto| exact.has(proto)) {
        if ops::clear::activation(import, Node { proto })?.is_some() {
            kept.extend(proto.output.first().map(String::as_str));
        }
    }
    fit::roles(
        &nodes,
        &heads,
        &kept,
        &|name| match import.is_constant(name) {
            true => Some(import.known(name)),
            false => None,
        },
    )
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
        if !name.is_empty() {
            name_output(import, node, name, value)?;
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
