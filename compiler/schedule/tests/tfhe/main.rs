//! The contract for TFHE: text form, verifier, noise, costs, and hostile input.

mod common;
mod mutation;
mod schedule;
