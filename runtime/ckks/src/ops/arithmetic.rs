//! Sums, products, rescaling and level drop.

use crate::context::{Context, check_degree, check_scales};
use crate::error::Error;
use crate::message::{Ciphertext, PlainData, Plaintext};
use crate::parallel::{for_limb_pairs, for_limb_triples, for_limbs};
use crate::pool::Buf;
use crate::switch::Limbs;

impl Context {
    /// `a + b`: same level, same scale (to 2^-40); degrees may differ.
    ///
    /// # Errors
    /// `LevelMismatch`, `ScaleMismatch`, `Foreign`.
    pub fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        let mut sum = a.clone();
        self.add_assign(&mut sum, b)?;
        Ok(sum)
    }

    /// `a += b`, as [`Context::add`].
    ///
    /// # Errors
    /// As [`Context::add`]; `a` is unchanged then.
    pub fn add_assign(&self, a: &mut Ciphertext, b: &Ciphertext) -> Result<(), Error> {
        self.check_pair("add", a, b)?;
        check_scales("add", a.scale, b.scale)?;
        for (i, part) in b.parts.iter().enumerate() {
            match a.parts.get_mut(i) {
                Some(sum) => for_limbs(sum, self.degree(), |i, limb| {
                    let range = i * limb.len()..(i + 1) * limb.len();
                    self.kernels.add_assign(&self.moduli[i], limb, &part[range]);
                }),
                None => a.parts.push(part.clone()),
            }
        }
        Ok(())
    }

    /// `a - b`, as [`Context::add`].
    ///
    /// # Errors
    /// As [`Context::add`].
    pub fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check_pair("sub", a, b)?;
        check_scales("sub", a.scale, b.scale)?;
        let mut difference = a.clone();
        for (i, part) in b.parts.iter().enumerate() {
            if i == difference.parts.len() {
                let mut zero = self.pool.take(part.len());
                zero.fill(0);
                difference.parts.push(zero);
            }
            for_limbs(&mut difference.parts[i], self.degree(), |i, limb| {
                let range = i * limb.len()..(i + 1) * limb.len();
                self.kernels.sub_assign(&self.moduli[i], limb, &part[range]);
            });
        }
        Ok(difference)
    }

    /// `-a`.
    ///
    /// # Errors
    /// `Foreign`.
    pub fn negate(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check_own("ciphertext", a.tag)?;
        let mut result = a.clone();
        for part in &mut result.parts {
            for_limbs(part, self.degree(), |i, limb| {
                self.kernels.negate(&self.moduli[i], limb)
            });
        }
        Ok(result)
    }

    /// `a + b` for a plaintext of the same level and scale.
    ///
    /// # Errors
    /// `LevelMismatch`, `ScaleMismatch`, `Foreign`.
    pub fn add_plain(&self, a: &Ciphertext, b: &Plaintext) -> Result<Ciphertext, Error> {
        self.check_plain("add_plain", a, b)?;
        check_scales("add_plain", a.scale, b.scale)?;
        let mut sum = a.clone();
        self.add_plain_limbs(&mut sum.parts[0], b);
        Ok(sum)
    }

    /// `a·b` for a plaintext of the same level; the scale is the product of both, no rescale.
    ///
    /// # Errors
    /// `LevelMismatch`, `Foreign`.
    pub fn mul_plain(&self, a: &Ciphertext, b: &Plaintext) -> Result<Ciphertext, Error> {
        self.check_plain("mul_plain", a, b)?;
        let n = self.degree();
        let mut parts: Vec<Buf>;
        match &b.data {
            PlainData::Limbs(values) => {
                parts = a.parts.iter().map(|p| self.pool.take(p.len())).collect();
                self.multiply_limbs(&mut parts, a, values, false);
            }
            PlainData::Constant(residues) => {
                parts = a.parts.clone();
                for part in &mut parts {
                    for_limbs(part, n, |i, limb| {
                        let m = &self.moduli[i];
                        self.kernels.scale(m, limb, m.to_mont(residues[i]));
                    });
                }
            }
        }
        Ok(self.ciphertext(parts, a.level, a.scale * b.scale))
    }

    /// `parts (+)= a·values`, two parts at a time: the values are prepared once for both.
    fn multiply_limbs(&self, parts: &mut [Buf], a: &Ciphertext, values: &[u64], add: bool) {
        let n = self.degree();
        for (targets, sources) in parts.chunks_mut(2).zip(a.parts.chunks(2)) {
            match (targets, sources) {
                ([d0, d1], [a0, a1]) => for_limb_pairs(d0, d1, n, |i, d0, d1| {
                    let range = i * n..(i + 1) * n;
                    let a = [&a0[range.clone()], &a1[range.clone()]];
                    self.kernels
                        .mul_pair(&self.moduli[i], [d0, d1], a, &values[range], add);
                }),
                ([d0], [a0]) => for_limbs(d0, n, |i, limb| {
                    let range = i * n..(i + 1) * n;
                    let (m, a, b) = (&self.moduli[i], &a0[range.clone()], &values[range]);
                    if add {
                        self.kernels.mul_add(m, limb, a, b);
                    } else {
                        self.kernels.mul(m, limb, a, b);
                    }
                }),
                _ => {}
            }
        }
    }

    /// `sum += a·b`: one step of a dot product with plaintexts; `sum` has the product's scale.
    ///
    /// # Errors
    /// `LevelMismatch`, `ScaleMismatch`, `Degree`, `Foreign`; `sum` is unchanged then.
    pub fn mul_plain_add(
        &self,
        sum: &mut Ciphertext,
        a: &Ciphertext,
        b: &Plaintext,
    ) -> Result<(), Error> {
        self.check_pair("mul_plain_add", sum, a)?;
        self.check_plain("mul_plain_add", a, b)?;
        check_scales("mul_plain_add", sum.scale, a.scale * b.scale)?;
        let PlainData::Limbs(values) = &b.data else {
            let product = self.mul_plain(a, b)?;
            sum.scale = product.scale;
            return self.add_assign(sum, &product);
        };
        if sum.parts.len() != a.parts.len() {
            let (given, expected) = (sum.degree(), a.degree());
            let (operation, advice) = ("mul_plain_add", "relinearize first");
            return Err(Error::Degree {
                operation,
                given,
                expected,
                advice,
            });
        }
        self.multiply_limbs(&mut sum.parts, a, values, true);
        Ok(())
    }

    /// `a·b` of degree 2 (not relinearized); the scale is the product of both, no rescale.
    ///
    /// # Errors
    /// `LevelMismatch`, `Degree` when an operand has degree 2, `Foreign`.
    pub fn multiply(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check_pair("multiply", a, b)?;
        check_degree("multiply", a)?;
        check_degree("multiply", b)?;
        let n = self.degree();
        let len = a.parts[0].len();
        let mut parts: Vec<Buf> = (0..3).map(|_| self.pool.take(len)).collect();
        if let [d0, d1, d2] = parts.as_mut_slice() {
            for_limb_triples([d0, d1, d2], n, |i, x| {
                let range = i * n..(i + 1) * n;
                let left = [&a.parts[0][range.clone()], &a.parts[1][range.clone()]];
                let right = [&b.parts[0][range.clone()], &b.parts[1][range]];
                self.kernels.tensor(&self.moduli[i], x, left, right);
            });
        }
        Ok(self.ciphertext(parts, a.level, a.scale * b.scale))
    }

    /// `a·a`, as [`Context::multiply`].
    ///
    /// # Errors
    /// As [`Context::multiply`].
    pub fn square(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.multiply(a, a)
    }

    /// Divides by the last prime of the level, with rounding: level and scale go down by it.
    ///
    /// # Errors
    /// `Level` at level 0, `Foreign`.
    pub fn rescale(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check_own("ciphertext", a.tag)?;
        self.check_rescalable("rescale", a.level)?;
        let parts = a
            .parts
            .iter()
            .map(|part| self.rescale_part(Limbs::of(part, self.degree()), a.level))
            .collect();
        let scale = a.scale / self.moduli[a.level].q as f64;
        Ok(self.ciphertext(parts, a.level - 1, scale))
    }

    /// Forgets the primes above `level`; the scale and the values stay.
    ///
    /// # Errors
    /// `Level` when `level` is above the ciphertext's, `Foreign`.
    pub fn level_drop(&self, a: &Ciphertext, level: usize) -> Result<Ciphertext, Error> {
        self.check_own("ciphertext", a.tag)?;
        if level > a.level {
            let advice = "a level can only go down";
            let (operation, given) = ("level_drop", level);
            return Err(Error::Level {
                operation,
                given,
                min: 0,
                max: a.level,
                advice,
            });
        }
        let len = (level + 1) * self.degree();
        let parts = a
            .parts
            .iter()
            .map(|part| Buf::copy_of(&self.pool, &part[..len]))
            .collect();
        Ok(self.ciphertext(parts, level, a.scale))
    }
}
