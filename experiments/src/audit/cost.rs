//! What it costs to hand features over encrypted.

use hemet_compiler::Options;
use hemet_schedule::CostTable;
use hemet_spaces::LayerGraph;

/// What it costs to hand features over encrypted.
pub struct HandOver {
    /// The layer behind which they are handed over.
    pub place: String,
    /// Predicted latency of the rest on one thread, in milliseconds; nothing where the rest cannot be compiled.
    pub latency_ms: Option<f64>,
    why: Option<String>,
}

impl HandOver {
    /// Of the layers behind a place, by the compiler's cost model.
    pub fn of(place: &str, rest: &LayerGraph, options: &Options, table: &CostTable) -> Self {
        let estimate = hemet_compiler::estimate(rest, options, table);
        let why = estimate.as_ref().err().map(ToString::to_string);
        Self {
            place: place.to_owned(),
            latency_ms: estimate.ok().map(|estimate| estimate.latency_ms),
            why,
        }
    }

    /// Why there is no latency.
    pub fn note(&self) -> Option<String> {
        let why = self.why.as_ref()?;
        Some(format!(
            "behind {}: the rest cannot be compiled: {why}",
            self.place
        ))
    }
}
