//! The scheme that a network of a space runs under, which an architecture may choose.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::position::Labels;

/// The list of schemes: what each does and its word; the first is the one where none is given.
macro_rules! schemes {
    (
        $(#[$what_first:meta])* $first:ident $first_name:literal,
        $($(#[$what:meta])* $variant:ident $name:literal),+ $(,)?
    ) => {
        /// A scheme of homomorphic encryption.
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        pub enum Scheme {
            $(#[$what_first])* #[default] #[serde(rename = $first_name)] $first,
            $($(#[$what])* #[serde(rename = $name)] $variant),+
        }

        impl Scheme {
            /// Every scheme.
            pub const ALL: [Scheme; 1 + [$($name),+].len()] = [Scheme::$first, $(Scheme::$variant),+];

            /// Its word in experiments, journals and reports.
            pub fn name(self) -> &'static str {
                match self {
                    Scheme::$first => $first_name,
                    $(Scheme::$variant => $name),+
                }
            }
        }
    };
}

schemes! {
    /// Approximate arithmetic on thousands of numbers a ciphertext; activations are polynomials.
    Ckks "ckks",
    /// Exact tables, a number a ciphertext; a table stands where a graph has a polynomial.
    Tfhe "tfhe",
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
