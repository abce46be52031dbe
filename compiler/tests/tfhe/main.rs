//! Integer networks to TFHE schedules.

mod common;
mod compile;
