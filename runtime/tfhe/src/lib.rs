//! Runs TFHE schedules on the crate `tfhe`, whose types stay inside this crate.
//!
//! The client has a [`ClientKey`], which encrypts inputs, decrypts outputs and makes [`EvaluationKeys`]. The server
//! has a [`Server`], which runs a verified schedule on encrypted inputs; it never holds a secret key. Several
//! clients' servers can share one [`Program`], the schedule made ready. Both halves know the [`Spec`]: what keys,
//! inputs and outputs look like, and nothing of weights.
//!
//! Ciphertexts are LWE samples modulo 2^64 with binary keys. Keys and inputs travel with the seed of their masks
//! instead of the masks; outputs travel with the top bytes of their numbers.
//!
//! ```
//! use hemet_spaces::quantized::{IntegerMap, Limits, Operation, QuantizedNode, TableLayer, ValueRange};
//! use hemet_spaces::QuantizedNetwork;
//! use hemet_tfhe::{ClientKey, Server, Spec};
//!
//! let node = |name: &str, inputs, operation| QuantizedNode { name: name.into(), shape: [1, 1, 1], inputs, operation };
//! let map = IntegerMap::from_rows(1, [(vec![(0, 2)], 1)]);
//! let network = QuantizedNetwork::new(
//!     vec![
//!         node("input", vec![], Operation::Input(ValueRange::new(0, 1))),
//!         node("double", vec![0], Operation::Linear { limits: Limits::tight(&map), map }),
//!     ],
//!     1.0,
//! )?;
//! let compiled = hemet_compiler::tfhe::compile(&network, &hemet_compiler::tfhe::Options::default())?;
//! let client = ClientKey::generate(&Spec::of(&compiled.verified))?;
//! let server = Server::new(compiled.verified, &client.evaluation_keys()?)?;
//! let output = server.execute(&client.encrypt(&[1])?)?;
//! assert_eq!(client.decrypt(&output)?, [3]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bootstrap;
mod bytes;
pub mod calibrate;
mod client;
pub mod conformance;
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
pub use server::{Program, Server};
pub use spec::{InputSpec, OutputSpec, Spec};
