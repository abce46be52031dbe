//! Hemet: neural architecture search and compiler for networks that run on encrypted data.
//!
//! This crate is the only place that wires the others: YAML experiments and the command line.
//! The binary `hemet` is glue over [`commands::run`].

pub mod baseline;
pub mod cases;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod common;
pub mod costs;
pub mod date;
pub mod deploy;
pub mod error;
pub mod experiment;
pub mod export;
pub mod fetch;
pub mod finish;
pub mod front_times;
pub mod image;
pub mod inspect;
pub mod network;
pub mod profile;
pub mod progress;
pub mod replay;
pub mod report;
pub mod run_folder;
pub mod search_progress;
pub mod session;
pub mod teachers;
pub mod tfhe;
pub mod training_curves;
pub mod workers;
