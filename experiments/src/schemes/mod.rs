//! The schemes that networks are compiled for, a folder each.

pub mod ckks;
pub mod tfhe;
