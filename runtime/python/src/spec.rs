//! What clients must know of an artifact, and what an artifact says of itself.

use std::path::PathBuf;

use hemet_runtime::{Facts, Picture};
use hemet_runtime::schemes::{self, Known};
use hemet_runtime::signature::PublicKey;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::{Value, json};

use crate::error::{refused, wrong};

/// What clients must know of an artifact; it holds no weights.
#[pyclass(frozen, module = "hemet._hemet")]
pub(crate) struct Spec {
    pub(crate) known: Known,
}

#[pymethods]
impl Spec {
    /// Reads the spec, or that of the artifact, at `path`.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let known = py.detach(|| Known::open(&path));
        Ok(Self {
            known: known.map_err(|e| wrong(format!("{}: {e}", path.display())))?,
        })
    }

    /// Reads the bytes of a spec.
    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
        let known = Known::from_bytes(bytes).map_err(refused)?;
        Ok(Self { known })
    }

    /// The bytes of its file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.known.to_bytes().map_err(refused)?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// What is told of the artifact, as JSON.
    fn facts_json(&self) -> PyResult<String> {
        let spec = &self.known.spec;
        let mut facts = facts(&spec.facts())?;
        facts["scheme"] = spec.scheme().name().into();
        facts["is_signed"] = self.known.signature.is_some().into();
        Ok(facts.to_string())
    }

    /// The input that a picture makes, as training saw it, as little-endian 64-bit floats: `pixels` are bytes
    /// `[height][width][channels]`.
    fn picture<'py>(
        &self,
        py: Python<'py>,
        pixels: &[u8],
        axes: [usize; 3],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let picture = Picture::interleaved(axes, pixels);
        let picture = picture.ok_or_else(|| wrong("the picture holds no pixel"))?;
        let numbers = self.known.spec.facts().input_of_picture(picture, None);
        let numbers = numbers.map_err(wrong)?;
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        Ok(PyBytes::new(py, &bytes))
    }

    /// Refuses a spec that the public key at `path` has not signed.
    fn check_signature(&self, path: PathBuf) -> PyResult<()> {
        let key = PublicKey::read(&path).map_err(|e| wrong(format!("{}: {e}", path.display())))?;
        let (spec, signature) = (&self.known.spec, self.known.signature.as_ref());
        key.check_spec(spec.as_ref(), signature).map_err(refused)
    }
}

/// What is told of an artifact.
fn facts(facts: &Facts) -> PyResult<Value> {
    let columns = serde_json::to_value(&facts.columns).map_err(wrong)?;
    let range = facts.range.as_ref();
    let told: Vec<String> = facts.notices().iter().map(ToString::to_string).collect();
    Ok(json!({
        "artifact": facts.artifact.to_string(),
        "key_binding": facts.binding.to_string(),
        "network": facts.network,
        "classes": facts.classes,
        "normalization": facts.normalization,
        "pictures": serde_json::to_value(&facts.pictures).map_err(wrong)?,
        "shape": facts.shape,
        "range": range.map(|range| [range.low, range.high]),
        "columns": columns,
        "images_per_request": facts.images,
        "is_exact": facts.exact,
        "shown_results": facts.shown.map(|shown| shown.results),
        "parameters": facts.parameters,
        "security_bits": facts.security_bits,
        "evaluation_key_bytes": facts.evaluation_key_bytes,
        "notices": told,
    }))
}

/// What the artifact at `path` is, as JSON: its manifest, and what its clients are told.
#[pyfunction]
pub(crate) fn inspect(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    let named = |e: hemet_runtime::RuntimeError| wrong(format!("{}: {e}", path.display()));
    let model = py.detach(|| schemes::open(&path)).map_err(named)?;
    let spec = model.spec().map_err(named)?;
    let mut told = facts(&spec.facts())?;
    told["scheme"] = spec.scheme().name().into();
    told["is_signed"] = model.manifest().signature.is_some().into();
    told["instructions"] = model.instructions().into();
    told["manifest"] = serde_json::to_value(model.manifest()).map_err(wrong)?;
    Ok(told.to_string())
}
