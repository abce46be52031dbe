//! Schemas and values in words, for messages and the reference page.

use serde_json::{Number, Value};

use super::{branches, resolve, types};

/// What a schema takes, in words: `a whole number, at least 1`.
pub fn describe(root: &Value, schema: &Value) -> String {
    let schema = resolve(root, schema);
    if let Some(written) = schema["x-written"].as_str() {
        return written.to_owned();
    }
    if let Some(several) = branches(schema) {
        return describe_branches(root, several);
    }
    let list = words(root, schema);
    if !list.is_empty() {
        return one_of(&list);
    }
    let kind = types(schema).into_iter().find(|kind| *kind != "null");
    match kind.unwrap_or_default() {
        "boolean" => "true or false".into(),
        "integer" => format!("a whole number{}", range(schema)),
        "number" => format!("a number{}", range(schema)),
        "array" => {
            let count = schema["maxItems"].as_u64();
            let count = count.map_or(String::new(), |count| format!("{count} times "));
            format!("a list of {count}{}", describe(root, &schema["items"]))
        }
        "object" => keys(schema),
        _ => "text".into(),
    }
}

/// What one of several schemas takes: words that stand alone first, as one list of them.
fn describe_branches(root: &Value, several: &[Value]) -> String {
    let several = several.iter().map(|branch| resolve(root, branch));
    let (alone, others): (Vec<&Value>, Vec<&Value>) = several
        .filter(|branch| branch["type"] != "null")
        .partition(|branch| holds_words(branch) && branch["x-written"].is_null());
    let alone: Vec<String> = alone.iter().flat_map(|b| words(root, b)).collect();
    let mut parts: Vec<String> = others.iter().map(|b| describe(root, b)).collect();
    if !alone.is_empty() {
        parts.insert(0, one_of(&alone));
    }
    match parts.as_slice() {
        // A list of what may stand alone.
        [one, list] if list.ends_with(one.as_str()) => format!("{one}, or a list of such"),
        parts => parts.join(", or "),
    }
}

/// What a mapping takes.
fn keys(schema: &Value) -> String {
    let names = schema["properties"].as_object();
    let names: Vec<String> = names
        .into_iter()
        .flat_map(|map| map.keys())
        .map(|key| format!("`{key}`"))
        .collect();
    match schema["maxProperties"] == 1 {
        true => format!("one of the keys {} with its values", names.join(", ")),
        false => format!("keys of its own, out of {}", names.join(", ")),
    }
}

/// `, from 0 to below 1` and the like; nothing where there is no bound.
pub fn range(schema: &Value) -> String {
    let bound = |key: &str| schema[key].as_number().map(short);
    let least = bound("minimum");
    let most = bound("maximum");
    let above = bound("exclusiveMinimum");
    let below = bound("exclusiveMaximum");
    match (least, above, most, below) {
        (Some(least), None, Some(most), None) => format!(", from {least} to {most}"),
        (Some(least), None, None, Some(below)) => format!(", from {least} to below {below}"),
        (Some(least), None, None, None) => format!(", at least {least}"),
        (_, Some(above), Some(most), _) => format!(", above {above} and at most {most}"),
        (_, Some(above), None, Some(below)) => format!(", above {above} and below {below}"),
        (_, Some(above), None, None) => format!(", above {above}"),
        (None, None, Some(most), _) => format!(", at most {most}"),
        (None, None, None, Some(below)) => format!(", below {below}"),
        (None, None, None, None) | (Some(_), None, Some(_), Some(_)) => String::new(),
    }
}

/// The words that a schema's value may be.
pub fn words(root: &Value, schema: &Value) -> Vec<String> {
    let schema = resolve(root, schema);
    let text = |word: &Value| {
        let own = word.as_str().map(str::to_owned);
        own.unwrap_or_else(|| word.to_string())
    };
    if let Some(several) = branches(schema) {
        return several.iter().flat_map(|b| words(root, b)).collect();
    }
    match (&schema["const"], &schema["enum"]) {
        (Value::Null, Value::Array(several)) => several.iter().map(text).collect(),
        (Value::Null, _) => vec![],
        (constant, _) => vec![text(constant)],
    }
}

fn holds_words(schema: &Value) -> bool {
    schema.get("const").is_some() || schema.get("enum").is_some()
}

fn one_of(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => "nothing".into(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A value in words, as a message has it.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => short(number),
        Value::String(text) if text.is_empty() => "an empty text".into(),
        Value::String(text) => format!("`{}`", cut(text)),
        Value::Array(items) if items.is_empty() => "an empty list".into(),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(map) => match map.len() {
            0 => "an empty mapping".into(),
            _ => {
                let keys: Vec<&str> = map.keys().map(String::as_str).collect();
                format!("a mapping with {}", cut(&keys.join(", ")))
            }
        },
    }
}

/// At most eighty characters of a text.
fn cut(text: &str) -> String {
    const MOST: usize = 80;
    match text.chars().count() > MOST {
        true => text.chars().take(MOST).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

/// A number with as few digits as tell it, in single precision where it comes from there.
pub fn short(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() && f64::from(value as f32) == value => {
            (value as f32).to_string()
        }
        Some(value) if number.is_f64() => value.to_string(),
        _ => number.to_string(),
    }
}
