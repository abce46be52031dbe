//! The invariants of ARCHITECTURE.md that can be read off the tree: who depends on what, and the form of the files.

mod circles;
mod forms;
mod functions;
mod manifests;
mod tree;
