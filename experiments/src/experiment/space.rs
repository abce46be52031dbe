//! Reading spaces: what is wrong with one is told at its place in the file.

use std::path::Path;

use hemet_spaces::schema;
use hemet_spaces::space::{Space, SpaceSpec};
use serde::Deserialize;

use super::text::Text;
use super::yaml;
use crate::error::Error;

/// Reads the space in the file `path`.
///
/// # Errors
/// Every mistake in it, with its place.
pub fn read_space(path: &Path) -> Result<Space, Error> {
    space_of(&Text::read(path)?)
}

/// The space in a text.
///
/// # Errors
/// Every mistake in it, with its place.
pub fn space_of(text: &Text) -> Result<Space, Error> {
    let spec: SpaceSpec = yaml::parse(text)?;
    build(text, spec, &schema::Path::default())
}

/// Looks at the space under a key of an experiment, before the experiment is read: its place is known here.
pub(super) fn check_space(text: &Text, key: &str) -> Result<(), Error> {
    /// The part of an experiment that is looked at.
    #[derive(Deserialize)]
    struct Part {
        space: Option<SpaceSpec>,
    }
    // What is wrong otherwise is told when the whole is read.
    match serde_yaml::from_str(text.as_str()) {
        Ok(Part { space: Some(spec) }) => {
            build(text, spec, &schema::Path::default().key(key)).map(drop)
        }
        Ok(Part { space: None }) | Err(_) => Ok(()),
    }
}

fn build(text: &Text, spec: SpaceSpec, at: &schema::Path) -> Result<Space, Error> {
    let names: Vec<String> = spec.blocks.iter().map(|block| block.name.clone()).collect();
    Space::try_from(spec).map_err(|error| {
        let root = schema::Path::default;
        let inside = if let hemet_spaces::Error::Space { path, .. } = &error {
            path.clone()
        } else if let hemet_spaces::Error::Position { position, .. } = &error {
            let index = names.iter().position(|name| name == position);
            index.map_or(root().key("stem"), |index| root().key("blocks").item(index))
        } else {
            root()
        };
        let mut whole = at.clone();
        whole.0.extend(inside.0);
        text.wrong(&whole, error.to_string())
    })
}
