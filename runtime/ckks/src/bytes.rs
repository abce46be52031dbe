//! x
use hemet_ckks_params::Parameters;

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
