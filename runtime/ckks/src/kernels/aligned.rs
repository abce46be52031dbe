//! A buffer of words aligned to cache lines, so that 512-bit loads never cross one.
#![allow(
    unsafe_code,
    reason = "viewing aligned blocks of words as one slice of words"
)]

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};

use zeroize::Zeroize;

const WORDS: usize = 8;

/// Lines of a page. Large allocations start at the same place of a page; what is read from many of them at the same
/// time would compete for a few places of the first-level cache, so each starts some lines later than the one before.
const PAGE: usize = 64;

static NEXT: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u64; WORDS]);

/// `len` words, 64-byte aligned.
#[derive(Clone)]
pub(crate) struct AlignedBuf {
    lines: Vec<Line>,
    /// Lines before the first one in use.
    skew: usize,
    len: usize,
}

impl AlignedBuf {
    /// `len` zeros.
    pub(crate) fn zeroed(len: usize) -> Self {
        let lines = len.div_ceil(WORDS);
        let skew = if lines < PAGE {
            0
        } else {
            // Odd, so that all places come in turn.
            NEXT.fetch_add(27, Ordering::Relaxed) % PAGE
        };
        Self {
            lines: vec![Line([0; WORDS]); lines + skew],
            skew,
            len,
        }
    }

    /// Words that fit without a new allocation.
    pub(crate) fn capacity(&self) -> usize {
        (self.lines.len() - self.skew) * WORDS
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
        // SAFETY: `lines` holds at least `len` initialized words without padding (64-byte lines of eight
        // words), and u64 has a smaller alignment.
        unsafe { std::slice::from_raw_parts(self.lines[self.skew..].as_ptr().cast(), self.len) }
    }
}

impl DerefMut for AlignedBuf {
    fn deref_mut(&mut self) -> &mut [u64] {
        // SAFETY: as in `deref`; the exclusive borrow of self covers the lines.
        unsafe {
            std::slice::from_raw_parts_mut(self.lines[self.skew..].as_mut_ptr().cast(), self.len)
        }
    }
}

impl Zeroize for AlignedBuf {
    fn zeroize(&mut self) {
        self.len = self.capacity();
        self.deref_mut().zeroize();
    }
}
