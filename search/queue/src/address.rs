//! Address: where the queue of a study lies.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::Error;

/// Name of the queue's file in a run folder.
pub const FILE: &str = "queue.sqlite";

/// Where a queue lies. Shown without user name and password.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// A SQLite file. All its users must run on one machine: SQLite's locks do not hold over network file systems.
    File(PathBuf),
    /// A PostgreSQL database, by its URL.
    Postgres(String),
}

impl Address {
    /// Reads `postgres://…`, `postgresql://…`, `sqlite://FILE`, or a folder, which stands for `queue.sqlite` in it.
    ///
    /// # Errors
    /// A URL of another scheme.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        if let Some(path) = text.strip_prefix("sqlite://") {
            return Ok(Self::File(PathBuf::from(path)));
        }
        match text.split_once("://") {
            Some((scheme, _)) => Err(Error::Address {
                scheme: scheme.to_owned(),
            }),
            None => Ok(Self::in_folder(Path::new(text))),
        }
    }

    /// Whether the address holds a password, which other users of a machine can read in its list of processes.
    pub fn names_password(&self) -> bool {
        let Self::Postgres(url) = self else {
            return false;
        };
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let user = place.rsplit_once('@').map_or("", |(user, _)| user);
        user.contains(':') || query.split('&').any(|part| part.starts_with("password="))
    }

    /// The queue in a run folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self::File(folder.join(FILE))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Postgres(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
                // What follows may name a password too.
                let place = place.split('?').next().unwrap_or(place);
                write!(f, "{scheme}://{place}")
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_by_scheme_and_shown_without_secrets() {
        for (text, shown) in [
            ("runs/digits", "runs/digits/queue.sqlite"),
            ("sqlite:///a/b.sqlite", "/a/b.sqlite"),
            (
                "postgres://me:se@cret@host:5433/db?password=x",
                "postgres://host:5433/db",
            ),
            ("postgresql://host/db", "postgresql://host/db"),
            (
                "postgres://host:5433/db?password=secret",
                "postgres://host:5433/db",
            ),
            ("postgres://me@host:5433/db", "postgres://host:5433/db"),
        ] {
            let address = Address::parse(text).expect(text);
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("cret"));
            assert_eq!(address.names_password(), text.contains("cret"), "{text}");
        }
        let error = Address::parse("mysql://host/db").expect_err("refused");
        assert!(error.to_string().contains("mysql"), "{error}");
    }
}
