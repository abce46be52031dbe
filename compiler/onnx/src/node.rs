//! A node as the operators read it: checked access to its attributes, and its errors.

use crate::Error;
use crate::proto::{AttributeProto, NodeProto};

/// A node of the model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'m> {
    pub(crate) proto: &'m NodeProto,
}

impl<'m> Node<'m> {
    /// Its name, or that of its first output where it has none.
    pub(crate) fn name(&self) -> &'m str {
        match self.proto.name.as_deref() {
            Some(name) if !name.is_empty() => name,
            _ => self.proto.output.first().map_or("", String::as_str),
        }
    }

    pub(crate) fn operator(&self) -> &'m str {
        self.proto.op_type.as_deref().unwrap_or("")
    }

    /// The operator's set; empty for the standard one.
    pub(crate) fn domain(&self) -> &'m str {
        match self.proto.domain.as_deref().unwrap_or("") {
            "ai.onnx" => "",
            domain => domain,
        }
    }

    /// The name of input `index`; none where it is left out.
    pub(crate) fn input(&self, index: usize) -> Option<&'m str> {
        let name = self.proto.input.get(index)?;
        (!name.is_empty()).then_some(name)
    }

    /// The error of a use that is not supported.
    pub(crate) fn unsupported(&self, why: impl Into<String>, instead: impl Into<String>) -> Error {
        Error::Unsupported {
            node: self.name().to_owned(),
            operator: self.operator().to_owned(),
            why: why.into(),
            instead: instead.into(),
        }
    }

    /// The error of a node that breaks the rules of ONNX.
    pub(crate) fn damaged(&self, why: impl Into<String>) -> Error {
        Error::Node {
            node: self.name().to_owned(),
            operator: self.operator().to_owned(),
            why: why.into(),
        }
    }

    /// Refuses attributes that are not in `known`, since they could change what the node computes.
    pub(crate) fn expect_attributes(&self, known: &[&str]) -> Result<(), Error> {
        let unknown = self
            .proto
            .attribute
            .iter()
            .filter_map(|a| a.name.as_deref())
            .find(|name| !known.contains(name));
        match unknown {
            None => Ok(()),
            Some(name) => Err(self.unsupported(
                format!("it has an attribute `{name}`"),
                match known {
                    [] => "it takes none".into(),
                    _ => format!("it takes {}", known.join(", ")),
                },
            )),
        }
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&'m AttributeProto> {
        self.proto
            .attribute
            .iter()
            .find(|a| a.name.as_deref() == Some(name))
    }

    pub(crate) fn integer(&self, name: &str, default: i64) -> Result<i64, Error> {
        self.value(name, "an integer", |a| a.i.or(omitted_zero(a, INT)))
            .map(|value| value.unwrap_or(default))
    }

    pub(crate) fn float(&self, name: &str, default: f32) -> Result<f32, Error> {
        self.value(name, "a number", |a| a.f.or(omitted_zero(a, FLOAT)))
            .map(|value| value.unwrap_or(default))
    }

    pub(crate) fn text(&self, name: &str, default: &'m str) -> Result<&'m str, Error> {
        let read = |a: &'m AttributeProto| a.s.as_deref().and_then(|s| std::str::from_utf8(s).ok());
        self.value(name, "a text", read)
            .map(|value| value.unwrap_or(default))
    }

    /// Whether the flag `name` is set.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Error> {
        Ok(self.integer(name, 0)? != 0)
    }

    /// The integers `name`, none negative and none larger than `largest`; exactly `count` of them.
    pub(crate) fn sizes(
        &self,
        name: &str,
        largest: usize,
        count: usize,
    ) -> Result<Option<Vec<usize>>, Error> {
        let Some(attribute) = self.attribute(name) else {
            return Ok(None);
        };
        let sizes: Option<Vec<usize>> = attribute
            .ints
            .iter()
            .map(|v| usize::try_from(*v).ok().filter(|v| *v <= largest))
            .collect();
        match sizes.filter(|sizes| sizes.len() == count) {
            Some(sizes) => Ok(Some(sizes)),
            None => Err(self.unsupported(
                format!("`{name}` is {}", listed(&attribute.ints)),
                format!("it must be {count} numbers from 0 to {largest}"),
            )),
        }
    }

    /// An axis of a tensor of `rank` axes; negative ones count from behind.
    pub(crate) fn axis(&self, axis: i64, rank: usize) -> Result<usize, Error> {
        let place = if axis < 0 { axis + rank as i64 } else { axis };
        match usize::try_from(place).ok().filter(|place| *place < rank) {
            Some(place) => Ok(place),
            None => Err(self.damaged(format!("axis {axis} of a tensor of {rank} axes"))),
        }
    }

    fn value<T>(
        &self,
        name: &str,
        what: &str,
        read: impl Fn(&'m AttributeProto) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        match self.attribute(name) {
            None => Ok(None),
            Some(attribute) => read(attribute)
                .map(Some)
                .ok_or_else(|| self.damaged(format!("the attribute `{name}` is not {what}"))),
        }
    }
}

/// `AttributeType` of the schema.
const FLOAT: i32 = 1;
const INT: i32 = 2;

/// Writers that follow proto3 leave out a zero and tell its type only.
fn omitted_zero<T: Default>(attribute: &AttributeProto, kind: i32) -> Option<T> {
    (attribute.r#type == Some(kind)).then(T::default)
}

/// The integers as text, cut after eight.
pub(crate) fn listed(values: &[i64]) -> String {
    match values.len() {
        0..=8 => format!("{values:?}"),
        len => format!("{:?} and {} more", &values[..8], len - 8),
    }
}
