//! Both halves in one process, for measuring: client, server and the clear reference of one artifact.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use hemet_runtime::calibrate::thread_time_us;
use hemet_runtime::{ClearBackend, Client, Program, Server, ServerKeys, execute};
use hemet_runtime::{alone, files};
use hemet_schedule::artifact::Artifact;

use crate::error::Error;

/// An artifact made ready, with keys made for it.
pub struct Session {
    server: Server,
    client: Client,
    keys: ServerKeys,
    reference: Program<ClearBackend>,
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

impl Prediction {
    /// Greatest difference between a decrypted logit and its reference.
    pub fn error(&self) -> f64 {
        let pairs = self.encrypted.iter().zip(&self.clear);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }
}

impl Session {
    /// Loads the schedule for both backends and makes keys.
    pub fn new(artifact: Artifact) -> Result<Self, Error> {
        Self::with_diagonal_bytes(artifact, usize::MAX)
    }

    /// As [`Session::new`], but the server's encoded diagonals take at most so many bytes.
    pub fn with_diagonal_bytes(artifact: Artifact, bytes: usize) -> Result<Self, Error> {
        let slots = artifact.schedule.header.parameters.slots();
        let reference = Program::new(artifact.schedule.clone(), ClearBackend::new(slots))
            .map_err(Error::user)?;
        let server = Server::with_diagonal_bytes(artifact, bytes).map_err(Error::user)?;
        crate::common::tell(&server.notices());
        let spec = server.client_spec().clone();
        let (client, keys) = Client::generate(spec).map_err(Error::user)?;
        Ok(Self {
            server,
            client,
            keys,
            reference,
        })
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Bytes of the evaluation keys as sent.
    pub fn evaluation_key_bytes(&self) -> usize {
        self.keys.to_bytes().len()
    }

    /// Fills `folder` for a server of its own, which is to run `image`; `artifact` are the bytes of the artifact's file.
    pub fn prepare_alone(
        &self,
        folder: &Path,
        artifact: &[u8],
        image: &[f64],
    ) -> Result<(), Error> {
        let request = self.client.encrypt(image).map_err(Error::user)?;
        alone::prepare(folder, artifact, &self.keys, &request).map_err(Error::user)
    }

    /// How many images one request takes.
    pub fn images(&self) -> usize {
        self.server.schedule().header.images()
    }

    /// The client alone; server and reference leave memory.
    pub fn into_client(self) -> Client {
        self.client
    }

    /// Encrypts, runs, decrypts; in the caller's rayon pool.
    pub fn predict(&self, image: &[f64]) -> Result<Prediction, Error> {
        let mut predictions = self.predict_batch(&[image], &mut execute::unobserved)?;
        let one = predictions.pop();
        one.ok_or_else(|| Error::user("a prediction gave no logits"))
    }

    /// As [`Session::predict`] for up to [`Session::images`] images in one request; `observe` hears of every instruction of the
    /// encrypted run.
    pub fn predict_batch(
        &self,
        images: &[&[f64]],
        observe: &mut execute::Observer<'_>,
    ) -> Result<Vec<Prediction>, Error> {
        let request = self.client.encrypt_batch(images).map_err(Error::user)?;
        let (start, computed) = (Instant::now(), thread_time_us());
        let answer = self
            .server
            .answer(&self.keys, &request, observe)
            .map_err(Error::user)?;
        let latency_ms = start.elapsed().as_secs_f64() * 1e3;
        let computed_ms = (thread_time_us() - computed) / 1e3;
        let encrypted = self.client.decrypt_batch(&answer, images.len());
        let pairs = encrypted.map_err(Error::user)?.into_iter();
        let prediction = |(encrypted, clear)| Prediction {
            encrypted,
            clear,
            images: images.len(),
            latency_ms,
            computed_ms,
            request_bytes: request.len(),
            answer_bytes: answer.len(),
        };
        Ok(pairs.zip(self.clear(images)?).map(prediction).collect())
    }

    /// The logits of the same schedule in the clear, image by image.
    pub fn clear(&self, images: &[&[f64]]) -> Result<Vec<Vec<f64>>, Error> {
        let header = &self.server.schedule().header;
        let slots = header.parameters.slots();
        let prepared = self.client.spec().prepare(images);
        let prepared: Vec<&[f64]> = prepared.iter().map(Vec::as_slice).collect();
        let packed = files::pack_batch(&header.input, &prepared, slots).map_err(Error::user)?;
        let inputs = packed
            .into_iter()
            .map(|vector| vector.iter().copied().cycle().take(slots).collect())
            .collect();
        let outputs = self
            .reference
            .run(&(), inputs, &mut execute::unobserved)
            .map_err(Error::user)?;
        files::unpack_batch(&header.output, &outputs, slots, images.len()).map_err(Error::user)
    }
}

impl Predict for Session {
    fn images(&self) -> usize {
        self.images()
    }

    fn predict_images(&self, images: &[&[f64]]) -> Result<Vec<Prediction>, Error> {
        self.predict_batch(images, &mut execute::unobserved)
    }
}

/// Both halves of an artifact of any scheme.
pub trait Predict: Sync {
    /// Images that a request takes.
    fn images(&self) -> usize;

    /// Whether decrypted numbers are those of the clear reference exactly, so that a difference is a fault and no noise.
    fn is_exact(&self) -> bool {
        false
    }

    /// Encrypts, runs, decrypts up to [`Predict::images`] images; in the caller's rayon pool.
    ///
    /// # Errors
    /// What either half refuses.
    fn predict_images(&self, images: &[&[f64]]) -> Result<Vec<Prediction>, Error>;

    /// As [`Predict::predict_images`], one image.
    ///
    /// # Errors
    /// What either half refuses.
    fn predict(&self, image: &[f64]) -> Result<Prediction, Error> {
        let one = self.predict_images(&[image])?.pop();
        one.ok_or_else(|| Error::user("a prediction gave no logits"))
    }

    /// Predicts `count` images, `threads` requests side by side (0: one a core), each on one thread; batches, which fill memory, one after
    /// the other on all threads. `image(i)` gives the i-th, `done` hears after each request, with the number of images done.
    fn predict_all(
        &self,
        count: usize,
        threads: usize,
        image: &(dyn Fn(usize) -> Vec<f64> + Sync),
        done: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Vec<Prediction>, Error> {
        let threads = if threads == 0 {
            crate::common::cores()
        } else {
            threads
        };
        let size = self.images();
        let (workers, inside) = match size {
            1 => (threads.min(count), 1),
            _ => (1, threads),
        };
        let next = AtomicUsize::new(0);
        let results = Mutex::new((Vec::new(), done));
        let work = || -> Result<(), Error> {
            let pool = crate::common::pool(inside)?;
            loop {
                let first = next.fetch_add(size, Ordering::Relaxed);
                if first >= count {
                    return Ok(());
                }
                let images: Vec<Vec<f64>> = (first..count.min(first + size)).map(image).collect();
                let images: Vec<&[f64]> = images.iter().map(Vec::as_slice).collect();
                let predictions = pool.install(|| self.predict_images(&images))?;
                let mut guard = results.lock().unwrap_or_else(PoisonError::into_inner);
                guard.0.extend((first..).zip(predictions));
                let so_far = guard.0.len();
                (guard.1)(so_far);
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
        Ok(results
            .into_iter()
            .map(|(_, prediction)| prediction)
            .collect())
    }
}
