//! A buffer of words aligned to cache lines, so that 512-bit loads never cross one.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};

use zeroize::Zeroize;

/// Words of a cache line.
const WORDS: usize = 8;
const LINE_BYTES: usize = 64;

/// Lines of a page. Large allocations start at the same place of a page; what is read from many of them at the same
/// time would compete for a few places of the first-level cache, so each starts some lines later than the one before.
const PAGE: usize = 64;

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// `len` words, 64-byte aligned.
pub(crate) struct AlignedBuf {
    words: Vec<u64>,
    /// The first word in use.
    start: usize,
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
        // Zeros that the system gives are not written a second time.
        let words = match len {
            0 => Vec::new(),
            _ => vec![0; (lines + skew + 1) * WORDS],
        };
        let aligned = words.as_ptr().align_offset(LINE_BYTES).min(WORDS - 1);
        let start = (aligned + skew * WORDS).min(words.len());
        Self { words, start, len }
    }

    /// Words that fit without a new allocation.
    pub(crate) fn capacity(&self) -> usize {
        (self.words.len() - self.start) / WORDS * WORDS
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
        &self.words[self.start..self.start + self.len]
    }
}

impl DerefMut for AlignedBuf {
    fn deref_mut(&mut self) -> &mut [u64] {
        &mut self.words[self.start..self.start + self.len]
    }
}

impl Zeroize for AlignedBuf {
    fn zeroize(&mut self) {
        self.len = self.capacity();
        self.deref_mut().zeroize();
    }
}
