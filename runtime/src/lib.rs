//! Runs a verified schedule: backends, client, server, calibration; every scheme through one [`door`].
//!
//! ```text
//! client: Client::generate ─► evaluation keys ─► Server::keys ─┐     image ─► Client::encrypt ─┐
//! server: Server::new ─────────────────────────────────────────┴─► Server::answer ◄───────────┘
//! client: Client::decrypt ◄─ response ─────────────────────────────────┘
//! ```
//!
//! ```
//! use hemet_ckks_params::{Parameters, ntt_primes};
//! use hemet_runtime::door::Model;
//! use hemet_runtime::{Client, Server, unobserved};
//! use hemet_schedule::{Artifact, Builder, Header, Layout, Level, Manifest, Op, Scale, verify};
//!
//! // The square of a 2 by 2 image; parameters for tests only.
//! let parameters = Parameters::new_insecure(10, ntt_primes(10, &[45, 30])?, ntt_primes(10, &[46])?)?;
//! let layout = Layout::raster([1, 2, 2]);
//! let mut builder = Builder::new(Header {
//!     parameters, input_scale: Scale::pow2(30), input_level: Level(1),
//!     input: layout.clone(), output: layout, layers: vec![], depth: 0, precision_bits: 8,
//! });
//! let x = builder.push(Op::Input { index: 0 })?[0];
//! let x = builder.push(Op::Square { x })?[0];
//! let x = builder.push(Op::Relinearize { x })?[0];
//! let x = builder.push(Op::Rescale { x })?[0];
//! let artifact = Artifact::new(Manifest::new("square"), verify(builder.finish(vec![x]))?);
//!
//! let (client, keys) = Client::generate(artifact.spec()?)?;
//! let server = Server::new(Box::new(artifact))?;
//! let keys = server.keys(&keys)?;
//! let response = server.answer(&keys, &client.encrypt(&[0.5, -1.0, 0.0, 0.25])?, &mut unobserved)?;
//! let output = client.decrypt(&response)?.logits();
//! assert!((output[1] - 1.0).abs() < 1e-3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Artifacts of integer networks on exact tables go the same way, in builds with their feature (on by default).
//!
//! A server holds no type that contains a secret key: [`Server`] and [`ServerKeys`] are all that it needs. Neither
//! compiler nor training nor graphs are among the dependencies.

pub mod alone;
mod answer;
pub mod backend;
pub mod calibrate;
pub mod ckks;
mod client;
pub mod conformance;
pub mod door;
mod error;
pub mod execute;
mod facts;
pub mod files;
mod keeping;
mod memory;
mod message;
pub mod noise;
mod notice;
mod observe;
mod order;
mod run;
pub mod schemes;
mod server;
pub mod signature;
#[cfg_attr(not(feature = "tfhe"), path = "absent.rs")]
pub mod tfhe;

pub use backend::{Backend, CkksBackend, ClearBackend};
pub use client::{Client, KeyFile};
pub use error::{Result, RuntimeError};
pub use execute::Program;
pub use facts::{Facts, InputRange, Precision, Shown};
pub use files::{ArtifactId, KeyBinding, KeySetId, Opened};
pub use hemet_schedule::{Fit, Picture, PictureNote};
pub use keeping::{Note, Passphrase};
pub use memory::peak_memory_bytes;
pub use notice::Notice;
pub use observe::{Moment, Observer, Progress, unobserved};
pub use server::{Server, ServerKeys, keep_keys};
