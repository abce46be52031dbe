//! Secret keys of the client, seeded evaluation keys on the wire, and the server's keys ready to use.

use std::collections::BTreeMap;

use hemet_schedule::tfhe::{ParameterSet, SetId};
use tfhe::core_crypto::commons::math::random::Seed;
use tfhe::core_crypto::prelude::*;
use zeroize::Zeroizing;

use crate::Error;
use crate::random::OsSeeder;
use crate::spec::{Spec, set};

/// The two binary keys of one set, as numbers 0 and 1. Wiped on drop.
pub(crate) struct SecretKeys {
    pub small: Zeroizing<Vec<u64>>,
    pub big: Zeroizing<Vec<u64>>,
}

impl SecretKeys {
    pub fn generate(set: &ParameterSet, seeder: &mut OsSeeder) -> Self {
        let mut generator = SecretRandomGenerator::<DefaultRandomGenerator>::new(seeder.seed());
        let mut keys = Self {
            small: Zeroizing::new(vec![0; set.lwe_dimension]),
            big: Zeroizing::new(vec![0; set.big_dimension()]),
        };
        generate_binary_lwe_secret_key(
            &mut LweSecretKey::from_container(&mut keys.small[..]),
            &mut generator,
        );
        generate_binary_lwe_secret_key(
            &mut LweSecretKey::from_container(&mut keys.big[..]),
            &mut generator,
        );
        keys
    }
}

/// A seeded key: the seed of its masks and its bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seeded {
    pub seed: [u8; 16],
    pub bodies: Vec<u64>,
}

impl Seeded {
    fn compression_seed(&self) -> tfhe::core_crypto::commons::math::random::CompressionSeed {
        Seed(u128::from_le_bytes(self.seed)).into()
    }
}

/// What the server needs to evaluate: bootstrapping and key switching keys, seeded. Public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationKeys {
    pub(crate) spec: Spec,
    pub(crate) key_id: [u8; 16],
    /// In the order of the spec.
    pub(crate) bootstraps: Vec<Seeded>,
    /// In the order of the spec.
    pub(crate) keyswitches: Vec<Seeded>,
}

/// Numbers in the seeded keys of a spec, in its order: bootstraps, key switches.
pub(crate) fn key_lengths(spec: &Spec) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let bootstraps = spec
        .bootstraps
        .iter()
        .map(|name| Ok(set(name)?.get().bootstrap_key_bytes() as usize / 8));
    let keyswitches = spec
        .keyswitches
        .iter()
        .map(|(from, to)| Ok(set(to)?.get().keyswitch_key_bytes(set(from)?.get()) as usize / 8));
    Ok((
        bootstraps.collect::<Result<_, Error>>()?,
        keyswitches.collect::<Result<_, Error>>()?,
    ))
}

impl EvaluationKeys {
    /// Makes the keys that `spec` asks for.
    pub(crate) fn generate(
        spec: &Spec,
        key_id: [u8; 16],
        secrets: &BTreeMap<SetId, SecretKeys>,
        seeder: &mut OsSeeder,
    ) -> Result<Self, Error> {
        let missing = || Error::Spec("a set has no key".into());
        let mut bootstraps = Vec::new();
        for name in &spec.bootstraps {
            let id = set(name)?;
            bootstraps.push(bootstrap_key(
                id.get(),
                secrets.get(&id).ok_or_else(missing)?,
                seeder,
            ));
        }
        let mut keyswitches = Vec::new();
        for (from, to) in &spec.keyswitches {
            let (from, to) = (set(from)?, set(to)?);
            let source = &secrets.get(&from).ok_or_else(missing)?.big;
            let target = &secrets.get(&to).ok_or_else(missing)?.small;
            keyswitches.push(keyswitch_key(to.get(), source, target, seeder));
        }
        Ok(Self {
            spec: spec.clone(),
            key_id,
            bootstraps,
            keyswitches,
        })
    }

    /// The spec that they were made for.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Bytes of all keys as they travel, without the envelope.
    pub fn len_bytes(&self) -> usize {
        self.bootstraps
            .iter()
            .chain(&self.keyswitches)
            .map(|k| 8 * k.bodies.len() + 16)
            .sum()
    }
}

fn gaussian(std: f64) -> Gaussian<f64> {
    Gaussian::from_dispersion_parameter(StandardDev(std), 0.0)
}

fn bootstrap_key(set: &ParameterSet, secrets: &SecretKeys, seeder: &mut OsSeeder) -> Seeded {
    let small = LweSecretKey::from_container(&secrets.small[..]);
    let big = GlweSecretKey::from_container(&secrets.big[..], PolynomialSize(set.polynomial_size));
    let mut seeded = Seeded {
        seed: seeder.bytes(),
        bodies: vec![0; set.bootstrap_key_bytes() as usize / 8],
    };
    let compression_seed = seeded.compression_seed();
    let mut key = SeededLweBootstrapKey::from_container(
        &mut seeded.bodies[..],
        GlweDimension(set.glwe_dimension).to_glwe_size(),
        PolynomialSize(set.polynomial_size),
        DecompositionBaseLog(set.pbs_base_log),
        DecompositionLevelCount(set.pbs_level),
        compression_seed,
        CiphertextModulus::new_native(),
    );
    par_generate_seeded_lwe_bootstrap_key(&small, &big, &mut key, gaussian(set.glwe_std), seeder);
    seeded
}

fn keyswitch_key(set: &ParameterSet, from: &[u64], to: &[u64], seeder: &mut OsSeeder) -> Seeded {
    let mut seeded = Seeded {
        seed: seeder.bytes(),
        bodies: vec![0; from.len() * set.ks_level],
    };
    let compression_seed = seeded.compression_seed();
    let mut key = SeededLweKeyswitchKey::from_container(
        &mut seeded.bodies[..],
        DecompositionBaseLog(set.ks_base_log),
        DecompositionLevelCount(set.ks_level),
        LweDimension(set.lwe_dimension).to_lwe_size(),
        compression_seed,
        CiphertextModulus::new_native(),
    );
    let (from, to) = (
        LweSecretKey::from_container(from),
        LweSecretKey::from_container(to),
    );
    generate_seeded_lwe_keyswitch_key(&from, &to, &mut key, gaussian(set.lwe_std), seeder);
    seeded
}

/// A bootstrapping key ready to use: expanded and transformed.
pub(crate) fn expand_bootstrap_key(
    set: &ParameterSet,
    key: &Seeded,
) -> FourierLweBootstrapKeyOwned {
    let glwe_size = GlweDimension(set.glwe_dimension).to_glwe_size();
    let (base, level) = (
        DecompositionBaseLog(set.pbs_base_log),
        DecompositionLevelCount(set.pbs_level),
    );
    let size = PolynomialSize(set.polynomial_size);
    let seeded = SeededLweBootstrapKey::from_container(
        &key.bodies[..],
        glwe_size,
        size,
        base,
        level,
        key.compression_seed(),
        CiphertextModulus::new_native(),
    );
    let dimension = LweDimension(set.lwe_dimension);
    let mut standard = LweBootstrapKey::new(
        0u64,
        glwe_size,
        size,
        base,
        level,
        dimension,
        CiphertextModulus::new_native(),
    );
    par_decompress_seeded_lwe_bootstrap_key::<_, _, _, DefaultRandomGenerator>(
        &mut standard,
        &seeded,
    );
    let mut fourier = FourierLweBootstrapKey::new(dimension, glwe_size, size, base, level);
    par_convert_standard_lwe_bootstrap_key_to_fourier(&standard, &mut fourier);
    fourier
}

/// A key switching key ready to use: expanded.
pub(crate) fn expand_keyswitch_key(
    from: &ParameterSet,
    set: &ParameterSet,
    key: &Seeded,
) -> LweKeyswitchKeyOwned<u64> {
    let (base, level) = (
        DecompositionBaseLog(set.ks_base_log),
        DecompositionLevelCount(set.ks_level),
    );
    let small = LweDimension(set.lwe_dimension);
    let seeded = SeededLweKeyswitchKey::from_container(
        &key.bodies[..],
        base,
        level,
        small.to_lwe_size(),
        key.compression_seed(),
        CiphertextModulus::new_native(),
    );
    let big = LweDimension(from.big_dimension());
    let mut expanded = LweKeyswitchKey::new(
        0u64,
        base,
        level,
        big,
        small,
        CiphertextModulus::new_native(),
    );
    par_decompress_seeded_lwe_keyswitch_key::<_, _, _, DefaultRandomGenerator>(
        &mut expanded,
        &seeded,
    );
    expanded
}

/// Encrypts torus points under `key`: the seed of the masks, and the bodies.
pub(crate) fn encrypt(points: &[u64], key: &[u64], std: f64, seeder: &mut OsSeeder) -> Seeded {
    let mut seeded = Seeded {
        seed: seeder.bytes(),
        bodies: vec![0; points.len()],
    };
    let compression_seed = seeded.compression_seed();
    let mut list = SeededLweCiphertextList::from_container(
        &mut seeded.bodies[..],
        LweDimension(key.len()).to_lwe_size(),
        compression_seed,
        CiphertextModulus::new_native(),
    );
    let key = LweSecretKey::from_container(key);
    let points = PlaintextList::from_container(points);
    encrypt_seeded_lwe_ciphertext_list(&key, &mut list, &points, gaussian(std), seeder);
    seeded
}

/// The ciphertexts of a seeded list: `count` times `dimension + 1` numbers.
pub(crate) fn expand_list(list: &Seeded, dimension: usize) -> Vec<u64> {
    let seeded = SeededLweCiphertextList::from_container(
        &list.bodies[..],
        LweDimension(dimension).to_lwe_size(),
        list.compression_seed(),
        CiphertextModulus::new_native(),
    );
    seeded
        .par_decompress_into_lwe_ciphertext_list()
        .into_container()
}
