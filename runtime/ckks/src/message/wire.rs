//! Bytes of ciphertexts; see `bytes/` for the envelope.

use super::ciphertext::{Ciphertext, SeededCiphertext};
use crate::bytes::{Kind, Reader, Writer, packed_bytes, unpack_limb};
use crate::context::Context;
use crate::error::{BytesError, Error};
use crate::pool::Buf;

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
