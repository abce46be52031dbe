//! Threads that trainings share their large steps among. What a training gives does not depend on how many there are.

use crate::Error;

/// Stack of a thread: as much as the system gives the first one.
const STACK_BYTES: usize = 8 << 20;

/// Runs `work`, and the trainings in it, on so many threads of their own, at least 1.
///
/// # Errors
/// Threads that the system does not give.
pub fn on_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> Result<R, Error> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.max(1))
        .stack_size(STACK_BYTES)
        .thread_name(|index| format!("training {index}"))
        .build()
        .map_err(|error| {
            Error::Elsewhere(format!(
                "cannot start {threads} threads to train on: {error}"
            ))
        })?;
    Ok(pool.install(work))
}
