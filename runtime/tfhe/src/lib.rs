//! Runs TFHE schedules on the crate `tfhe`, whose types stay inside this crate.
//!
//! The client has a [`ClientKey`], which encrypts inputs, decrypts outputs and makes [`EvaluationKeys`]. The server has a
//! [`Server`], which runs a verified schedule on encrypted inputs; it never holds a secret key. Both know the
//! [`Spec`]: what keys, inputs and outputs look like, and nothing of weights.
//!
//! Ciphertexts are LWE samples modulo 2^64 with binary keys. Keys and inputs travel with the seed of their masks instead of
//! the masks; outputs travel with the top bytes of their numbers.

mod bootstrap;
mod bytes;
pub mod calibrate;
mod client;
mod encode;
mod error;
mod keys;
mod keyswitch;
mod linear;
mod random;
mod server;
mod spec;

pub use client::{ClientKey, EncryptedInput, EncryptedOutput};
pub use error::Error;
pub use keys::EvaluationKeys;
pub use server::Server;
pub use spec::{InputSpec, OutputSpec, Spec};
