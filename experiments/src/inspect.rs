//! What can be said of an artifact without running it.

use hemet_ckks_params::{Parameters, Security};

/// Bits of security that parameters were checked for; 0 for insecure ones.
pub fn security_bits(parameters: &Parameters) -> u32 {
    match parameters.security() {
        Security::Level(level) => level.bits(),
        Security::Insecure => 0,
    }
}
