//! A secret under a passphrase: Argon2id makes a key of it (RFC 9106), AES-256-GCM encrypts the secret with that key
//! and binds it to what lies beside it in the file.
//!
//! The passphrase costs 64 MiB and three passes for each try (the second choice that RFC 9106 recommends). A salt is
//! drawn for every file, so no key is used for two files.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use argon2::{Algorithm, Argon2, Params};
use hemet_ckks::os_rng;
use hemet_files::sealed::{from_hex, hex};
use rand::Rng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Result, RuntimeError};

/// Fewest bytes of a new passphrase.
const SHORTEST: usize = 8;
/// Memory of a new lock, in KiB.
const MEMORY_KIB: u32 = 64 << 10;
/// Passes over it.
const PASSES: u32 = 3;
/// Most memory that a file may ask for, in KiB: 256 MiB.
const MOST_MEMORY_KIB: u32 = 256 << 10;
/// Most passes that a file may ask for.
const MOST_PASSES: u32 = 16;

/// A passphrase; wiped when dropped. It has no `Debug`.
#[derive(PartialEq, Eq)]
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// These bytes.
    ///
    /// # Errors
    /// No bytes.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Result<Self> {
        match bytes.is_empty() {
            true => Err(RuntimeError::Passphrase {
                reason: "it is empty".into(),
            }),
            false => Ok(Self(bytes)),
        }
    }

    /// Refuses one that is too short to lock a new secret with.
    ///
    /// # Errors
    /// Fewer than 8 bytes.
    pub fn check_new(&self) -> Result<()> {
        match self.0.len() {
            SHORTEST.. => Ok(()),
            got => Err(RuntimeError::Passphrase {
                reason: format!("it has {got} bytes, at least {SHORTEST} are needed"),
            }),
        }
    }
}

/// How a secret is locked, as it stands in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lock {
    /// Memory that a try takes, in KiB.
    memory_kib: u32,
    /// Passes over it.
    passes: u32,
    /// 16 random bytes in hexadecimal digits.
    salt: String,
    /// 12 random bytes in hexadecimal digits.
    nonce: String,
}

impl Lock {
    /// A lock with a new salt.
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub(super) fn new() -> Result<Self> {
        let (mut salt, mut nonce) = ([0; 16], [0; 12]);
        let mut rng = os_rng()?;
        rng.fill_bytes(&mut salt);
        rng.fill_bytes(&mut nonce);
        Ok(Self {
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            salt: hex(&salt),
            nonce: hex(&nonce),
        })
    }

    /// Encrypts a secret; `beside` can be read by anybody, and not changed.
    pub(super) fn close(
        &self,
        passphrase: &Passphrase,
        secret: &[u8],
        beside: &[u8],
    ) -> Result<Vec<u8>> {
        let (cipher, nonce) = self.cipher(passphrase)?;
        let payload = Payload {
            msg: secret,
            aad: beside,
        };
        let closed = cipher.encrypt(&Nonce::from(nonce), payload);
        closed.map_err(|_| malformed("the secret is too long to encrypt".into()))
    }

    /// Decrypts what [`Lock::close`] made.
    ///
    /// # Errors
    /// [`RuntimeError::WrongPassphrase`] for another passphrase or changed bytes, which look the same.
    pub(super) fn open(
        &self,
        passphrase: &Passphrase,
        closed: &[u8],
        beside: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let (cipher, nonce) = self.cipher(passphrase)?;
        let payload = Payload {
            msg: closed,
            aad: beside,
        };
        let secret = cipher.decrypt(&Nonce::from(nonce), payload);
        let secret = secret.map_err(|_| RuntimeError::WrongPassphrase)?;
        Ok(Zeroizing::new(secret))
    }

    /// The cipher under the passphrase, and its nonce.
    fn cipher(&self, passphrase: &Passphrase) -> Result<(Aes256Gcm, [u8; 12])> {
        for (what, got, most) in [
            ("KiB", self.memory_kib, MOST_MEMORY_KIB),
            ("passes", self.passes, MOST_PASSES),
        ] {
            if got > most {
                let reason = format!("its lock takes {got} {what}, at most {most} are allowed");
                return Err(malformed(reason));
            }
        }
        let nonce = from_hex(&self.nonce).ok_or_else(|| malformed("its nonce is none".into()))?;
        let salt: [u8; 16] =
            from_hex(&self.salt).ok_or_else(|| malformed("its salt is none".into()))?;
        let wrong = |e: argon2::Error| malformed(format!("its lock: {e}"));
        let params = Params::new(self.memory_kib, self.passes, 1, None).map_err(wrong)?;
        let function = Argon2::new(Algorithm::Argon2id, argon2::Version::V0x13, params);
        let mut key = Zeroizing::new([0; 32]);
        let made = function.hash_password_into(&passphrase.0, &salt, key.as_mut());
        made.map_err(wrong)?;
        Ok((Aes256Gcm::new(&(*key).into()), nonce))
    }
}

fn malformed(reason: String) -> RuntimeError {
    let what = "the locked secret";
    RuntimeError::Malformed { what, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(Zeroizing::new(text.as_bytes().to_vec())).unwrap()
    }

    /// A lock that takes no time.
    fn quick() -> Lock {
        Lock {
            memory_kib: 8,
            passes: 1,
            ..Lock::new().unwrap()
        }
    }

    #[test]
    fn a_secret_opens_under_its_passphrase_alone_and_unchanged_alone() {
        let (lock, right) = (quick(), passphrase("correct horse"));
        let closed = lock.close(&right, b"secret", b"label").unwrap();
        assert_eq!(*lock.open(&right, &closed, b"label").unwrap(), b"secret");
        let refused = |result: Result<Zeroizing<Vec<u8>>>| {
            assert!(matches!(result, Err(RuntimeError::WrongPassphrase)));
        };
        refused(lock.open(&passphrase("correct horsf"), &closed, b"label"));
        refused(lock.open(&right, &closed, b"labem"));
        refused(quick().open(&right, &closed, b"label"));
        for at in 0..closed.len() {
            let mut changed = closed.clone();
            changed[at] ^= 1;
            refused(lock.open(&right, &changed, b"label"));
            refused(lock.open(&right, &closed[..at], b"label"));
        }
    }

    #[test]
    fn a_lock_that_takes_too_much_is_refused_before_anything_is_computed() {
        for lock in [
            Lock {
                memory_kib: u32::MAX,
                ..quick()
            },
            Lock {
                passes: u32::MAX,
                ..quick()
            },
            Lock {
                memory_kib: 0,
                ..quick()
            },
            Lock {
                passes: 0,
                ..quick()
            },
            Lock {
                salt: "00".into(),
                ..quick()
            },
            Lock {
                nonce: "zz".repeat(12),
                ..quick()
            },
        ] {
            let said = lock.open(&passphrase("correct horse"), &[0; 40], b"");
            assert!(matches!(said, Err(RuntimeError::Malformed { .. })));
        }
    }

    #[test]
    fn an_empty_passphrase_is_none_and_a_short_one_locks_nothing_new() {
        assert!(Passphrase::new(Zeroizing::new(Vec::new())).is_err());
        let said = passphrase("1234567").check_new().unwrap_err().to_string();
        assert!(said.contains("7 bytes") && said.contains('8'), "{said}");
        assert!(passphrase("12345678").check_new().is_ok());
    }
}
