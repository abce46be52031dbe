//! Randomness: seeds for the library's generators, from a ChaCha20 generator that the operating system seeds.

use rand::rand_core::{Rng, SeedableRng, TryRng};
use rand_chacha::ChaCha20Rng;
use tfhe::core_crypto::commons::math::random::{Seed, Seeder};
use zeroize::Zeroizing;

use crate::Error;

/// Gives seeds of 128 bits.
pub(crate) struct OsSeeder(ChaCha20Rng);

impl OsSeeder {
    /// Seeded with 32 bytes from the operating system.
    pub fn new() -> Result<Self, Error> {
        let mut seed = Zeroizing::new([0u8; 32]);
        rand::rngs::SysRng
            .try_fill_bytes(seed.as_mut())
            .map_err(|error| Error::Randomness(error.to_string()))?;
        Ok(Self(ChaCha20Rng::from_seed(*seed)))
    }

    /// A fresh seed as bytes.
    pub fn bytes(&mut self) -> [u8; 16] {
        let mut bytes = [0u8; 16];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

impl Seeder for OsSeeder {
    fn seed(&mut self) -> Seed {
        Seed(u128::from_le_bytes(self.bytes()))
    }

    fn is_available() -> bool {
        true
    }
}
