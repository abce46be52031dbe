//! Where the parts of a YAML text stand.

use std::fmt;

use hemet_spaces::schema::{Path, Step};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::error::Place;

/// Where the value of this path stands; the beginning where it is not there.
pub fn of_value(text: &str, path: &Path) -> Place {
    locate(text, &path.0, Part::Value)
}

/// Where the key of this path's last step stands.
pub fn of_key(text: &str, path: &Path) -> Place {
    locate(text, &path.0, Part::Key)
}

/// What is sought at the end of a path.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Key,
    Value,
}

fn locate(text: &str, steps: &[Step], part: Part) -> Place {
    let way = Way { steps, part };
    let found = way.deserialize(serde_yaml::Deserializer::from_str(text));
    let at = found.err().and_then(|error| error.location());
    at.map_or(Place { line: 1, column: 1 }, |at| Place {
        line: at.line(),
        column: at.column(),
    })
}

/// Follows a path and fails at its end, where it takes no value at all: the reader then tells where that is.
#[derive(Clone, Copy)]
struct Way<'a> {
    steps: &'a [Step],
    part: Part,
}

impl<'de> DeserializeSeed<'de> for Way<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// A key of a mapping; fails at the one that is sought.
struct Seek<'a>(Option<&'a str>);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<String, E> {
        match self.0 == Some(key) {
            true => Err(E::custom("here")),
            false => Ok(key.to_owned()),
        }
    }
}

impl<'de> Visitor<'de> for Way<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some((Step::Item(index), steps)) = self.steps.split_first() else {
            return Err(A::Error::custom("here"));
        };
        for _ in 0..*index {
            seq.next_element::<IgnoredAny>()?;
        }
        let way = Way { steps, ..self };
        seq.next_element_seed(way)?;
        Err(A::Error::custom("here"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Step::Key(key), steps)) = self.steps.split_first() else {
            return Err(A::Error::custom("here"));
        };
        let last = steps.is_empty() && self.part == Part::Key;
        let seek = || Seek(last.then_some(key));
        while let Some(found) = map.next_key_seed(seek())? {
            match found == *key {
                true => map.next_value_seed(Way { steps, ..self })?,
                false => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Err(A::Error::custom("here"))
    }
}
