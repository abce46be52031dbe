//! Levels, primes and parameter sets.

pub mod chain;
pub mod level;
pub mod noise;
pub mod price;
pub mod rounding;
pub mod simulate;

pub use chain::{Chain, chains};
pub use level::{Levels, Policy};
pub use noise::Precision;
pub use price::Price;
pub use rounding::Rounding;
