//! Loops over limbs that use the caller's current rayon pool, and none where it has one thread.

use std::cell::Cell;

use rayon::prelude::*;

thread_local! {
    static SEQUENTIAL: Cell<bool> = const { Cell::new(false) };
}

fn is_parallel(tasks: usize) -> bool {
    tasks > 1 && !SEQUENTIAL.get() && rayon::current_num_threads() > 1
}

/// Runs `body` with everything of this crate on this thread, in a pool of any size.
pub(crate) fn sequentially<R>(body: impl FnOnce() -> R) -> R {
    let before = SEQUENTIAL.replace(true);
    let result = body();
    SEQUENTIAL.set(before);
    result
}

/// Runs `body(i, limb)` for each limb of `n` words.
pub(crate) fn for_limbs(data: &mut [u64], n: usize, body: impl Fn(usize, &mut [u64]) + Sync) {
    if is_parallel(data.len() / n) {
        data.par_chunks_mut(n)
            .enumerate()
            .for_each(|(i, limb)| body(i, limb));
    } else {
        data.chunks_mut(n)
            .enumerate()
            .for_each(|(i, limb)| body(i, limb));
    }
}

/// Runs `body(i, part)` for consecutive parts of the given lengths; what follows them is left alone.
pub(crate) fn for_parts(
    mut data: &mut [u64],
    lengths: &[usize],
    body: impl Fn(usize, &mut [u64]) + Sync,
) {
    let mut parts = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let (part, rest) = data.split_at_mut(length);
        parts.push(part);
        data = rest;
    }
    if is_parallel(parts.len()) {
        parts
            .into_par_iter()
            .enumerate()
            .for_each(|(i, part)| body(i, part));
    } else {
        parts
            .into_iter()
            .enumerate()
            .for_each(|(i, part)| body(i, part));
    }
}

/// Runs `body(i, first, second)` for each pair of limbs of `n` words.
pub(crate) fn for_limb_pairs(
    first: &mut [u64],
    second: &mut [u64],
    n: usize,
    body: impl Fn(usize, &mut [u64], &mut [u64]) + Sync,
) {
    if is_parallel(first.len() / n) {
        first
            .par_chunks_mut(n)
            .zip(second.par_chunks_mut(n))
            .enumerate()
            .for_each(|(i, (a, b))| body(i, a, b));
    } else {
        first
            .chunks_mut(n)
            .zip(second.chunks_mut(n))
            .enumerate()
            .for_each(|(i, (a, b))| body(i, a, b));
    }
}

/// The threads that share so many limbs.
pub(crate) fn tasks(limbs: usize) -> usize {
    if is_parallel(limbs) {
        rayon::current_num_threads()
    } else {
        1
    }
}

/// Limbs that one task takes where each thread has one task.
pub(crate) fn group(limbs: usize) -> usize {
    limbs.div_ceil(tasks(limbs)).max(1)
}

/// Runs `body` for each item.
pub(crate) fn for_each<T: Send>(items: Vec<T>, body: impl Fn(T) + Sync + Send) {
    if is_parallel(items.len()) {
        items.into_par_iter().with_max_len(1).for_each(body);
    } else {
        items.into_iter().for_each(body);
    }
}

/// Runs `body(i, limbs)` for each triple of limbs of `n` words.
pub(crate) fn for_limb_triples(
    data: [&mut [u64]; 3],
    n: usize,
    body: impl Fn(usize, [&mut [u64]; 3]) + Sync,
) {
    let [first, second, third] = data;
    if is_parallel(first.len() / n) {
        first
            .par_chunks_mut(n)
            .zip(second.par_chunks_mut(n))
            .zip(third.par_chunks_mut(n))
            .enumerate()
            .for_each(|(i, ((a, b), c))| body(i, [a, b, c]));
    } else {
        let pairs = first.chunks_mut(n).zip(second.chunks_mut(n));
        pairs
            .zip(third.chunks_mut(n))
            .enumerate()
            .for_each(|(i, ((a, b), c))| body(i, [a, b, c]));
    }
}

/// Maps independent items in order.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], body: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    if is_parallel(items.len()) {
        items.par_iter().map(body).collect()
    } else {
        items.iter().map(body).collect()
    }
}

/// Maps independent items in order: as many as the threads share evenly on one thread each, the others one after the
/// other with all threads.
pub(crate) fn map_whole<T: Sync, R: Send>(
    items: &[T],
    body: impl Fn(&T) -> R + Sync + Send,
) -> Vec<R> {
    let (whole, rest) = items.split_at(items.len() / threads() * threads());
    let mut results: Vec<R> = if is_parallel(whole.len()) {
        let items = whole.par_iter().with_max_len(1);
        items.map(|item| sequentially(|| body(item))).collect()
    } else {
        whole.iter().map(&body).collect()
    };
    results.extend(rest.iter().map(body));
    results
}

/// The threads that share work here.
pub(crate) fn threads() -> usize {
    tasks(usize::MAX)
}
