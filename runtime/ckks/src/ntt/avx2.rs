//! The transform with AVX2: radix 8, depth first, in doubles.
//!
//! Coefficients stay doubles, of either sign, from the first pass to the last (see `kernels/doubles.rs` for their
//! products). A forward stage adds at most 0.5 + 0.375·b to a bound of b·q, so three stages from 0.5 q stay below 4q,
//! and an inverse stage doubles it; with moduli below 2^50 all values stay below 2^53. They are reduced after each pass
//! of three stages; forward, moduli below 2^46 need none until the end. The last two stages of a block of 32 work on
//! transposed registers; their factors are read as vectors.
#![allow(
    unsafe_code,
    reason = "vector loads and stores, and functions that need detected features"
)]

use std::arch::x86_64::*;

use crate::kernels::doubles::*;
use crate::modulus::Modulus;

/// Words of the block whose stages stay in registers.
const BLOCK: usize = 32;

/// Factors that one block's last two stages take from the table: per 16 words one vector, then two.
const TAIL: usize = 24;

/// Factors of one modulus and length.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    m: Modulus,
    n: usize,
    forward: Half,
    inverse: Half,
}

/// Factors of one direction.
#[derive(Clone, Debug)]
struct Half {
    /// Of all nodes but those of the last two stages: the factor, and it over q.
    head: Vec<[f64; 2]>,
    /// Of the last two stages, by block.
    tail: Vec<f64>,
}

impl Half {
    fn new(m: &Modulus, nodes: &[u64]) -> Self {
        let n = nodes.len();
        let q = m.q as f64;
        let head = nodes[..n / 4].iter().map(|&w| [w as f64, w as f64 / q]);
        let mut tail = Vec::with_capacity(n / BLOCK * TAIL);
        for four in 0..n / 16 {
            let fours = (4 * four..4 * four + 4).map(|b| nodes[n / 4 + b]);
            let pairs = |k| (4 * four..4 * four + 4).map(move |b| nodes[n / 2 + 2 * b + k]);
            tail.extend(fours.chain(pairs(0)).chain(pairs(1)).map(|w| w as f64));
        }
        Self {
            head: head.collect(),
            tail,
        }
    }

    /// The factors of the seven (three, one) nodes of a pass that starts at node `k` of the stage with `stage` nodes.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn node<const F: usize>(&self, stage: usize, k: usize) -> [[D; 2]; F] {
        let mut factors = [[splat(0.0); 2]; F];
        for (node, factor) in factors.iter_mut().enumerate() {
            // Node 0; 1 and 2; 3 to 6: the stages of the pass.
            let depth = (node + 1).ilog2();
            let at = (stage << depth) + (k << depth) + node + 1 - (1 << depth);
            *factor = self.head[at].map(|w| splat(w));
        }
        factors
    }
}

impl Tables {
    /// From the factors of all nodes, forward and inverse, at least 32.
    pub(super) fn new(m: &Modulus, [forward, inverse]: [Vec<u64>; 2]) -> Self {
        Self {
            m: *m,
            n: forward.len(),
            forward: Half::new(m, &forward),
            inverse: Half::new(m, &inverse),
        }
    }

    /// Coefficients below 4q to canonical values.
    pub(super) fn forward(&self, x: &mut [u64]) {
        assert_eq!(x.len(), self.n);
        // SAFETY: tables are made only where the features were detected.
        unsafe {
            if self.m.q < 1 << 46 {
                forward::<true>(self, x);
            } else {
                forward::<false>(self, x);
            }
        }
    }

    /// Canonical values to canonical coefficients times n.
    pub(super) fn inverse(&self, x: &mut [u64]) {
        assert_eq!(x.len(), self.n);
        // SAFETY: as in `forward`.
        unsafe { inverse(self, x) }
    }
}

/// Loads four doubles that an earlier pass left at `i`.
///
/// # Safety
/// `i + 4 <= x.len()`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn get(x: &[u64], i: usize) -> D {
    // SAFETY: the caller's promise.
    _mm256_castsi256_pd(unsafe { load(x, i) })
}

/// Leaves four doubles at `i` for a later pass.
///
/// # Safety
/// `i + 4 <= x.len()`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn put(x: &mut [u64], i: usize, v: D) {
    // SAFETY: the caller's promise.
    unsafe { store(x, i, _mm256_castpd_si256(v)) }
}

#[target_feature(enable = "avx2,fma")]
fn forward<const ROOM: bool>(t: &Tables, x: &mut [u64]) {
    let c = consts(&t.m);
    for i in (0..x.len()).step_by(4) {
        // SAFETY: the length is a multiple of four.
        unsafe {
            let v = load_doubles(x, i);
            put(x, i, if ROOM { v } else { reduce(c, v) });
        }
    }
    // Stages above the blocks of 32, three at a time; the first pass takes what is over.
    let over = (t.n / BLOCK).ilog2() % 3;
    match over {
        1 => forward_pass::<ROOM, 2, 1>(t, c, x, 1, 0),
        2 => forward_pass::<ROOM, 4, 3>(t, c, x, 1, 0),
        _ => {}
    }
    for (k, part) in x.chunks_exact_mut(t.n >> over).enumerate() {
        forward_block::<ROOM>(t, c, part, 1 << over, k);
    }
}

/// The stages of one block: node `k` of the stage with `stage` nodes.
#[target_feature(enable = "avx2,fma")]
fn forward_block<const ROOM: bool>(t: &Tables, c: Consts, x: &mut [u64], stage: usize, k: usize) {
    if x.len() == BLOCK {
        return forward_32::<ROOM>(t, c, x, stage, k);
    }
    forward_pass::<ROOM, 8, 7>(t, c, x, stage, k);
    let len = x.len() / 8;
    for (j, part) in x.chunks_exact_mut(len).enumerate() {
        forward_block::<ROOM>(t, c, part, stage * 8, k * 8 + j);
    }
}

/// log2(`R`) stages over the whole block, `R` vectors at a time.
#[target_feature(enable = "avx2,fma")]
fn forward_pass<const ROOM: bool, const R: usize, const F: usize>(
    t: &Tables,
    c: Consts,
    x: &mut [u64],
    stage: usize,
    k: usize,
) {
    let w = t.forward.node::<F>(stage, k);
    let stride = x.len() / R;
    for i in (0..stride).step_by(4) {
        let mut v = [splat(0.0); R];
        for (j, v) in v.iter_mut().enumerate() {
            // SAFETY: the stride is a multiple of four, so the four words lie in part j of the block.
            *v = unsafe { get(x, j * stride + i) };
        }
        let v = radix::<R, F>(c, v, &w);
        for (j, v) in v.iter().enumerate() {
            let v = if ROOM { *v } else { reduce(c, *v) };
            // SAFETY: as for the load.
            unsafe { put(x, j * stride + i, v) };
        }
    }
}

/// One forward butterfly.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn butterfly(c: Consts, u: D, v: D, [w, w_over_q]: [D; 2]) -> (D, D) {
    let v = multiply_constant(c, v, w, w_over_q);
    (_mm256_add_pd(u, v), _mm256_sub_pd(u, v))
}

/// One inverse butterfly.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn butterfly_inverse(c: Consts, u: D, v: D, [w, w_over_q]: [D; 2]) -> (D, D) {
    let difference = multiply_constant(c, _mm256_sub_pd(u, v), w, w_over_q);
    (_mm256_add_pd(u, v), difference)
}

/// log2(`R`) forward stages on registers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn radix<const R: usize, const F: usize>(c: Consts, mut x: [D; R], w: &[[D; 2]; F]) -> [D; R] {
    if R == 8 {
        for j in 0..R / 2 {
            (x[j], x[j + R / 2]) = butterfly(c, x[j], x[j + R / 2], w[0]);
        }
    }
    if R >= 4 {
        for block in 0..R / 4 {
            for i in [4 * block, 4 * block + 1] {
                (x[i], x[i + 2]) = butterfly(c, x[i], x[i + 2], w[R / 4 - 1 + block]);
            }
        }
    }
    for block in 0..R / 2 {
        let i = 2 * block;
        (x[i], x[i + 1]) = butterfly(c, x[i], x[i + 1], w[R / 2 - 1 + block]);
    }
    x
}

/// log2(`R`) inverse stages on registers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn radix_inverse<const R: usize, const F: usize>(
    c: Consts,
    mut x: [D; R],
    w: &[[D; 2]; F],
) -> [D; R] {
    for block in 0..R / 2 {
        let i = 2 * block;
        (x[i], x[i + 1]) = butterfly_inverse(c, x[i], x[i + 1], w[R / 2 - 1 + block]);
    }
    if R >= 4 {
        for block in 0..R / 4 {
            for i in [4 * block, 4 * block + 1] {
                (x[i], x[i + 2]) = butterfly_inverse(c, x[i], x[i + 2], w[R / 4 - 1 + block]);
            }
        }
    }
    if R == 8 {
        for j in 0..R / 2 {
            (x[j], x[j + R / 2]) = butterfly_inverse(c, x[j], x[j + R / 2], w[0]);
        }
    }
    x
}

/// Rows to columns.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose([a, b, c, d]: [D; 4]) -> [D; 4] {
    let (e, f) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
    let (g, h) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
    [
        _mm256_permute2f128_pd::<0x20>(e, g),
        _mm256_permute2f128_pd::<0x20>(f, h),
        _mm256_permute2f128_pd::<0x31>(e, g),
        _mm256_permute2f128_pd::<0x31>(f, h),
    ]
}

/// The factors of the last two stages of 16 words.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn tail(c: Consts, factors: &[f64]) -> [[D; 2]; 3] {
    assert_eq!(factors.len(), TAIL / 2);
    std::array::from_fn(|k| {
        // SAFETY: twelve factors, read four at a time.
        let w = unsafe { _mm256_loadu_pd(factors.as_ptr().add(4 * k)) };
        [w, _mm256_mul_pd(w, c.inverse)]
    })
}

/// The last five stages of block `k`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn forward_32<const ROOM: bool>(t: &Tables, c: Consts, x: &mut [u64], stage: usize, k: usize) {
    let w = t.forward.node::<7>(stage, k);
    let mut v = [splat(0.0); 8];
    for (j, v) in v.iter_mut().enumerate() {
        // SAFETY: the block has 32 words.
        *v = unsafe { get(x, 4 * j) };
    }
    let v = radix::<8, 7>(c, v, &w);
    let v = v.map(|v| if ROOM { v } else { reduce(c, v) });
    let factors = &t.forward.tail[k * TAIL..(k + 1) * TAIL];
    for (half, factors) in factors.chunks_exact(TAIL / 2).enumerate() {
        let [fours, even, odd] = tail(c, factors);
        let [a, b, d, e] = transpose([
            v[4 * half],
            v[4 * half + 1],
            v[4 * half + 2],
            v[4 * half + 3],
        ]);
        let (a, d) = butterfly(c, a, d, fours);
        let (b, e) = butterfly(c, b, e, fours);
        let (a, b) = butterfly(c, a, b, even);
        let (d, e) = butterfly(c, d, e, odd);
        for (j, v) in transpose([a, b, d, e]).into_iter().enumerate() {
            // SAFETY: the block has 32 words.
            unsafe { store_doubles(x, 16 * half + 4 * j, non_negative(c, reduce(c, v))) }
        }
    }
}

#[target_feature(enable = "avx2,fma")]
fn inverse(t: &Tables, x: &mut [u64]) {
    let c = consts(&t.m);
    let over = (t.n / BLOCK).ilog2() % 3;
    for (k, part) in x.chunks_exact_mut(t.n >> over).enumerate() {
        inverse_block(t, c, part, 1 << over, k);
    }
    match over {
        1 => inverse_pass::<2, 1>(t, c, x, 1, 0),
        2 => inverse_pass::<4, 3>(t, c, x, 1, 0),
        _ => {}
    }
    for i in (0..x.len()).step_by(4) {
        // SAFETY: the length is a multiple of four.
        unsafe { store_doubles(x, i, non_negative(c, get(x, i))) }
    }
}

#[target_feature(enable = "avx2,fma")]
fn inverse_block(t: &Tables, c: Consts, x: &mut [u64], stage: usize, k: usize) {
    if x.len() == BLOCK {
        return inverse_32(t, c, x, stage, k);
    }
    let len = x.len() / 8;
    for (j, part) in x.chunks_exact_mut(len).enumerate() {
        inverse_block(t, c, part, stage * 8, k * 8 + j);
    }
    inverse_pass::<8, 7>(t, c, x, stage, k);
}

/// log2(`R`) stages over the whole block, reduced at the end.
#[target_feature(enable = "avx2,fma")]
fn inverse_pass<const R: usize, const F: usize>(
    t: &Tables,
    c: Consts,
    x: &mut [u64],
    stage: usize,
    k: usize,
) {
    let w = t.inverse.node::<F>(stage, k);
    let stride = x.len() / R;
    for i in (0..stride).step_by(4) {
        let mut v = [splat(0.0); R];
        for (j, v) in v.iter_mut().enumerate() {
            // SAFETY: the stride is a multiple of four, so the four words lie in part j of the block.
            *v = unsafe { get(x, j * stride + i) };
        }
        let v = radix_inverse::<R, F>(c, v, &w);
        for (j, v) in v.iter().enumerate() {
            // SAFETY: as for the load.
            unsafe { put(x, j * stride + i, reduce(c, *v)) };
        }
    }
}

/// The first five stages of block `k`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn inverse_32(t: &Tables, c: Consts, x: &mut [u64], stage: usize, k: usize) {
    let factors = &t.inverse.tail[k * TAIL..(k + 1) * TAIL];
    let mut v = [splat(0.0); 8];
    for (half, factors) in factors.chunks_exact(TAIL / 2).enumerate() {
        let [fours, even, odd] = tail(c, factors);
        // SAFETY: the block has 32 words.
        let rows = std::array::from_fn(|j| unsafe { load_doubles(x, 16 * half + 4 * j) });
        let [a, b, d, e] = transpose(rows);
        let (a, b) = butterfly_inverse(c, a, b, even);
        let (d, e) = butterfly_inverse(c, d, e, odd);
        let (a, d) = butterfly_inverse(c, a, d, fours);
        let (b, e) = butterfly_inverse(c, b, e, fours);
        let rows = transpose([a, b, d, e]).map(|v| reduce(c, v));
        v[4 * half..4 * half + 4].copy_from_slice(&rows);
    }
    let w = t.inverse.node::<7>(stage, k);
    for (j, v) in radix_inverse::<8, 7>(c, v, &w).into_iter().enumerate() {
        // SAFETY: the block has 32 words.
        unsafe { put(x, 4 * j, reduce(c, v)) };
    }
}
