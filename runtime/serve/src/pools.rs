//! The threads that compute: all of them for one request, a share of its own for each of several at once.
//!
//! Two requests that share all threads wait for each other's pieces; each on its own threads answers more in a second.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// The pools.
pub(crate) struct Pools {
    all: ThreadPool,
    /// Those that no request has now.
    shares: Mutex<Vec<ThreadPool>>,
}

impl Pools {
    /// `threads` for one request (0: one for each core), and a share of them for each of `at_once`.
    pub(crate) fn new(threads: usize, at_once: usize) -> Result<Self, ThreadPoolBuildError> {
        let build = |threads| ThreadPoolBuilder::new().num_threads(threads).build();
        let all = build(threads)?;
        let share = (all.current_num_threads() / at_once).max(1);
        let shares = (0..at_once).map(|_| build(share));
        Ok(Self {
            shares: Mutex::new(shares.collect::<Result<_, _>>()?),
            all,
        })
    }

    /// Computes on all threads.
    pub(crate) fn alone<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.all.install(work)
    }

    /// Computes beside others: on a free share, or on all threads where none is free.
    pub(crate) fn beside<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        let free = || self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = free().pop();
        let Some(share) = taken else {
            return self.alone(work);
        };
        let result = catch_unwind(AssertUnwindSafe(|| share.install(work)));
        // A request that panics is refused elsewhere; its share serves the next one.
        free().push(share);
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_at_once_have_threads_of_their_own_and_one_alone_has_all() {
        let pools = Pools::new(4, 2).unwrap();
        assert_eq!(pools.alone(rayon::current_num_threads), 4);
        let inner = || pools.beside(|| pools.beside(rayon::current_num_threads));
        let counts = pools.beside(|| (rayon::current_num_threads(), inner()));
        // Both shares are taken: the third computes on all threads.
        assert_eq!(counts, (2, 4));
        assert_eq!(pools.beside(rayon::current_num_threads), 2);
        for _ in 0..3 {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                pools.beside(|| panic!("on purpose"));
            }));
            assert!(panicked.is_err());
        }
        assert_eq!(pools.beside(rayon::current_num_threads), 2);
        assert_eq!(
            Pools::new(1, 3).unwrap().beside(rayon::current_num_threads),
            1
        );
    }
}
