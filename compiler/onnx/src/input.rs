//! The network's input, as the model declares it.

use std::collections::{HashMap, HashSet};

use hemet_spaces::Shape;

use crate::Error;
use crate::layers::canonical;
use crate::network::check_elements;
use crate::proto::{GraphProto, TensorProto, ValueInfoProto};

/// The network's input.
pub(crate) struct Input<'m> {
    pub(crate) name: &'m str,
    /// The batch where it is fixed.
    pub(crate) batch: Option<usize>,
    pub(crate) shape: Shape,
    /// Extents as ONNX has them, the batch 1.
    pub(crate) dims: Vec<usize>,
}

impl<'m> Input<'m> {
    pub(crate) fn of(
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
