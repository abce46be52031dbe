//! Going on with a search: what of its experiment may have changed meanwhile.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::error::Error;
use crate::experiment::Experiment;

/// Keys that say how long to search, where the files lie and what comes after the search: no trial so far depends on
/// them.
const FREE: &[&str] = &[
    "search.trials",
    "search.max_minutes",
    "search.workers",
    "search.threads",
    "data.path",
    "choose",
    "encrypted_images",
    "measured_members",
    "card",
];

/// Refuses an experiment that would have tried or trained other networks than the one whose search is gone on with.
///
/// # Errors
/// Every key that matters and has changed, with both values; `path` names the folder's experiment.
pub fn check(path: &Path, begun: &Experiment, now: &Experiment) -> Result<(), Error> {
    let (begun, now) = (leaves(begun)?, leaves(now)?);
    let keys: std::collections::BTreeSet<&String> = begun.keys().chain(now.keys()).collect();
    let free = |key: &str| {
        let is = |free: &&str| {
            key.strip_prefix(*free)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        FREE.iter().any(is)
    };
    let changed: Vec<String> = keys
        .into_iter()
        .filter(|key| !free(key) && begun.get(*key) != now.get(*key))
        .map(|key| {
            let shown = |values: &BTreeMap<String, Value>| match values.get(key) {
                Some(value) => value.to_string(),
                None => "not given".to_owned(),
            };
            format!("`{key}` was {}, now it is {}", shown(&begun), shown(&now))
        })
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let what = format!(
        "the search in this folder is of another experiment: {}; put the value back, or choose another --out (more trials, a longer limit \
         and what comes after the search may change)",
        changed.join(", ")
    );
    Err(Error::file(path, what))
}

/// Every value of an experiment that is no mapping and no list, by its path.
fn leaves(experiment: &Experiment) -> Result<BTreeMap<String, Value>, Error> {
    let mut found = BTreeMap::new();
    gather(serde_json::to_value(experiment)?, String::new(), &mut found);
    Ok(found)
}

fn gather(value: Value, path: String, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let inside = match path.as_str() {
                    "" => key,
                    path => format!("{path}.{key}"),
                };
                gather(value, inside, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.into_iter().enumerate() {
                gather(item, format!("{path}[{index}]"), found);
            }
        }
        leaf @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            found.insert(path, leaf);
        }
    }
}
