//! CKKS parameter sets: prime chains and the security table, without the engine.
//!
//! ```
//! use hemet_ckks_params::{ntt_primes, Parameters, SecurityLevel};
//! let chain = ntt_primes(13, &[45, 30, 30, 30])?;
//! let special = ntt_primes(13, &[46])?;
//! let parameters = Parameters::new(13, chain, special, SecurityLevel::Bits128)?;
//! assert_eq!(parameters.slots(), 4096);
//! assert_eq!(parameters.max_level(), 3);
//! # Ok::<(), hemet_ckks_params::ParamError>(())
//! ```

mod error;
mod flooding;
mod parameters;
mod presets;
mod primes;
mod security;
mod special;

pub use error::ParamError;
pub use flooding::{flooding_ratio, hidden_bits};
pub use parameters::{Parameters, digit_ranges};
pub use presets::Preset;
pub use primes::{MAX_PRIME_BITS, is_prime, ntt_primes};
pub use security::{Attacks, Security, SecurityLevel, SecurityRow, max_log_qp};
pub use special::{SpecialChoice, digits_share, full_margin_bits, special_choices, special_sizes};
