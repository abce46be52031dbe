//! The contract between compiler and runtime: instructions, types, text form, verifier, cost table, artifact file.
