//! The id of a piece of work.

/// The id of a piece of work: made from the study and what is asked, so that asking twice is asking once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TaskId([u8; 16]);

impl TaskId {
    /// Of what is asked in a study.
    pub fn of(study: &str, text: &str) -> Self {
        let mut hash = blake3::Hasher::new();
        hash.update(study.as_bytes())
            .update(&[0])
            .update(text.as_bytes());
        let mut id = [0; 16];
        hash.finalize_xof().fill(&mut id);
        Self(id)
    }

    fn ulid(self) -> ulid::Ulid {
        ulid::Ulid::from_bytes(self.0)
    }

    pub(crate) fn apalis(self) -> apalis::prelude::TaskId {
        apalis::prelude::TaskId::from_ulid(self.ulid())
    }
}

impl std::fmt::Display for TaskId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.ulid().fmt(f)
    }
}
