//! The form of what a person writes in a file: the JSON Schema of its type, and the places where a value departs from
//! it.
//!
//! A type's schema is the one source of its keys, kinds, ranges, units and defaults: files are checked against it
//! ([`faults`]), values that a program made too ([`check`]), and editors and the reference page read it. Beside the
//! keywords of JSON Schema (draft 2020-12) it holds `x-unit`, the unit of a number; `x-scheme`, the only scheme that
//! heeds a key;
//! `x-written`, how a text must be written, in words; `x-pair`, that a text is rows and columns as in `1x7`; and
//! `x-alias`, the name of a key in earlier versions, which is read too.
//!
//! The keywords that schemas of this project use are understood, no others: `$ref`, `anyOf`, `oneOf`, `type`, `format`,
//! `enum`, `const`, `pattern` (for editors; its rule in words is `x-written` and the type's own reader decides),
//! `minimum`,
//! `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, `items`, `minItems`, `maxItems`, `uniqueItems`, `properties`,
//! `required`, `additionalProperties`, `minProperties` and `maxProperties`.

mod words;

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::layer::parse_pair;

pub use words::describe;
use words::{shown, words};

/// A step from a value into one of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the value of a key.
    Key(String),
    /// To an item of a list, counted from 0.
    Item(usize),
}

/// The way from the whole to one of its parts, written `blocks[0].options[2].conv`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// One step further, to the value of a key.
    pub fn key(&self, key: &str) -> Self {
        self.then(Step::Key(key.to_owned()))
    }

    /// One step further, to an item of a list.
    pub fn item(&self, index: usize) -> Self {
        self.then(Step::Item(index))
    }

    fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if position == 0 => write!(f, "{key}")?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Item(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A place where a value departs from its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The part that is wrong; for an unknown key its own path, for a missing one that of the mapping.
    pub path: Path,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// What can be wrong with a part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A key that the mapping does not have.
    UnknownKey {
        /// The keys that it has.
        known: Vec<String>,
    },
    /// A key is missing.
    MissingKey {
        /// The key.
        key: String,
        /// What its value may be, in words.
        allowed: String,
    },
    /// Not one key, where there must be just one.
    NotOne {
        /// The keys that stand there.
        keys: Vec<String>,
    },
    /// The value has the wrong kind, lies outside its range, or is no word of the list.
    Value {
        /// What it is, in words.
        found: String,
        /// What it may be, in words.
        allowed: String,
        /// The words that may stand here, if any.
        words: Vec<String>,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.path.0.is_empty();
        match &self.wrong {
            Wrong::UnknownKey { known } => {
                write!(f, "unknown key `{}`", self.path)?;
                match known.as_slice() {
                    [] => write!(f, "; no key is possible here"),
                    known => write!(f, "; the keys here are {}", known.join(", ")),
                }
            }
            Wrong::MissingKey { key, allowed } => {
                write!(f, "`{}` is missing; it takes {allowed}", self.path.key(key))
            }
            Wrong::NotOne { keys } if keys.is_empty() => {
                write!(f, "`{}` is an empty mapping; it takes one key", self.path)
            }
            Wrong::NotOne { keys } => {
                let (path, keys) = (&self.path, keys.join("` and `"));
                write!(
                    f,
                    "`{path}` holds `{keys}`; it takes one of them alone, begin the next with `- `"
                )
            }
            Wrong::Value { found, allowed, .. } if whole => {
                write!(f, "{found} stands where {allowed} is expected")
            }
            Wrong::Value { found, allowed, .. } => {
                write!(f, "`{}` is {found}; it takes {allowed}", self.path)
            }
        }
    }
}

/// The schema of a type.
pub fn of<T: JsonSchema>() -> Value {
    let mut schema = schemars::schema_for!(T).to_value();
    shorten(&mut schema);
    schema
}

/// Defaults of single precision are written with as few digits as tell them.
fn shorten(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(map) => map.values_mut().for_each(shorten),
        Value::Number(number) if number.is_f64() => {
            if let Some(short) = words::short(number)
                .parse()
                .ok()
                .and_then(serde_json::Number::from_f64)
            {
                *number = short;
            }
        }
        Value::Number(_) | Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The first place where a value that a program made departs from the schema of its type.
///
/// # Errors
/// That place.
pub fn check<T: JsonSchema + Serialize>(value: &T) -> Result<(), Fault> {
    let json = serde_json::to_value(value).unwrap_or(Value::Null);
    match faults(&of::<T>(), &json).into_iter().next() {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

/// Every place where a value departs from a schema, in the order of its keys.
pub fn faults(schema: &Value, value: &Value) -> Vec<Fault> {
    let mut found = Vec::new();
    let check = Check { root: schema };
    check.visit(schema, value, &Path::default(), &mut found);
    found
}

struct Check<'a> {
    root: &'a Value,
}

impl<'a> Check<'a> {
    fn visit(&self, schema: &'a Value, value: &Value, path: &Path, out: &mut Vec<Fault>) {
        let schema = resolve(self.root, schema);
        let refuse = || Fault {
            path: path.clone(),
            wrong: Wrong::Value {
                found: shown(value),
                allowed: describe(self.root, schema),
                words: words(self.root, schema),
            },
        };
        if let Some(branches) = branches(schema) {
            return self.visit_branches(branches, value, path, out, &refuse());
        }
        if !types(schema).iter().any(|kind| is_of(kind, value)) {
            return out.push(refuse());
        }
        match value {
            Value::Object(map) => self.visit_map(schema, map, path, out),
            Value::Array(items) => {
                let count = |key: &str| schema[key].as_u64();
                let (least, most) = (count("minItems"), count("maxItems"));
                let len = items.len() as u64;
                if least.is_some_and(|least| len < least) || most.is_some_and(|most| len > most) {
                    return out.push(refuse());
                }
                let again = (1..items.len()).find(|i| items[..*i].contains(&items[*i]));
                if let (Some(index), true) = (again, schema["uniqueItems"] == true) {
                    out.push(Fault {
                        path: path.item(index),
                        wrong: Wrong::Value {
                            found: format!("{}, which was there before", shown(&items[index])),
                            allowed: "a value that differs from the others".into(),
                            words: vec![],
                        },
                    });
                }
                for (index, item) in items.iter().enumerate() {
                    self.visit(&schema["items"], item, &path.item(index), out);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                if !fits(schema, value) {
                    out.push(refuse());
                }
            }
        }
    }

    /// One of the branches must fit; if none does, the faults are those within the branch of the value's kind.
    fn visit_branches(
        &self,
        branches: &'a [Value],
        value: &Value,
        path: &Path,
        out: &mut Vec<Fault>,
        refused: &Fault,
    ) {
        let mut nearest: Option<Vec<Fault>> = None;
        for branch in branches {
            let mut found = Vec::new();
            self.visit(branch, value, path, &mut found);
            if found.is_empty() {
                return;
            }
            let inside = found.iter().all(|fault| match &fault.wrong {
                Wrong::Value { .. } => fault.path != *path,
                Wrong::UnknownKey { .. } | Wrong::MissingKey { .. } | Wrong::NotOne { .. } => true,
            });
            if inside && nearest.as_ref().is_none_or(|best| found.len() < best.len()) {
                nearest = Some(found);
            }
        }
        match nearest {
            Some(faults) => out.extend(faults),
            None => out.push(refused.clone()),
        }
    }

    fn visit_map(
        &self,
        schema: &'a Value,
        map: &Map<String, Value>,
        path: &Path,
        out: &mut Vec<Fault>,
    ) {
        let none = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&none);
        if schema["maxProperties"] == 1 && map.len() != 1 {
            out.push(Fault {
                path: path.clone(),
                wrong: Wrong::NotOne {
                    keys: map.keys().cloned().collect(),
                },
            });
        }
        let known = || properties.keys().cloned().collect();
        for (key, value) in map {
            match schema_of(schema, key) {
                Some(property) => self.visit(property, value, &path.key(key), out),
                None => out.push(Fault {
                    path: path.key(key),
                    wrong: Wrong::UnknownKey { known: known() },
                }),
            }
        }
        for key in schema["required"].as_array().into_iter().flatten() {
            let key = key.as_str().unwrap_or_default();
            if let (false, Some(property)) = (map.contains_key(key), schema_of(schema, key)) {
                out.push(Fault {
                    path: path.clone(),
                    wrong: Wrong::MissingKey {
                        key: key.to_owned(),
                        allowed: describe(self.root, property),
                    },
                });
            }
        }
    }
}

/// The schema of a key's value.
fn schema_of<'a>(schema: &'a Value, key: &'a str) -> Option<&'a Value> {
    schema["properties"].get(name(schema, key))
}

/// The name of a key of a mapping, which may be given by that of earlier versions.
pub fn name<'a>(schema: &'a Value, key: &'a str) -> &'a str {
    let properties = schema["properties"].as_object();
    let mut earlier = properties.into_iter().flatten();
    let found = earlier.find(|(_, value)| value["x-alias"] == key);
    found.map_or(key, |(name, _)| name)
}

/// The schema that a reference leads to.
pub fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|r| r.strip_prefix('#'));
    match target.and_then(|pointer| root.pointer(pointer)) {
        Some(found) => resolve(root, found),
        None => schema,
    }
}

/// The schemas of which one must hold, where there are several.
fn branches(schema: &Value) -> Option<&Vec<Value>> {
    schema["anyOf"].as_array().or(schema["oneOf"].as_array())
}

/// The kinds of values that a schema without branches takes.
fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        // A constant alone.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => vec!["string"],
    }
}

/// Whether a value is of a kind. A number or truth value may stand for a text, as YAML has no quotes there.
fn is_of(kind: &str, value: &Value) -> bool {
    match value {
        Value::Null => kind == "null",
        Value::Bool(_) => kind == "boolean" || kind == "string",
        Value::Number(number) if number.is_f64() => kind == "number" || kind == "string",
        Value::Number(_) => ["integer", "number", "string"].contains(&kind),
        Value::String(_) => kind == "string",
        Value::Array(_) => kind == "array",
        Value::Object(_) => kind == "object",
    }
}

/// Whether a value that is no list and no mapping has one of the schema's words and lies in its range.
fn fits(schema: &Value, value: &Value) -> bool {
    let text = |value: &Value| {
        let own = value.as_str().map(str::to_owned);
        own.unwrap_or_else(|| value.to_string())
    };
    if let Some(constant) = schema.get("const") {
        return text(constant) == text(value);
    }
    if schema["x-pair"] == true {
        let pair = value.as_str().and_then(parse_pair);
        return pair.is_some_and(|pair| pair.iter().all(|side| *side >= 1));
    }
    if let Some(list) = schema["enum"].as_array() {
        return list.iter().any(|word| text(word) == text(value));
    }
    let Some(number) = value
        .as_f64()
        .filter(|_| !types(schema).contains(&"string"))
    else {
        return true;
    };
    let bound = |key: &str| schema[key].as_f64();
    let widest = match schema["format"] == "uint32" {
        true => f64::from(u32::MAX),
        false => f64::INFINITY,
    };
    bound("minimum").is_none_or(|least| number >= least)
        && bound("maximum").is_none_or(|most| number <= most)
        && bound("exclusiveMinimum").is_none_or(|least| number > least)
        && bound("exclusiveMaximum").is_none_or(|most| number < most)
        && number <= widest
}

#[cfg(test)]
mod tests;
