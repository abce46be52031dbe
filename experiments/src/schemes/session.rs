//! Both halves in one process, for measuring: client, server and the clear reference of one artifact.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use hemet_runtime::calibrate::thread_time_us;
use hemet_runtime::door::{Answer, Model, Reference, Spec};
use hemet_runtime::{Client, Observer, Server, ServerKeys, unobserved};

use crate::error::Error;

/// An artifact made ready, with keys made for it.
pub struct Session {
    server: Server,
    client: Client,
    keys: ServerKeys,
    reference: Reference,
    evaluation_key_bytes: usize,
}

/// What one encrypted prediction gave for an image.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Decrypted logits.
    pub encrypted: Vec<f64>,
    /// Logits of the same schedule in the clear, in 64-bit floats.
    pub clear: Vec<f64>,
    /// Images of the request, which share what follows.
    pub images: usize,
    /// Time of the server's work, in milliseconds.
    pub latency_ms: f64,
    /// What the calling thread computed of it, in milliseconds: on one thread and a quiet machine the same.
    pub computed_ms: f64,
    /// Bytes of the encrypted input as sent.
    pub request_bytes: usize,
    /// Bytes of the encrypted answer as sent.
    pub answer_bytes: usize,
}

/// Many images to predict.
#[derive(Clone, Copy)]
pub struct Many<'a> {
    /// How many.
    pub count: usize,
    /// Requests side by side; 0 for one a core.
    pub threads: usize,
    /// Gives the image of an index.
    pub image: &'a (dyn Fn(usize) -> Vec<f64> + Sync),
    /// Those that are known already, by their indices.
    pub known: &'a BTreeMap<usize, Prediction>,
}

/// Hears what a request gave, and how many images are done.
pub type Done<'a> = dyn FnMut(&[(usize, Prediction)], usize) -> Result<(), Error> + Send + 'a;

impl Prediction {
    /// Greatest difference between a decrypted logit and its reference.
    pub fn error(&self) -> f64 {
        let pairs = self.encrypted.iter().zip(&self.clear);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }
}

impl Session {
    /// Makes an artifact ready for both ways and makes keys.
    ///
    /// # Errors
    /// A constant that cannot be used, no randomness.
    pub fn new(model: Box<dyn Model>) -> Result<Self, Error> {
        Ok(Self::with_constant_bytes(model, usize::MAX)?.0)
    }

    /// As [`Session::new`], but the server's prepared constants take at most so many bytes; with the client's
    /// evaluation key file.
    ///
    /// # Errors
    /// As [`Session::new`].
    pub fn with_constant_bytes(
        model: Box<dyn Model>,
        bytes: usize,
    ) -> Result<(Self, Vec<u8>), Error> {
        let reference = model.reference()?;
        let server = Server::with_constant_bytes(model, bytes)?;
        crate::common::tell(&server.facts().notices());
        let (client, key_file) = Client::generate(server.client_spec())?;
        let keys = server.keys(&key_file)?;
        let session = Self {
            server,
            client,
            keys,
            reference,
            evaluation_key_bytes: key_file.len(),
        };
        Ok((session, key_file))
    }

    /// Bytes of the evaluation keys as sent.
    pub fn evaluation_key_bytes(&self) -> usize {
        self.evaluation_key_bytes
    }

    /// What clients must know.
    pub fn spec(&self) -> Arc<dyn Spec> {
        self.server.client_spec()
    }

    /// Bits of security of the parameters; 0 for insecure ones.
    pub fn security_bits(&self) -> u32 {
        self.server.facts().security_bits
    }

    /// How many images one request takes.
    pub fn images(&self) -> usize {
        self.server.facts().images
    }

    /// Whether decrypted numbers are those of the clear reference exactly, so that a difference is a fault and no
    /// noise.
    pub fn is_exact(&self) -> bool {
        self.server.facts().exact
    }

    /// The client alone; server and reference leave memory.
    pub fn into_client(self) -> Client {
        self.client
    }

    /// The client's half.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Encrypts, runs, decrypts one image; in the caller's rayon pool.
    ///
    /// # Errors
    /// What either half refuses.
    pub fn predict(&self, image: &[f64]) -> Result<Prediction, Error> {
        let one = self.predict_batch(&[image], &mut unobserved)?.pop();
        one.ok_or_else(|| Error::user("a prediction gave no logits"))
    }

    /// As [`Session::predict`] for up to [`Session::images`] images in one request; `observe` hears of every
    /// instruction of the encrypted run.
    ///
    /// # Errors
    /// As [`Session::predict`].
    pub fn predict_batch(
        &self,
        images: &[&[f64]],
        observe: &mut Observer<'_>,
    ) -> Result<Vec<Prediction>, Error> {
        let request = self.client.encrypt_any(images)?;
        let (start, computed) = (Instant::now(), thread_time_us());
        let answer = self.server.answer(&self.keys, &request, observe);
        let answer = answer?;
        let latency_ms = start.elapsed().as_secs_f64() * 1e3;
        let computed_ms = (thread_time_us() - computed) / 1e3;
        let answer_bytes = answer.len();
        let encrypted = self.client.decrypt_batch(&answer, images.len());
        let encrypted = encrypted?.into_iter();
        let classes = self.server.facts().classes.len();
        let prediction = |(answer, clear): (Answer, _)| Prediction {
            encrypted: answer.scores(classes),
            clear,
            images: images.len(),
            latency_ms,
            computed_ms,
            request_bytes: request.len(),
            answer_bytes,
        };
        Ok(encrypted.zip(self.clear(images)?).map(prediction).collect())
    }

    /// The logits in the clear, image by image; of a class alone 1 for it and 0 for the others.
    ///
    /// # Errors
    /// Images that the network does not take.
    pub fn clear(&self, images: &[&[f64]]) -> Result<Vec<Vec<f64>>, Error> {
        let classes = self.server.facts().classes.len();
        let features = self.client.spec().features(images)?;
        let features: Vec<&[f64]> = features.iter().map(AsRef::as_ref).collect();
        let answers = (self.reference)(&features)?.into_iter();
        Ok(answers.map(|answer| answer.scores(classes)).collect())
    }

    /// Predicts many images, `threads` requests side by side (0: one a core), each on one thread; batches, which fill
    /// memory, one after the other on all threads. `done` hears after each request what it gave, and how many images
    /// are done; what it refuses ends the work.
    ///
    /// # Errors
    /// As [`Session::predict`], and what `done` refuses.
    pub fn predict_all(
        &self,
        work: &Many<'_>,
        done: &mut Done<'_>,
    ) -> Result<Vec<Prediction>, Error> {
        let Many {
            count,
            threads,
            image,
            known,
        } = *work;
        let threads = match threads {
            0 => crate::common::cores(),
            threads => threads,
        };
        let size = self.images();
        let (workers, inside) = match size {
            1 => (threads.min(count), 1),
            _ => (1, threads),
        };
        let next = AtomicUsize::new(0);
        let inside_count = known
            .range(..count)
            .map(|(index, prediction)| (*index, prediction.clone()));
        let results = Mutex::new((inside_count.collect::<Vec<_>>(), done));
        let work = || -> Result<(), Error> {
            let pool = crate::common::pool(inside)?;
            loop {
                let first = next.fetch_add(size, Ordering::Relaxed);
                if first >= count {
                    return Ok(());
                }
                let places = first..count.min(first + size);
                if places.clone().all(|place| known.contains_key(&place)) {
                    continue;
                }
                let images: Vec<Vec<f64>> = places.map(image).collect();
                let images: Vec<&[f64]> = images.iter().map(Vec::as_slice).collect();
                let predictions = pool.install(|| self.predict_batch(&images, &mut unobserved))?;
                let new: Vec<(usize, Prediction)> = (first..).zip(predictions).collect();
                let mut guard = results.lock().unwrap_or_else(PoisonError::into_inner);
                let (all, done) = &mut *guard;
                // Of a batch of which a part was known.
                all.retain(|(index, _)| new.iter().all(|(other, _)| other != index));
                all.extend(new.iter().cloned());
                done(&new, all.len())?;
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|_| Err(Error::user("a worker thread ended unexpectedly")))
            })
        })?;
        let (mut results, _) = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by_key(|(index, _)| *index);
        Ok(results.into_iter().map(|(_, answer)| answer).collect())
    }
}
