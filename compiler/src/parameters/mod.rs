//! Levels, primes and parameter sets; the decisions made with them (`structure`), and what weights then ask for.

pub mod chain;
pub mod deviations;
pub mod level;
pub mod noise;
pub mod price;
pub mod room;
pub mod rounding;
pub mod simulate;
pub mod structure;

pub use chain::{Chain, chains};
pub use level::{Levels, Policy};
pub use noise::Precision;
pub use price::Price;
