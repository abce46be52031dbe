//! The keys that are not secret: a public key, and the evaluation keys that a server computes with.

mod evaluation;
mod list;
mod mapped;
mod public;
mod request;
mod switching;
mod wire;
mod words;

pub use evaluation::EvaluationKeys;
pub(crate) use evaluation::GaloisKey;
pub use public::PublicKey;
pub use request::KeyRequest;
pub(crate) use switching::SwitchingKey;
