//! Answers of an encrypted evaluation on disk: one that was interrupted goes on after those that it has.
//!
//! The first line says of which artifact and which images they are; a line an image follows. Numbers are kept as their
//! bits: JSON could change the last one. Keys are made anew by each sitting, which changes no answer but its noise.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use hemet_search::data::Dataset;
use serde::{Deserialize, Serialize};

use super::session::{Prediction, Session};
use crate::error::Error;
use crate::run::images;

/// What answers are of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Of {
    artifact: String,
    images: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    image: usize,
    encrypted: Vec<u64>,
    clear: Vec<u64>,
    images: usize,
    latency_ms: f64,
    computed_ms: f64,
    request_bytes: usize,
    answer_bytes: usize,
}

impl Line {
    fn of(image: usize, prediction: &Prediction) -> Self {
        let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect();
        Self {
            image,
            encrypted: bits(&prediction.encrypted),
            clear: bits(&prediction.clear),
            images: prediction.images,
            latency_ms: prediction.latency_ms,
            computed_ms: prediction.computed_ms,
            request_bytes: prediction.request_bytes,
            answer_bytes: prediction.answer_bytes,
        }
    }

    fn prediction(self) -> Prediction {
        let numbers = |bits: Vec<u64>| bits.into_iter().map(f64::from_bits).collect();
        Prediction {
            encrypted: numbers(self.encrypted),
            clear: numbers(self.clear),
            images: self.images,
            latency_ms: self.latency_ms,
            computed_ms: self.computed_ms,
            request_bytes: self.request_bytes,
            answer_bytes: self.answer_bytes,
        }
    }
}

/// The file of an evaluation that runs.
pub struct Kept {
    path: PathBuf,
    file: File,
    known: BTreeMap<usize, Prediction>,
}

impl Kept {
    /// Begins or goes on with the answers in `path`, of this artifact to these images. Lines that a kill cut off are
    /// left out.
    ///
    /// # Errors
    /// Answers of another artifact or to other images; a file that cannot be written.
    pub fn open(path: &Path, session: &Session, test: &Dataset) -> Result<Self, Error> {
        let of = Of {
            artifact: session.spec().facts().artifact.to_string(),
            images: images::sum(test),
        };
        let failed = |e: std::io::Error| Error::file(path, e);
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        let mut lines = text.lines();
        let kept = lines
            .next()
            .and_then(|line| serde_json::from_str::<Of>(line).ok());
        if kept.as_ref().is_some_and(|kept| *kept != of) {
            let what = "its answers are of another artifact or to other images; name another file, or remove it";
            return Err(Error::file(path, what));
        }
        if kept.is_none() && !text.trim().is_empty() {
            return Err(Error::file(
                path,
                "it holds no answers of an evaluation; name another file",
            ));
        }
        let known = lines.filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let known: BTreeMap<usize, Prediction> =
            known.map(|line| (line.image, line.prediction())).collect();
        let mut options = OpenOptions::new();
        let mut file = options
            .create(true)
            .append(true)
            .open(path)
            .map_err(failed)?;
        if kept.is_none() {
            writeln!(file, "{}", serde_json::to_string(&of)?).map_err(failed)?;
        } else if !text.ends_with('\n') {
            writeln!(file).map_err(failed)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            known,
        })
    }

    /// The answers so far.
    pub fn known(&self) -> &BTreeMap<usize, Prediction> {
        &self.known
    }

    /// Adds answers.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn add(&mut self, answers: &[(usize, Prediction)]) -> Result<(), Error> {
        let mut text = String::new();
        for (image, prediction) in answers {
            text += &serde_json::to_string(&Line::of(*image, prediction))?;
            text.push('\n');
        }
        let written = self
            .file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.flush());
        written.map_err(|e| Error::file(&self.path, e))
    }

    /// The evaluation has ended: its answers are not needed any more.
    pub fn remove(self) {
        // What is left of it is told as such by the next evaluation.
        let _ = std::fs::remove_file(&self.path);
    }
}
