//! What a store of keys can do that several servers share. Every method waits: none may be called where a task runs.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use crate::error::Refusal;
use crate::key_name::KeyName;
use crate::tenants::Tenant;

type Refused<T> = Result<T, Refusal>;

/// The store. What lies in it appears whole or not at all. A store that cannot be reached refuses with a time to come
/// back, and tells the operator why.
pub(crate) trait SharedStore: Send + Sync {
    /// Bytes of whole keys, where they are there.
    fn stored(&self, name: &KeyName) -> Refused<Option<u64>>;

    /// How far an upload has come.
    fn upload(&self, name: &KeyName) -> Refused<Upload>;

    /// Puts a piece of an upload of `total` bytes that begins at `start`.
    fn put_piece(&self, name: &KeyName, total: u64, start: u64, bytes: &[u8]) -> Refused<()>;

    /// Writes the pieces of an upload into a file, one after the other.
    fn join(&self, name: &KeyName, upload: &Upload, file: &mut File) -> Refused<()>;

    /// Writes whole keys into a file; whether there are any.
    fn fetch(&self, name: &KeyName, file: &mut File) -> Refused<bool>;

    /// Puts whole keys from a file.
    fn put_whole(&self, name: &KeyName, path: &Path) -> Refused<()>;

    /// Removes what has come of an upload; whether there was any.
    fn remove_upload(&self, name: &KeyName) -> Refused<bool>;

    /// Removes whole keys; whether there were any.
    fn remove_whole(&self, name: &KeyName) -> Refused<bool>;

    /// Removes whole keys that are not what their name says, and tells the operator.
    fn discard(&self, name: &KeyName) -> Refused<()>;

    /// The names of a tenant's whole keys for a binding.
    fn names(&self, tenant: &Tenant, binding: &str) -> Refused<Vec<String>>;

    /// What a tenant has in the store, or all tenants have.
    fn usage(&self, tenant: Option<&Tenant>) -> Refused<Usage>;

    /// Removes uploads of a tenant to which nothing was added for `age`.
    fn remove_stale(&self, tenant: &Tenant, now: Duration, age: Duration) -> Refused<()>;
}

/// How far an upload has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Upload {
    /// Bytes of the whole file; 0 where nothing has come.
    pub(crate) total: u64,
    /// Bytes that have come without a gap.
    pub(crate) received: u64,
    /// Where each piece of those begins.
    pub(crate) starts: Vec<u64>,
}

/// What a tenant, or all of them, have in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// Bytes of whole keys, and of uploads once they are whole.
    pub(crate) bytes: u64,
    /// Uploads that are not whole.
    pub(crate) uploads: usize,
}

/// A piece that is there.
pub(crate) struct Piece {
    /// Bytes of the whole file.
    pub(crate) total: u64,
    /// Its first byte.
    pub(crate) start: u64,
    pub(crate) bytes: u64,
}

impl Upload {
    /// How far pieces go without a gap. They are of one total, that of the first where servers disagree.
    pub(crate) fn of(pieces: impl Iterator<Item = Piece>) -> Self {
        let mut pieces: Vec<Piece> = pieces.collect();
        pieces.sort_by_key(|piece| (piece.total, piece.start));
        let mut upload = Self::default();
        for piece in pieces {
            if piece.start == 0 && upload.starts.is_empty() {
                upload.total = piece.total;
            }
            if piece.total == upload.total && piece.start == upload.received && piece.bytes > 0 {
                upload.starts.push(piece.start);
                upload.received += piece.bytes;
            }
        }
        upload
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_goes_as_far_as_its_pieces_have_no_gap() {
        let of = |pieces: &[(u64, u64, u64)]| {
            let upload = Upload::of(pieces.iter().map(|&(total, start, bytes)| Piece {
                total,
                start,
                bytes,
            }));
            (upload.total, upload.received, upload.starts.len())
        };
        assert_eq!(of(&[]), (0, 0, 0));
        assert_eq!(of(&[(10, 4, 6), (10, 0, 4)]), (10, 10, 2));
        assert_eq!(of(&[(10, 0, 4), (10, 5, 5)]), (10, 4, 1), "a gap");
        assert_eq!(of(&[(10, 4, 6)]), (0, 0, 0), "no beginning");
        // Another server wrote a shorter piece at the same place: what lies behind the gap is written again.
        assert_eq!(of(&[(10, 0, 2), (10, 4, 6)]), (10, 2, 1));
        assert_eq!(
            of(&[(10, 0, 4), (12, 0, 4), (12, 4, 8)]),
            (10, 4, 1),
            "two totals"
        );
    }
}
