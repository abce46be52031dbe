//! Activations that blocks end in: none, or a polynomial.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::layer::Poly;
use crate::{Error, Layer, LayerGraph, NodeId};

/// What follows a norm. Written `linear`, `quadratic`, or `poly<degree>` (degrees 2 to 31), the latter two with
/// `_per_layer` for one polynomial for all channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// None: the layers before and after merge into one linear map.
    Linear,
    /// A learnable polynomial.
    Poly {
        /// Degree, 2 to 31. A quadratic costs one level once its coefficients are merged into the layers around it.
        degree: usize,
        /// One polynomial a channel, or one for the layer.
        per_channel: bool,
    },
}

impl Activation {
    /// A learnable quadratic a channel: the default.
    pub const QUADRATIC: Activation = Activation::Poly {
        degree: 2,
        per_channel: true,
    };

    /// Adds the activation's layer, named `name`, behind `input`; none for `linear`.
    ///
    /// # Errors
    /// A name that is taken.
    pub fn expand(
        &self,
        graph: &mut LayerGraph,
        input: NodeId,
        name: &str,
    ) -> Result<NodeId, Error> {
        match *self {
            Activation::Linear => Ok(input),
            Activation::Poly {
                degree,
                per_channel,
            } => graph.add(
                name,
                Layer::Poly(Poly {
                    degree,
                    per_channel,
                }),
                &[input],
            ),
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Activation::Linear => write!(f, "linear"),
            Activation::Poly {
                degree,
                per_channel,
            } => {
                match degree {
                    2 => write!(f, "quadratic")?,
                    degree => write!(f, "poly{degree}")?,
                }
                write!(f, "{}", if *per_channel { "" } else { "_per_layer" })
            }
        }
    }
}

impl FromStr for Activation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "linear" {
            return Ok(Activation::Linear);
        }
        let (word, per_channel) = match text.strip_suffix("_per_layer") {
            Some(word) => (word, false),
            None => (text, true),
        };
        let degree = match word.strip_prefix("poly") {
            None if word == "quadratic" => Some(2),
            None => None,
            Some(number) => number.parse().ok().filter(|d| (2..=31).contains(d)),
        };
        let poly = |degree| Activation::Poly {
            degree,
            per_channel,
        };
        degree
            .map(poly)
            .ok_or_else(|| format!("unknown activation `{text}`; write {WRITTEN}"))
    }
}

/// How an activation is written.
const WRITTEN: &str =
    "`linear`, `quadratic` or `poly3` to `poly31`, the latter two also with `_per_layer`";

impl JsonSchema for Activation {
    fn schema_name() -> Cow<'static, str> {
        "Activation".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut words = vec!["linear".to_owned()];
        for kind in ["", "_per_layer"] {
            words.push(format!("quadratic{kind}"));
            words.extend((2..=31).map(|degree| format!("poly{degree}{kind}")));
        }
        json_schema!({ "type": "string", "enum": words, "x-written": WRITTEN })
    }
}

impl<'de> Deserialize<'de> for Activation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Activation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
