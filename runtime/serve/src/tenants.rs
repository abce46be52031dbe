//! Tenants: who may use the server, known by bearer tokens. A tenant never sees or uses the keys of another one.
//!
//! A file of tokens has a line `NAME TOKEN` for each; lines that begin with `#` say nothing. Tokens are kept as hashes
//! and compared in constant time.

use std::path::Path;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};

use crate::error::{Refusal, Result, ServeError};

/// Most bytes of a file of tokens.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Fewest characters of a token: 96 bits where each is one of 64.
const MIN_TOKEN: usize = 16;
const MAX_NAME: usize = 64;
/// Who uses a server without tokens.
const ANYBODY: &str = "anybody";
/// The tenant whose token reads the metrics, where there are tokens.
const METRICS: &str = "metrics";

/// Who sends a request: letters, digits, `-` and `_`, so that it can be the name of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Tenant(String);

impl Tenant {
    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

/// The tenants of a server, by the hashes of their tokens; none where anybody may use it.
pub(crate) struct Tenants(Vec<(Tenant, blake3::Hash)>);

impl Tenants {
    /// Anybody may use the server, as one tenant.
    pub(crate) fn anybody() -> Self {
        Self(Vec::new())
    }

    /// Those of a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let wrong = |what: String| ServeError::file(path, what);
        let bytes = std::fs::metadata(path).map_err(|e| wrong(e.to_string()))?;
        if bytes.len() > MAX_FILE_BYTES {
            let length = bytes.len();
            return Err(wrong(format!(
                "{length} bytes of tokens, at most {MAX_FILE_BYTES} are read"
            )));
        }
        let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
        Self::parse(&text).map_err(wrong)
    }

    fn parse(text: &str) -> std::result::Result<Self, String> {
        let mut tenants: Vec<(Tenant, blake3::Hash)> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let at = |what: &str| format!("line {}: {what}", index + 1);
            let words: Vec<&str> = line.split_whitespace().collect();
            let [name, token] = words[..] else {
                return Err(at("it must be a name and a token, with a space between"));
            };
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.len() > MAX_NAME || !name.chars().all(fits) {
                return Err(at(
                    "a name has up to 64 letters, digits, `-` and `_`; choose another",
                ));
            }
            if token.len() < MIN_TOKEN {
                return Err(at(
                    "the token has fewer than 16 characters; make one by `openssl rand -hex 24`",
                ));
            }
            let hash = blake3::hash(token.as_bytes());
            if tenants.iter().any(|(_, known)| *known == hash) {
                return Err(at("this token stands above already; give each its own"));
            }
            tenants.push((Tenant(name.to_owned()), hash));
        }
        match tenants.is_empty() {
            true => Err("no token stands here; write a line `NAME TOKEN` for each tenant".into()),
            false => Ok(Self(tenants)),
        }
    }

    /// Whether a token is needed.
    pub(crate) fn are_needed(&self) -> bool {
        !self.0.is_empty()
    }

    /// Who sends a request with these headers.
    pub(crate) fn of(&self, headers: &HeaderMap) -> std::result::Result<Tenant, Refusal> {
        if !self.are_needed() {
            return Ok(Tenant(ANYBODY.into()));
        }
        let given = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
        let token = given.and_then(|value| value.strip_prefix(b"Bearer "));
        let hash = blake3::hash(token.unwrap_or_default());
        // Every token is compared, each in constant time: how long it takes says nothing of any.
        let mut found = None;
        for (tenant, known) in &self.0 {
            if *known == hash {
                found = Some(tenant);
            }
        }
        found.cloned().ok_or_else(|| {
            Refusal::new(
                StatusCode::UNAUTHORIZED,
                "this server needs a token that it knows, as `Authorization: Bearer TOKEN`",
            )
        })
    }

    /// Refuses headers that may not read the metrics: where there are tokens, only the tenant `metrics` may.
    pub(crate) fn check_metrics(&self, headers: &HeaderMap) -> std::result::Result<(), Refusal> {
        match self.of(headers)? {
            tenant if self.are_needed() && tenant.name() != METRICS => Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "metrics tell of all tenants: only the token of the tenant `metrics` reads them",
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        headers
    }

    #[test]
    fn a_token_is_known_whole_and_by_its_scheme_only() {
        let text = "# clinics\nnorth 0123456789abcdef\n\nsouth fedcba9876543210\nmetrics 0000111122223333\n";
        let tenants = Tenants::parse(text).unwrap();
        let of = |value: &str| tenants.of(&headers(value)).map(|tenant| tenant.0);
        assert_eq!(of("Bearer 0123456789abcdef").unwrap(), "north");
        assert_eq!(of("Bearer fedcba9876543210").unwrap(), "south");
        for wrong in [
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdef0",
            "Basic 0123456789abcdef",
            "0123456789abcdef",
            "Bearer ",
            "",
        ] {
            let refusal = of(wrong).unwrap_err();
            assert_eq!(refusal.status, StatusCode::UNAUTHORIZED, "{wrong}");
        }
        assert!(tenants.of(&HeaderMap::new()).is_err());
        let metrics = |value: &str| tenants.check_metrics(&headers(value));
        assert!(metrics("Bearer 0000111122223333").is_ok());
        let refusal = metrics("Bearer 0123456789abcdef").unwrap_err();
        assert_eq!(refusal.status, StatusCode::FORBIDDEN);
    }

    #[test]
    fn a_file_of_tokens_that_cannot_be_meant_is_refused_by_line() {
        for (text, part) in [
            ("", "no token stands here"),
            ("# only a remark\n", "no token stands here"),
            ("north", "line 1: it must be a name and a token"),
            ("north a b", "line 1: it must be a name and a token"),
            (
                "ok 0123456789abcdef\n../up 0123456789abcdeg",
                "line 2: a name has",
            ),
            ("north short", "line 1: the token has fewer than 16"),
            (
                "a 0123456789abcdef\nb 0123456789abcdef",
                "line 2: this token stands above",
            ),
        ] {
            let said = Tenants::parse(text).err().unwrap();
            assert!(said.contains(part), "{text:?}: {said}");
        }
    }
}
