//! Average pooling: as a block, and as the choice after a block or before the head. Its 1/k² merges into the next
//! weights.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::label::Label;
use super::list::combinations;
use super::pair::apart;
use super::{Activation, Block, List, Options, Pair, Role};
use crate::layer::{AveragePool, Window, parse_pair};
use crate::{Error, Layer, LayerGraph, NodeId};

/// Average pooling, or none. Written `none`, `global`, or the window: its side, or rows and columns (`1x4`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pool {
    /// No pooling.
    None,
    /// Windows of these sides and strides, more than one place.
    Window(Pair),
    /// The mean of each channel.
    Global,
}

/// Average pooling as a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolBlock {
    /// Sides and strides of the window, more than one place.
    pub window: Pair,
}

/// The knobs of [`PoolBlock`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolOptions {
    /// Sides and strides of the window, at least 2 or rows and columns (`1x4`).
    #[schemars(schema_with = "super::pair::windows")]
    pub window: List<Pair>,
}

impl Pool {
    /// Adds the pooling layer, named `name`, behind `input`; none for `none`.
    ///
    /// # Errors
    /// A window that does not fit.
    pub fn expand(
        &self,
        graph: &mut LayerGraph,
        input: NodeId,
        name: &str,
    ) -> Result<NodeId, Error> {
        let pool = match *self {
            Pool::None => return Ok(input),
            Pool::Window(Pair([rows, columns])) => AveragePool {
                window: Window::tile(rows, columns),
                counts_padding: false,
            },
            Pool::Global => {
                let shape = graph.node(input).shape;
                AveragePool::global(shape.height, shape.width)
            }
        };
        graph.add(name, Layer::AveragePool(pool), &[input])
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pool::None => write!(f, "none"),
            Pool::Window(side) => write!(f, "{side}"),
            Pool::Global => write!(f, "global"),
        }
    }
}

impl JsonSchema for Pool {
    fn schema_name() -> Cow<'static, str> {
        "Pool".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let [words, list] = apart();
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": ["none", "global"] },
                { "type": "integer", "minimum": 2, "maximum": 4096 },
                words,
                list,
            ],
            "x-written": "`none`, `global` or a window: its side, at least 2, or rows and columns as in `1x4`",
        })
    }
}

impl<'de> Deserialize<'de> for Pool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PoolVisitor)
    }
}

struct PoolVisitor;

impl<'de> Visitor<'de> for PoolVisitor {
    type Value = Pool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`none`, `global` or a window: its side, at least 2, or rows and columns as in `1x4`"
        )
    }

    fn visit_u64<E: serde::de::Error>(self, side: u64) -> Result<Pool, E> {
        match usize::try_from(side) {
            Ok(side) if side >= 2 => Ok(Pool::Window(Pair::both(side))),
            _ => Err(E::invalid_value(
                serde::de::Unexpected::Unsigned(side),
                &self,
            )),
        }
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Pool, E> {
        match word {
            "none" => Ok(Pool::None),
            "global" => Ok(Pool::Global),
            _ => match parse_pair(word).map(Pair).filter(Pair::pools) {
                Some(window) => Ok(Pool::Window(window)),
                None => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
            },
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Pool, A::Error> {
        let window = Pair::deserialize(SeqAccessDeserializer::new(seq))?;
        match window.pools() {
            true => Ok(Pool::Window(window)),
            false => Err(serde::de::Error::custom("a window of 1x1 pools nothing")),
        }
    }
}

impl Serialize for Pool {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Pool::Window(window) => window.serialize(serializer),
            Pool::None | Pool::Global => serializer.collect_str(self),
        }
    }
}

impl Options for PoolOptions {
    fn blocks(&self, _activation: &List<Activation>) -> Result<Vec<Arc<dyn Block>>, String> {
        if self.window.iter().any(|window| !window.pools()) {
            return Err(
                "window: 1 pools nothing; take at least 2, or rows and columns as in 1x4".into(),
            );
        }
        let block = |i: Vec<usize>| -> Arc<dyn Block> {
            Arc::new(PoolBlock {
                window: self.window[i[0]],
            })
        };
        Ok(combinations(&[self.window.len()])?
            .into_iter()
            .map(block)
            .collect())
    }
}

impl Block for PoolBlock {
    fn label(&self) -> String {
        Label::new("pool").knob("window", self.window).finish()
    }

    fn expand(&self, graph: &mut LayerGraph, input: NodeId, name: &str) -> Result<NodeId, Error> {
        Pool::Window(self.window).expand(graph, input, &format!("{name}.average"))
    }

    fn out_channels(&self) -> Option<usize> {
        None
    }

    fn stride(&self) -> [usize; 2] {
        self.window.0
    }

    fn role(&self) -> Role {
        Role::Neutral
    }
}
