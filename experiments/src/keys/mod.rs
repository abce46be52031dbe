//! A client's keys on its disk: pairs of `client.key` and `server.keys`, each in a folder of its own, and until when
//! they are used.

pub mod make;
mod pair;

use std::time::{Duration, SystemTime};

use hemet_runtime::Note;

use crate::cli::date;
use crate::error::Error;

pub use pair::{KeyPair, Listed};

/// Seconds of a day.
pub const DAY_S: u64 = 86_400;

/// Seconds since 1 January 1970.
pub fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// A moment as `2026-11-21T12:29:38Z`.
pub fn told(seconds: u64) -> String {
    // Beyond the year 9999 a date is no sensible one.
    date::utc(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(253_402_300_799)))
}

/// Refuses a key whose time is over.
///
/// # Errors
/// Both dates.
pub fn check_expiry(note: &Note, now_s: u64) -> Result<(), Error> {
    match note.expires_s {
        Some(expires_s) if expires_s <= now_s => Err(Error::user(format!(
            "the key expired at {}, it is {} now; make a new pair (hemet keys rotate), and give the server its half",
            told(expires_s),
            told(now_s)
        ))),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_used_until_it_expires_and_not_from_then_on() {
        let note = |expires_s| Note {
            expires_s,
            ..Note::default()
        };
        assert!(check_expiry(&note(None), u64::MAX).is_ok());
        assert!(check_expiry(&note(Some(100)), 99).is_ok());
        let said = check_expiry(&note(Some(951_782_400)), 1_000_000_000);
        let said = said.unwrap_err().to_string();
        for date in ["2000-02-29T00:00:00Z", "2001-09-09T01:46:40Z"] {
            assert!(said.contains(date), "{said}");
        }
        assert!(check_expiry(&note(Some(u64::MAX)), u64::MAX).is_err());
    }
}
