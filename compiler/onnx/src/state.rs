//! An import under way: what each name of the model stands for.

use std::collections::HashMap;

use hemet_spaces::LayerMoments;

use crate::Error;
use crate::constant::Constant;
use crate::fit::Pending;
use crate::forms::{Forms, Signal};
use crate::limits::Budget;
use crate::network::Network;
use crate::node::Node;
use crate::proto::TensorProto;

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
    /// The batch where the model fixes it to another number than 1. Everything is read for a batch of 1.
    pub(crate) batch: Option<usize>,
    /// Activations to be fitted.
    pub(crate) pending: Vec<Pending>,
    /// Layers that a device computes in the clear, and the first outputs of their nodes.
    pub(crate) clear: Vec<(String, &'m str)>,
    /// What training saw of layers, by name.
    pub(crate) moments: LayerMoments,
    pub(crate) values: HashMap<&'m str, Value<'m>>,
    pub(crate) initializers: HashMap<&'m str, &'m TensorProto>,
}

impl<'m> Import<'m> {
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

    /// Input `index`, which must be there.
    pub(crate) fn needed(&self, node: Node<'m>, index: usize) -> Result<Value<'m>, Error> {
        self.value(node, index)?
            .ok_or_else(|| node.damaged(format!("its input {index} is missing")))
    }

    /// Input `index`, which must depend on the network's input.
    pub(crate) fn signal(&self, node: Node<'m>, index: usize) -> Result<Signal, Error> {
        match self.needed(node, index)? {
            Value::Signal(signal) => Ok(signal),
            Value::Constant(constant) => Err(node.unsupported(
                format!("its input {index}, `{}`, is a constant", constant.name),
                "fold constants when exporting the model",
            )),
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
                "only a constant can stand there",
            )),
            None => Ok(None),
        }
    }

    /// Input `index`, which must be a constant.
    pub(crate) fn constant(&self, node: Node<'m>, index: usize) -> Result<Constant<'m>, Error> {
        self.optional_constant(node, index)?
            .ok_or_else(|| node.damaged(format!("its input {index} is missing")))
    }

    /// Integers that stand in attribute `name` in old operator sets and in input `index` in later ones; none where
    /// they are left out.
    pub(crate) fn integers(
        &self,
        node: Node<'m>,
        name: &str,
        index: usize,
    ) -> Result<Option<Vec<i64>>, Error> {
        if let Some(attribute) = node.attribute(name) {
            return Ok(Some(attribute.ints.clone()));
        }
        match self.optional_constant(node, index)? {
            Some(constant) => constant.integers().map(Some),
            None => Ok(None),
        }
    }

    /// Whether a name stands for a constant, as far as is known.
    pub(crate) fn is_constant(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Value::Constant(_)))
            || self.initializers.contains_key(name)
    }

    /// The constant that a name stands for before the walk reaches it.
    pub(crate) fn known(&self, name: &'m str) -> Option<Constant<'m>> {
        match (self.values.get(name), self.initializers.get(name)) {
            (Some(Value::Constant(constant)), _) => Some(constant.clone()),
            (Some(Value::Signal(_)), _) | (None, None) => None,
            (None, Some(proto)) => Constant::new(name, proto).ok(),
        }
    }
}
