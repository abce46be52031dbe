//! Plaintexts to vectors of real or complex numbers.

use super::ciphertext::{PlainData, Plaintext};
use super::compose::Composer;
use crate::context::{Complexes, Context};
use crate::error::Error;
use crate::parallel::for_limbs;

impl Context {
    /// The real parts of the slots.
    pub fn decode(&self, plaintext: &Plaintext) -> Result<Vec<f64>, Error> {
        Ok(self.decode_slots(plaintext)?.re)
    }

    /// The slots as (real parts, imaginary parts).
    pub fn decode_complex(&self, plaintext: &Plaintext) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let slots = self.decode_slots(plaintext)?;
        Ok((slots.re, slots.im))
    }

    fn decode_slots(&self, plaintext: &Plaintext) -> Result<Complexes, Error> {
        self.check_own("plaintext", plaintext.tag)?;
        let n = self.degree();
        let coefficients = match &plaintext.data {
            PlainData::Constant(residues) => {
                let mut all = vec![0.0; n];
                all[0] = Composer::new(&self.moduli[..residues.len()]).compose(|i| residues[i]);
                all
            }
            PlainData::Limbs(limbs) => {
                let mut limbs = limbs.clone();
                for_limbs(&mut limbs, n, |i, limb| {
                    let m = &self.moduli[i];
                    self.ntts[i].inverse(limb, m.to_mont(m.inv(n as u64)));
                });
                let composer = Composer::new(&self.moduli[..=plaintext.level]);
                let all = (0..n)
                    .map(|k| composer.compose(|i| limbs[i * n + k]))
                    .collect();
                limbs.wipe();
                all
            }
        };
        let (re, im) = coefficients.split_at(n / 2);
        let x = Complexes {
            re: re.to_vec(),
            im: im.to_vec(),
        };
        Ok(self.embedding.slots(x, 1.0 / plaintext.scale))
    }
}
