//! Writes a block's label, leaving out knobs at their usual value.

use std::fmt::Display;

use super::Activation;

/// A label under construction.
pub(super) struct Label {
    kind: &'static str,
    knobs: Vec<String>,
}

impl Label {
    pub(super) fn new(kind: &'static str) -> Self {
        Self {
            kind,
            knobs: Vec::new(),
        }
    }

    /// A knob that is always written.
    pub(super) fn knob(mut self, name: &str, value: impl Display) -> Self {
        self.knobs.push(format!("{name}={value}"));
        self
    }

    /// A knob that is written unless it has its usual value.
    pub(super) fn unless<T: Display + PartialEq>(self, usual: T, name: &str, value: T) -> Self {
        match value == usual {
            true => self,
            false => self.knob(name, value),
        }
    }

    /// The activation after the block, and the one inside where it differs.
    pub(super) fn activations(self, last: Activation, inner: Activation) -> Self {
        self.unless(Activation::QUADRATIC, "activation", last)
            .unless(last, "inner_activation", inner)
    }

    pub(super) fn finish(self) -> String {
        match self.knobs.is_empty() {
            true => self.kind.to_owned(),
            false => format!("{}({})", self.kind, self.knobs.join(",")),
        }
    }
}
