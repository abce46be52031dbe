//! Hemet: neural architecture search and compiler for networks that run on encrypted data.
//!
//! This crate is the only place that wires the others: YAML experiments and the command line. The binary `hemet` is
//! glue over [`commands::run`].
//!
//! - [`commands`]: a subcommand a file; a command parses, calls and prints. [`cli`] is what they share.
//! - [`experiment`]: an experiment as its YAML file says it.
//! - [`run`]: the folder of a search and what lies there; [`workers`] train its trials in other processes.
//! - [`finish`]: the end of a search, where the chosen network is compiled, measured and classified with.
//! - [`keys`]: a client's pairs of key files.
//! - [`remote`]: a model on a server, as its client sees it.
//! - [`audit`]: what features that are handed over in the clear reveal, measured and shown.
//! - [`schemes`]: what differs between the schemes of homomorphic encryption.
//! - [`report`] and [`export`]: what a person, or another program, gets to see of a search.
//!
//! ```
//! use hemet::experiment::Experiment;
//! use hemet::run::images;
//!
//! let experiment = Experiment::read("digits.yaml".as_ref())?;
//! let images = images::load(&experiment)?;
//! assert_eq!(images.train.shape, experiment.space()?.input());
//! # Ok::<(), hemet::error::Error>(())
//! ```

#[macro_use]
pub mod print;

pub mod audit;
pub mod calibration;
pub mod cli;
pub mod commands;
pub mod common;
pub mod error;
pub mod experiment;
pub mod export;
pub mod finish;
pub mod keys;
pub mod reference;
pub mod remote;
pub mod report;
pub mod run;
pub mod schemes;
pub mod workers;
