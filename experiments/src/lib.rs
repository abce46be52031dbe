//! Neural architecture search and compiler for networks on encrypted data: YAML experiments and the command line.
