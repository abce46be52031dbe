//! Architecture: a point of a space, as a row of small numbers with a short text form.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// A point of a [`super::Space`]: for each of the space's genes the index of an option.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Architecture {
    /// The index of an option for each gene, in the order of [`super::Space::genes`].
    pub genes: Vec<u16>,
}

/// The text of an architecture of a space in which nothing varies.
const NO_GENES: &str = "fixed";

impl Architecture {
    /// The genes joined by `-`, as `3-0-12`; `fixed` where there are none. [`super::Space::parse`] reads it back, and
    /// [`super::Space::describe`] says it in words.
    pub fn text(&self) -> String {
        self.to_string()
    }

    /// Names the architecture within its space: the first 12 hexadecimal digits of the BLAKE3 hash of [`Self::text`].
    /// A name that holds across spaces is [`crate::LayerGraph::id`].
    pub fn id(&self) -> String {
        short_hash(&self.text())
    }
}

/// The first 12 hexadecimal digits (48 bits) of the BLAKE3 hash of a text.
pub(crate) fn short_hash(text: &str) -> String {
    let mut hex = blake3::hash(text.as_bytes()).to_hex().to_string();
    hex.truncate(12);
    hex
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.genes.is_empty() {
            return write!(f, "{NO_GENES}");
        }
        for (position, gene) in self.genes.iter().enumerate() {
            let separator = if position == 0 { "" } else { "-" };
            write!(f, "{separator}{gene}")?;
        }
        Ok(())
    }
}

impl FromStr for Architecture {
    type Err = Error;

    /// Reads [`Architecture::text`]; whether a space has such genes is told by [`super::Space::contains`].
    fn from_str(text: &str) -> Result<Self, Error> {
        if text == NO_GENES {
            return Ok(Self { genes: Vec::new() });
        }
        let gene = |word: &str| {
            word.parse::<u16>()
                .ok()
                .filter(|gene| gene.to_string() == word)
                .ok_or_else(|| {
                    let why = format!("`{word}` is not a number from 0 to 65535");
                    Error::architecture(text, why)
                })
        };
        let genes = text.split('-').map(gene).collect::<Result<_, _>>()?;
        Ok(Self { genes })
    }
}
