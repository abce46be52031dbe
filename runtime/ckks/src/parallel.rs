//! Loops over limbs that use the caller's current rayon pool, and none where it has one thread.

use std::cell::Cell;

use rayon::prelude::*;

use crate::pool::Buf;

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

/// Cuts a block into pairs of limbs of `n` words.
pub(crate) fn pairs(block: &mut [u64], n: usize) -> impl Iterator<Item = [&mut [u64]; 2]> {
    block.chunks_mut(2 * n).map(move |pair| {
        let (first, second) = pair.split_at_mut(n);
        [first, second]
    })
}

/// Runs `body(i, limbs)` for each limb index, with limb `i` of both parts of every result.
pub(crate) fn for_each_limb(
    results: &mut [Vec<Buf>],
    count: usize,
    n: usize,
    body: impl Fn(usize, Vec<[&mut [u64]; 2]>) + Sync + Send,
) {
    let mut limbs: Vec<Vec<[&mut [u64]; 2]>> = (0..count).map(|_| Vec::new()).collect();
    for parts in results {
        if let [first, second] = parts.as_mut_slice() {
            let pairs = first.chunks_mut(n).zip(second.chunks_mut(n));
            for (limb, (a, b)) in limbs.iter_mut().zip(pairs) {
                limb.push([a, b]);
            }
        }
    }
    if is_parallel(count) {
        limbs
            .into_par_iter()
            .enumerate()
            .for_each(|(i, outs)| body(i, outs));
    } else {
        limbs
            .into_iter()
            .enumerate()
            .for_each(|(i, outs)| body(i, outs));
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
