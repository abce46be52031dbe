//! The inverse transform: the passes of the forward one in opposite order.
#![allow(
    unsafe_code,
    reason = "vector loads and stores, and functions that need detected features"
)]

use std::arch::x86_64::*;

use super::super::BLOCK;
use super::super::butterflies::*;
use super::{TAIL, Tables, columns, first_stages};
use crate::modulus::MASK52;

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn inverse_head(t: &Tables, k: usize, x: &mut [u64]) {
    let c = consts(&t.m);
    if t.n > BLOCK {
        return inverse_block(t, c, x, t.n / BLOCK, k);
    }
    let parts = 1 << first_stages(t.n);
    if parts == 1 {
        return inverse_inner(t, c, x, 1, 0);
    }
    for (k, part) in x.chunks_exact_mut(t.n / parts).enumerate() {
        inverse_block(t, c, part, parts, k);
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn inverse_finish(t: &Tables, x: &mut [u64], w: u64) {
    let c = consts(&t.m);
    let first = 1 << first_stages(t.n);
    let mut parts = t.n / BLOCK.min(t.n);
    while parts > 8.max(first) {
        parts /= 8;
        for (k, part) in x.chunks_exact_mut(t.n / parts).enumerate() {
            inverse_pass::<8, 7>(t, c, part, parts, k);
        }
    }
    match first {
        2 => inverse_root::<2, 1>(t, c, x, w),
        4 => inverse_root::<4, 3>(t, c, x, w),
        _ => inverse_root::<8, 7>(t, c, x, w),
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn inverse_block(t: &Tables, c: Consts, x: &mut [u64], stage: usize, k: usize) {
    inverse_inner(t, c, x, stage, k);
    inverse_pass::<8, 7>(t, c, x, stage, k);
}

/// The stages of a block before its last three.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn inverse_inner(t: &Tables, c: Consts, x: &mut [u64], stage: usize, k: usize) {
    if x.len() == 512 {
        for (j, pair) in x.chunks_exact_mut(128).enumerate() {
            inverse_128(t, c, pair, stage * 8, k * 8 + 2 * j);
        }
    } else {
        let len = x.len() / 8;
        for (j, part) in x.chunks_exact_mut(len).enumerate() {
            inverse_block(t, c, part, stage * 8, k * 8 + j);
        }
    }
}

/// log2(`R`) stages over the whole block: values below 2q.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn inverse_pass<const R: usize, const F: usize>(
    t: &Tables,
    c: Consts,
    x: &mut [u64],
    stage: usize,
    k: usize,
) {
    let (w, wq) = t.inverse.node::<F>(stage, k);
    let (w, wq) = (broadcast(w), broadcast(wq));
    columns::<R>(x, |v| {
        radix_inverse::<R, F>(c, v, [&w, &w], [&wq, &wq], None)
    });
}

/// The last log2(`R`) stages of all, with a factor for every coefficient: residues.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn inverse_root<const R: usize, const F: usize>(t: &Tables, c: Consts, x: &mut [u64], factor: u64) {
    let (w, wq) = t.inverse.node::<F>(1, 0);
    let (mut w, mut wq) = (*w, *wq);
    let quotient = |w: u64| w.wrapping_mul(t.m.q_inv) & MASK52;
    // The last stage multiplies half of the coefficients anyway.
    w[0] = t.m.mont_mul(w[0], factor);
    wq[0] = quotient(w[0]);
    let (w, wq) = (broadcast(&w), broadcast(&wq));
    let scale = Some((splat(factor), splat(quotient(factor))));
    columns::<R>(x, |v| {
        radix_inverse::<R, F>(c, v, [&w, &w], [&wq, &wq], scale)
    });
}

/// log2(`R`) inverse stages on the registers of two columns, each with its factors; the last ones of all where
/// there is a scale for the sums (the factors of the differences have it already).
#[inline(always)]
fn radix_inverse<const R: usize, const F: usize>(
    c: Consts,
    [mut x, mut y]: [[V; R]; 2],
    [w, u]: [&[V; F]; 2],
    [wq, uq]: [&[V; F]; 2],
    scale: Option<(V, V)>,
) -> [[V; R]; 2] {
    // SAFETY: called only from functions with the features enabled.
    unsafe {
        if R > 2 {
            for block in 0..R / 2 {
                let (i, node) = (2 * block, R / 2 - 1 + block);
                butterfly_inverse!(c, x, i, i + 1, w[node], wq[node]);
                butterfly_inverse!(c, y, i, i + 1, u[node], uq[node]);
            }
        }
        if R == 8 {
            for block in 0..R / 4 {
                for j in 0..2 {
                    let (i, node) = (4 * block + j, R / 4 - 1 + block);
                    butterfly_inverse!(c, x, i, i + 2, w[node], wq[node]);
                    butterfly_inverse!(c, y, i, i + 2, u[node], uq[node]);
                }
            }
        }
        for j in 0..R / 2 {
            if let Some((s, sq)) = scale {
                butterfly_last!(c, x, j, j + R / 2, w[0], wq[0], s, sq);
                butterfly_last!(c, y, j, j + R / 2, u[0], uq[0], s, sq);
            } else {
                butterfly_inverse!(c, x, j, j + R / 2, w[0], wq[0]);
                butterfly_inverse!(c, y, j, j + R / 2, u[0], uq[0]);
            }
        }
    }
    [x, y]
}

/// The first six stages of two neighboring blocks of 64, of which the first is block `k`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn inverse_128(t: &Tables, c: Consts, x: &mut [u64], stage: usize, k: usize) {
    assert!(x.len() == 128 && t.inverse.tail.len() >= (k + 2) * TAIL);
    let base = x.as_mut_ptr();
    // SAFETY: the blocks have 128 words.
    let [x, y] = unsafe { [load8(base), load8(base.wrapping_add(64))] };
    let (mut x, mut y) = (transpose(x), transpose(y));
    let tail = t.inverse.tail[k * TAIL..(k + 2) * TAIL].as_ptr();
    // SAFETY: the slice has seven vectors for each block.
    let f = |column: usize, i: usize| unsafe { load(tail.wrapping_add(TAIL * column + 8 * i)) };
    pairs!(butterfly_inverse_tail, c, x, y, f, 3, [0 1]);
    pairs!(butterfly_inverse_tail, c, x, y, f, 4, [2 3]);
    pairs!(butterfly_inverse_tail, c, x, y, f, 5, [4 5]);
    pairs!(butterfly_inverse_tail, c, x, y, f, 6, [6 7]);
    pairs!(butterfly_inverse_tail, c, x, y, f, 1, [0 2] [1 3]);
    pairs!(butterfly_inverse_tail, c, x, y, f, 2, [4 6] [5 7]);
    pairs!(butterfly_inverse_tail, c, x, y, f, 0, [0 4] [1 5] [2 6] [3 7]);
    let node = |k| {
        let (w, wq) = t.inverse.node::<7>(stage, k);
        (broadcast(w), broadcast(wq))
    };
    let ((w0, wq0), (w1, wq1)) = (node(k), node(k + 1));
    let v = [transpose(x), transpose(y)];
    let [x, y] = radix_inverse::<8, 7>(c, v, [&w0, &w1], [&wq0, &wq1], None);
    for (i, v) in x.iter().chain(&y).enumerate() {
        // SAFETY: the blocks have 128 words.
        unsafe { store(base.add(8 * i), *v) };
    }
}
