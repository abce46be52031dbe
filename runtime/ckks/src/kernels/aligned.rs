//! A buffer of words aligned to cache lines, so that 512-bit loads never cross one.
#![allow(
    unsafe_code,
    reason = "viewing aligned blocks of words as one slice of words"
)]

use std::ops::{Deref, DerefMut};

use zeroize::Zeroize;

const WORDS: usize = 8;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u64; WORDS]);

/// `len` words, 64-byte aligned.
#[derive(Clone)]
pub(crate) struct AlignedBuf {
    lines: Vec<Line>,
    len: usize,
}

impl AlignedBuf {
    /// `len` zeros.
    pub(crate) fn zeroed(len: usize) -> Self {
        Self {
            lines: vec![Line([0; WORDS]); len.div_ceil(WORDS)],
            len,
        }
    }

    /// Words that fit without a new allocation.
    pub(crate) fn capacity(&self) -> usize {
        self.lines.len() * WORDS
    }

    /// Changes the visible length, within the capacity; the contents stay as they are.
    pub(crate) fn set_len(&mut self, len: usize) {
        assert!(len <= self.capacity());
        self.len = len;
    }
}

impl Deref for AlignedBuf {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        // SAFETY: `lines` holds at least `len` initialised words without padding (64-byte lines of eight
        // words), and u64 has a smaller alignment.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for AlignedBuf {
    fn deref_mut(&mut self) -> &mut [u64] {
        // SAFETY: as in `deref`; the exclusive borrow of self covers the lines.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl Zeroize for AlignedBuf {
    fn zeroize(&mut self) {
        self.len = self.capacity();
        self.deref_mut().zeroize();
    }
}
