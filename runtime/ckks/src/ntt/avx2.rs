//! The transform with AVX2: radix 4, depth first, in doubles.
//!
//! Coefficients stay doubles, of either sign, from the first pass to the last (see `kernels/doubles.rs` for their
//! products). Butterflies wait for their operands longer than they compute, so passes are short, of two stages, and
//! their columns do not depend on each other; below 2048 words they follow one another in the first-level cache. The
//! last pass forward and the first one inverse work on transposed registers, two blocks side by side, and read their
//! factors as vectors. Factors come without their quotients by q, which cost a product a node.
//!
//! A forward stage brings a bound of b·q to (1.375·b + 0.5)·q (0.375 is 1.5·2^50/2^52), so four stages from 0.5 stay
//! below 5.3, and with moduli below 2^50 all values below 2^53: every second pass is reduced at its end. An inverse
//! pass from b makes 4·b, 1.5·b + 1, 1.5·b + 0.5 and 0.57·b + 0.88 of four values: where the first one is reduced, two
//! passes from 1 (canonical) or 0.5 stay below 7, and then all are reduced. Moduli below 2^46 need nothing forward
//! until the end, since each stage adds little more than 0.5, and inverse only the first one: the others stay below
//! 1.2.
#![allow(
    unsafe_code,
    reason = "vector loads and stores, and functions that need detected features"
)]

use std::arch::x86_64::*;

use crate::kernels::doubles::*;
use crate::modulus::Modulus;

/// Words that stay in the first-level cache from pass to pass.
const CACHED: usize = 2048;

/// Words that the last pass takes at a time.
const BLOCK: usize = 16;

/// Factors that a block's last two stages take from the table: one vector, then two.
const TAIL: usize = 12;

/// Moduli below this leave room for the sums of all stages.
const ROOM_BELOW: u64 = 1 << 46;

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
    /// Of all nodes but those of the last two stages: `[s + k]` belongs to node `k` of the stage with `s` nodes.
    head: Vec<f64>,
    /// Of the last two stages, by block.
    tail: Vec<f64>,
}

/// A factor, and it over q.
type Factor = [D; 2];

impl Half {
    fn new(nodes: &[u64]) -> Self {
        let n = nodes.len();
        let head = nodes[..n / 4].iter().map(|&w| w as f64);
        let mut tail = Vec::with_capacity(n / BLOCK * TAIL);
        for four in 0..n / BLOCK {
            let fours = (4 * four..4 * four + 4).map(|b| nodes[n / 4 + b]);
            let pairs = |k| (4 * four..4 * four + 4).map(move |b| nodes[n / 2 + 2 * b + k]);
            tail.extend(fours.chain(pairs(0)).chain(pairs(1)).map(|w| w as f64));
        }
        Self {
            head: head.collect(),
            tail,
        }
    }

    /// The factor of a node.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn node(&self, c: Consts, node: usize) -> Factor {
        over_q(c, splat(self.head[node]))
    }

    /// The factors of a pass that starts at a node: its own, and those of the two below it.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn pass(&self, c: Consts, node: usize) -> [Factor; 3] {
        [node, 2 * node, 2 * node + 1].map(|node| self.node(c, node))
    }

    /// The factors of the last two stages of a block.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn tail(&self, c: Consts, block: usize) -> [Factor; 3] {
        let factors = &self.tail[block * TAIL..(block + 1) * TAIL];
        // SAFETY: twelve factors, read four at a time.
        [0, 4, 8].map(|k| over_q(c, unsafe { _mm256_loadu_pd(factors.as_ptr().add(k)) }))
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn over_q(c: Consts, w: D) -> Factor {
    [w, _mm256_mul_pd(w, c.inverse)]
}

impl Tables {
    /// From the factors of all nodes, forward and inverse, at least 64.
    pub(super) fn new(m: &Modulus, [forward, inverse]: [Vec<u64>; 2]) -> Self {
        Self {
            m: *m,
            n: forward.len(),
            forward: Half::new(&forward),
            inverse: Half::new(&inverse),
        }
    }

    /// Coefficients below 4q to canonical values.
    pub(super) fn forward(&self, x: &mut [u64]) {
        assert_eq!(x.len(), self.n);
        // SAFETY: tables are made only where the features were detected.
        unsafe {
            if self.m.q < ROOM_BELOW {
                forward::<true>(self, x);
            } else {
                forward::<false>(self, x);
            }
        }
    }

    /// Canonical values to canonical coefficients times n and `w`, which is given times 2^52.
    pub(super) fn inverse(&self, x: &mut [u64], w_mont: u64) {
        assert_eq!(x.len(), self.n);
        let w = self.m.mont_mul(w_mont, 1);
        // SAFETY: as in `forward`.
        unsafe {
            if self.m.q < ROOM_BELOW {
                inverse::<true>(self, x, w);
            } else {
                inverse::<false>(self, x, w);
            }
        }
    }
}

/// One forward butterfly.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn butterfly(c: Consts, u: D, v: D, [w, w_over_q]: Factor) -> (D, D) {
    let v = multiply_constant(c, v, w, w_over_q);
    (_mm256_add_pd(u, v), _mm256_sub_pd(u, v))
}

/// One inverse butterfly.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn butterfly_inverse(c: Consts, u: D, v: D, [w, w_over_q]: Factor) -> (D, D) {
    let difference = multiply_constant(c, _mm256_sub_pd(u, v), w, w_over_q);
    (_mm256_add_pd(u, v), difference)
}

/// Two forward stages.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn radix([a, b, d, e]: [D; 4], c: Consts, [above, left, right]: [Factor; 3]) -> [D; 4] {
    let (a, d) = butterfly(c, a, d, above);
    let (b, e) = butterfly(c, b, e, above);
    let (a, b) = butterfly(c, a, b, left);
    let (d, e) = butterfly(c, d, e, right);
    [a, b, d, e]
}

/// Two inverse stages.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn radix_inverse([a, b, d, e]: [D; 4], c: Consts, [above, left, right]: [Factor; 3]) -> [D; 4] {
    let (a, b) = butterfly_inverse(c, a, b, left);
    let (d, e) = butterfly_inverse(c, d, e, right);
    let (a, d) = butterfly_inverse(c, a, d, above);
    let (b, e) = butterfly_inverse(c, b, e, above);
    [a, b, d, e]
}

/// Two stages over a whole block.
#[inline(always)]
fn pass(
    x: &mut [u64],
    read: impl Fn(V) -> D,
    stages: impl Fn([D; 4]) -> [D; 4],
    write: impl Fn(D) -> V,
) {
    let stride = x.len() / 4;
    for i in (0..stride).step_by(4) {
        // SAFETY: called where the features are enabled; the stride is a multiple of four, so the four words lie in
        // part j of the block.
        unsafe {
            let v = stages(std::array::from_fn(|j| read(load(x, j * stride + i))));
            for (j, v) in v.into_iter().enumerate() {
                store(x, j * stride + i, write(v));
            }
        }
    }
}

/// Four doubles that an earlier pass left.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn kept(v: V) -> D {
    _mm256_castsi256_pd(v)
}

/// Four doubles for a later pass.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn keep(v: D) -> V {
    _mm256_castpd_si256(v)
}

#[target_feature(enable = "avx2,fma")]
fn forward<const ROOM: bool>(t: &Tables, x: &mut [u64]) {
    let c = consts(&t.m);
    let parts = if t.n.ilog2() % 2 == 1 {
        let w = t.forward.node(c, 1);
        let half = t.n / 2;
        for i in (0..half).step_by(4) {
            // SAFETY: both places lie in their halves.
            unsafe {
                // From below 4: below 6, so there is no need to reduce them before.
                let (u, v) = butterfly(c, load_doubles(x, i), load_doubles(x, half + i), w);
                store(x, i, keep(if ROOM { u } else { reduce(c, u) }));
                store(x, half + i, keep(if ROOM { v } else { reduce(c, v) }));
            }
        }
        2
    } else {
        let w = t.forward.pass(c, 1);
        if ROOM {
            pass(x, |v| to_doubles(v), |v| radix(v, c, w), |v| keep(v));
        } else if is_kept(t.n) {
            let read = |v| reduce(c, to_doubles(v));
            pass(x, read, |v| radix(v, c, w), |v| keep(v));
        } else {
            // From below 2: below 5.
            let read = |v| _mm256_sub_pd(to_doubles(v), c.q2);
            pass(x, read, |v| radix(v, c, w), |v| keep(reduce(c, v)));
        }
        4
    };
    for (k, part) in x.chunks_exact_mut(t.n / parts).enumerate() {
        forward_part::<ROOM>(t, c, part, parts + k);
    }
}

/// The stages of the part below a node: `s + k` for node `k` of the stage with `s` nodes.
#[target_feature(enable = "avx2,fma")]
fn forward_part<const ROOM: bool>(t: &Tables, c: Consts, x: &mut [u64], node: usize) {
    if x.len() > CACHED {
        forward_pass::<ROOM>(t, c, x, node);
        let len = x.len() / 4;
        for (j, part) in x.chunks_exact_mut(len).enumerate() {
            forward_part::<ROOM>(t, c, part, 4 * node + j);
        }
        return;
    }
    let (mut len, mut node) = (x.len(), node);
    while len > 4 {
        for (j, part) in x.chunks_exact_mut(len).enumerate() {
            forward_pass::<ROOM>(t, c, part, node + j);
        }
        (len, node) = (len / 4, 4 * node);
    }
    let first = (node - t.n / 4) / 4;
    for (j, blocks) in x.chunks_exact_mut(2 * BLOCK).enumerate() {
        forward_last(t, c, blocks, first + 2 * j);
    }
}

/// Two stages over the part below a node.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn forward_pass<const ROOM: bool>(t: &Tables, c: Consts, x: &mut [u64], node: usize) {
    let w = t.forward.pass(c, node);
    if ROOM || is_kept(x.len()) {
        pass(x, |v| kept(v), |v| radix(v, c, w), |v| keep(v));
    } else {
        pass(x, |v| kept(v), |v| radix(v, c, w), |v| keep(reduce(c, v)));
    }
}

/// Whether forward a pass over so many words leaves its results as they are: every second one, but the last.
fn is_kept(words: usize) -> bool {
    words.ilog2().is_multiple_of(4)
}

/// The last two stages of two blocks: side by side, they wait for their operands less.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn forward_last(t: &Tables, c: Consts, x: &mut [u64], first: usize) {
    let w = [t.forward.tail(c, first), t.forward.tail(c, first + 1)];
    // SAFETY: there are 32 words.
    let rows =
        |block: usize| std::array::from_fn(|j| unsafe { kept(load(x, BLOCK * block + 4 * j)) });
    let mut v = [transpose(rows(0)), transpose(rows(1))];
    for (above, below, factor) in [(0, 2, 0), (1, 3, 0), (0, 1, 1), (2, 3, 2)] {
        for (v, w) in v.iter_mut().zip(&w) {
            (v[above], v[below]) = butterfly(c, v[above], v[below], w[factor]);
        }
    }
    let v = v.map(|v| transpose(v));
    for (j, v) in v.as_flattened().iter().enumerate() {
        // SAFETY: as for the load.
        unsafe { store(x, 4 * j, to_canonical_words(c, reduce(c, *v))) }
    }
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

#[target_feature(enable = "avx2,fma")]
fn inverse<const ROOM: bool>(t: &Tables, x: &mut [u64], w: u64) {
    let c = consts(&t.m);
    let parts = if t.n.ilog2() % 2 == 1 { 2 } else { 4 };
    for (k, part) in x.chunks_exact_mut(t.n / parts).enumerate() {
        inverse_part::<ROOM>(t, c, part, parts + k);
    }
    let [w, w_over_q] = over_q(c, splat(w as f64));
    let finish = |v: D| to_canonical_words(c, multiply_constant(c, reduce(c, v), w, w_over_q));
    if parts == 4 {
        let nodes = t.inverse.pass(c, 1);
        return pass(x, |v| kept(v), |v| radix_inverse(v, c, nodes), finish);
    }
    let (half, node) = (t.n / 2, t.inverse.node(c, 1));
    for i in (0..half).step_by(4) {
        // SAFETY: both places lie in their halves.
        unsafe {
            let (u, v) = butterfly_inverse(c, kept(load(x, i)), kept(load(x, half + i)), node);
            store(x, i, finish(u));
            store(x, half + i, finish(v));
        }
    }
}

/// The stages of the part below a node.
#[target_feature(enable = "avx2,fma")]
fn inverse_part<const ROOM: bool>(t: &Tables, c: Consts, x: &mut [u64], node: usize) {
    if x.len() > CACHED {
        let len = x.len() / 4;
        for (j, part) in x.chunks_exact_mut(len).enumerate() {
            inverse_part::<ROOM>(t, c, part, 4 * node + j);
        }
        return inverse_pass::<ROOM>(t, c, x, node);
    }
    let first = (node * (x.len() / 4) - t.n / 4) / 4;
    for (j, blocks) in x.chunks_exact_mut(2 * BLOCK).enumerate() {
        inverse_first(t, c, blocks, first + 2 * j);
    }
    let mut len = BLOCK;
    while len <= x.len() {
        let node = node * (x.len() / len);
        for (j, part) in x.chunks_exact_mut(len).enumerate() {
            inverse_pass::<ROOM>(t, c, part, node + j);
        }
        len *= 4;
    }
}

/// Two stages over the part below a node.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn inverse_pass<const ROOM: bool>(t: &Tables, c: Consts, x: &mut [u64], node: usize) {
    let w = t.inverse.pass(c, node);
    if ROOM || x.len().ilog2() % 4 == 2 {
        pass(
            x,
            |v| kept(v),
            |v| first_reduced(c, radix_inverse(v, c, w)),
            |v| keep(v),
        );
    } else {
        pass(
            x,
            |v| kept(v),
            |v| radix_inverse(v, c, w),
            |v| keep(reduce(c, v)),
        );
    }
}

/// With the sum of all reduced.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn first_reduced(c: Consts, [a, b, d, e]: [D; 4]) -> [D; 4] {
    [reduce(c, a), b, d, e]
}

/// The first two stages of two blocks.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn inverse_first(t: &Tables, c: Consts, x: &mut [u64], first: usize) {
    let w = [t.inverse.tail(c, first), t.inverse.tail(c, first + 1)];
    // SAFETY: there are 32 words.
    let rows =
        |block: usize| std::array::from_fn(|j| unsafe { load_doubles(x, BLOCK * block + 4 * j) });
    let mut v = [transpose(rows(0)), transpose(rows(1))];
    for (above, below, factor) in [(0, 1, 1), (2, 3, 2), (0, 2, 0), (1, 3, 0)] {
        for (v, w) in v.iter_mut().zip(&w) {
            (v[above], v[below]) = butterfly_inverse(c, v[above], v[below], w[factor]);
        }
    }
    let v = v.map(|v| transpose(first_reduced(c, v)));
    for (j, v) in v.as_flattened().iter().enumerate() {
        // SAFETY: as for the load.
        unsafe { store(x, 4 * j, keep(*v)) };
    }
}
