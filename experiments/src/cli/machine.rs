//! How busy this machine is: what else runs makes measured times longer, which must be said beside them.

/// Runnable processes a core, over the last minute, from which on a measurement is remarked on: this one counts too.
const BUSY: f64 = 0.75;

/// Runnable processes over the last minute, where the system tells (Linux).
fn load() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// What a person must be told of a measurement that begins now; nothing on a quiet machine.
pub fn remark() -> Option<String> {
    of(load()?, crate::common::cores())
}

fn of(load: f64, cores: usize) -> Option<String> {
    let busy = load > 1.0 && load / cores as f64 > BUSY;
    busy.then(|| {
        format!(
            "the machine is busy: {load:.1} processes ran on {cores} cores over the last minute; measured times may be longer \
             than on a quiet one"
        )
    })
}

/// Says it on standard error, unless that is to stay quiet.
pub fn tell_unless(quiet: bool) {
    if let Some(remark) = remark().filter(|_| !quiet) {
        eprintln!("note: {remark}");
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn one_process_on_its_own_is_no_reason_for_a_remark() {
        for (load, cores, told) in [
            (0.2, 1, false),
            (1.0, 1, false),
            (1.4, 1, true),
            (1.4, 2, false),
            (1.6, 2, true),
            (11.0, 16, false),
            (13.0, 16, true),
        ] {
            assert_eq!(of(load, cores).is_some(), told, "{load} on {cores}");
        }
        assert!(of(8.0, 2).is_some_and(|told| told.contains("8.0") && told.contains("2 cores")));
    }
}
