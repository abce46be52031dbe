//! Ids of studies: names that may become folders, so no other characters than `a-z`, `0-9`, `_` and `-` are in them.

use crate::Error;

/// Greatest length of an id.
const GREATEST: usize = 64;

/// Characters of the part that makes an id unique, with the `-` before it.
const UNIQUE: usize = 27;

/// Whether this is an id: 1 to 64 characters of `a-z`, `0-9`, `_` and `-`.
pub fn is_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    (1..=GREATEST).contains(&text.len()) && text.bytes().all(plain)
}

/// Refuses what is no id.
///
/// # Errors
/// [`Error::StudyId`].
pub fn check_id(text: &str) -> Result<(), Error> {
    match is_id(text) {
        true => Ok(()),
        false => Err(Error::StudyId {
            found: text.chars().take(2 * GREATEST).collect(),
        }),
    }
}

/// A fresh id for a study of this name.
pub fn new_id(name: &str) -> String {
    let plain = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' => c,
        _ => '-',
    };
    let name: String = name.chars().map(plain).take(GREATEST - UNIQUE).collect();
    format!("{name}-{}", ulid::Ulid::generate()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_ids_are_ids_whatever_the_name_and_no_path_is_one() {
        for name in ["digits", "My Net/2", "../..", "é", "", &"x".repeat(500)] {
            let id = new_id(name);
            assert!(is_id(&id), "{id}");
            assert_ne!(id, new_id(name));
        }
        let long = "x".repeat(65);
        for bad in [
            "", "..", ".", "/etc", "a/b", "a\\b", "A", "a b", "a\0", "é", &long,
        ] {
            let refused = check_id(bad).expect_err(bad).to_string();
            assert!(refused.contains("a-z"), "{refused}");
        }
    }
}
