//! YAML and the schema of what it must hold: values with the places where they stand, and all their faults at once.

use std::cell::RefCell;
use std::fmt;

use hemet_spaces::schema::{self, Fault, Path, Wrong};
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, Serialize};
use serde_json::{Map, Number, Value};

use super::text::Text;
use crate::error::{Error, Place};

/// The text as `T`, after all of it was compared with the schema of `T`.
///
/// # Errors
/// Text that is no YAML; every place where it departs from the schema.
pub fn parse<T: DeserializeOwned + JsonSchema>(text: &Text) -> Result<T, Error> {
    check::<T>(text)?;
    parse_unchecked(text)
}

/// Compares a text with the schema of `T`.
///
/// # Errors
/// Text that is no YAML; every place where it departs from the schema.
pub fn check<T: JsonSchema>(text: &Text) -> Result<(), Error> {
    let (value, repeated) = value(text)?;
    let repeated = repeated.into_iter().map(|path| Fault {
        path,
        wrong: Wrong::Value {
            found: "given twice".into(),
            allowed: "one value".into(),
            words: vec![],
        },
    });
    let mut faults = schema::faults(&schema::of::<T>(), &value);
    faults.extend(repeated);
    text.all_wrong(&faults).map_or(Ok(()), Err)
}

/// The text as `T`, which refuses itself what it does not take.
///
/// # Errors
/// The first mistake, at its place.
pub fn parse_unchecked<T: DeserializeOwned>(text: &Text) -> Result<T, Error> {
    serde_yaml::from_str(text.as_str()).map_err(|error| of_reader(text, error))
}

/// These options with those of the text in their place.
///
/// # Errors
/// As [`parse`].
pub fn over<T>(options: &T, text: &Text) -> Result<T, Error>
where
    T: Serialize + DeserializeOwned + JsonSchema,
{
    let json = |options: &T| serde_json::to_value(options);
    let (mut all, own) = (json(options)?, json(&parse(text)?)?);
    let (given, _) = value(text)?;
    let schema = schema::of::<T>();
    for key in given.as_object().into_iter().flat_map(Map::keys) {
        let name = schema::name(&schema, key);
        all[name] = own[name].clone();
    }
    Ok(serde_json::from_value(all)?)
}

/// The text as a value, and the keys that stand twice in it.
pub fn value(text: &Text) -> Result<(Value, Vec<Path>), Error> {
    let repeated = RefCell::new(Vec::new());
    let reader = Reader {
        path: Path::default(),
        repeated: &repeated,
    };
    let value = reader.deserialize(serde_yaml::Deserializer::from_str(text.as_str()));
    let value = value.map_err(|error| of_reader(text, error))?;
    Ok((value, repeated.into_inner()))
}

/// What the YAML reader or a type's own reader refused.
fn of_reader(text: &Text, error: serde_yaml::Error) -> Error {
    let full = error.to_string();
    match error.location() {
        Some(at) => {
            let message = full.split(" at line ").next().unwrap_or(&full);
            let place = Place {
                line: at.line(),
                column: at.column(),
            };
            text.at(place, message.to_owned(), None)
        }
        None => text.wrong_whole(full),
    }
}

/// Reads any YAML; keys that are no texts become such, numbers that JSON has not become words.
struct Reader<'a> {
    path: Path,
    repeated: &'a RefCell<Vec<Path>>,
}

impl<'a> Reader<'a> {
    fn inside(&self, path: Path) -> Self {
        Reader {
            path,
            repeated: self.repeated,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value without a tag")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok((value as f64).into())
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok((value as f64).into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.inside(self.path.item(items.len())))? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(key) = map.next_key_seed(self.inside(Path::default()))? {
            let key = word(&key);
            let path = self.path.key(&key);
            let value = map.next_value_seed(self.inside(path.clone()))?;
            match values.contains_key(&key) {
                true => self.repeated.borrow_mut().push(path),
                false => drop(values.insert(key, value)),
            }
        }
        Ok(values.into())
    }
}

/// A key as a text.
fn word(key: &Value) -> String {
    let own = key.as_str().map(str::to_owned);
    own.unwrap_or_else(|| key.to_string())
}
