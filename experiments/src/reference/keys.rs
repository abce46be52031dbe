//! The keys of a file as a page of Markdown, from its schema.

use std::collections::BTreeMap;

use hemet_spaces::schema::{describe, resolve};
use serde_json::Value;

/// A schema as a page shows it.
pub(super) struct Page<'a> {
    pub title: &'static str,
    pub root: &'a Value,
    /// Keys that are described at another place, with what is said of them here.
    pub elsewhere: &'static [(&'static str, &'static str)],
}

impl<'a> Page<'a> {
    /// The page: a table for each mapping of the schema.
    pub(super) fn text(&self) -> String {
        let mut sections = BTreeMap::new();
        self.gather(self.root, "", &mut sections);
        let mut page = format!(
            "# {}\n\nGenerated from the types by `hemet schema --markdown`; do not edit. Keys that a table marks with a scheme have no\n\
             effect under the other one.\n",
            self.title
        );
        for (path, schema) in sections {
            let title = match path.as_str() {
                "" => "The whole file".to_owned(),
                path => format!("`{path}`"),
            };
            page += &format!("\n## {title}\n\n{}", self.section(schema, &path));
        }
        page
    }

    /// Every mapping in a schema by its path; `[]` stands for any item of a list.
    fn gather(&self, schema: &'a Value, path: &str, found: &mut BTreeMap<String, &'a Value>) {
        if self.elsewhere.iter().any(|(known, _)| *known == path) {
            return;
        }
        let schema = resolve(self.root, schema);
        for list in [&schema["anyOf"], &schema["oneOf"]] {
            for branch in list.as_array().into_iter().flatten() {
                self.gather(branch, path, found);
            }
        }
        if schema["items"].is_object() {
            self.gather(&schema["items"], &format!("{path}[]"), found);
        }
        let Some(properties) = schema["properties"].as_object() else {
            return;
        };
        found.insert(path.to_owned(), schema);
        for (key, value) in properties {
            self.gather(value, joined(path, key).as_str(), found);
        }
    }

    fn section(&self, schema: &'a Value, path: &str) -> String {
        let mut text = String::new();
        if let Some(about) = schema["description"].as_str().filter(|_| !path.is_empty()) {
            text += &format!("{}\n\n", plain(about));
        }
        let Some(properties) = schema["properties"].as_object().filter(|p| !p.is_empty()) else {
            return format!("{text}No keys.\n");
        };
        text +=
            "| key | takes | default | unit | scheme | what it is |\n|---|---|---|---|---|---|\n";
        let mut lists = String::new();
        for (key, property) in properties {
            let required = schema["required"].as_array();
            let required = required.is_some_and(|keys| keys.iter().any(|other| other == key));
            let default = match property.get("default") {
                _ if required && schema["maxProperties"] != 1 => "required".to_owned(),
                Some(Value::Object(_)) | None => "–".to_owned(),
                Some(value) => format!("`{}`", yaml(value)),
            };
            let or_dash = |name: &str| property[name].as_str().unwrap_or("–").to_owned();
            let about = property["description"].as_str().unwrap_or_default();
            let path = joined(path, key);
            text += &format!(
                "| `{key}` | {} | {default} | {} | {} | {} |\n",
                self.takes(property, &path),
                or_dash("x-unit"),
                or_dash("x-scheme"),
                plain(about).replace('|', "\\|")
            );
            lists += &words(self.root, property, &path);
        }
        text + &lists
    }

    /// What a key takes; a mapping's keys stand in a section of their own.
    fn takes(&self, property: &'a Value, path: &str) -> String {
        if let Some((_, said)) = self.elsewhere.iter().find(|(known, _)| *known == path) {
            return (*said).to_owned();
        }
        let mut below = BTreeMap::new();
        self.gather(property, path, &mut below);
        match below.keys().next() {
            Some(path) if below.len() == 1 => format!("keys, see `{path}`"),
            Some(path) => format!("keys, see `{path}` and the sections below it"),
            None => describe(self.root, property),
        }
    }
}

fn joined(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}

/// The words of a key with their meaning, where they have one.
fn words(root: &Value, property: &Value, path: &str) -> String {
    let property = resolve(root, property);
    let own = &property["items"];
    let listed = [&property["oneOf"], &own["oneOf"], &property["anyOf"]];
    let branches = listed.into_iter().find_map(Value::as_array);
    let mut text = String::new();
    for branch in branches.into_iter().flatten() {
        let branch = resolve(root, branch);
        if branch["oneOf"].is_array() {
            return words(root, branch, path);
        }
        if let (Some(word), Some(about)) =
            (branch["const"].as_str(), branch["description"].as_str())
        {
            text += &format!("- `{word}`: {}\n", plain(about));
        }
    }
    match text.is_empty() {
        true => text,
        false => format!("\nThe words of `{path}`:\n\n{text}"),
    }
}

/// A default as YAML.
fn yaml(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(yaml).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// A documentation comment in one line, links to items of the code as their names.
fn plain(about: &str) -> String {
    let line = about.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace("[`", "`").replace("`]", "`")
}
