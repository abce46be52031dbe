//! Every vector kernel that this machine can run equals its scalar twin bit for bit, on random and on extreme residues.

use super::*;
use crate::modulus::Modulus;

const N: usize = 128;

struct Lcg(u64);

impl Lcg {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 8
    }

    /// Residues below `limit`; the first ones are the extremes.
    fn limb(&mut self, limit: u64) -> Vec<u64> {
        let mut limb: Vec<u64> = (0..N).map(|_| self.next() % limit).collect();
        limb[0] = 0;
        limb[1] = limit - 1;
        limb[2] = limit - 1;
        limb
    }
}

/// The primes nearest to each power of two from 2^20 to 2^50, below and above it.
fn moduli() -> Vec<Modulus> {
    let near = |bits: u32| hemet_ckks_params::ntt_primes(10, &[bits, bits]).unwrap();
    (20..=50).flat_map(near).map(Modulus::new).collect()
}

/// Every implementation that this machine can run.
fn all() -> Vec<Kernels> {
    let all = Instructions::ALL.into_iter();
    all.filter_map(Kernels::new).collect()
}

fn portable() -> Kernels {
    Kernels::new(Instructions::Portable).unwrap()
}

/// Runs `body` with all implementations and compares what it returns.
fn check(body: impl Fn(Kernels, &Modulus, &mut Lcg) -> Vec<Vec<u64>>) {
    for m in moduli() {
        for seed in 0..4 {
            let expected = body(portable(), &m, &mut Lcg(seed));
            for k in all() {
                let found = body(k, &m, &mut Lcg(seed));
                let name = k.instructions().name();
                assert_eq!(found, expected, "{name}, q = {}, seed = {seed}", m.q);
            }
        }
    }
}

#[test]
fn elementwise_kernels_are_equal() {
    check(|k, m, r| {
        let (a, b, c) = (r.limb(m.q), r.limb(m.q), r.limb(m.q));
        let w = r.next() % m.q;
        let wide = r.limb(4 * m.q);
        let mut out = vec![
            a.clone(),
            a.clone(),
            a.clone(),
            wide,
            a.clone(),
            a.clone(),
            a.clone(),
        ];
        k.add_assign(m, &mut out[0], &b);
        k.sub_assign(m, &mut out[1], &b);
        k.negate(m, &mut out[2]);
        k.scale(m, &mut out[3], w);
        k.mul(m, &mut out[4], &b, &c);
        k.mul_add(m, &mut out[5], &b, &c);
        k.scale_sub(m, &mut out[6], w, &b);
        for i in 0..N {
            assert_eq!(out[5][i], m.add(a[i], m.mul(b[i], c[i])));
        }
        out
    });
}

#[test]
fn products_of_pairs_are_equal() {
    check(|k, m, r| {
        let (a0, a1, b) = (r.limb(m.q), r.limb(m.q), r.limb(m.q));
        let mut out = vec![r.limb(m.q), r.limb(m.q), vec![0; N], vec![0; N]];
        let start = out.clone();
        let (sums, products) = out.split_at_mut(2);
        for (d, add) in [(sums, true), (products, false)] {
            let [d0, d1] = d else {
                unreachable!("two pairs")
            };
            k.mul_pair(m, [d0, d1], [&a0, &a1], &b, add);
        }
        for i in 0..N {
            assert_eq!(out[0][i], m.add(start[0][i], m.mul(a0[i], b[i])));
            assert_eq!(out[3][i], m.mul(a1[i], b[i]));
        }
        out
    });
}

#[test]
fn tensor_products_are_equal() {
    check(|k, m, r| {
        let (a0, a1, b0, b1) = (r.limb(m.q), r.limb(m.q), r.limb(m.q), r.limb(m.q));
        let (mut d0, mut d1, mut d2) = (vec![0; N], vec![0; N], vec![0; N]);
        k.tensor(m, [&mut d0, &mut d1, &mut d2], [&a0, &a1], [&b0, &b1]);
        for i in 0..N {
            assert_eq!(d1[i], m.add(m.mul(a0[i], b1[i]), m.mul(a1[i], b0[i])));
        }
        vec![d0, d1, d2]
    });
}

/// Limbs one after the other, as rows.
fn rows(limbs: &[u64]) -> Rows<'_> {
    Rows {
        data: limbs,
        stride: N,
    }
}

#[test]
fn conversions_are_equal_and_within_their_bound() {
    check(|k, m, r| {
        let mut sources: Vec<u64> = (0..12).flat_map(|_| r.limb(1 << 50)).collect();
        sources.extend(r.limb(14));
        let weights: Vec<u64> = (0..13).map(|_| r.next() % m.q).collect();
        let out: Vec<Vec<u64>> = (1..=13)
            .map(|count| {
                let mut out = vec![0; N];
                k.convert(m, &mut out, rows(&sources), &weights[..count], m.q - 1);
                out
            })
            .collect();
        assert!(out.iter().flatten().all(|&x| x < 4 * m.q));
        out
    });
}

#[test]
fn quotients_are_equal() {
    check(|k, m, r| {
        let limbs: Vec<u64> = (0..5).flat_map(|_| r.limb(m.q)).collect();
        let mut out = vec![0; N];
        k.quotient(&mut out, rows(&limbs), &[1.0 / m.q as f64; 5]);
        vec![out]
    });
}

/// A diagonal as long as half a limb.
fn whole() -> Spread {
    Spread::new(N, 0..N / 2, N / 2)
}

fn of<'a>(words: &'a [u64], m: &Modulus) -> Packed<'a> {
    Packed {
        words,
        bits: m.bits(),
    }
}

fn pack(k: Kernels, limb: &[u64], bits: u32) -> Vec<u64> {
    let mut words = vec![0; packed_words(limb.len(), bits) + PADDING];
    k.pack(&mut words, limb, bits);
    words
}

#[test]
fn packing_is_equal_and_reversible_for_every_number_of_bits() {
    for bits in 17..=50 {
        let limb = Lcg(u64::from(bits)).limb(1 << bits);
        let packed = pack(portable(), &limb, bits);
        for k in all() {
            assert_eq!(packed, pack(k, &limb, bits), "{bits} bits");
            let mut back = vec![0; N];
            k.unpack(
                &mut back,
                Packed {
                    words: &packed,
                    bits,
                },
            );
            assert_eq!(back, limb, "{bits} bits");
        }
    }
}

#[test]
fn sums_of_products_are_equal_up_to_the_most_terms() {
    check(|k, m, r| {
        let limbs: Vec<Vec<u64>> = (0..3 * MAX_TERMS).map(|_| r.limb(m.q)).collect();
        let p = crate::galois::Automorphism::new(N.ilog2(), 5);
        let packed: Vec<Vec<u64>> = limbs.iter().map(|l| pack(k, l, m.bits())).collect();
        let mut all = Vec::new();
        for count in [1, 2, 3, 4, 5, MAX_TERMS] {
            for add in [false, true] {
                let keys: Vec<KeyTerm<'_>> = (0..count)
                    .map(|t| (&limbs[3 * t], &packed[3 * t + 1], &packed[3 * t + 2]))
                    .map(|(l, b, a)| KeyTerm {
                        digit: l,
                        first: of(b, m),
                        second: of(a, m),
                    })
                    .collect();
                let pairs: Vec<PairTerm<'_>> = (0..count)
                    .map(|t| (&limbs[3 * t], &limbs[3 * t + 1], &packed[3 * t + 2]))
                    .map(|(x, y, p)| PairTerm {
                        first: x,
                        second: y,
                        factor: of(p, m),
                    })
                    .collect();
                for permutation in [None, Some(&p)] {
                    for start in [0, N / 2] {
                        let place = Place {
                            start,
                            permutation,
                            ahead: 0,
                        };
                        let (mut x, mut y) = (limbs[5].clone(), limbs[6].clone());
                        let out = [&mut x[start..], &mut y[start..]];
                        k.inner_product(m, out, place, &keys, add);
                        all.extend([x, y]);
                    }
                }
                let (mut x, mut y) = (limbs[5].clone(), limbs[6].clone());
                k.dot_pair(m, [&mut x, &mut y], &whole(), &pairs, add);
                all.extend([x, y]);
                let weights: Vec<WeightTerm<'_>> = (0..count)
                    .map(|t| WeightTerm {
                        first: &limbs[3 * t],
                        second: &limbs[3 * t + 1],
                        weight: limbs[3 * t + 2][t % 5],
                    })
                    .collect();
                let (mut x, mut y) = (limbs[5].clone(), limbs[6].clone());
                k.weigh_pair(m, [&mut x, &mut y], &weights, add);
                all.extend([x, y]);
            }
        }
        assert!(all.iter().flatten().all(|&x| x < m.q));
        all
    });
}

#[test]
fn permutations_and_signed_reductions_are_equal() {
    check(|k, m, r| {
        let src = r.limb(m.q);
        let p = crate::galois::Automorphism::new(N.ilog2(), 25);
        let mut out = vec![vec![0; N], r.limb(m.q), vec![0; N], vec![0; N], r.limb(m.q)];
        k.permute(&mut out[0], &src, &p);
        let place = Place {
            start: N / 4,
            permutation: Some(&p),
            ahead: 0,
        };
        let half = N / 4..3 * N / 4;
        let before = out[1].clone();
        k.add_from(m, &mut out[1][half.clone()], place, &src);
        for i in half {
            assert_eq!(out[1][i], m.add(before[i], out[0][i]));
        }
        k.add_constant(m, &mut out[4], m.q / 2);
        let signed = |bits: u32, r: &mut Lcg| -> Vec<i64> {
            let mut v: Vec<i64> = (0..N)
                .map(|_| (r.next() % (2 << bits)) as i64 - (1 << bits))
                .collect();
            v[0] = 0;
            v[1] = (1 << bits) - 1;
            v[2] = 1 - (1 << bits);
            v[3] = -(m.q as i64);
            v
        };
        let (narrow, wide) = (signed(50, r), signed(55, r));
        k.reduce_signed(m, &mut out[2], &narrow);
        k.reduce_signed(m, &mut out[3], &wide);
        for i in 0..N {
            assert_eq!(out[3][i], m.reduce_i128(i128::from(wide[i])));
        }
        out
    });
}

/// Pairs of operands, two limbs after the other, with a factor each.
fn pairs<'a>(limbs: &'a [Vec<u64>], packed: &'a [Vec<u64>], m: &Modulus) -> Vec<PairTerm<'a>> {
    let term = |(pair, packed): (&'a [Vec<u64>], &'a Vec<u64>)| PairTerm {
        first: &pair[0],
        second: &pair[1],
        factor: of(packed, m),
    };
    limbs.chunks_exact(2).zip(packed).map(term).collect()
}

/// Against products with the diagonal written out: each residue several times in a row, then all of them backwards.
#[test]
fn products_with_compact_diagonals_are_those_with_the_diagonals_written_out() {
    let spreads = [(128, 64), (256, 64), (1024, 128), (2048, 64), (4096, 2048)];
    for m in [moduli()[0], moduli()[31], moduli()[60]] {
        for (n, residues) in spreads {
            let mut r = Lcg(n as u64);
            let mut words = |count: usize, limit: u64| -> Vec<u64> {
                (0..count).map(|_| r.next() % limit).collect()
            };
            let limbs: Vec<Vec<u64>> = (0..2 * MAX_TERMS + 2).map(|_| words(n, m.q)).collect();
            let factors: Vec<Vec<u64>> = (0..MAX_TERMS).map(|_| words(residues, m.q)).collect();
            let packed = factors.iter().map(|f| pack(portable(), f, m.bits()));
            let packed: Vec<Vec<u64>> = packed.collect();
            let (block, last) = (n / 4..n / 2, &limbs[2 * MAX_TERMS..]);
            let spread = Spread::new(n, block.clone(), residues);
            for (count, add) in [(1, false), (5, true), (17, false), (MAX_TERMS, true)] {
                let terms = pairs(&limbs, &packed[..count], &m);
                let blocks = limbs.iter().map(|limb| {
                    let mirrored = n - block.end..n - block.start;
                    [&limb[block.clone()], &limb[mirrored]].concat()
                });
                let blocks: Vec<Vec<u64>> = blocks.collect();
                let alone = pairs(&blocks, &packed[..count], &m);
                let mut expected = last.to_vec();
                for i in block.clone().chain(n - block.end..n - block.start) {
                    let at = i.min(n - 1 - i) / (n / 2 / residues);
                    for (part, expected) in expected.iter_mut().enumerate() {
                        let products =
                            (0..count).map(|t| m.mont_mul(limbs[2 * t + part][i], factors[t][at]));
                        let before = if add { expected[i] } else { 0 };
                        expected[i] = products.fold(before, |sum, x| m.add(sum, x));
                    }
                }
                for k in all() {
                    let mut found = last.to_vec();
                    let [x, y] = &mut found[..] else {
                        unreachable!("two limbs")
                    };
                    k.dot_pair(&m, [x, y], &spread, &terms, add);
                    let name = k.instructions().name();
                    assert!(found == expected, "{name}, {n}, {residues}, {count}");
                    let mut found = last.to_vec();
                    let [x, y] = &mut found[..] else {
                        unreachable!("two limbs")
                    };
                    k.dot_pair(&m, [x, y], &spread.clone().of_blocks(), &alone, add);
                    assert!(found == expected, "{name}, {n}, {residues}, {count}, alone");
                }
            }
        }
    }
}

/// Products of 2^51, half of what a double in the high sums of the AVX2 kernels is rounded to.
#[test]
fn sums_of_products_half_way_between_two_doubles_are_equal() {
    check(|k, m, r| {
        let bits = m.bits();
        let half = if bits < 27 { 1 } else { 1 << (bits - 2) };
        let factor = if bits < 27 { 1 } else { 1 << (53 - bits) };
        let limbs = [vec![half; N], vec![m.q - half; N], r.limb(m.q)];
        let packed = pack(k, &[factor; N], bits);
        let mut all = Vec::new();
        for count in 1..=limbs.len() {
            let terms: Vec<PairTerm<'_>> = (0..count)
                .map(|t| PairTerm {
                    first: &limbs[t],
                    second: &limbs[0],
                    factor: of(&packed, m),
                })
                .collect();
            let (mut x, mut y) = (vec![0; N], vec![0; N]);
            k.dot_pair(m, [&mut x, &mut y], &whole(), &terms, false);
            all.extend([x, y]);
        }
        all
    });
}
