//! What a server answers to a prediction: a JSON head, and behind it the bytes of the encrypted output.

use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

use super::patience::Failure;
use super::{MAX_ANSWER_BYTES, bytes};

/// The header that says how many bytes of a body are its JSON head.
pub(super) const HEAD_LENGTH: &str = "inference-header-content-length";

/// An encrypted prediction.
pub struct Predicted {
    /// The encrypted output, for the client's key.
    pub response: Vec<u8>,
    /// Milliseconds that the server computed, as it says.
    pub server_ms: f64,
}

impl Predicted {
    /// Takes a response apart.
    pub(super) fn read(response: Response<Body>) -> Result<Self, Failure> {
        let none =
            |what: &str| Failure::Refused(format!("the server's answer is no prediction: {what}"));
        let length = response.headers().get(HEAD_LENGTH);
        let length = length.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        let mut head = bytes(response, MAX_ANSWER_BYTES)?;
        let length = length.filter(|length| *length <= head.len());
        let output = head.split_off(length.ok_or_else(|| none("it has no binary tensor"))?);
        let head: Value = serde_json::from_slice(&head).map_err(|e| none(&e.to_string()))?;
        let stated = head["outputs"][0]["parameters"]["binary_data_size"].as_u64();
        if stated != Some(output.len() as u64) {
            return Err(none(&format!(
                "{} bytes where {stated:?} are stated",
                output.len()
            )));
        }
        Ok(Self {
            response: output,
            server_ms: head["parameters"]["server_ms"].as_f64().unwrap_or(f64::NAN),
        })
    }
}
