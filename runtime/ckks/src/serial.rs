//! Bytes of parameters, keys and ciphertexts; see `bytes.rs` for the envelope.

use std::collections::BTreeMap;
use std::sync::Arc;

use hemet_ckks_params::{Parameters, Security, SecurityLevel};
use zeroize::Zeroizing;

use crate::bytes::{Kind, Reader, Writer, check_residues, fingerprint, packed_bytes, unpack_limb};
use crate::ciphertext::Ciphertext;
use crate::context::Context;
use crate::encrypt::SeededCiphertext;
use crate::error::{BytesError, Error};
use crate::galois::{Automorphism, conjugation_element, rotation_element};
use crate::kernels::{PADDING, Packed, packed_words};
use crate::keys::{
    EvaluationKeys, GaloisKey, PublicKey, RELINEARIZATION, SecretKey, SwitchingKey, key_stream,
};
use crate::parallel::map;
use crate::pool::Buf;
use crate::sampling::expand_uniform;

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
        let level = context.parameters.max_level();
        let mut writer = Writer::new(
            Kind::PublicKey,
            &context.fingerprint,
            32 + context.packed_chain(level),
        );
        writer.put(&self.seed);
        context.put_chain(&mut writer, &self.b);
        writer.finish()
    }

    /// Reads a key of this context's parameters.
    ///
    /// # Errors
    /// `Bytes` for anything else.
    pub fn from_bytes(context: &Context, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::open(Kind::PublicKey, bytes, Some(&context.fingerprint))?;
        let level = context.parameters.max_level();
        reader.check_rest(32 + context.packed_chain(level))?;
        let seed = reader.array()?;
        let b = context.take_chain(Kind::PublicKey, &mut reader, level)?;
        let a = context.expand_chain(&seed, level);
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

/// How conjugation is written in the list of steps; steps are below the slots.
const CONJUGATION: u32 = u32::MAX;

impl EvaluationKeys {
    /// The keys as bytes: a seed and half of each key.
    pub fn to_bytes(&self, context: &Context) -> Vec<u8> {
        let count = self.galois.len() + usize::from(self.relinearization.is_some());
        let payload = 40 + 4 * count + count * context.packed_key();
        let mut writer = Writer::new(Kind::EvaluationKeys, &context.fingerprint, payload);
        writer.put(&self.seed);
        writer.put(&u32::from(self.relinearization.is_some()).to_le_bytes());
        writer.put(&(self.galois.len() as u32).to_le_bytes());
        for key in self.galois.values() {
            let step = key.step.map_or(CONJUGATION, |step| step as u32);
            writer.put(&step.to_le_bytes());
        }
        let keys = self
            .relinearization
            .iter()
            .chain(self.galois.values().map(|key| &key.key));
        keys.for_each(|key| context.put_key(&mut writer, key));
        writer.finish()
    }

    /// Reads keys of this context's parameters and expands their uniform halves.
    ///
    /// # Errors
    /// `Bytes` for anything else; `NoSpecialPrimes` when the parameters allow no such keys.
    pub fn from_bytes(context: &Context, bytes: &[u8]) -> Result<Self, Error> {
        let kind = Kind::EvaluationKeys;
        let mut reader = Reader::open(kind, bytes, Some(&context.fingerprint))?;
        let slots = context.parameters.slots();
        let log_n = context.parameters.log_n();
        let seed: [u8; 32] = reader.array()?;
        let relinearizations = reader.number("number of relinearization keys", 0, 1)?;
        let count = reader.number("number of rotation keys", 0, slots)?;
        let all = relinearizations + count;
        if all > 0 && context.special.is_empty() {
            return Err(Error::NoSpecialPrimes);
        }
        reader.check_rest(4 * count + all * context.packed_key())?;
        let mut wanted: Vec<(u64, Option<i64>)> = (0..relinearizations)
            .map(|_| (RELINEARIZATION, None))
            .collect();
        for _ in 0..count {
            let step = reader.u32()?;
            wanted.push(match step {
                CONJUGATION => (conjugation_element(log_n), None),
                step if (1..slots).contains(&(step as usize)) => {
                    let step = i64::from(step);
                    (rotation_element(log_n, step), Some(step))
                }
                step => return Err(reader.field("a step", step, "1 to slots - 1").into()),
            });
        }
        let ascending = wanted.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if !ascending {
            return Err(reader
                .field("the order of steps", "wrong", "each key once, in order")
                .into());
        }
        let items = wanted
            .into_iter()
            .map(|(element, step)| Ok((element, step, reader.take(context.packed_key())?)))
            .collect::<Result<Vec<_>, BytesError>>()?;
        let keys = map(&items, |(element, _, packed)| {
            context.expand_key(&seed, *element, packed)
        });
        let mut relinearization = None;
        let mut galois = BTreeMap::new();
        for (&(element, step, _), key) in items.iter().zip(keys) {
            let key = key?;
            if element == RELINEARIZATION {
                relinearization = Some(key);
            } else {
                let automorphism = Arc::new(Automorphism::new(log_n, element));
                galois.insert(
                    element,
                    GaloisKey {
                        step,
                        key,
                        automorphism,
                    },
                );
            }
        }
        Ok(Self {
            seed,
            relinearization,
            galois,
            tag: context.tag(),
        })
    }
}

impl Context {
    /// Bytes that the evaluation keys of a request take when serialised.
    pub fn evaluation_key_bytes(&self, relinearize: bool, rotations: usize) -> usize {
        let count = rotations + usize::from(relinearize);
        44 + 32 + 40 + 4 * rotations + count * self.packed_key()
    }

    fn packed_chain(&self, level: usize) -> usize {
        self.moduli[..=level]
            .iter()
            .map(|m| packed_bytes(m.q, self.degree()))
            .sum()
    }

    fn packed_key(&self) -> usize {
        let all = self.special.iter().chain(&self.moduli);
        let one: usize = all.map(|m| packed_bytes(m.q, self.degree())).sum();
        self.parameters.digits() * one
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

    fn put_key(&self, writer: &mut Writer, key: &SwitchingKey) {
        for u in 0..self.special.len() + self.moduli.len() {
            for j in 0..key.digits {
                let packed = key.pair(self, u, j).0;
                writer.put_words(&packed.words[..packed.words.len() - PADDING]);
            }
        }
    }

    fn expand_key(
        &self,
        seed: &[u8; 32],
        element: u64,
        packed: &[u8],
    ) -> Result<SwitchingKey, BytesError> {
        let n = self.degree();
        let digits = self.parameters.digits();
        let mut words = self.pool.take(self.key_words());
        words[self.key_words() - PADDING..].fill(0);
        let mut limb = self.pool.take(n);
        let (mut rest, mut at) = (packed, 0);
        for u in 0..self.special.len() + self.moduli.len() {
            let m = self.extended(u).0;
            for j in 0..digits {
                let (now, later) = rest.split_at(packed_bytes(m.q, n));
                // The packed form in memory is that of the bytes; it is unpacked only to be checked.
                let length = packed_words(n, m.bits());
                for (word, bytes) in words[at..at + length]
                    .iter_mut()
                    .zip(now.as_chunks::<8>().0)
                {
                    *word = u64::from_le_bytes(*bytes);
                }
                let packed = Packed {
                    words: &words[at..at + length + PADDING],
                    bits: m.bits(),
                };
                self.kernels.unpack(&mut limb, packed);
                check_residues(Kind::EvaluationKeys, u, m, &limb)?;
                at += length;
                expand_uniform(seed, key_stream(element, u, j), m.q, &mut limb);
                self.kernels.pack(&mut words[at..], &limb, m.bits());
                at += packed_words(n, m.bits());
                rest = later;
            }
        }
        Ok(SwitchingKey { words, digits })
    }
}
