//! Work in parts that do not depend on the number of threads, so that results do not depend on it either.

use rayon::prelude::*;

/// What `work` makes of each part, in their order, on the threads of the pool that the caller runs in.
pub(super) fn map<T: Send, R: Send>(parts: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    match parts.len() > 1 && rayon::current_num_threads() > 1 {
        true => parts.into_par_iter().map(&work).collect(),
        false => parts.into_iter().map(work).collect(),
    }
}

/// The sum of vectors of one length, in their order.
pub(super) fn sum(vectors: Vec<Vec<f32>>) -> Vec<f32> {
    let mut vectors = vectors.into_iter();
    let mut total = vectors.next().unwrap_or_default();
    for vector in vectors {
        total.iter_mut().zip(vector).for_each(|(t, v)| *t += v);
    }
    total
}

#[cfg(test)]
pub(in crate::train) mod check {
    //! Runs what must give the same bits on any number of threads.

    /// What `work` gives on one thread and on three, which must be the same.
    pub fn on_any_threads<R: PartialEq + Send>(work: impl Fn() -> R + Sync) -> R {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().expect("threads").install(&work)
        };
        let alone = on(1);
        assert!(alone == on(3), "three threads give other numbers than one");
        alone
    }
}
