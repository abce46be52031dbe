//! Key switching: the engine behind relinearization, rotation and linear maps, and relinearization itself.
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
use crate::division::Remainders;
use crate::error::Error;
use crate::galois::Automorphism;
use crate::kernels::{Correction, KeyTerm, MAX_TERMS};
use crate::keys::{EvaluationKeys, GaloisKey};
use crate::levels::{DigitTable, DropTable};
use crate::parallel::{for_each_limb, for_limbs, pairs};
use crate::pool::Buf;
use crate::switching::SwitchingKey;

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

/// A part to switch: itself, its lifted coefficients, and its digits where they are used by several batches.
pub(crate) struct Source<'a> {
    values: Limbs<'a>,
    lifted: Buf,
    /// Per extended limb, per digit; the digit that contains the limb is left out.
    converted: Option<Buf>,
}

/// One product of a source with a key, and what is added to its output.
pub(crate) struct Job<'a> {
    /// Which source; the jobs of a list are in order of their sources.
    pub(crate) source: usize,
    /// Which output; every output has a job.
    pub(crate) output: usize,
    pub(crate) key: &'a SwitchingKey,
    /// Applied to the digits and to `add`.
    pub(crate) automorphism: Option<&'a Automorphism>,
    pub(crate) add: [Option<Limbs<'a>>; 2],
}

impl<'a> Job<'a> {
    /// The switch that belongs to an automorphism, and the image of the first part.
    pub(crate) fn galois(
        source: usize,
        output: usize,
        key: &'a GaloisKey,
        first: Limbs<'a>,
    ) -> Self {
        let automorphism = Some(&*key.automorphism);
        Self {
            source,
            output,
            key: &key.key,
            automorphism,
            add: [Some(first), None],
        }
    }
}

/// Key switches that are done together: limb by limb of the results, so that digits are converted once
/// for all outputs, and sums of several sources are divided by P once.
pub(crate) struct Batch<'a> {
    pub(crate) level: usize,
    pub(crate) sources: Vec<Source<'a>>,
    pub(crate) jobs: Vec<Job<'a>>,
    pub(crate) outputs: usize,
    /// Added to the outputs as they are.
    pub(crate) base: Vec<(usize, [Limbs<'a>; 2])>,
    /// Whether the outputs are divided by the last prime of the level (which must be above 0) too.
    pub(crate) rescale: bool,
}

impl Context {
    /// Brings a product (degree 2) back to degree 1.
    ///
    /// # Errors
    /// `Degree` when it already has degree 1, `MissingKey`, `KeyLevel`, `Foreign`.
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
        let key = keys.relinearization_key(self, a.level)?;
        let n = self.degree();
        let job = Job {
            source: 0,
            output: 0,
            key,
            automorphism: None,
            add: [Some(Limbs::of(c0, n)), Some(Limbs::of(c1, n))],
        };
        let batch = Batch {
            level: a.level,
            sources: vec![self.lift(Limbs::of(c2, n), a.level)],
            jobs: vec![job],
            outputs: 1,
            base: Vec::new(),
            rescale,
        };
        Ok(self.switch(&batch).remove(0))
    }

    /// Prepares a part for conversion: coefficients times (D/q_i)⁻¹, with quotients for odd digits.
    pub(crate) fn lift<'a>(&self, values: Limbs<'a>, level: usize) -> Source<'a> {
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
        Source {
            values,
            lifted,
            converted: None,
        }
    }

    /// Converts all digits of a source, for use by several batches.
    pub(crate) fn convert_all(&self, source: &mut Source<'_>, level: usize) {
        let width = self.levels[level].digits.len() * self.degree();
        let mut converted = self.pool.take((self.special.len() + level + 1) * width);
        for_limbs(&mut converted, width, |u, block| {
            self.convert_digits(source, level, u, block)
        });
        source.converted = Some(converted);
    }

    /// Fills `block` with the digits on extended limb `u`, except the digit that contains the limb.
    fn convert_digits(&self, source: &Source<'_>, level: usize, u: usize, block: &mut [u64]) {
        let n = self.degree();
        let (m, ntt) = self.extended(u);
        let own = u.checked_sub(self.special.len());
        for (d, limb) in self.levels[level].digits.iter().zip(block.chunks_mut(n)) {
            if own.is_some_and(|i| d.limbs.contains(&i)) {
                continue;
            }
            let limbs = source.lifted[d.first_lifted * n..]
                .chunks(n)
                .take(d.lifted());
            let sources: Vec<_> = limbs.zip(d.weights[u].iter().copied()).collect();
            self.kernels
                .convert(m, limb, &sources, Correction::Offset(d.offsets[u]));
            ntt.forward(limb);
        }
    }

    /// Runs all jobs on extended limb `u` into `outs` (both parts of each output), and calls `finish` on an
    /// output as soon as its sum is complete. `begin` is called on an output before its first job and says
    /// whether the sum starts from what it left there.
    fn run_jobs(
        &self,
        batch: &Batch<'_>,
        u: usize,
        outs: &mut [[&mut [u64]; 2]],
        begin: impl Fn(usize, &mut [&mut [u64]; 2]) -> bool,
        finish: impl Fn(usize, &mut [&mut [u64]; 2]),
    ) {
        let n = self.degree();
        let m = self.extended(u).0;
        let own = u.checked_sub(self.special.len());
        let digits = &self.levels[batch.level].digits;
        let mut left = vec![0usize; batch.outputs];
        batch.jobs.iter().for_each(|job| left[job.output] += 1);
        let mut is_begun = vec![false; batch.outputs];
        let mut has_terms = vec![false; batch.outputs];
        let width = digits.len() * n;
        let mut scratch = self.pool.take(width);
        let mut converted = None;
        for job in &batch.jobs {
            let source = &batch.sources[job.source];
            let stored = source
                .converted
                .as_deref()
                .map(|all| &all[u * width..(u + 1) * width]);
            if stored.is_none() && converted != Some(job.source) {
                self.convert_digits(source, batch.level, u, &mut scratch);
                converted = Some(job.source);
            }
            let digit_limbs = stored.unwrap_or(&scratch);
            let term = |(j, d): (usize, &DigitTable)| {
                let digit = match own.filter(|i| d.limbs.contains(i)) {
                    Some(i) => source.values.limb(i),
                    None => &digit_limbs[j * n..(j + 1) * n],
                };
                let (first, second) = job.key.pair(self, u, j);
                KeyTerm {
                    digit,
                    first,
                    second,
                }
            };
            let terms: Vec<KeyTerm<'_>> = digits.iter().enumerate().map(term).collect();
            if !std::mem::replace(&mut is_begun[job.output], true) {
                has_terms[job.output] = begin(job.output, &mut outs[job.output]);
            }
            let [out0, out1] = &mut outs[job.output];
            for some in terms.chunks(MAX_TERMS) {
                let add = std::mem::replace(&mut has_terms[job.output], true);
                self.kernels.inner_product(
                    m,
                    [&mut **out0, &mut **out1],
                    some,
                    job.automorphism,
                    add,
                );
            }
            left[job.output] -= 1;
            if left[job.output] == 0 {
                finish(job.output, &mut outs[job.output]);
            }
        }
    }

    /// Adds what the jobs and the base add to an output on limb `i` of the chain.
    fn add_extras(&self, batch: &Batch<'_>, output: usize, i: usize, out: &mut [&mut [u64]; 2]) {
        let m = &self.moduli[i];
        for job in batch.jobs.iter().filter(|job| job.output == output) {
            for (sum, add) in out.iter_mut().zip(job.add) {
                match (add, job.automorphism) {
                    (Some(add), Some(p)) => self.kernels.permute_add(m, sum, add.limb(i), p),
                    (Some(add), None) => self.kernels.add_assign(m, sum, add.limb(i)),
                    (None, _) => {}
                }
            }
        }
        for (_, base) in batch.base.iter().filter(|(of, _)| *of == output) {
            for (sum, base) in out.iter_mut().zip(base) {
                self.kernels.add_assign(m, sum, base.limb(i));
            }
        }
    }

    /// Both parts of every output: the sum of its jobs and additions, divided by P (and by the last prime).
    pub(crate) fn switch(&self, batch: &Batch<'_>) -> Vec<Vec<Buf>> {
        let (n, special) = (self.degree(), self.special.len());
        let table = &self.levels[batch.level];
        let (drop, kept) = if batch.rescale {
            (&table.drop_special_and_last, batch.level)
        } else {
            (&table.drop_special, batch.level + 1)
        };
        let dropped = self.dropped_limbs(batch, drop);
        let quotients = self.quotients(batch.outputs, drop, &dropped);
        let remainders = Remainders {
            outputs: batch.outputs,
            drop,
            dropped,
            quotients,
        };
        // One result's dropped limbs stay in cache until its last limb; several results' do not.
        let is_ahead = batch.outputs > 1;
        let mut results = self.results(&remainders, kept, is_ahead);
        for_each_limb(&mut results, kept, n, |i, mut outs| {
            let begin = |o: usize, out: &mut [&mut [u64]; 2]| {
                for (p, x) in out.iter_mut().enumerate() {
                    if !is_ahead {
                        self.remainder(&remainders, (o, p), i, 0..n, x);
                    }
                    self.ntts[i].forward(x);
                }
                true
            };
            self.run_jobs(batch, special + i, &mut outs, begin, |o, out| {
                self.add_extras(batch, o, i, out);
                if batch.rescale {
                    let last = drop.last_inverse[i];
                    out.iter_mut()
                        .for_each(|x| self.kernels.scale(&self.moduli[i], x, last));
                }
            });
        });
        results
    }

    /// The limbs that a division drops, as lifted coefficients: per dropped prime, per output, per part.
    fn dropped_limbs(&self, batch: &Batch<'_>, drop: &DropTable) -> Buf {
        let (n, special, level) = (self.degree(), self.special.len(), batch.level);
        let width = 2 * batch.outputs * n;
        let mut dropped = self.pool.take(drop.lift.len() * width);
        for_limbs(&mut dropped, width, |s, block| {
            let u = if s < special { s } else { special + level };
            let (m, ntt) = self.extended(u);
            let mut outs: Vec<[&mut [u64]; 2]> = pairs(block, n).collect();
            self.run_jobs(
                batch,
                u,
                &mut outs,
                |_, _| false,
                |output, out| {
                    if s == special {
                        self.add_extras(batch, output, level, out);
                    }
                    for x in out {
                        ntt.inverse(x);
                        self.kernels.scale(m, x, drop.lift[s]);
                    }
                },
            );
        });
        dropped
    }
}
