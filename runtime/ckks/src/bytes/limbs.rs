//! Limbs packed to the bits of their modulus.

use super::{Kind, Writer};
use crate::error::BytesError;
use crate::modulus::Modulus;

impl Writer {
    /// Appends a limb, packed.
    pub(crate) fn put_limb(&mut self, q: u64, limb: &[u64]) {
        let bits = bits_of(q);
        let (mut word, mut filled) = (0u128, 0);
        for &residue in limb {
            word |= u128::from(residue) << filled;
            filled += bits;
            if filled >= 64 {
                self.bytes.extend_from_slice(&(word as u64).to_le_bytes());
                word >>= 64;
                filled -= 64;
            }
        }
    }
}

fn bits_of(q: u64) -> u32 {
    64 - q.leading_zeros()
}

/// Bytes of a packed limb of `n` residues (a multiple of 64).
pub(crate) fn packed_bytes(q: u64, n: usize) -> usize {
    bits_of(q) as usize * n / 8
}

/// Unpacks a limb of the exact packed size and checks every residue.
pub(crate) fn unpack_limb(
    kind: Kind,
    index: usize,
    m: &Modulus,
    bytes: &[u8],
    limb: &mut [u64],
) -> Result<(), BytesError> {
    let bits = bits_of(m.q);
    let mask = (1u64 << bits) - 1;
    let (mut word, mut filled) = (0u128, 0);
    let mut words = bytes.as_chunks::<8>().0.iter();
    for residue in limb.iter_mut() {
        if filled < bits {
            let next = words.next().map_or(0, |chunk| u64::from_le_bytes(*chunk));
            word |= u128::from(next) << filled;
            filled += 64;
        }
        *residue = word as u64 & mask;
        word >>= bits;
        filled -= bits;
    }
    check_residues(kind, index, m, limb)
}

/// Checks that every residue of a limb is below its modulus.
pub(crate) fn check_residues(
    kind: Kind,
    index: usize,
    m: &Modulus,
    limb: &[u64],
) -> Result<(), BytesError> {
    if limb.iter().fold(0, |largest, &x| x.max(largest)) < m.q {
        return Ok(());
    }
    let position = limb.iter().position(|&x| x >= m.q).unwrap_or(0);
    let (residue, modulus) = (limb[position], m.q);
    Err(BytesError::Residue {
        kind: kind.name(),
        limb: index,
        position,
        residue,
        modulus,
    })
}

#[cfg(test)]
mod tests {
    use super::super::HEADER;
    use super::*;

    #[test]
    fn packed_limbs_come_back_and_large_residues_are_refused() {
        for q in [
            786_433u64,
            1_073_479_681,
            1_099_510_054_913,
            1_125_899_906_826_241,
        ] {
            let m = Modulus::new(q);
            let limb: Vec<u64> = (0..64u64)
                .map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % q)
                .collect();
            let mut writer = Writer::new(Kind::Ciphertext, &[0; 32], 0);
            writer.put_limb(q, &limb);
            let packed = &writer.bytes[HEADER..];
            assert_eq!(packed.len(), packed_bytes(q, 64));
            let mut back = vec![0; 64];
            unpack_limb(Kind::Ciphertext, 0, &m, packed, &mut back).unwrap();
            assert_eq!(back, limb);
            let ones = vec![0xff; packed.len()];
            let error = unpack_limb(Kind::Ciphertext, 3, &m, &ones, &mut back).unwrap_err();
            assert!(matches!(
                error,
                BytesError::Residue {
                    limb: 3,
                    position: 0,
                    ..
                }
            ));
        }
    }
}
