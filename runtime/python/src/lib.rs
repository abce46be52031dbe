//! The native half of the Python package `hemet`: what the runtime does, over bytes. Arrays, pictures and HTTP are the
//! Python half's (`python/hemet`).
//!
//! Numbers cross the border as little-endian 64-bit floats, and what is told of artifacts as JSON, so that this half
//! needs no headers of numpy.

mod client;
mod error;
mod server;
mod spec;

use pyo3::prelude::*;

use error::{CheckError, HemetError};

/// The hash that names evaluation keys on a server, of the bytes of their file.
#[pyfunction]
fn key_hash(py: Python<'_>, keys: &[u8]) -> String {
    py.detach(|| blake3::hash(keys).to_hex().to_string())
}

#[pymodule]
fn _hemet(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("HemetError", py.get_type::<HemetError>())?;
    module.add("CheckError", py.get_type::<CheckError>())?;
    module.add_class::<spec::Spec>()?;
    module.add_class::<client::Client>()?;
    module.add_class::<server::Server>()?;
    module.add_class::<server::ServerKeys>()?;
    module.add_function(wrap_pyfunction!(key_hash, module)?)?;
    module.add_function(wrap_pyfunction!(spec::inspect, module)?)
}
