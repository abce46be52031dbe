//! Bytes of parameters, keys and ciphertexts; see `bytes.rs` for the envelope.

use hemet_ckks_params::{Parameters, Security, SecurityLevel};
use zeroize::Zeroizing;

use crate::bytes::{Kind, Reader, Writer, fingerprint, packed_bytes, unpack_limb};
use crate::ciphertext::Ciphertext;
use crate::context::Context;
use crate::encrypt::SeededCiphertext;
use crate::error::{BytesError, Error};
use crate::keys::{PublicKey, SecretKey};
use crate::pool::Buf;

/// Most primes that serialised parameters may list: what `Parameters` accepts at most.
const MAX_PRIMES: usize = 64;

/// Serialises a parameter set.
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

impl SecretKey {
    /// The key as bytes, wiped when dropped. **Whoever has them can decrypt.**
    pub fn to_bytes(&self, context: &Context) -> Zeroizing<Vec<u8>> {
        let n = self.coefficients.len();
        let mut writer = Writer::new(Kind::SecretKey, &context.fingerprint, n / 4);
        for four in self.coefficients.chunks(4) {
            let byte = four
                .iter()
                .rev()
                .fold(0, |byte, &c| byte << 2 | (c + 1) as u8);
            writer.put(&[byte]);
        }
        Zeroizing::new(writer.finish())
    }

    /// Reads a key of this context's parameters.
    ///
    /// # Errors
    /// `Bytes` for anything else.
    pub fn from_bytes(context: &Context, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::open(Kind::SecretKey, bytes, Some(&context.fingerprint))?;
        let n = context.degree();
        reader.check_rest(n / 4)?;
        let mut coefficients = Zeroizing::new(Vec::with_capacity(n));
        for &byte in reader.take(n / 4)? {
            coefficients.extend((0..4).map(|k| i64::from(byte >> (2 * k) & 3) - 1));
        }
        if coefficients.contains(&2) {
            return Err(reader.field("a coefficient", 2, "-1, 0 and 1").into());
        }
        Ok(Self::from_coefficients(context, coefficients))
    }
}

impl PublicKey {
    /// The key as bytes: a seed and one polynomial.
    pub fn to_bytes(&self, context: &Context) -> Vec<u8> {
        let payload = 32 + context.packed_public();
        let mut writer = Writer::new(Kind::PublicKey, &context.fingerprint, payload);
        writer.put(&self.seed);
        for (i, limb) in self.b.chunks(context.degree()).enumerate() {
            let m = context.extended(context.public_limb(i)).0;
            writer.put_limb(m.q, limb);
        }
        writer.finish()
    }

    /// Reads a key of this context's parameters.
    ///
    /// # Errors
    /// `Bytes` for anything else.
    pub fn from_bytes(context: &Context, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::open(Kind::PublicKey, bytes, Some(&context.fingerprint))?;
        reader.check_rest(32 + context.packed_public())?;
        let seed = reader.array()?;
        let n = context.degree();
        let mut b = context.pool.take(context.public_limbs() * n);
        for (i, limb) in b.chunks_mut(n).enumerate() {
            let m = context.extended(context.public_limb(i)).0;
            let bytes = reader.take(packed_bytes(m.q, n))?;
            unpack_limb(Kind::PublicKey, i, m, bytes, limb)?;
        }
        let a = context.expand_public(&seed);
        Ok(Self {
            seed,
            b,
            a,
            tag: context.tag(),
        })
    }
}

impl Ciphertext {
    /// The ciphertext as bytes.
    pub fn to_bytes(&self, context: &Context) -> Vec<u8> {
        let payload = 16 + self.parts.len() * context.packed_chain(self.level);
        let mut writer = Writer::new(Kind::Ciphertext, &context.fingerprint, payload);
        writer.put(&(self.parts.len() as u32).to_le_bytes());
        writer.put(&(self.level as u32).to_le_bytes());
        writer.put(&self.scale.to_bits().to_le_bytes());
        self.parts
            .iter()
            .for_each(|part| context.put_chain(&mut writer, part));
        writer.finish()
    }

    /// Reads a ciphertext of this context's parameters.
    ///
    /// # Errors
    /// `Bytes` for anything else.
    pub fn from_bytes(context: &Context, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::open(Kind::Ciphertext, bytes, Some(&context.fingerprint))?;
        let count = reader.number("number of parts", 2, 3)?;
        let level = reader.number("level", 0, context.parameters.max_level())?;
        let scale = reader.scale()?;
        reader.check_rest(count * context.packed_chain(level))?;
        let part = |_| context.take_chain(Kind::Ciphertext, &mut reader, level);
        let parts = (0..count).map(part).collect::<Result<Vec<_>, _>>()?;
        Ok(context.ciphertext(parts, level, scale))
    }
}

impl SeededCiphertext {
    /// The ciphertext as bytes: about half of an expanded one.
    pub fn to_bytes(&self, context: &Context) -> Vec<u8> {
        let payload = 44 + context.packed_chain(self.level);
        let mut writer = Writer::new(Kind::SeededCiphertext, &context.fingerprint, payload);
        writer.put(&(self.level as u32).to_le_bytes());
        writer.put(&self.scale.to_bits().to_le_bytes());
        writer.put(&self.seed);
        context.put_chain(&mut writer, &self.first);
        writer.finish()
    }

    /// Reads a seeded ciphertext of this context's parameters.
    ///
    /// # Errors
    /// `Bytes` for anything else.
    pub fn from_bytes(context: &Context, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::open(Kind::SeededCiphertext, bytes, Some(&context.fingerprint))?;
        let level = reader.number("level", 0, context.parameters.max_level())?;
        let scale = reader.scale()?;
        reader.check_rest(32 + context.packed_chain(level))?;
        let seed = reader.array()?;
        let first = context.take_chain(Kind::SeededCiphertext, &mut reader, level)?;
        Ok(Self {
            seed,
            first,
            level,
            scale,
            tag: context.tag(),
        })
    }
}

impl Context {
    fn packed_chain(&self, level: usize) -> usize {
        self.moduli[..=level]
            .iter()
            .map(|m| packed_bytes(m.q, self.degree()))
            .sum()
    }

    fn packed_public(&self) -> usize {
        (0..self.public_limbs())
            .map(|i| packed_bytes(self.extended(self.public_limb(i)).0.q, self.degree()))
            .sum()
    }

    fn put_chain(&self, writer: &mut Writer, limbs: &[u64]) {
        for (m, limb) in self.moduli.iter().zip(limbs.chunks(self.degree())) {
            writer.put_limb(m.q, limb);
        }
    }

    fn take_chain(
        &self,
        kind: Kind,
        reader: &mut Reader<'_>,
        level: usize,
    ) -> Result<Buf, BytesError> {
        let n = self.degree();
        let mut limbs = self.pool.take((level + 1) * n);
        for (i, limb) in limbs.chunks_mut(n).enumerate() {
            let m = &self.moduli[i];
            unpack_limb(kind, i, m, reader.take(packed_bytes(m.q, n))?, limb)?;
        }
        Ok(limbs)
    }
}
