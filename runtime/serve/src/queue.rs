//! The bounded queue: so many requests are computed side by side, so many more wait, all others are told to come
//! back. A request takes its place before its body is read, so that memory is bounded by the places.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Refusal;

/// The queue.
pub(crate) struct Queue {
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
    /// How many there are of each.
    most_places: usize,
    most_running: usize,
    /// The mean time of an answer in seconds, later ones counting more.
    mean_s: Mutex<f64>,
    /// When there last were several, in milliseconds of the server's clock; 0 for never.
    several_ms: AtomicU64,
}

/// A place in the queue; given back when it is dropped.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// The right to compute; given back when it is dropped.
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
    _place: Place,
}

/// How much the newest answer counts in the mean time.
const NEWEST: f64 = 0.2;
/// For so long after several requests one that is alone computes as if it was not, in milliseconds.
const MOMENT_MS: u64 = 250;
/// Longest time that a client is told to wait, in seconds.
const LONGEST_WAIT_S: f64 = 60.0;

impl Queue {
    /// `running` requests are computed side by side and `waiting` more wait.
    pub(crate) fn new(running: usize, waiting: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(running + waiting)),
            running: Arc::new(Semaphore::new(running)),
            most_places: running + waiting,
            most_running: running,
            mean_s: Mutex::new(1.0),
            several_ms: AtomicU64::new(0),
        }
    }

    /// A place, if one is free.
    pub(crate) fn enter(&self) -> Result<Place, Refusal> {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => Ok(Place { _permit: permit }),
            Err(_) => Err(Refusal::busy(
                StatusCode::TOO_MANY_REQUESTS,
                format!(
                    "{} requests are here already; try again later",
                    self.most_places
                ),
                self.wait_s(),
            )),
        }
    }

    /// Waits for the turn of a place; in order of waiting.
    pub(crate) async fn turn(&self, place: Place) -> Result<Turn, Refusal> {
        let permit = Arc::clone(&self.running).acquire_owned().await;
        Ok(Turn {
            _permit: permit.map_err(|_| Refusal::internal())?,
            _place: place,
        })
    }

    /// An answer took so long.
    pub(crate) fn took(&self, seconds: f64) {
        let mut mean = self.mean_s.lock().unwrap_or_else(PoisonError::into_inner);
        *mean += NEWEST * (seconds - *mean);
    }

    /// After how many seconds about half of the requests that are here will be answered.
    pub(crate) fn wait_s(&self) -> u64 {
        let mean = *self.mean_s.lock().unwrap_or_else(PoisonError::into_inner);
        let rounds = self.most_places as f64 / self.most_running as f64 / 2.0;
        (mean * rounds).ceil().clamp(1.0, LONGEST_WAIT_S) as u64
    }

    /// Requests that are here, those that are computed among them.
    pub(crate) fn len(&self) -> usize {
        self.most_places - self.places.available_permits()
    }

    /// Whether a request that begins at `now` has others beside it, or had a moment ago: clients that ask again at once
    /// are about to be back, and would find all threads taken.
    pub(crate) fn is_shared(&self, now: Duration) -> bool {
        let now_ms = now.as_millis() as u64;
        if self.len() > 1 {
            self.several_ms.store(now_ms.max(1), Ordering::Relaxed);
            return true;
        }
        let several_ms = self.several_ms.load(Ordering::Relaxed);
        several_ms > 0 && now_ms.saturating_sub(several_ms) < MOMENT_MS
    }

    /// Requests that are computed now.
    pub(crate) fn running(&self) -> usize {
        self.most_running - self.running.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_shares_while_others_are_here_and_a_moment_longer() {
        let queue = Queue::new(2, 2);
        let at = Duration::from_millis;
        let _first = queue.enter().unwrap();
        assert!(!queue.is_shared(at(0)));
        let second = queue.enter().unwrap();
        assert!(queue.is_shared(at(1000)));
        drop(second);
        assert!(queue.is_shared(at(1000 + MOMENT_MS - 1)));
        assert!(!queue.is_shared(at(1000 + MOMENT_MS)));
    }

    #[test]
    fn a_full_queue_refuses_and_says_when_to_come_back() {
        let queue = Queue::new(1, 2);
        let mut places: Vec<Place> = (0..3).map(|_| queue.enter().unwrap()).collect();
        let refusal = queue.enter().err().unwrap();
        assert_eq!(refusal.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(queue.len(), 3);
        places.pop();
        assert!(queue.enter().is_ok());
        (0..100).for_each(|_| queue.took(10.0));
        assert_eq!(queue.wait_s(), 15);
        (0..100).for_each(|_| queue.took(1e6));
        assert_eq!(queue.wait_s(), 60);
        (0..100).for_each(|_| queue.took(1e-3));
        assert_eq!(queue.wait_s(), 1);
    }
}
