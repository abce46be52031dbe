//! A model on a server (`hemet serve`), as its client sees it: fetch the spec, upload keys, ask for predictions.
//! Nothing secret is ever sent.

mod answer;
mod patience;
mod upload;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Response, StatusCode};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Body, RequestBuilder};
use zeroize::Zeroizing;

use crate::error::Error;

pub use answer::Predicted;
use patience::{Failure, Patience};

/// How long to wait for a connection, and for each piece of a body.
const WAIT: Duration = Duration::from_secs(30);
/// How long to wait for an answer: as long as a prediction may take.
const ANSWER: Duration = Duration::from_secs(3600);
/// Most bytes of a spec that are read.
const MAX_SPEC_BYTES: u64 = 16 << 20;
/// Most bytes of an error's message that are read.
const MAX_MESSAGE_BYTES: u64 = 64 << 10;
/// Most bytes of an answer that are read.
const MAX_ANSWER_BYTES: u64 = 4 << 30;

/// A model on a server.
pub struct Remote {
    agent: Agent,
    /// The model's address, without a slash at the end.
    url: String,
    token: Option<Zeroizing<String>>,
}

impl Remote {
    /// The model at `url`, as in `http://127.0.0.1:8080/v2/models/digits`. A server with TLS must have a certificate of
    /// those in the file `ca`, or of the authorities that browsers trust where none is given.
    ///
    /// # Errors
    /// An address of another form, a file without certificates.
    pub fn new(
        url: &str,
        token: Option<Zeroizing<String>>,
        ca: Option<&Path>,
    ) -> Result<Self, Error> {
        let url = url.trim_end_matches('/');
        let rest = url.strip_prefix("http://").or(url.strip_prefix("https://"));
        let model = rest.and_then(|rest| rest.split_once("/v2/models/"));
        if model.is_none_or(|(host, model)| host.is_empty() || model.is_empty()) {
            return Err(Error::user(format!(
                "`{url}` is no address of a model; give one as in http://127.0.0.1:8080/v2/models/digits"
            )));
        }
        let roots = ca.map_or(Ok(RootCerts::WebPki), roots)?;
        let agent: Agent = Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(WAIT))
            .timeout_send_body(Some(ANSWER))
            .timeout_recv_response(Some(ANSWER))
            .timeout_per_read(Some(WAIT))
            .build()
            .into();
        let url = url.to_owned();
        Ok(Self { agent, url, token })
    }

    fn authorized<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {}", token.as_str())),
            None => request,
        }
    }

    /// What clients must know of the model: the bytes of its spec.
    ///
    /// # Errors
    /// No connection, or what the server refuses.
    pub fn spec(&self) -> Result<Vec<u8>, Error> {
        let url = format!("{}/spec", self.url);
        Patience::new(&url).with(|| {
            let response = self.authorized(self.agent.get(&url)).call()?;
            let response = good(response, &[StatusCode::OK])?;
            bytes(response, MAX_SPEC_BYTES)
        })
    }

    /// Asks for a prediction under keys that were uploaded.
    ///
    /// # Errors
    /// No connection, what the server refuses, an answer that is none.
    pub fn infer(&self, keys: &str, request: &[u8]) -> Result<Predicted, Error> {
        let url = format!("{}/infer", self.url);
        let size = request.len();
        let head = json!({
            "parameters": { "evaluation_keys": keys, "binary_data_output": true },
            "inputs": [{
                "name": "encrypted_input",
                "shape": [size],
                "datatype": "UINT8",
                "parameters": { "binary_data_size": size },
            }],
        })
        .to_string();
        let body = [head.as_bytes(), request].concat();
        Patience::new(&url).with(|| {
            let asked = self.authorized(self.agent.post(&url));
            let asked = asked.header(answer::HEAD_LENGTH, head.len().to_string());
            let asked = asked.header("content-type", "application/octet-stream");
            let response = good(asked.send(&body[..])?, &[StatusCode::OK])?;
            Predicted::read(response)
        })
    }
}

/// The certificates in a file.
fn roots(path: &Path) -> Result<RootCerts, Error> {
    let bytes = std::fs::read(path).map_err(|e| Error::file(path, e))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&bytes) {
        // A private key beside it is nothing to us.
        if let PemItem::Certificate(certificate) = item.map_err(|e| Error::file(path, e))? {
            certificates.push(certificate);
        }
    }
    match certificates.is_empty() {
        true => Err(Error::file(path, "there is no certificate (PEM) in it")),
        false => Ok(RootCerts::new_with_certs(&certificates)),
    }
}

/// The response, if it has one of these statuses; why not otherwise.
fn good(response: Response<Body>, expected: &[StatusCode]) -> Result<Response<Body>, Failure> {
    match expected.contains(&response.status()) {
        true => Ok(response),
        false => Err(Failure::of(response)),
    }
}

/// A body of at most so many bytes.
fn bytes(response: Response<Body>, most: u64) -> Result<Vec<u8>, Failure> {
    let body = response.into_body().into_with_config().limit(most);
    Ok(body.read_to_vec()?)
}

/// What an error's body says, and all of it as JSON where it is that.
fn message(response: Response<Body>) -> (String, Value) {
    let body = response
        .into_body()
        .into_with_config()
        .limit(MAX_MESSAGE_BYTES);
    let body = body.read_to_vec().unwrap_or_default();
    let json: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let text = json["error"].as_str().unwrap_or("it does not say why");
    (text.to_owned(), json)
}
