//! The body of an inference request and of its answer, by the Open Inference Protocol (v2) with its extension for
//! binary tensors: a JSON head, and behind it the bytes of the one tensor. Without the extension the tensor is a list
//! of numbers in the head.

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Refusal;
use crate::models::{INPUT, OUTPUT};

/// How many bytes of the body are its JSON head.
pub(super) const HEAD_LENGTH: HeaderName =
    HeaderName::from_static("inference-header-content-length");
/// Longest JSON head with a binary tensor.
pub(super) const MAX_HEAD_BYTES: u64 = 16 << 10;
/// A byte as JSON takes up to four.
pub(super) const JSON_FACTOR: u64 = 4;

/// A request that was read.
pub(super) struct Call {
    pub(super) id: Option<String>,
    /// The hash of the keys to use.
    pub(super) keys: String,
    /// The encrypted input.
    pub(super) request: Bytes,
    /// Whether the answer comes as a binary tensor.
    is_binary: bool,
}

#[derive(Deserialize)]
struct Head {
    id: Option<String>,
    #[serde(default)]
    parameters: HeadParameters,
    inputs: Vec<Input>,
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Default, Deserialize)]
struct HeadParameters {
    evaluation_keys: Option<String>,
    binary_data_output: Option<bool>,
}

#[derive(Deserialize)]
struct Input {
    name: String,
    shape: Vec<u64>,
    datatype: String,
    #[serde(default)]
    parameters: InputParameters,
    data: Option<Vec<u8>>,
}

#[derive(Default, Deserialize)]
struct InputParameters {
    binary_data_size: Option<u64>,
}

#[derive(Deserialize)]
struct Output {
    name: String,
    #[serde(default)]
    parameters: OutputParameters,
}

#[derive(Default, Deserialize)]
struct OutputParameters {
    binary_data: Option<bool>,
}

impl Call {
    /// Whether the headers announce a binary tensor.
    pub(super) fn is_binary(headers: &HeaderMap) -> bool {
        headers.contains_key(HEAD_LENGTH)
    }

    /// Reads the body of a request.
    pub(super) fn read(headers: &HeaderMap, body: Vec<u8>) -> Result<Self, Refusal> {
        let mut body = Bytes::from(body);
        let head_length = match headers.get(HEAD_LENGTH) {
            None => body.len(),
            Some(value) => {
                let stated = value
                    .to_str()
                    .ok()
                    .and_then(|text| text.parse::<usize>().ok());
                let fits = stated.filter(|stated| *stated <= body.len());
                fits.ok_or_else(|| {
                    let length = body.len();
                    Refusal::malformed(format!(
                        "Inference-Header-Content-Length must be a number of bytes of the body, which has {length}"
                    ))
                })?
            }
        };
        let binary = body.split_off(head_length);
        let head: Head = serde_json::from_slice(&body)
            .map_err(|e| Refusal::malformed(format!("the JSON of the request: {e}")))?;
        head.call(binary, headers.contains_key(HEAD_LENGTH))
    }

    /// The answer's body.
    pub(super) fn answer(&self, about: Answer<'_>) -> Response {
        let mut output =
            json!({ "name": OUTPUT, "datatype": "UINT8", "shape": [about.bytes.len()] });
        match self.is_binary {
            true => output["parameters"] = json!({ "binary_data_size": about.bytes.len() }),
            false => output["data"] = Value::from(about.bytes.as_slice()),
        }
        let mut head = json!({
            "model_name": about.model,
            "model_version": about.version,
            "parameters": { "server_ms": about.ms },
            "outputs": [output],
        });
        if let Some(id) = &self.id {
            head["id"] = Value::from(id.as_str());
        }
        let head = head.to_string();
        if !self.is_binary {
            let mut response = Response::new(Body::from(head));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            return response;
        }
        let head_length = head.len();
        let mut body = head.into_bytes();
        body.extend_from_slice(&about.bytes);
        let mut response = Response::new(Body::from(body));
        let headers = response.headers_mut();
        headers.insert(HEAD_LENGTH, head_length.into());
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        );
        response
    }
}

/// What an answer says.
pub(super) struct Answer<'a> {
    pub(super) model: &'a str,
    pub(super) version: &'a str,
    /// Milliseconds that computing took, waiting left out.
    pub(super) ms: f64,
    /// The encrypted output.
    pub(super) bytes: Vec<u8>,
}

impl Head {
    /// Checks that there is the one tensor, and takes it.
    fn call(self, binary: Bytes, has_binary: bool) -> Result<Call, Refusal> {
        self.check_outputs()?;
        let [input] = <[Input; 1]>::try_from(self.inputs).map_err(|inputs| {
            let count = inputs.len();
            Refusal::malformed(format!("{count} inputs; give the one tensor `{INPUT}`"))
        })?;
        if input.name != INPUT || input.datatype != "UINT8" {
            return Err(Refusal::malformed(format!(
                "the input must be `{INPUT}` of datatype UINT8: the bytes of an encrypted input"
            )));
        }
        let (stated, is_given_twice) = (input.parameters.binary_data_size, input.data.is_some());
        let request = match (stated, input.data) {
            (Some(stated), None) if stated == binary.len() as u64 => binary,
            (None, Some(data)) if binary.is_empty() => Bytes::from(data),
            (Some(_) | None, _) => {
                return Err(Refusal::malformed(format!(
                    "binary_data_size is {stated:?}, {} bytes follow the JSON{}; give the tensor once, as bytes or as data",
                    binary.len(),
                    if is_given_twice {
                        ", and data are there too"
                    } else {
                        ""
                    },
                )));
            }
        };
        if input.shape != [request.len() as u64] {
            return Err(Refusal::malformed(format!(
                "the shape of the tensor is {:?}, it has {} bytes",
                input.shape,
                request.len()
            )));
        }
        let keys = self.parameters.evaluation_keys.ok_or_else(|| {
            Refusal::malformed(
                "the parameter evaluation_keys is missing: the hash of the uploaded keys",
            )
        })?;
        let asked = self
            .outputs
            .first()
            .and_then(|output| output.parameters.binary_data);
        let asked = asked.or(self.parameters.binary_data_output);
        Ok(Call {
            id: self.id,
            keys,
            request,
            is_binary: asked.unwrap_or(has_binary),
        })
    }

    /// Refuses outputs that there are not.
    fn check_outputs(&self) -> Result<(), Refusal> {
        let other = self.outputs.iter().find(|output| output.name != OUTPUT);
        other.map_or(Ok(()), |other| {
            let name: String = other.name.chars().take(100).collect();
            Err(Refusal::malformed(format!(
                "there is no output {name:?}; the one is `{OUTPUT}`"
            )))
        })
    }
}
