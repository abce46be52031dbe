//! The one error type of this crate.

use thiserror::Error;

/// Why a parameter set or a prime chain was refused.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ParamError {
    /// The ring degree is outside what the engine supports.
    #[error(
        "log_n is {log_n}, but the engine supports {min} to {max}; choose a value in that range"
    )]
    LogN {
        /// The degree asked for, as a power of two.
        log_n: u32,
        /// Smallest supported value.
        min: u32,
        /// Largest supported value.
        max: u32,
    },
    /// The chain has no prime at all.
    #[error("the chain has 0 primes, but at least 1 (the base prime) is needed; add one")]
    EmptyChain,
    /// More primes than the engine can index.
    #[error(
        "the chain has {count} primes ({what}), at most {max} are supported; use fewer, larger primes"
    )]
    TooMany {
        /// Which list: `moduli` or `special`.
        what: &'static str,
        /// Its length.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// A number in the chain is not a prime.
    #[error(
        "modulus {index} of {what} is {modulus}, which is not a prime; take primes from `ntt_primes`"
    )]
    NotPrime {
        /// Which list: `moduli` or `special`.
        what: &'static str,
        /// Position in that list.
        index: usize,
        /// The number.
        modulus: u64,
    },
    /// A prime does not allow a negacyclic transform of this degree.
    #[error(
        "modulus {index} of {what} is {modulus} = {residue} mod {order}, it must be 1 mod {order} (twice the ring degree); take primes from `ntt_primes({log_n}, ..)`"
    )]
    NotNttFriendly {
        /// Which list: `moduli` or `special`.
        what: &'static str,
        /// Position in that list.
        index: usize,
        /// The prime.
        modulus: u64,
        /// Its residue mod 2N.
        residue: u64,
        /// 2N.
        order: u64,
        /// log2 N.
        log_n: u32,
    },
    /// A prime is outside the range of the arithmetic kernels.
    #[error(
        "modulus {index} of {what} is {modulus}, the kernels need it between 2^{min_bits} and 2^{max_bits}; choose another size"
    )]
    OutOfRange {
        /// Which list: `moduli` or `special`.
        what: &'static str,
        /// Position in that list.
        index: usize,
        /// The prime.
        modulus: u64,
        /// log2 of the lower limit.
        min_bits: u32,
        /// log2 of the upper limit.
        max_bits: u32,
    },
    /// The same prime stands twice in the chain.
    #[error(
        "prime {modulus} occurs more than once in the chain; every modulus and special prime must differ"
    )]
    Repeated {
        /// The prime.
        modulus: u64,
    },
    /// The modulus exceeds the security table.
    #[error(
        "log2(QP) is {log_qp} bits, but at degree 2^{log_n} {level_bits}-bit security allows {limit} bits; use fewer or smaller primes, or a larger log_n"
    )]
    Insecure {
        /// log2(QP), rounded up.
        log_qp: u32,
        /// log2 N.
        log_n: u32,
        /// The level asked for, in bits.
        level_bits: u32,
        /// The table's limit.
        limit: u32,
    },
    /// The table has no entry for this degree and level.
    #[error(
        "the security table has no entry for degree 2^{log_n} at {level_bits} bits; choose log_n between {min} and {max}"
    )]
    NoTableEntry {
        /// log2 N.
        log_n: u32,
        /// The level asked for, in bits.
        level_bits: u32,
        /// Smallest tabulated degree.
        min: u32,
        /// Largest tabulated degree.
        max: u32,
    },
    /// The special primes are too small to switch keys even one limb at a time.
    #[error(
        "the special primes multiply to {special_bits:.1} bits, but modulus {index} alone has {modulus_bits:.1} bits; key switching needs special primes at least as large as a digit, so add or enlarge special primes"
    )]
    SpecialTooSmall {
        /// log2 of the product of the special primes.
        special_bits: f64,
        /// Which modulus does not fit.
        index: usize,
        /// log2 of that modulus.
        modulus_bits: f64,
    },
    /// No unused prime near the wanted size.
    #[error(
        "no unused prime = 1 mod {order} between 2^{low:.2} and 2^{high:.2} for position {index} ({bits} bits); ask for fewer primes of that size or another size"
    )]
    NoPrime {
        /// Position in the list of wanted sizes.
        index: usize,
        /// The wanted size.
        bits: u32,
        /// 2N.
        order: u64,
        /// log2 of the lower end of the search.
        low: f64,
        /// log2 of the upper end of the search.
        high: f64,
    },
    /// A wanted size cannot be served at this degree.
    #[error(
        "position {index} asks for a prime of {bits} bits, at degree 2^{log_n} sizes from {min} to {max} bits are possible"
    )]
    PrimeBits {
        /// Position in the list of wanted sizes.
        index: usize,
        /// The wanted size.
        bits: u32,
        /// log2 N.
        log_n: u32,
        /// Smallest size.
        min: u32,
        /// Largest size.
        max: u32,
    },
}
