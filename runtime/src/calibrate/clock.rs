//! The clock of calibration: time that a thread has computed.

/// What this thread has computed so far, in microseconds. Time in which the system ran something else does not count,
/// so a busy machine disturbs a measurement little; on a quiet one differences equal those of the time on the wall.
#[cfg(target_os = "linux")]
pub fn thread_time_us() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// The time on the wall since the first call, in microseconds: this system does not say what a thread has computed.
#[cfg(not(target_os = "linux"))]
pub fn thread_time_us() -> f64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START
        .get_or_init(std::time::Instant::now)
        .elapsed()
        .as_secs_f64()
        * 1e6
}
