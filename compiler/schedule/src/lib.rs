//! The contract between compiler and runtime: instructions, types, text form, verifier, cost table, artifact file.
//!
//! Each scheme ([`Scheme::ALL`]) is a folder. Each has its instructions, its rule of types, its costs, its text form
//! and its verifier. They share how texts are read ([`ParseError`]), how faults are told ([`Faults`]), what a verified
//! schedule is ([`verified::Verified`]) and the [`container`] of files. A runtime accepts verified schedules only.
//!
//! The names of CKKS stand here too.

pub mod ckks;
pub mod container;
pub mod device;
pub mod fault;
mod fitted;
pub mod manifest;
pub mod output;
pub mod promise;
pub mod provenance;
pub mod scheme;
mod serving;
pub mod signature;
mod syntax;
pub mod tfhe;
pub mod transform;
pub mod verified;

pub use ckks::{
    Artifact, Builder, Constant, ConstantId, Constants, CostKind, CostTable, Diagonals, Digit,
    Error, Estimate, Header, Instruction, KeyBytes, LayerId, Layout, Level, LinearPlan, LinearTerm,
    MissingCost, Op, OpCounts, PlacedMap, Scale, Schedule, Type, ValueId, Verified, half_key_bytes,
};
pub use ckks::{artifact, builder, cost, fusion, layout, placed, summary, text, verify};
pub use container::FileError;
pub use device::{DeviceNote, DevicePart};
pub use fault::{Fault, Faults};
pub use fitted::FittedNumbers;
pub use hemet_pictures::{Fit, Picture, PictureNote, PixelScale};
pub use manifest::{KeyPoint, LayerNote, Manifest, Sharing};
pub use output::{Finished, Groups, Meaning, Norm, OutputPart, OutputStep, OutputTransform};
pub use promise::{Agreement, Basis, Promise};
pub use provenance::{DataNote, Provenance, Score};
pub use scheme::Scheme;
pub use serving::Serving;
pub use signature::Signature;
pub use syntax::ParseError;
pub use transform::{InputColumn, InputTransform};
