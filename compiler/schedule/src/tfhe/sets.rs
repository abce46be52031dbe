//! The parameter sets: those that the library `tfhe` publishes, with their names.
//!
//! Source: tfhe 1.8, `shortint::parameters::v1_4`, Gaussian, 132 bits of security (classical, lattice estimator),
//! binary keys, failure 2^-128 for `message + carry` bits at their stated norm. The set `m_c` has `m` message and `c`
//! carry bits. Here a set is used for what it is, dimensions and noise: [`crate::tfhe::noise`] finds the failure
//! probability at the number of boxes and the norm that a network has, which need not be those of the set's name.

use std::fmt;

/// Bits of security that every set of [`SETS`] is published with.
pub const SECURITY_BITS: u32 = 132;

/// Dimensions, decompositions and noise of one published set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParameterSet {
    /// Short name: message bits, underscore, carry bits.
    pub name: &'static str,
    /// Dimension of the small LWE key, `n`.
    pub lwe_dimension: usize,
    /// Polynomials of the GLWE key, `k`.
    pub glwe_dimension: usize,
    /// Degree of the polynomials, `N`.
    pub polynomial_size: usize,
    /// Standard deviation of fresh noise under the small key, in turns.
    pub lwe_std: f64,
    /// Standard deviation of fresh noise under the big key, in turns.
    pub glwe_std: f64,
    /// Base (log2) of the decomposition in the bootstrap.
    pub pbs_base_log: usize,
    /// Levels of the decomposition in the bootstrap.
    pub pbs_level: usize,
    /// Base (log2) of the decomposition in key switches to the small key.
    pub ks_base_log: usize,
    /// Levels of the decomposition in key switches to the small key.
    pub ks_level: usize,
}

impl ParameterSet {
    /// Dimension of the big LWE key, `k·N`.
    pub fn big_dimension(&self) -> usize {
        self.glwe_dimension * self.polynomial_size
    }

    /// Bytes of the seeded (compressed) bootstrapping key.
    pub fn bootstrap_key_bytes(&self) -> u64 {
        (self.lwe_dimension * self.pbs_level * (self.glwe_dimension + 1) * self.polynomial_size * 8)
            as u64
    }

    /// Bytes of the seeded (compressed) key that switches from the big key of `from` to the small key of `self`.
    pub fn keyswitch_key_bytes(&self, from: &Self) -> u64 {
        (from.big_dimension() * self.ks_level * 8) as u64
    }
}

/// A set of [`SETS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetId(u8);

impl SetId {
    /// All sets, from cheap to dear.
    pub fn all() -> impl Iterator<Item = SetId> {
        (0..SETS.len() as u8).map(SetId)
    }

    /// The set with this name.
    pub fn find(name: &str) -> Option<Self> {
        SETS.iter()
            .position(|set| set.name == name)
            .map(|index| Self(index as u8))
    }

    /// Its parameters.
    pub fn get(self) -> &'static ParameterSet {
        &SETS[usize::from(self.0)]
    }
}

impl fmt::Display for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get().name)
    }
}

const fn set(
    name: &'static str,
    n_k_size: [usize; 3],
    std: [f64; 2],
    decompositions: [usize; 4],
) -> ParameterSet {
    ParameterSet {
        name,
        lwe_dimension: n_k_size[0],
        glwe_dimension: n_k_size[1],
        polynomial_size: n_k_size[2],
        lwe_std: std[0],
        glwe_std: std[1],
        pbs_base_log: decompositions[0],
        pbs_level: decompositions[1],
        ks_base_log: decompositions[2],
        ks_level: decompositions[3],
    }
}

/// Fresh noise of GLWE keys of dimension 2048, and of dimension 4096 and more.
const GLWE_2048: f64 = 2.845267479601915e-15;
const GLWE_4096: f64 = 2.168404344971009e-19;

/// The published sets that networks can use.
pub const SETS: &[ParameterSet] = &[
    set(
        "1_0",
        [747, 6, 256],
        [1.5944604865450687e-05, 1.9524392655548086e-11],
        [17, 1, 4, 3],
    ),
    set(
        "2_0",
        [846, 3, 512],
        [2.889344520786227e-06, 1.9524392655548086e-11],
        [17, 1, 5, 3],
    ),
    set(
        "1_1",
        [837, 4, 512],
        [3.3747142481837397e-06, GLWE_2048],
        [23, 1, 5, 3],
    ),
    set(
        "1_2",
        [885, 2, 1024],
        [1.4742441118914234e-06, GLWE_2048],
        [23, 1, 5, 3],
    ),
    set(
        "2_2",
        [866, 1, 2048],
        [2.046151696979124e-06, GLWE_2048],
        [23, 1, 3, 5],
    ),
    set(
        "1_3",
        [904, 1, 2048],
        [1.0621869847945622e-06, GLWE_2048],
        [23, 1, 3, 6],
    ),
    set(
        "4_1",
        [935, 1, 4096],
        [6.221794297398788e-07, GLWE_4096],
        [23, 1, 3, 6],
    ),
    set(
        "2_3",
        [930, 1, 4096],
        [6.782362904013915e-07, GLWE_4096],
        [15, 2, 3, 6],
    ),
    set(
        "3_3",
        [1006, 1, 8192],
        [1.8277101294215978e-07, GLWE_4096],
        [15, 2, 3, 7],
    ),
    set(
        "5_2",
        [1055, 1, 16384],
        [7.84777675974155e-08, GLWE_4096],
        [15, 2, 2, 11],
    ),
];
