//! Schemas of keys whose words are lists of the program: data sets, strategies, objectives, security levels.

use hemet_search::{data, objective, strategy};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// Words, each with what it means.
fn words<'a>(list: impl Iterator<Item = (&'a str, String)>) -> Vec<Value> {
    list.map(|(word, about)| json!({ "const": word, "description": about }))
        .collect()
}

pub(super) fn sets(_: &mut SchemaGenerator) -> Schema {
    let sets = data::sources().iter();
    json_schema!({ "oneOf": words(sets.map(|set| (set.name(), set.about().to_owned()))) })
}

pub(super) fn strategies(_: &mut SchemaGenerator) -> Schema {
    let all = strategy::strategies().iter();
    json_schema!({ "oneOf": words(all.map(|one| (one.name(), one.about().to_owned()))) })
}

pub(super) fn objectives(_: &mut SchemaGenerator) -> Schema {
    let about = |one: &objective::Objective| match one.unit {
        "" => one.about.to_owned(),
        unit => format!("{}, in {unit}", one.about),
    };
    let all = objective::OBJECTIVES.iter();
    json_schema!({
        "type": "array",
        "items": { "oneOf": words(all.map(|one| (one.name, about(one)))) },
        "minItems": 1,
        "uniqueItems": true,
        "default": objective::DEFAULT,
    })
}

pub(super) fn security(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "enum": [128, 192, 256], "x-unit": "bits" })
}
