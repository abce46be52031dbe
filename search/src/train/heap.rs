//! Keeps freed memory in the process between training steps.
//!
//! A step frees all that it took, some megabytes, and glibc then hands the memory back to the system only to fault it
//! in again page by page in the next step: about a fifth of the time of a small network. glibc raises its thresholds
//! for that when a block that it had mapped is freed (mallopt(3), M_MMAP_THRESHOLD, "dynamic"): up to 32 MiB for
//! mapping and twice that for trimming. With another allocator this does nothing.

/// Just below the greatest block that raises the thresholds, its header included.
const BLOCK_BYTES: usize = (32 << 20) - (64 << 10);

/// Raises the thresholds; the block is never touched, so it costs two system calls and no memory.
pub(super) fn keep() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(BLOCK_BYTES)));
}
