//! Hemet: neural architecture search and compiler for networks that run on encrypted data.
//!
//! This crate is the only place that wires the others: YAML experiments and the command line.
//! The binary `hemet` is glue over [`commands::run`].

pub mod cli;
pub mod commands;
pub mod common;
pub mod error;
pub mod experiment;
pub mod export;
pub mod finish;
pub mod report;
pub mod run;
pub mod schemes;
pub mod workers;
