//! Runs a verified schedule: backends, client, server, calibration.
//!
//! ```text
//! client: Client::generate ─► ServerKeys ─┐        image ─► Client::encrypt ─┐
//! server: Server::new ────────────────────┴─► Server::answer ◄──────────────┘
//! client: Client::decrypt ◄─ response ────────────┘
//! ```
//!
//! A server holds no type that contains a secret key: [`Server`] and [`ServerKeys`] are all that it needs. Neither compiler
//! nor training nor graphs are among the dependencies.

pub mod backend;
pub mod calibrate;
mod client;
pub mod conformance;
mod error;
pub mod execute;
pub mod files;
mod keys;
pub mod noise;
mod notice;
mod server;
mod sizes;

pub use backend::{Backend, CkksBackend, ClearBackend};
pub use client::Client;
pub use error::{Result, RuntimeError};
pub use execute::{Moment, Observer, Program, Progress, unobserved};
pub use files::{Access, ArtifactId, ClientSpec, KeySetId, write_atomically};
pub use keys::ServerKeys;
pub use notice::Notice;
pub use server::Server;
pub use sizes::Sizes;
