//! Bytes and fingerprint of a parameter set.

use hemet_ckks_params::{Parameters, Security, SecurityLevel};

use super::{Kind, Reader, Writer};
use crate::error::Error;

/// Most primes that serialized parameters may list: what `Parameters` accepts at most.
const MAX_PRIMES: usize = 64;

/// Serializes a parameter set.
pub fn parameters_to_bytes(parameters: &Parameters) -> Vec<u8> {
    let mut writer = Writer::new(Kind::Parameters, &fingerprint(parameters), 1024);
    writer.put(&parameters.log_n().to_le_bytes());
    writer.put(&parameters.security().bits().to_le_bytes());
    for list in [parameters.moduli(), parameters.special()] {
        writer.put(&(list.len() as u32).to_le_bytes());
        list.iter().for_each(|q| writer.put(&q.to_le_bytes()));
    }
    writer.finish()
}

/// Reads a parameter set and checks it as [`Parameters::new`] does. A set marked insecure comes back insecure.
///
/// # Errors
/// `Bytes` for bytes that were not made by [`parameters_to_bytes`], `Parameters` for a set that is refused.
pub fn parameters_from_bytes(bytes: &[u8]) -> Result<Parameters, Error> {
    let mut reader = Reader::open(Kind::Parameters, bytes, None)?;
    let log_n = reader.u32()?;
    let security = reader.u32()?;
    let mut lists = [Vec::new(), Vec::new()];
    for list in &mut lists {
        let count = reader.number("number of primes", 0, MAX_PRIMES)?;
        for _ in 0..count {
            list.push(reader.u64()?);
        }
    }
    reader.check_rest(0)?;
    let [moduli, special] = lists;
    let level = match security {
        0 => Security::Insecure,
        128 => Security::Level(SecurityLevel::Bits128),
        192 => Security::Level(SecurityLevel::Bits192),
        256 => Security::Level(SecurityLevel::Bits256),
        other => return Err(reader.field("security", other, "0, 128, 192 or 256").into()),
    };
    let parameters = match level {
        Security::Insecure => Parameters::new_insecure(log_n, moduli, special)?,
        Security::Level(level) => Parameters::new(log_n, moduli, special, level)?,
    };
    reader.check_fingerprint(&fingerprint(&parameters))?;
    Ok(parameters)
}

/// The blake3 hash of a parameter set.
pub(crate) fn fingerprint(parameters: &Parameters) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"hemet-ckks parameters 1");
    hasher.update(&parameters.log_n().to_le_bytes());
    hasher.update(&parameters.security().bits().to_le_bytes());
    for list in [parameters.moduli(), parameters.special()] {
        hasher.update(&(list.len() as u64).to_le_bytes());
        for q in list {
            hasher.update(&q.to_le_bytes());
        }
    }
    *hasher.finalize().as_bytes()
}
