//! Both halves in one process, for measuring: client, server and the clear reference of one TFHE artifact.

use std::time::Instant;

use hemet_runtime::calibrate::thread_time_us;
use hemet_runtime::tfhe::{Answer, Encoding, TfheArtifact, TfheClient, TfheServer};
use hemet_schedule::tfhe::{OutputForm, Verified, interpret};

use crate::error::Error;
use crate::schemes::ckks::session::{Predict, Prediction};

/// An artifact made ready, with keys made for it.
pub struct TfheSession {
    client: TfheClient,
    server: TfheServer,
    reference: Verified,
    encoding: Encoding,
    classes: usize,
    key_bytes: usize,
}

impl TfheSession {
    /// Makes and loads keys.
    pub fn new(artifact: TfheArtifact) -> Result<Self, Error> {
        let (client, keys) = TfheClient::generate(&artifact).map_err(Error::user)?;
        let (encoding, reference) = (artifact.encoding.clone(), artifact.schedule.clone());
        let classes = artifact.manifest.classes.len();
        let server = TfheServer::new(artifact, &keys).map_err(Error::user)?;
        Ok(Self {
            client,
            server,
            reference,
            encoding,
            classes,
            key_bytes: keys.len(),
        })
    }

    /// Bytes of the evaluation keys as sent.
    pub fn evaluation_key_bytes(&self) -> usize {
        self.key_bytes
    }

    /// The integer network's own answer.
    fn clear(&self, image: &[f64]) -> Result<Vec<f64>, Error> {
        let integers = self.encoding.integers(image).map_err(Error::user)?;
        let outputs = interpret(&self.reference, &integers).map_err(Error::user)?;
        Ok(match self.reference.output_form {
            OutputForm::Label => {
                let class = outputs.first().and_then(|c| usize::try_from(*c).ok());
                one_hot(class.unwrap_or(0), self.classes)
            }
            OutputForm::Logits => outputs
                .iter()
                .map(|v| *v as f64 * self.encoding.logit_scale)
                .collect(),
        })
    }
}

/// A class in the place of logits.
fn one_hot(class: usize, classes: usize) -> Vec<f64> {
    (0..classes.max(class + 1))
        .map(|c| f64::from(u8::from(c == class)))
        .collect()
}

impl Predict for TfheSession {
    fn images(&self) -> usize {
        1
    }

    fn is_exact(&self) -> bool {
        true
    }

    fn predict_images(&self, images: &[&[f64]]) -> Result<Vec<Prediction>, Error> {
        images.iter().map(|image| self.one(image)).collect()
    }
}

impl TfheSession {
    fn one(&self, image: &[f64]) -> Result<Prediction, Error> {
        let request = self.client.encrypt(image).map_err(Error::user)?;
        let (start, computed) = (Instant::now(), thread_time_us());
        let answer = self
            .server
            .answer(&request, &mut |_, _, _| ())
            .map_err(Error::user)?;
        let latency_ms = start.elapsed().as_secs_f64() * 1e3;
        let computed_ms = (thread_time_us() - computed) / 1e3;
        let encrypted = match self.client.decrypt(&answer).map_err(Error::user)? {
            Answer::Logits(logits) => logits,
            Answer::Label(class) => one_hot(class, self.classes),
        };
        Ok(Prediction {
            encrypted,
            clear: self.clear(image)?,
            images: 1,
            latency_ms,
            computed_ms,
            request_bytes: request.len(),
            answer_bytes: answer.len(),
        })
    }
}
