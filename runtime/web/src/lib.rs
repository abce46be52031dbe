//! The client in a browser: makes keys, encrypts numbers, decrypts answers. The secret key never leaves the memory of
//! this module; what JavaScript sees of it is a handle.
//!
//! Everything runs on the calling thread, with the portable code of the engine, and reads neither files nor clocks.
//! Randomness is the browser's (`crypto.getRandomValues`).

use hemet_runtime::door::Answer;
use hemet_runtime::schemes::Known;
use hemet_runtime::{Client as RuntimeClient, Fit, Picture, RuntimeError};
use serde_json::json;
use wasm_bindgen::prelude::*;

/// A refusal as an exception, in words.
fn refused(error: RuntimeError) -> JsError {
    JsError::new(&error.to_string())
}

/// A client's secret keys with what it knows of the model.
#[wasm_bindgen]
pub struct Client {
    client: RuntimeClient,
    evaluation_keys: Vec<u8>,
}

#[wasm_bindgen]
impl Client {
    /// Makes secret and evaluation keys for the model of this spec, the bytes that `GET /v2/models/NAME/spec` gives.
    ///
    /// # Errors
    /// Bytes that are no spec; a scheme that is not built in.
    #[wasm_bindgen(constructor)]
    pub fn new(spec: &[u8]) -> Result<Self, JsError> {
        let known = Known::from_bytes(spec).map_err(refused)?;
        let (client, evaluation_keys) = RuntimeClient::generate(known.spec).map_err(refused)?;
        Ok(Self {
            client,
            evaluation_keys,
        })
    }

    /// The evaluation keys for the server, once: they are handed over.
    pub fn evaluation_keys(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.evaluation_keys)
    }

    /// What is known of the model, as JSON: `network`, `shape` (channels, height, width), `classes`, `range` of the
    /// inputs, `parameters`, `security_bits`.
    pub fn facts(&self) -> String {
        let facts = self.client.facts();
        let range = facts.range.as_ref();
        json!({
            "network": facts.network,
            "shape": facts.shape,
            "classes": facts.classes,
            "range": range.map(|range| [range.low, range.high]),
            "parameters": facts.parameters,
            "security_bits": facts.security_bits,
        })
        .to_string()
    }

    /// The input that a picture makes, as training saw it: `rgba` are the bytes of a canvas, row by row. A picture of
    /// another size is stretched to the network's where the model says nothing of it.
    ///
    /// # Errors
    /// Bytes that are no picture of this size.
    pub fn picture(&self, rgba: &[u8], width: usize, height: usize) -> Result<Vec<f64>, JsError> {
        let rgb: Vec<u8> = rgba.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
        let picture = Picture::interleaved([3, height, width], &rgb);
        let picture = picture.ok_or_else(|| JsError::new("the canvas holds no picture"))?;
        let facts = self.client.facts();
        let fit = facts.pictures.as_ref().and_then(|note| note.fit);
        let input = facts.input_of_picture(picture, Some(fit.unwrap_or(Fit::Stretch)));
        input.map_err(|why| JsError::new(&why))
    }

    /// Encrypts one input, in channel-major order.
    ///
    /// # Errors
    /// An input of another length, or beyond the range that the model was compiled for.
    pub fn encrypt(&self, input: &[f64]) -> Result<Vec<u8>, JsError> {
        self.client.encrypt_batch(&[input]).map_err(refused)
    }

    /// Decrypts the answer to this request, as JSON: `class`, its `class_name`, `logits` rounded to what is promised,
    /// and whether they can be `trusted`.
    ///
    /// # Errors
    /// An answer that was altered, or is to another request.
    pub fn decrypt(&self, request: &[u8], response: &[u8]) -> Result<String, JsError> {
        let answers = self.client.decrypt_for(request, response, 1);
        let answers = answers.map_err(refused)?;
        let answer = answers.into_iter().next();
        answer
            .map(|answer| self.told(answer))
            .ok_or_else(|| JsError::new("the answer holds no output"))
    }

    fn told(&self, answer: Answer) -> String {
        let facts = self.client.facts();
        let label = answer.class();
        let logits = answer.logits();
        let class = match logits.is_empty() {
            true => label,
            false => facts.class(&logits),
        };
        let rounded = match facts.precision {
            Some(precision) => precision.rounded(&logits),
            None => logits.clone(),
        };
        json!({
            "class": class,
            "class_name": facts.classes.get(class),
            "logits": rounded,
            "trusted": facts.is_trusted(&logits),
        })
        .to_string()
    }
}

/// The name of evaluation keys at a server.
#[wasm_bindgen]
pub fn key_name(keys: &[u8]) -> String {
    blake3::hash(keys).to_hex().to_string()
}
