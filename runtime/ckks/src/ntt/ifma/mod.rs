//! The transform with AVX-512 IFMA: radix 8, depth first, one word per twiddle factor.
//!
//! Butterflies (Cooley-Tukey forward, Gentleman-Sande inverse) use Montgomery products with R = 2^52:
//! `hi(z·w) - hi((z·w)·q⁻¹ mod R · q)` lies between -q and q for every z below 2^52, so lazily reduced values need
//! no correction beforehand. Lengths from 512 on: six stages of a block of 64 stay in registers, the stages
//! before it come in passes of up to three, recursively, so that each block is finished while it is in cache.
//! The last three stages have 7/8 of all factors; they are read once, as vectors, in the order of use.
#![allow(
    unsafe_code,
    reason = "vector loads and stores, and functions that need detected features"
)]

mod inverse;
mod tables;

use std::arch::x86_64::*;

use super::BLOCK;
use super::butterflies::*;
use inverse::{inverse_finish, inverse_head};
use tables::TAIL;
pub(super) use tables::Tables;

/// Primes below this leave room for the lazy sums of all stages in 52 bits.
const ROOM_BELOW: u64 = 1 << 46;

impl Tables {
    /// The stages before the blocks: coefficients below 4q to what [`Tables::forward_block`] takes.
    pub(super) fn forward_head(&self, x: &mut [u64]) {
        assert_eq!(x.len(), self.n);
        // SAFETY: tables are made only where the features were detected; the length is that of the tables.
        unsafe {
            if self.m.q < ROOM_BELOW {
                forward_head::<true>(self, x);
            } else {
                forward_head::<false>(self, x);
            }
        }
    }

    /// The other stages of block `k` of [`BLOCK`] words (or of the whole limb): canonical values.
    pub(super) fn forward_block(&self, k: usize, x: &mut [u64]) {
        assert!(x.len() == BLOCK.min(self.n) && k < self.n / x.len());
        // SAFETY: as in `forward_head`; the block is one of the limb.
        unsafe {
            if self.m.q < ROOM_BELOW {
                forward_tail::<true>(self, k, x);
            } else {
                forward_tail::<false>(self, k, x);
            }
        }
    }

    /// The first stages of the inverse on block `k`: canonical values to what [`Tables::inverse_finish`] takes.
    pub(super) fn inverse_block(&self, k: usize, x: &mut [u64]) {
        assert!(x.len() == BLOCK.min(self.n) && k < self.n / x.len());
        // SAFETY: as in `forward_block`.
        unsafe { inverse_head(self, k, x) }
    }

    /// The stages after the blocks: canonical coefficients times n and `w`·2^-52.
    pub(super) fn inverse_finish(&self, x: &mut [u64], w: u64) {
        assert_eq!(x.len(), self.n);
        // SAFETY: as in `forward_head`.
        unsafe { inverse_finish(self, x, w) }
    }
}

/// Stages before passes of three remain, above the blocks of 64.
fn first_stages(n: usize) -> u32 {
    (n.ilog2() - 6) % 3
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn forward_head<const ROOM: bool>(t: &Tables, x: &mut [u64]) {
    if t.n <= BLOCK {
        return;
    }
    let c = consts(&t.m);
    let mut parts = forward_first::<ROOM>(t, c, x);
    while t.n / parts > BLOCK {
        for (k, part) in x.chunks_exact_mut(t.n / parts).enumerate() {
            forward_pass::<ROOM, 8, 7>(t, c, part, parts, k);
        }
        parts *= 8;
    }
}

/// The stages that are over where the others come three at a time; gives the parts that are left.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn forward_first<const ROOM: bool>(t: &Tables, c: Consts, x: &mut [u64]) -> usize {
    match first_stages(t.n) {
        1 => forward_pass::<ROOM, 2, 1>(t, c, x, 1, 0),
        2 => forward_pass::<ROOM, 4, 3>(t, c, x, 1, 0),
        _ => {}
    }
    1 << first_stages(t.n)
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn forward_tail<const ROOM: bool>(t: &Tables, k: usize, x: &mut [u64]) {
    let c = consts(&t.m);
    if t.n > BLOCK {
        return forward_block::<ROOM>(t, c, x, t.n / BLOCK, k);
    }
    let parts = forward_first::<ROOM>(t, c, x);
    for (k, part) in x.chunks_exact_mut(t.n / parts).enumerate() {
        forward_block::<ROOM>(t, c, part, parts, k);
    }
}

/// The stages of one block: node `k` of the stage with `stage` nodes.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn forward_block<const ROOM: bool>(t: &Tables, c: Consts, x: &mut [u64], stage: usize, k: usize) {
    forward_pass::<ROOM, 8, 7>(t, c, x, stage, k);
    if x.len() == 512 {
        for (j, pair) in x.chunks_exact_mut(128).enumerate() {
            forward_128::<ROOM>(t, c, pair, stage * 8, k * 8 + 2 * j);
        }
        return;
    }
    let len = x.len() / 8;
    for (j, part) in x.chunks_exact_mut(len).enumerate() {
        forward_block::<ROOM>(t, c, part, stage * 8, k * 8 + j);
    }
}

/// log2(`R`) stages over the whole block, `R` vectors at a time.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn forward_pass<const ROOM: bool, const R: usize, const F: usize>(
    t: &Tables,
    c: Consts,
    x: &mut [u64],
    stage: usize,
    k: usize,
) {
    let (w, wq) = t.forward.node::<F>(stage, k);
    let (w, wq) = (broadcast(w), broadcast(wq));
    columns::<R>(x, |v| radix::<ROOM, R, F>(c, v, [&w, &w], [&wq, &wq]));
}

/// Applies a pass to all columns of a block that has `R` parts.
///
/// Two columns at a time: one alone leaves the multipliers waiting for its own results.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn columns<const R: usize>(x: &mut [u64], pass: impl Fn([[V; R]; 2]) -> [[V; R]; 2]) {
    let stride = x.len() / R;
    let base = x.as_mut_ptr();
    for i in (0..stride).step_by(16) {
        let mut v = [[_mm512_setzero_si512(); R]; 2];
        for (column, v) in v.iter_mut().enumerate() {
            for (j, v) in v.iter_mut().enumerate() {
                // SAFETY: the stride is a multiple of 16, so the eight words lie in part j of the block.
                *v = unsafe { load(base.add(j * stride + i + 8 * column)) };
            }
        }
        let v = pass(v);
        for (column, v) in v.iter().enumerate() {
            for (j, v) in v.iter().enumerate() {
                // SAFETY: as for the load.
                unsafe { store(base.add(j * stride + i + 8 * column), *v) };
            }
        }
    }
}

/// log2(`R`) forward stages on the registers of two columns, each with its factors.
#[inline(always)]
fn radix<const ROOM: bool, const R: usize, const F: usize>(
    c: Consts,
    [mut x, mut y]: [[V; R]; 2],
    [w, u]: [&[V; F]; 2],
    [wq, uq]: [&[V; F]; 2],
) -> [[V; R]; 2] {
    // SAFETY: called only from functions with the features enabled.
    unsafe {
        if R == 8 {
            for j in 0..4 {
                butterfly!(c, x, j, j + R / 2, w[0], wq[0]);
                butterfly!(c, y, j, j + R / 2, u[0], uq[0]);
            }
        }
        if R >= 4 {
            for block in 0..R / 4 {
                for j in 0..2 {
                    let (i, node) = (4 * block + j, R / 4 - 1 + block);
                    butterfly!(c, x, i, i + 2, w[node], wq[node]);
                    butterfly!(c, y, i, i + 2, u[node], uq[node]);
                }
            }
        }
        for block in 0..R / 2 {
            let (i, node) = (2 * block, R / 2 - 1 + block);
            butterfly!(c, x, i, i + 1, w[node], wq[node]);
            butterfly!(c, y, i, i + 1, u[node], uq[node]);
        }
    }
    [x, y]
}

/// The last six stages of two neighboring blocks of 64, of which the first is block `k`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn forward_128<const ROOM: bool>(t: &Tables, c: Consts, x: &mut [u64], stage: usize, k: usize) {
    assert!(x.len() == 128 && t.forward.tail.len() >= (k + 2) * TAIL);
    let node = |k| {
        let (w, wq) = t.forward.node::<7>(stage, k);
        (broadcast(w), broadcast(wq))
    };
    let ((w0, wq0), (w1, wq1)) = (node(k), node(k + 1));
    let base = x.as_mut_ptr();
    // SAFETY: the blocks have 128 words.
    let v = unsafe { [load8(base), load8(base.wrapping_add(64))] };
    let [x, y] = radix::<ROOM, 8, 7>(c, v, [&w0, &w1], [&wq0, &wq1]);
    let (mut x, mut y) = (transpose(x), transpose(y));
    let tail = t.forward.tail[k * TAIL..(k + 2) * TAIL].as_ptr();
    // SAFETY: the slice has seven vectors for each block.
    let f = |column: usize, i: usize| unsafe { load(tail.wrapping_add(TAIL * column + 8 * i)) };
    pairs!(butterfly_tail, c, x, y, f, 0, [0 4] [1 5] [2 6] [3 7]);
    pairs!(butterfly_tail, c, x, y, f, 1, [0 2] [1 3]);
    pairs!(butterfly_tail, c, x, y, f, 2, [4 6] [5 7]);
    pairs!(butterfly_tail, c, x, y, f, 3, [0 1]);
    pairs!(butterfly_tail, c, x, y, f, 4, [2 3]);
    pairs!(butterfly_tail, c, x, y, f, 5, [4 5]);
    pairs!(butterfly_tail, c, x, y, f, 6, [6 7]);
    let (x, y) = (transpose(x), transpose(y));
    for (i, v) in x.iter().chain(&y).enumerate() {
        // SAFETY: the blocks have 128 words.
        unsafe { store(base.add(8 * i), canonical(c, *v)) };
    }
}
