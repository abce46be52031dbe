//! Indices and the type of a value.

use std::fmt;

use crate::ckks::Scale;

/// A value (a ciphertext) of a schedule: the position of its type in [`crate::ckks::Schedule::types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

/// A constant of a schedule: its position in [`crate::ckks::Constants`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConstantId(pub u32);

/// A layer that instructions belong to, for errors and profiles: its position in [`crate::ckks::Header::layers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LayerId(pub u32);

/// How many rescales are left: a ciphertext of level `l` is held modulo the first `l + 1` primes of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Level(pub u32);

impl Level {
    /// Number of primes that a ciphertext of this level is held modulo.
    pub fn limbs(self) -> usize {
        self.0 as usize + 1
    }
}

/// The type of a value, inferred from its operands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// Rescales left.
    pub level: Level,
    /// What the encoded numbers are multiplied by.
    pub scale: Scale,
    /// Degree in the secret key: 1 for an ordinary ciphertext, 2 for a product before relinearization.
    pub degree: u8,
}

impl fmt::Display for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "L{}", self.0)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.degree == 2 { "ct2" } else { "ct" };
        write!(f, "{name}<{}, {}>", self.level, self.scale)
    }
}
