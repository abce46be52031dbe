//! The reference: JSON Schemas and pages that are generated from the types of files and from the command line.
//!
//! `experiments/schema/` and `docs/reference/` hold what this gives; a test compares them.

mod commands;
mod keys;

use clap::Command;
use hemet_spaces::schema;
use hemet_spaces::space::SpaceSpec;
use serde_json::Value;

use crate::experiment::Experiment;

/// A file that a person writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FileKind {
    /// An experiment
    Experiment,
    /// A space
    Space,
}

impl FileKind {
    fn value(self) -> Value {
        match self {
            Self::Experiment => schema::of::<Experiment>(),
            Self::Space => schema::of::<SpaceSpec>(),
        }
    }

    /// Its JSON Schema as text.
    pub fn schema(self) -> String {
        format!("{:#}\n", self.value())
    }

    /// Its keys as a page of Markdown.
    pub fn page(self) -> String {
        let (title, elsewhere): (_, &[_]) = match self {
            Self::Experiment => (
                "Experiment files",
                &[("space", "keys, see [space files](space.md)")],
            ),
            Self::Space => (
                "Space files",
                &[("stem", "as an item of `blocks[].options`")],
            ),
        };
        let root = &self.value();
        let page = keys::Page {
            title,
            root,
            elsewhere,
        };
        page.text()
    }
}

/// The commands of a program as a page of Markdown.
pub fn commands_page(program: &Command) -> String {
    commands::page(program)
}
