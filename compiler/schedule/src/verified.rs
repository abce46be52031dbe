//! A schedule that its verifier has accepted: the type that runtimes ask for.

use std::ops::Deref;

/// A schedule that the verifier of its scheme has accepted; it cannot be changed any more.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified<S>(S);

impl<S> Verified<S> {
    /// For verifiers only.
    pub(crate) fn accept(schedule: S) -> Self {
        Self(schedule)
    }

    /// The schedule.
    pub fn schedule(&self) -> &S {
        &self.0
    }

    /// The schedule, to change it and verify it again.
    pub fn into_schedule(self) -> S {
        self.0
    }
}

impl<S> Deref for Verified<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}
