//! Reading YAML with errors that show the line and the nearest known key.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::Error;

/// Reads a YAML text as `T`; `path` is for the messages. Unknown keys are refused with line, column and the nearest known key.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, Error> {
    serde_yaml::from_str(text).map_err(|error| {
        let full = error.to_string();
        let help = nearest_key(&full);
        match error.location() {
            Some(place) => {
                let message = full.split(" at line ").next().unwrap_or(&full);
                let at = (place.line(), place.column());
                Error::at(path, text, at, message, help)
            }
            None => Error::file(path, full),
        }
    })
}

/// "unknown field `trails`, expected one of `trials`, `workers`" → did you mean `trials`?
fn nearest_key(message: &str) -> Option<String> {
    let (_, after) = message.split_once("unknown ")?;
    let mut quoted = after.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    let near = quoted.max_by(|a, b| {
        let likeness = |known: &str| strsim::jaro_winkler(wrong, known);
        likeness(a).total_cmp(&likeness(b))
    })?;
    (strsim::jaro_winkler(wrong, near) > 0.6).then(|| format!("did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Search {
        trials: u32,
        workers: u32,
    }

    fn message(text: &str) -> String {
        let error = parse::<Search>(Path::new("e.yaml"), text).unwrap_err();
        assert_eq!(error.exit_status(), 2);
        error.render()
    }

    #[test]
    fn an_unknown_key_is_shown_with_its_line_and_the_nearest_known_key() {
        let shown = message("workers: 2\ntrails: 4\n");
        assert!(shown.contains("e.yaml:2:1"), "{shown}");
        assert!(shown.contains("did you mean `trials`?"), "{shown}");
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_shown_with_its_line() {
        let shown = message("trials: many\nworkers: 2\n");
        assert!(shown.contains("e.yaml:1:9"), "{shown}");
        assert!(shown.contains("many"), "{shown}");
    }

    #[test]
    fn a_syntax_error_is_shown_with_its_line() {
        let shown = message("trials: 1\nworkers: [\n");
        assert!(shown.contains("e.yaml:"), "{shown}");
    }
}
