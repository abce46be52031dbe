//! Key switching: relinearization, rotation, conjugation, alone or many at once, with or without rescale.
//!
//! Sources: Han and Ki 2020 (hybrid key switching), Halevi and Shoup, "Faster Homomorphic Linear
//! Transformations in HElib", CRYPTO 2018 (hoisting), Bossuat et al., "Efficient Bootstrapping for
//! Approximate Homomorphic Encryption with Non-sparse Keys", EUROCRYPT 2021 (one division by P for a sum).
//!
//! The work is ordered by limb of the result: for each extended limb the digits are converted to it,
//! transformed, and multiplied with the key while they are in cache; the special limbs come first, so that
//! each limb of the chain can be divided by P at once. Cost at level l with K special primes and d digits:
//! (l+1) + 2K inverse and d(K+l+1) - (l+1) + 2(l+1) forward transforms.

use crate::ciphertext::Ciphertext;
use crate::context::Context;
use crate::error::Error;
use crate::galois::Automorphism;
use crate::kernels::{Correction, KeyTerm, MAX_TERMS};
use crate::keys::{EvaluationKeys, GaloisKey, SwitchingKey};
use crate::parallel::{for_limb_pairs, for_limbs, map};
use crate::pool::Buf;

/// Limbs that stand at equal distances in a larger buffer.
#[derive(Clone, Copy)]
pub(crate) struct Limbs<'a> {
    pub(crate) data: &'a [u64],
    pub(crate) stride: usize,
    pub(crate) n: usize,
}

impl<'a> Limbs<'a> {
    pub(crate) fn of(data: &'a [u64], n: usize) -> Self {
        Self { data, stride: n, n }
    }

    pub(crate) fn limb(&self, i: usize) -> &'a [u64] {
        &self.data[i * self.stride..i * self.stride + self.n]
    }
}

/// Where the digits of a switched part come from.
pub(crate) enum Source<'a> {
    /// Converted limb by limb: the part itself, and its lifted coefficients.
    Fresh { values: Limbs<'a>, lifted: Buf },
    /// All of them, converted before: per extended limb, per digit.
    Hoisted(&'a Buf),
}

/// One part to switch, and what is added to the result.
pub(crate) struct Switch<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) key: &'a SwitchingKey,
    /// Applied to the digits and to `add`.
    pub(crate) automorphism: Option<&'a Automorphism>,
    pub(crate) add: [Option<Limbs<'a>>; 2],
}

impl Context {
    /// Brings a product (degree 2) back to degree 1.
    ///
    /// # Errors
    /// `Degree` when it already has degree 1, `MissingKey`, `Foreign`.
    pub fn relinearize(&self, a: &Ciphertext, keys: &EvaluationKeys) -> Result<Ciphertext, Error> {
        let parts = self.relinearize_parts("relinearize", a, keys, false)?;
        Ok(self.ciphertext(parts, a.level, a.scale))
    }

    /// Relinearizes and rescales in one: fewer transforms than both in turn.
    ///
    /// # Errors
    /// As [`Context::relinearize`] and [`Context::rescale`].
    pub fn relinearize_rescale(
        &self,
        a: &Ciphertext,
        keys: &EvaluationKeys,
    ) -> Result<Ciphertext, Error> {
        self.check_rescalable("relinearize_rescale", a.level)?;
        let parts = self.relinearize_parts("relinearize_rescale", a, keys, true)?;
        let scale = a.scale / self.moduli[a.level].q as f64;
        Ok(self.ciphertext(parts, a.level - 1, scale))
    }

    /// Slot `i` of the result is slot `i + step` (cyclic) of the input.
    ///
    /// # Errors
    /// `MissingKey`, `Degree` for degree 2, `Foreign`.
    pub fn rotate(
        &self,
        a: &Ciphertext,
        step: i64,
        keys: &EvaluationKeys,
    ) -> Result<Ciphertext, Error> {
        self.check_switch("rotate", a, keys)?;
        if self.is_identity(step) {
            return Ok(a.clone());
        }
        Ok(self.apply_galois(a, keys.rotation_key(self, step)?))
    }

    /// Conjugates every slot.
    ///
    /// # Errors
    /// As [`Context::rotate`].
    pub fn conjugate(&self, a: &Ciphertext, keys: &EvaluationKeys) -> Result<Ciphertext, Error> {
        self.check_switch("conjugate", a, keys)?;
        Ok(self.apply_galois(a, keys.conjugation_key(self)?))
    }

    /// Several rotations of one ciphertext, hoisted: each after the first costs about a third.
    ///
    /// # Errors
    /// As [`Context::rotate`].
    pub fn rotate_many(
        &self,
        a: &Ciphertext,
        steps: &[i64],
        keys: &EvaluationKeys,
    ) -> Result<Vec<Ciphertext>, Error> {
        self.check_switch("rotate_many", a, keys)?;
        let mut galois = Vec::with_capacity(steps.len());
        for &step in steps {
            galois.push(if self.is_identity(step) {
                None
            } else {
                Some(keys.rotation_key(self, step)?)
            });
        }
        if galois.iter().flatten().count() < 2 {
            let one = |key: &Option<&GaloisKey>| {
                key.map_or_else(|| a.clone(), |k| self.apply_galois(a, k))
            };
            return Ok(galois.iter().map(one).collect());
        }
        let n = self.degree();
        let hoisted = self.hoist(Limbs::of(&a.parts[1], n), a.level);
        Ok(map(&galois, |key| {
            let Some(key) = key else { return a.clone() };
            let switch = Switch {
                source: Source::Hoisted(&hoisted),
                key: &key.key,
                automorphism: Some(&key.automorphism),
                add: [Some(Limbs::of(&a.parts[0], n)), None],
            };
            self.ciphertext(
                self.switch_sum(a.level, &[switch], &[], false),
                a.level,
                a.scale,
            )
        }))
    }

    pub(crate) fn is_identity(&self, step: i64) -> bool {
        step.rem_euclid(self.parameters.slots() as i64) == 0
    }

    pub(crate) fn check_rescalable(
        &self,
        operation: &'static str,
        level: usize,
    ) -> Result<(), Error> {
        if level > 0 {
            return Ok(());
        }
        let advice = "give the chain more primes, or rescale less often";
        Err(Error::Level {
            operation,
            given: 0,
            min: 1,
            max: self.parameters.max_level(),
            advice,
        })
    }

    fn check_switch(
        &self,
        operation: &'static str,
        a: &Ciphertext,
        keys: &EvaluationKeys,
    ) -> Result<(), Error> {
        self.check_own("ciphertext", a.tag)?;
        self.check_own("evaluation keys", keys.tag)?;
        crate::arithmetic::check_degree(operation, a)
    }

    fn relinearize_parts(
        &self,
        operation: &'static str,
        a: &Ciphertext,
        keys: &EvaluationKeys,
        rescale: bool,
    ) -> Result<Vec<Buf>, Error> {
        self.check_own("ciphertext", a.tag)?;
        self.check_own("evaluation keys", keys.tag)?;
        let [c0, c1, c2] = a.parts.as_slice() else {
            let advice = "only a product that was not relinearized yet can be";
            return Err(Error::Degree {
                operation,
                given: a.degree(),
                expected: 2,
                advice,
            });
        };
        let key = keys.relinearization_key()?;
        let n = self.degree();
        let switch = Switch {
            source: self.fresh(Limbs::of(c2, n), a.level),
            key,
            automorphism: None,
            add: [Some(Limbs::of(c0, n)), Some(Limbs::of(c1, n))],
        };
        Ok(self.switch_sum(a.level, &[switch], &[], rescale))
    }

    fn apply_galois(&self, a: &Ciphertext, key: &GaloisKey) -> Ciphertext {
        let n = self.degree();
        let switch = Switch {
            source: self.fresh(Limbs::of(&a.parts[1], n), a.level),
            key: &key.key,
            automorphism: Some(&key.automorphism),
            add: [Some(Limbs::of(&a.parts[0], n)), None],
        };
        self.ciphertext(
            self.switch_sum(a.level, &[switch], &[], false),
            a.level,
            a.scale,
        )
    }

    /// Prepares a part for conversion: coefficients times (D/q_i)⁻¹, with quotients for odd digits.
    pub(crate) fn fresh<'a>(&self, values: Limbs<'a>, level: usize) -> Source<'a> {
        let n = self.degree();
        let table = &self.levels[level];
        let mut lifted = self.pool.take(table.lifted() * n);
        // The limbs of each digit are followed by its quotient where their number is odd.
        let places: Vec<Option<(usize, u64)>> = table
            .digits
            .iter()
            .flat_map(|d| {
                let own = d.limbs.clone().zip(d.lift.iter().copied()).map(Some);
                own.chain(std::iter::repeat_n(None, d.lifted() - d.limbs.len()))
            })
            .collect();
        for_limbs(&mut lifted, n, |at, limb| {
            let Some((i, lift)) = places[at] else { return };
            limb.copy_from_slice(values.limb(i));
            self.ntts[i].inverse(limb);
            self.kernels.scale(&self.moduli[i], limb, lift);
        });
        for d in table.digits.iter().filter(|d| d.limbs.len() % 2 == 1) {
            let end = d.first_lifted + d.limbs.len();
            let (own, quotient) =
                lifted[d.first_lifted * n..(end + 1) * n].split_at_mut(d.limbs.len() * n);
            let inverse = d.limbs.clone().map(|i| 1.0 / self.moduli[i].q as f64);
            let sources: Vec<_> = own.chunks(n).zip(inverse).collect();
            self.kernels.quotient(quotient, &sources);
        }
        Source::Fresh { values, lifted }
    }

    /// All digits of a part on all extended limbs.
    pub(crate) fn hoist(&self, values: Limbs<'_>, level: usize) -> Buf {
        let n = self.degree();
        let digits = self.levels[level].digits.len();
        let extended = self.special.len() + level + 1;
        let source = self.fresh(values, level);
        let mut hoisted = self.pool.take(extended * digits * n);
        for_limbs(&mut hoisted, digits * n, |u, block| {
            self.convert_digits(&source, level, u, block);
            for (d, limb) in self.levels[level].digits.iter().zip(block.chunks_mut(n)) {
                if let Some(i) = u
                    .checked_sub(self.special.len())
                    .filter(|i| d.limbs.contains(i))
                {
                    limb.copy_from_slice(values.limb(i));
                }
            }
        });
        hoisted
    }

    /// Fills `block` with the digits on extended limb `u`, except the digit that contains the limb.
    fn convert_digits(&self, source: &Source<'_>, level: usize, u: usize, block: &mut [u64]) {
        let Source::Fresh { lifted, .. } = source else {
            return;
        };
        let n = self.degree();
        let (m, ntt) = self.extended(u);
        let own = u.checked_sub(self.special.len());
        for (d, limb) in self.levels[level].digits.iter().zip(block.chunks_mut(n)) {
            if own.is_some_and(|i| d.limbs.contains(&i)) {
                continue;
            }
            let limbs = lifted[d.first_lifted * n..].chunks(n).take(d.lifted());
            let sources: Vec<_> = limbs.zip(d.weights[u].iter().copied()).collect();
            self.kernels
                .convert(m, limb, &sources, Correction::Offset(d.offsets[u]));
            ntt.forward(limb);
        }
    }

    /// `out` = the sum of all inner products on extended limb `u`; `scratch` holds one limb per digit.
    fn inner_products(
        &self,
        level: usize,
        switches: &[Switch<'_>],
        u: usize,
        out: [&mut [u64]; 2],
        scratch: &mut [u64],
    ) {
        let n = self.degree();
        let m = self.extended(u).0;
        let [out0, out1] = out;
        let own = u.checked_sub(self.special.len());
        let digits = &self.levels[level].digits;
        let mut first = true;
        for switch in switches {
            self.convert_digits(&switch.source, level, u, scratch);
            let terms: Vec<KeyTerm<'_>> = digits
                .iter()
                .enumerate()
                .map(|(j, d)| {
                    let digit = match &switch.source {
                        Source::Hoisted(all) => {
                            let at = (u * digits.len() + j) * n;
                            &all[at..at + n]
                        }
                        Source::Fresh { values, .. } => match own.filter(|i| d.limbs.contains(i)) {
                            Some(i) => values.limb(i),
                            None => &scratch[j * n..(j + 1) * n],
                        },
                    };
                    let (b, a) = switch.key.pair(self, u, j);
                    KeyTerm {
                        digit,
                        first: b,
                        second: a,
                    }
                })
                .collect();
            for some in terms.chunks(MAX_TERMS) {
                let out = [&mut *out0, &mut *out1];
                self.kernels
                    .inner_product(m, out, some, switch.automorphism, !first);
                first = false;
            }
        }
    }

    /// Adds what the switches (and `base`) add on limb `i` of the chain.
    fn add_extras(
        &self,
        switches: &[Switch<'_>],
        base: &[[Limbs<'_>; 2]],
        i: usize,
        out: [&mut [u64]; 2],
    ) {
        let m = &self.moduli[i];
        for (part, sum) in out.into_iter().enumerate() {
            for switch in switches {
                match (switch.add[part], switch.automorphism) {
                    (Some(add), Some(p)) => self.kernels.permute_add(m, sum, add.limb(i), p),
                    (Some(add), None) => self.kernels.add_assign(m, sum, add.limb(i)),
                    (None, _) => {}
                }
            }
            for base in base {
                self.kernels.add_assign(m, sum, base[part].limb(i));
            }
        }
    }

    /// Both parts of: the sum of all switches and their additions, plus `base`; divided by the last prime
    /// of the level if `rescale` (the level must then be above 0).
    pub(crate) fn switch_sum(
        &self,
        level: usize,
        switches: &[Switch<'_>],
        base: &[[Limbs<'_>; 2]],
        rescale: bool,
    ) -> Vec<Buf> {
        let (n, special) = (self.degree(), self.special.len());
        let table = &self.levels[level];
        let drop = if rescale {
            &table.drop_special_and_last
        } else {
            &table.drop_special
        };
        let scratch_len = table.digits.len().max(1) * n;
        let mut dropped = self.pool.take(drop.lift.len() * 2 * n);
        for_limbs(&mut dropped, 2 * n, |s, pair| {
            let u = if s < special { s } else { special + level };
            let (x0, x1) = pair.split_at_mut(n);
            let mut scratch = self.pool.take(scratch_len);
            self.inner_products(level, switches, u, [&mut *x0, &mut *x1], &mut scratch);
            if s == special {
                self.add_extras(switches, base, level, [&mut *x0, &mut *x1]);
            }
            let (m, ntt) = self.extended(u);
            for x in [x0, x1] {
                ntt.inverse(x);
                self.kernels.scale(m, x, drop.lift[s]);
            }
        });
        let part = |p: usize| dropped.chunks(n).skip(p).step_by(2);
        let mut quotients = self.pool.take(2 * n);
        for_limbs(&mut quotients, n, |p, quotient| {
            let sources: Vec<_> = part(p).zip(drop.inverse.iter().copied()).collect();
            self.kernels.quotient(quotient, &sources);
        });
        let kept = if rescale { level } else { level + 1 };
        let (mut out0, mut out1) = (self.pool.take(kept * n), self.pool.take(kept * n));
        for_limb_pairs(&mut out0, &mut out1, n, |i, x0, x1| {
            let mut scratch = self.pool.take(scratch_len);
            self.inner_products(
                level,
                switches,
                special + i,
                [&mut *x0, &mut *x1],
                &mut scratch,
            );
            self.add_extras(switches, base, i, [&mut *x0, &mut *x1]);
            let m = &self.moduli[i];
            let remainder = &mut scratch[..n];
            for (p, x) in [x0, x1].into_iter().enumerate() {
                let sources: Vec<_> = part(p).zip(drop.weights[i].iter().copied()).collect();
                let quotient = Correction::Quotient(&quotients[p * n..(p + 1) * n]);
                self.kernels.convert(m, remainder, &sources, quotient);
                self.ntts[i].forward(remainder);
                if rescale {
                    self.kernels
                        .scale_sub(m, x, drop.last_inverse[i], remainder);
                } else {
                    self.kernels.sub_assign(m, x, remainder);
                }
            }
        });
        vec![out0, out1]
    }
}
