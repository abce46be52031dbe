//! A knob of rows and columns: the kernel of a convolution, a stride, the window of a pool.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::list::list_of;
use crate::layer::{pair_text, parse_pair};

/// The longest side: a window larger than any input of a network under encryption.
const MOST: usize = 1 << 12;

/// Rows and columns, each from 1 to 4096. A space file holds `3` for both alike, and `1x7` or `[1, 7]` otherwise; a
/// list of options of the latter form is `[[1, 7], [1, 5]]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pair(pub [usize; 2]);

impl Pair {
    /// Both alike.
    pub const fn both(side: usize) -> Self {
        Self([side; 2])
    }

    /// Whether a window of this size holds more than one place.
    pub(super) fn pools(&self) -> bool {
        self.0 != [1, 1]
    }
}

fn is_side(side: &usize) -> bool {
    (1..=MOST).contains(side)
}

impl From<usize> for Pair {
    fn from(side: usize) -> Self {
        Self::both(side)
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pair_text(self.0))
    }
}

impl JsonSchema for Pair {
    fn schema_name() -> Cow<'static, str> {
        "Pair".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let [words, list] = apart();
        json_schema!({
            "anyOf": [{ "type": "integer", "minimum": 1, "maximum": MOST }, words, list],
            "x-written": "a whole number, from 1 to 4096, or rows and columns as in `1x7`",
        })
    }
}

/// The schemas of rows and columns that are not alike: `1x7` and `[1, 7]`.
pub(super) fn apart() -> [Schema; 2] {
    [
        json_schema!({ "type": "string", "pattern": "^[1-9][0-9]*x[1-9][0-9]*$", "x-pair": true }),
        json_schema!({ "type": "array", "items": { "type": "integer", "minimum": 1, "maximum": MOST }, "minItems": 2, "maxItems": 2 }),
    ]
}

/// The schema of a list of windows of more than one place.
pub(super) fn windows(_: &mut SchemaGenerator) -> Schema {
    let [words, list] = apart();
    list_of(&json_schema!({
        "anyOf": [{ "type": "integer", "minimum": 2, "maximum": MOST }, words, list],
        "x-written": "a whole number, from 2 to 4096, or rows and columns as in `1x4`",
    }))
}

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PairVisitor)
    }
}

struct PairVisitor;

impl<'de> Visitor<'de> for PairVisitor {
    type Value = Pair;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a whole number, from 1 to {MOST}, or rows and columns as in `1x7`"
        )
    }

    fn visit_u64<E: Error>(self, side: u64) -> Result<Pair, E> {
        match usize::try_from(side) {
            Ok(side) if is_side(&side) => Ok(Pair::both(side)),
            _ => Err(E::invalid_value(Unexpected::Unsigned(side), &self)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Pair, E> {
        match parse_pair(text) {
            Some(pair) if pair.iter().all(is_side) => Ok(Pair(pair)),
            Some(_) | None => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Pair, A::Error> {
        let mut sides = Vec::new();
        while let Some(side) = seq.next_element::<usize>()? {
            sides.push(side);
        }
        match sides[..] {
            [rows, columns] if sides.iter().all(is_side) => Ok(Pair([rows, columns])),
            _ => Err(A::Error::custom(format!(
                "{sides:?} is no pair of rows and columns, each from 1 to {MOST}"
            ))),
        }
    }
}

impl Serialize for Pair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [rows, columns] if rows == columns => rows.serialize(serializer),
            _ => serializer.collect_str(self),
        }
    }
}
