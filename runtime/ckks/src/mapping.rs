//! A file as words in memory, paged in by the operating system when they are read.
#![allow(
    unsafe_code,
    reason = "a mapped file is memory that the language does not watch"
)]

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A mapped file.
pub(crate) struct Mapping {
    map: memmap2::Mmap,
}

impl Mapping {
    /// Maps a whole file for reading. **The file must not be changed or cut while it is mapped**: words would change
    /// under a reader, and reading beyond the end of a cut file ends the process.
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        if cfg!(target_endian = "big") {
            let reason = "key files are little-endian, this machine is not; read them instead";
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
        }
        // SAFETY: the mapping is read-only and shared: what anybody writes to the file shows in it. So the bytes stay
        // as they are only while nobody writes to the file, which whoever calls the public function promises, as its
        // documentation demands; the operating system does not enforce it. Every bit pattern is a valid byte.
        let map = unsafe { memmap2::Mmap::map(file)? };
        Ok(Self { map })
    }

    /// Brings a range of bytes into memory at once, where the system can: one page at a time costs more. It is a hint.
    pub(crate) fn bring(&self, start: usize, length: usize) {
        #[cfg(target_os = "linux")]
        let _ = self
            .map
            .advise_range(memmap2::Advice::PopulateRead, start, length);
        #[cfg(not(target_os = "linux"))]
        let _ = (start, length);
    }

    /// All bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// The words in a range of bytes that starts at a multiple of 8; none if the range is not of the file or not of
    /// whole words.
    pub(crate) fn words(&self, range: Range<usize>) -> &[u64] {
        let bytes = self.map.get(range).unwrap_or(&[]);
        // SAFETY: every eight bytes are a u64.
        let (before, words, after) = unsafe { bytes.align_to::<u64>() };
        if before.is_empty() && after.is_empty() {
            words
        } else {
            &[]
        }
    }
}

/// Words of a mapped file.
#[derive(Clone)]
pub(crate) struct MappedRange {
    mapping: Arc<Mapping>,
    bytes: Range<usize>,
}

impl MappedRange {
    /// The words in a range of bytes, see [`Mapping::words`].
    pub(crate) fn new(mapping: &Arc<Mapping>, bytes: Range<usize>) -> Self {
        let mapping = Arc::clone(mapping);
        Self { mapping, bytes }
    }
}

impl Deref for MappedRange {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        self.mapping.words(self.bytes.clone())
    }
}
