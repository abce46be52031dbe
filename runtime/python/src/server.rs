//! The server's half, for predictions on one machine: an artifact with its weights, and clients' evaluation keys.

use std::path::PathBuf;

use hemet_runtime::{Server as RuntimeServer, ServerKeys as RuntimeKeys, schemes, unobserved};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rayon::ThreadPool;

use crate::error::{refused, wrong};
use crate::spec::Spec;

/// An artifact ready to answer.
#[pyclass(frozen, module = "hemet._hemet")]
pub(crate) struct Server {
    server: RuntimeServer,
    pool: ThreadPool,
    spec: schemes::Known,
}

/// A client's evaluation keys, read.
#[pyclass(frozen, module = "hemet._hemet")]
pub(crate) struct ServerKeys(RuntimeKeys);

#[pymethods]
impl Server {
    /// Loads the artifact at `path`; 0 threads means one a core.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf, threads: usize) -> PyResult<Self> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(wrong)?;
        let loaded = py.detach(|| {
            pool.install(|| {
                let model = schemes::open(&path)?;
                let spec = schemes::Known::of(model.as_ref())?;
                Ok((RuntimeServer::new(model)?, spec))
            })
        });
        let named = |e: hemet_runtime::RuntimeError| wrong(format!("{}: {e}", path.display()));
        let (server, spec) = loaded.map_err(named)?;
        Ok(Self { server, pool, spec })
    }

    /// What clients must know.
    fn spec(&self) -> Spec {
        Spec {
            known: self.spec.clone(),
        }
    }

    /// Reads a client's evaluation keys.
    fn keys(&self, py: Python<'_>, keys: &[u8]) -> PyResult<ServerKeys> {
        let read = py.detach(|| self.pool.install(|| self.server.keys(keys)));
        read.map(ServerKeys).map_err(refused)
    }

    /// Runs the network on an encrypted input.
    fn answer<'py>(
        &self,
        py: Python<'py>,
        keys: &ServerKeys,
        request: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let answer = || self.server.answer(&keys.0, request, &mut unobserved);
        let answer = py.detach(|| self.pool.install(answer));
        Ok(PyBytes::new(py, &answer.map_err(refused)?))
    }
}
