//! Seals: what travels through a database carries a code by which its reader knows that a holder of the study's key
//! wrote it, for this purpose and no other.
//!
//! The code is BLAKE3's keyed hash (O'Connor et al., 2020) of purpose, study and text, each with its length. A
//! delivery's names the order that it answers, so the answer to one trial is none to another. Nothing is encrypted.

use std::fmt::Write;

use rand::Rng;

use crate::Error;

/// The greatest sealed text that is read, in bytes: weights of 50 million numbers.
pub const GREATEST_TEXT: usize = 1 << 28;

/// Characters of a code.
const CODE: usize = 64;

/// The key of a study. Whoever holds it can hand out orders and deliver weights.
#[derive(Clone)]
pub struct Key([u8; 32]);

/// What a text is.
#[derive(Clone, Copy, Debug)]
pub enum Purpose<'a> {
    /// What workers must know of a study.
    Record,
    /// A trial to train.
    Order,
    /// What a worker sends back for an order, the sealed text of which this is.
    Delivery(&'a str),
}

impl Key {
    /// A fresh key, from the operating system's generator.
    pub fn random() -> Self {
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        Self(key)
    }

    /// Reads [`Self::to_hex`] back; spaces around it do not matter.
    ///
    /// # Errors
    /// What is not 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Result<Self, Error> {
        let hash = blake3::Hash::from_hex(text.trim()).map_err(|_| Error::Key)?;
        Ok(Self(*hash.as_bytes()))
    }

    /// As 64 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        blake3::Hash::from(self.0).to_hex().to_string()
    }

    fn code(&self, purpose: Purpose<'_>, study: &str, text: &str) -> blake3::Hash {
        let (name, order) = match purpose {
            Purpose::Record => ("record", ""),
            Purpose::Order => ("order", ""),
            Purpose::Delivery(order) => ("delivery", order),
        };
        let mut hash = blake3::Hasher::new_keyed(&self.0);
        for part in ["hemet queue 1", name, study, order, text] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize()
    }

    /// The text with its code before it. Equal texts give equal results.
    pub fn seal(&self, purpose: Purpose<'_>, study: &str, text: &str) -> String {
        let mut sealed = String::with_capacity(CODE + 1 + text.len());
        // Writing to a string does not fail.
        let _ = write!(
            sealed,
            "{} {text}",
            self.code(purpose, study, text).to_hex()
        );
        sealed
    }

    /// The text in [`Self::seal`]'s result.
    ///
    /// # Errors
    /// A text that is too long, or that no holder of the key wrote for this purpose and study.
    pub fn open<'t>(
        &self,
        purpose: Purpose<'_>,
        study: &str,
        sealed: &'t str,
    ) -> Result<&'t str, Error> {
        if sealed.len() > GREATEST_TEXT {
            return Err(Error::TooLong {
                found: sealed.len() as u64,
                limit: GREATEST_TEXT as u64,
            });
        }
        let (code, text) = sealed.split_once(' ').ok_or(Error::Seal)?;
        let code = blake3::Hash::from_hex(code).map_err(|_| Error::Seal)?;
        // Compared in constant time.
        match code == self.code(purpose, study, text) {
            true => Ok(text),
            false => Err(Error::Seal),
        }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_opens_for_its_purpose_study_and_key_alone() {
        let (key, other) = (Key::random(), Key::random());
        let sealed = key.seal(Purpose::Delivery("an order"), "a", "text with spaces");
        let open = |key: &Key, purpose, study, sealed: &str| {
            key.open(purpose, study, sealed).map(str::to_owned).ok()
        };
        let good = open(&key, Purpose::Delivery("an order"), "a", &sealed);
        assert_eq!(good.as_deref(), Some("text with spaces"));
        let again = Key::from_hex(&format!(" {}\n", key.to_hex())).expect("hex");
        assert!(open(&again, Purpose::Delivery("an order"), "a", &sealed).is_some());
        for (key, purpose, study) in [
            (&other, Purpose::Delivery("an order"), "a"),
            (&key, Purpose::Delivery("another"), "a"),
            (&key, Purpose::Delivery("an order"), "b"),
            (&key, Purpose::Order, "a"),
            (&key, Purpose::Record, "a"),
        ] {
            assert_eq!(
                open(key, purpose, study, &sealed),
                None,
                "{purpose:?} {study}"
            );
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] ^= 1;
            let changed = String::from_utf8(changed).expect("ASCII");
            assert_eq!(
                open(&key, Purpose::Delivery("an order"), "a", &changed),
                None,
                "{at}"
            );
        }
        for text in ["", " ", "text", &sealed[..CODE], "é x"] {
            assert_eq!(open(&key, Purpose::Record, "a", text), None);
        }
        for hex in ["", "12", &"g".repeat(64)] {
            assert!(Key::from_hex(hex).is_err());
        }
        assert_eq!(format!("{key:?}"), "Key");
    }
}
