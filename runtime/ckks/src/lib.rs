//! An RNS-CKKS engine for leveled computation on encrypted vectors, usable on its own.
//!
//! A [`Context`] holds the precomputations of a parameter set and has every operation as a method. The client
//! holds a [`SecretKey`]; the server computes with [`EvaluationKeys`] and never sees the secret key.
//!
//! ```
//! use hemet_ckks::{Context, EvaluationKeys, KeyRequest, Parameters, SecretKey, os_rng};
//! use hemet_ckks::params::{SecurityLevel, ntt_primes};
//!
//! // Ring degree 2^13: a base prime of 45 bits, two levels of 34 bits, one special prime for the keys.
//! let mut primes = ntt_primes(13, &[45, 34, 34, 46])?;
//! let special = primes.split_off(3);
//! let context = Context::new(Parameters::new(13, primes, special, SecurityLevel::Bits128)?);
//! let (mut rng, scale, level) = (os_rng()?, 34f64.exp2(), context.parameters().max_level());
//! let secret = SecretKey::generate(&context, &mut rng);
//! let request = KeyRequest { relinearize: Some(level), rotations: &[(1, level - 1)], conjugate: None };
//! let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng)?;
//!
//! let x = context.encrypt_secret(&secret, &context.encode(&[1.5, -2.0, 3.0], scale, level)?, &mut rng)?;
//! let square = context.relinearize_rescale(&context.square(&x)?, &keys)?;
//! let shifted = context.rotate(&square, 1, &keys)?;
//! let slots = context.decode(&context.decrypt(&secret, &shifted)?)?;
//! assert!((slots[0] - 4.0).abs() < 1e-4 && (slots[1] - 9.0).abs() < 1e-4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What the engine promises, and what not, is in `SECURITY.md`; its speed is in `README.md`. Everything
//! that comes from a file or a peer is checked and refused with an [`Error`]; nothing panics on it.
//!
//! A server whose encoded constants do not fit its memory holds them in a [`PlainCache`]: it implements [`PlainSource`]
//! (groups of items with their size and how each is encoded), makes the cache with a budget in bytes, and for each run
//! announces the order of use with [`PlainCache::pass`]; [`Pass::take`] then gives the diagonals of the next map, those
//! beyond the budget encoded in the background meanwhile.
//!
//! Where things are: `context/` holds what is computed once for a parameter set; `keys/` the public and the evaluation
//! keys, `secret.rs` the secret one; `message/` leads from numbers to ciphertexts and back; `switch/` is key switching;
//! `ops/` are the operations; `bytes/` is the form of files. Below them lie `kernels/` and `ntt/`.
//!
//! Layout: limbs of N words, one after the other, always transformed. Keys and [`Diagonal`]s, which are streamed
//! from memory, are packed to the bits of their modulus. `unsafe` is in `kernels/`, `ntt/` and `mapping.rs` only.

mod bytes;
mod cache;
mod context;
mod error;
mod galois;
mod kernels;
mod keys;
mod mapping;
mod message;
mod modulus;
pub mod noise;
mod ntt;
mod ops;
mod parallel;
mod pool;
mod sampling;
mod secret;
mod switch;

pub use bytes::{parameters_from_bytes, parameters_to_bytes};
pub use cache::{Pass, PlainCache, PlainSource};
pub use context::Context;
pub use error::{BytesError, Error};
pub use hemet_ckks_params as params;
pub use hemet_ckks_params::Parameters;
pub use kernels::Instructions;
pub use keys::{EvaluationKeys, KeyRequest, PublicKey};
pub use message::{Ciphertext, Diagonal, Flooding, Plaintext, SeededCiphertext, diagonal_bytes};
pub use ops::{
    Basis, Estimate, LinearPieces, LinearPlan, LinearTerm, Polynomial, PolynomialCost, Strided,
};
pub use sampling::{ERROR_DEVIATION, os_rng};
pub use secret::SecretKey;

/// The README's example runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
