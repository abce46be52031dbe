//! Keeps the memory that kernels free in the process between training steps.
//!
//! A step frees all that it took, up to some hundred megabytes, and glibc then hands the memory back to the system only
//! to fault it in again page by page in the next step: two fifths of the time of the network of
//! `examples/train_speed.rs`. With another allocator this does nothing.

/// Tells the allocator to keep what is freed, in every thread.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(
    unsafe_code,
    reason = "the allocator's settings are reached through C alone"
)]
pub(in crate::train) fn keep() {
    /// Free memory at the end of the heap above which it is given back.
    const TRIM: i32 = 1 << 30;
    /// Taken at once, and left when giving back. Above the 64 MiB that a heap of a further thread has at most, so
    /// that none of those is given back as a whole (glibc's `heap_trim`).
    const PAD: i32 = 128 << 20;
    /// Greatest block of the heap; greater ones are mapped alone. It is the most that glibc takes.
    const MAPPED: i32 = 32 << 20;
    let settings = [
        (libc::M_TRIM_THRESHOLD, TRIM),
        (libc::M_TOP_PAD, PAD),
        (libc::M_MMAP_THRESHOLD, MAPPED),
    ];
    for (setting, value) in settings {
        // SAFETY: mallopt takes any numbers, locks the heap itself, and leaves what it does not know as it was.
        unsafe { libc::mallopt(setting, value) };
    }
}

/// Another system's allocator has no such settings.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(in crate::train) fn keep() {}
