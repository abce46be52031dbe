//! A client's secret half: encrypts numbers, decrypts answers. The secret key never crosses into Python.

use std::path::PathBuf;

use hemet_runtime::door::Answer;
use hemet_runtime::schemes::Known;
use hemet_runtime::{Client as RuntimeClient, KeyFile, Note, Passphrase};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zeroize::Zeroizing;

use crate::error::{refused, wrong};
use crate::spec::Spec;

/// A client's secret keys with what it knows of the artifact.
#[pyclass(frozen, module = "hemet._hemet")]
pub(crate) struct Client {
    pub(crate) client: RuntimeClient,
}

/// A decrypted answer: the class, what was decrypted and the model's own outputs (each rounded where asked for).
type Decrypted = (usize, Vec<f64>, Vec<f64>);

fn passphrase(text: Option<String>) -> PyResult<Option<Passphrase>> {
    let bytes = |text: String| Passphrase::new(Zeroizing::new(text.into_bytes()));
    text.map(bytes).transpose().map_err(refused)
}

#[pymethods]
impl Client {
    /// Makes a client's secret keys, and the evaluation keys for the server.
    #[staticmethod]
    #[pyo3(signature = (spec, label, created_s))]
    fn generate<'py>(
        py: Python<'py>,
        spec: &Spec,
        label: String,
        created_s: u64,
    ) -> PyResult<(Self, Bound<'py, PyBytes>)> {
        let known = spec.known.clone();
        let made = py.detach(move || {
            let note = Note {
                label,
                network: known.spec.facts().network,
                created_s: Some(created_s),
                expires_s: None,
                signature: known.signature,
            };
            note.check()?;
            let (client, keys) = RuntimeClient::generate(known.spec)?;
            Ok((client.noted(note)?, keys))
        });
        let (client, keys) = made.map_err(refused)?;
        Ok((Self { client }, PyBytes::new(py, &keys)))
    }

    /// Reads a client key file.
    #[staticmethod]
    #[pyo3(signature = (path, secret=None))]
    fn open(py: Python<'_>, path: PathBuf, secret: Option<String>) -> PyResult<Self> {
        let secret = passphrase(secret)?;
        let client = py.detach(|| KeyFile::read(&path)?.open(secret.as_ref()));
        Ok(Self {
            client: client.map_err(|e| wrong(format!("{}: {e}", path.display())))?,
        })
    }

    /// Writes the client key file, readable by the user only.
    #[pyo3(signature = (path, secret=None))]
    fn save(&self, py: Python<'_>, path: PathBuf, secret: Option<String>) -> PyResult<()> {
        let secret = passphrase(secret)?;
        if let Some(secret) = &secret {
            secret.check_new().map_err(refused)?;
        }
        py.detach(|| self.client.save(&path, secret.as_ref()))
            .map_err(refused)
    }

    /// The same keys for the artifact of `spec`, which needs the same.
    fn rebound(&self, spec: &Spec) -> PyResult<Self> {
        let bytes = self.client.to_bytes().map_err(refused)?;
        let copy = RuntimeClient::from_bytes(&bytes).map_err(refused)?;
        let client = copy.rebound(&spec.known).map_err(refused)?;
        Ok(Self { client })
    }

    /// What it knows of the artifact.
    fn spec(&self) -> Spec {
        Spec {
            known: Known {
                spec: self.client.spec().clone(),
                signature: self.client.note().signature.clone(),
            },
        }
    }

    /// What its owner calls it.
    fn label(&self) -> String {
        self.client.note().label.clone()
    }

    /// From when on nothing is to be encrypted with it, in seconds after 1970.
    fn expires_s(&self) -> Option<u64> {
        self.client.note().expires_s
    }

    /// Encrypts `count` inputs of equal length, which lie one after the other as little-endian 64-bit floats.
    fn encrypt<'py>(
        &self,
        py: Python<'py>,
        floats: &[u8],
        count: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let (chunks, rest) = floats.as_chunks::<8>();
        let values: Vec<f64> = chunks
            .iter()
            .map(|bytes| f64::from_le_bytes(*bytes))
            .collect();
        if count == 0 || !rest.is_empty() || values.is_empty() || values.len() % count != 0 {
            let got = floats.len();
            return Err(wrong(format!(
                "{got} bytes are not {count} inputs of 64-bit floats"
            )));
        }
        let inputs: Vec<&[f64]> = values.chunks(values.len() / count).collect();
        let request = py.detach(|| self.client.encrypt_batch(&inputs));
        Ok(PyBytes::new(py, &request.map_err(refused)?))
    }

    /// Decrypts an answer to `request` (to any request where there is none): of each of the first `count` inputs the
    /// class, what was decrypted and the model's own outputs; `raw` with every digit, else within the promised
    /// precision.
    #[pyo3(signature = (response, request, count, raw))]
    fn decrypt(
        &self,
        py: Python<'_>,
        response: &[u8],
        request: Option<&[u8]>,
        count: usize,
        raw: bool,
    ) -> PyResult<Vec<Decrypted>> {
        let answers = py.detach(|| match request {
            Some(request) => self.client.decrypt_for(request, response, count),
            None => self.client.decrypt_batch(response, count),
        });
        let answers = answers.map_err(refused)?;
        Ok(answers
            .into_iter()
            .map(|answer| self.told(answer, raw))
            .collect())
    }
}

impl Client {
    fn told(&self, answer: Answer, raw: bool) -> Decrypted {
        let facts = self.client.facts();
        let label = answer.class();
        let logits = answer.logits();
        let class = match logits.is_empty() {
            true => label,
            false => facts.class(&logits),
        };
        let logits = match facts.precision.filter(|_| !raw) {
            Some(precision) => precision.rounded(&logits),
            None => logits,
        };
        let own = facts.own_outputs(&logits);
        (class, logits, own)
    }
}
