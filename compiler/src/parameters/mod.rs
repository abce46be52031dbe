//! Levels, primes and parameter sets; the decisions made with them (`structure`), and what weights then ask for.

pub mod chain;
pub mod deviations;
mod frames;
pub mod level;
mod margin;
pub mod noise;
pub mod price;
pub mod room;
pub mod rounding;
pub mod simulate;
pub mod structure;
mod uniform;

pub use chain::{Chain, Ground, chains};
pub use level::{Levels, Policy};
pub use margin::Margin;
pub use noise::{Aims, Precision};
pub use price::Price;
