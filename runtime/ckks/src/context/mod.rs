//! Everything that is computed once for a parameter set.

mod checks;
mod embedding;
mod levels;
mod polynomials;
mod rings;

use std::sync::Arc;

use hemet_ckks_params::Parameters;

use crate::error::Error;
use crate::kernels::{Instructions, Kernels, packed_words};
use crate::message::Ciphertext;
use crate::modulus::Modulus;
use crate::ntt::Ntt;
use crate::pool::{Buf, Pool};

pub(crate) use checks::{check_degree, check_scales};
pub(crate) use embedding::{Complexes, Embedding};
pub(crate) use levels::{DigitTable, DropTable, LevelTable};
pub(crate) use rings::{RealRing, RealRings};

/// Precomputations for a parameter set, and every operation on plaintexts and ciphertexts.
///
/// Operations use the rayon pool that they are called in; in a pool of one thread they are sequential.
pub struct Context {
    pub(crate) parameters: Parameters,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) kernels: Kernels,
    /// The chain, base prime first.
    pub(crate) moduli: Vec<Modulus>,
    pub(crate) ntts: Vec<Ntt>,
    /// The special primes.
    pub(crate) special: Vec<Modulus>,
    pub(crate) special_ntts: Vec<Ntt>,
    pub(crate) embedding: Embedding,
    pub(crate) real_rings: RealRings,
    /// Constants of key switching and rescaling at each level.
    pub(crate) levels: Vec<LevelTable>,
    /// Words of a pair of packed limbs before each extended limb, for one digit; the last is the whole.
    pub(crate) key_starts: Vec<usize>,
    pub(crate) pool: Arc<Pool>,
}

impl Context {
    /// Precomputes for a parameter set, for the fastest instructions of this machine; takes some tens of milliseconds.
    pub fn new(parameters: Parameters) -> Arc<Self> {
        let fastest = Kernels::new(Instructions::fastest());
        Self::with_kernels(parameters, fastest.expect("`fastest` is available"))
    }

    /// As [`Context::new`] with given instructions: for comparisons. Results are the same, bit for bit.
    ///
    /// # Errors
    /// `Instructions` when this machine does not have them.
    pub fn with_instructions(
        parameters: Parameters,
        instructions: Instructions,
    ) -> Result<Arc<Self>, Error> {
        let kernels = Kernels::new(instructions).ok_or_else(|| Error::Instructions {
            wanted: instructions.name(),
            fastest: Instructions::fastest().name(),
        })?;
        Ok(Self::with_kernels(parameters, kernels))
    }

    fn with_kernels(parameters: Parameters, kernels: Kernels) -> Arc<Self> {
        let n = parameters.degree();
        let plan = |&q: &u64| {
            Ntt::new(n, q, kernels).expect("a Parameters holds primes that are 1 mod 2N only")
        };
        let moduli: Vec<Modulus> = parameters
            .moduli()
            .iter()
            .map(|&q| Modulus::new(q))
            .collect();
        let special: Vec<Modulus> = parameters
            .special()
            .iter()
            .map(|&p| Modulus::new(p))
            .collect();
        let levels = (0..moduli.len())
            .map(|level| LevelTable::new(&parameters, &moduli, &special, level))
            .collect();
        let mut key_starts = vec![0];
        for m in special.iter().chain(&moduli) {
            key_starts.push(key_starts[key_starts.len() - 1] + 2 * packed_words(n, m.bits()));
        }
        Arc::new(Self {
            key_starts,
            fingerprint: crate::bytes::fingerprint(&parameters),
            kernels,
            ntts: parameters.moduli().iter().map(plan).collect(),
            special_ntts: parameters.special().iter().map(plan).collect(),
            embedding: Embedding::new(parameters.log_n()),
            real_rings: RealRings::default(),
            moduli,
            special,
            levels,
            pool: Arc::new(Pool::default()),
            parameters,
        })
    }

    /// The parameter set.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The blake3 hash of the parameter set: equal for contexts that can exchange keys and ciphertexts.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// The instructions that the arithmetic uses.
    pub fn instructions(&self) -> Instructions {
        self.kernels.instructions()
    }

    /// One forward transform of the residues of a limb, the unit in which benchmarks express every other operation.
    ///
    /// # Errors
    /// `Level` when `limb` is outside the chain.
    pub fn transform_unit(&self, limb: usize, values: &mut [u64]) -> Result<(), Error> {
        self.check_level("transform_unit", limb)?;
        if values.len() != self.degree() {
            return Err(Error::TooManyValues {
                given: values.len(),
                slots: self.degree(),
            });
        }
        self.ntts[limb].forward(values);
        Ok(())
    }

    /// A short mark that objects carry, so that foreign ones are refused.
    pub(crate) fn tag(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.fingerprint[..8]);
        u64::from_le_bytes(first)
    }

    pub(crate) fn degree(&self) -> usize {
        self.parameters.degree()
    }

    /// Residue arithmetic and transform of extended limb `u`: special primes first, then the chain.
    pub(crate) fn extended(&self, u: usize) -> (&Modulus, &Ntt) {
        match u.checked_sub(self.special.len()) {
            None => (&self.special[u], &self.special_ntts[u]),
            Some(i) => (&self.moduli[i], &self.ntts[i]),
        }
    }

    pub(crate) fn ciphertext(&self, parts: Vec<Buf>, level: usize, scale: f64) -> Ciphertext {
        Ciphertext {
            parts,
            level,
            scale,
            tag: self.tag(),
        }
    }
}
