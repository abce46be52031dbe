//! Phases: the stretches of a training, one after the other. Each has its epochs, the layers whose parameters move, and
//! its learning rate; the optimizer begins each anew.
//!
//! Every training begins with [`learn`]; an experiment may let others follow. To add one: its file, and a line in
//! [`PhaseOptions`] and its three functions, whose matches rustc checks. The suite is `search/tests/phases.rs`.

pub mod learn;
pub mod tune;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A stretch of a training.
pub(super) trait Phase {
    /// Passes over the training images, at least 1.
    fn epochs(&self) -> usize;

    /// Which layers' parameters move. The others work as at inference, so that what follows them learns from what it
    /// will see.
    fn layers(&self) -> Layers;

    /// Share of the greatest learning rate, 0 to 1, at `progress` (0 to 1) of the phase.
    fn rate(&self, progress: f32) -> f32;
}

/// The layers whose parameters a phase moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layers {
    /// All of them.
    #[default]
    All,
    /// The last one alone, which gives the logits.
    Head,
}

/// A phase that may follow the first, as it stands in an experiment: `{phase: tune, epochs: 5}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum PhaseOptions {
    /// Goes on at a small learning rate.
    Tune(tune::Tune),
}

impl PhaseOptions {
    /// The phase.
    pub(super) fn phase(&self) -> Box<dyn Phase> {
        match self {
            Self::Tune(tune) => Box::new(tune.clone()),
        }
    }

    /// Its epochs.
    pub fn epochs(&self) -> usize {
        self.phase().epochs()
    }

    /// The layers whose parameters it moves.
    pub fn layers(&self) -> Layers {
        self.phase().layers()
    }
}

impl JsonSchema for PhaseOptions {
    fn schema_name() -> Cow<'static, str> {
        "Phase".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        // A phase's own keys, and its name.
        let named = |name: &str, mut schema: Schema| {
            schema.insert("additionalProperties".into(), false.into());
            if let Some(properties) = schema.get_mut("properties") {
                properties["phase"] = json!({ "type": "string", "const": name });
            }
            if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
                required.push("phase".into());
            }
            schema
        };
        json_schema!({ "oneOf": [named("tune", tune::Tune::json_schema(generator))] })
    }
}
