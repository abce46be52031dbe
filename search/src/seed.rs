//! Seed: the one number of an experiment, from which every random choice is derived by name.
//!
//! Derivation is a keyed hash (BLAKE3, O'Connor et al., 2020), so that streams of different names are independent
//! and a new name never shifts the stream of an old one.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A seed. Not for secrets: keys and noise take theirs from the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seed([u8; 32]);

impl Seed {
    /// The seed of an experiment.
    pub fn new(seed: u64) -> Self {
        Self(*blake3::hash(&seed.to_le_bytes()).as_bytes())
    }

    /// The seed of the purpose `name`, such as `weights`.
    pub fn derive(&self, name: &str) -> Self {
        Self(*blake3::keyed_hash(&self.0, name.as_bytes()).as_bytes())
    }

    /// Of an experiment's seed: that of the cut between training and validation images.
    pub fn validation(&self) -> Self {
        self.derive("validation")
    }

    /// Of an experiment's seed: that of the proposal of a trial.
    pub fn proposal(&self, trial: usize) -> Self {
        self.derive(&format!("trial/{trial}/propose"))
    }

    /// Of an experiment's seed: that of the training of a trial.
    pub fn training(&self, trial: usize) -> Self {
        self.derive(&format!("trial/{trial}/train"))
    }

    /// Of an experiment's seed: that of the teacher of a family of networks.
    pub fn teacher(&self, family: &str) -> Self {
        self.derive(&format!("teacher/{family}"))
    }

    /// A generator that starts from this seed.
    pub fn rng(&self) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn names_give_independent_streams_and_equal_names_equal_streams() {
        let seed = Seed::new(7);
        let draw = |s: Seed| s.rng().random::<u64>();
        assert_eq!(draw(seed.derive("a")), draw(Seed::new(7).derive("a")));
        assert_ne!(draw(seed.derive("a")), draw(seed.derive("b")));
        assert_ne!(draw(seed.derive("a")), draw(Seed::new(8).derive("a")));
        assert_ne!(seed.derive("a").derive("b"), seed.derive("a/b"));
    }
}
