//! The values that a knob may take, and the combinations of several knobs.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{F64Deserializer, I64Deserializer, StrDeserializer, U64Deserializer};
use serde::de::{IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// At most this many options come from one position: a gene is a 16-bit number.
pub(crate) const MAX_OPTIONS: usize = 1 << 16;

/// One value or several, without repetition; a space file holds `4` or `[4, 8]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T>(Vec<T>);

impl<T: PartialEq> List<T> {
    /// The list of these values.
    ///
    /// # Errors
    /// No value at all, or one value twice.
    pub fn new(values: Vec<T>) -> Result<Self, String> {
        if values.is_empty() {
            return Err("a list of options must hold at least one value".into());
        }
        if let Some(position) = (1..values.len()).find(|p| values[..*p].contains(&values[*p])) {
            return Err(format!(
                "value number {} of the list was there before; options must differ",
                position + 1
            ));
        }
        Ok(Self(values))
    }
}

impl<T> List<T> {
    /// The list of one value.
    pub fn one(value: T) -> Self {
        Self(vec![value])
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

/// Every combination of one index into each list, the last list's running fastest.
pub(super) fn combinations(lengths: &[usize]) -> Result<Vec<Vec<usize>>, String> {
    let count = lengths
        .iter()
        .try_fold(1usize, |product, len| product.checked_mul(*len))
        .filter(|count| *count <= MAX_OPTIONS)
        .ok_or_else(|| {
            format!("the lists multiply out to more than {MAX_OPTIONS} options; shorten them")
        })?;
    let combination = |mut rest: usize| {
        let mut indices = vec![0; lengths.len()];
        for (index, len) in indices.iter_mut().zip(lengths).rev() {
            (*index, rest) = (rest % len, rest / len);
        }
        indices
    };
    Ok((0..count).map(combination).collect())
}

impl<'de, T: Deserialize<'de> + PartialEq> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + PartialEq> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value or a list of values")
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<List<T>, E> {
        let value: U64Deserializer<E> = value.into_deserializer();
        T::deserialize(value).map(List::one)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<List<T>, E> {
        let value: I64Deserializer<E> = value.into_deserializer();
        T::deserialize(value).map(List::one)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<List<T>, E> {
        let value: F64Deserializer<E> = value.into_deserializer();
        T::deserialize(value).map(List::one)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<List<T>, E> {
        let value: StrDeserializer<'_, E> = value.into_deserializer();
        T::deserialize(value).map(List::one)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        List::new(values).map_err(serde::de::Error::custom)
    }
}

/// The schema of a list of such values.
pub(super) fn list_of(one: &Schema) -> Schema {
    json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1, "uniqueItems": true }] })
}

/// The largest whole number that a knob takes; no layer near it fits a ciphertext.
pub(super) const MOST: u64 = 1 << 16;

/// The schema of a list of whole numbers from `LEAST` to [`MOST`].
pub(super) fn whole<const LEAST: u64>(_: &mut SchemaGenerator) -> Schema {
    list_of(&json_schema!({ "type": "integer", "minimum": LEAST, "maximum": MOST }))
}

impl<T: JsonSchema> JsonSchema for List<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("ListOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        list_of(&generator.subschema_for::<T>())
    }
}

impl<T: Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [value] => value.serialize(serializer),
            values => values.serialize(serializer),
        }
    }
}
