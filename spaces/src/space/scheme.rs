//! The scheme that a network of a space runs under, which an architecture may choose.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::position::Labels;

/// A scheme of homomorphic encryption.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Approximate arithmetic on thousands of numbers a ciphertext; activations are polynomials.
    #[default]
    Ckks,
    /// Exact tables, a number a ciphertext; a table stands where a graph has a polynomial.
    Tfhe,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: [Scheme; 2] = [Scheme::Ckks, Scheme::Tfhe];

    /// Its word in experiments, journals and reports.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Ckks => "ckks",
            Scheme::Tfhe => "tfhe",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Labels for Scheme {
    fn label(&self) -> String {
        self.name().to_owned()
    }
}
