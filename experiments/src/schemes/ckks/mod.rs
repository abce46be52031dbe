//! Scheme CKKS: costs, compilation, sessions and figures of its networks.

pub mod cases;
pub mod compile;
pub mod costs;
pub mod inspect;
pub mod profile;
pub mod session;
