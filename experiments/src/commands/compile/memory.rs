//! Whether this machine's memory holds what compiling a network takes, told before any of it is taken.

use hemet_spaces::LayerGraph;

use crate::error::Error;

/// Compiling holds about so many bytes for each multiplication of a network: its maps, what they are merged into, and
/// values of simulated inputs (33 measured on three convolutions of 64 channels of 32x32).
const BYTES_A_PRODUCT: u64 = 40;

/// Refuses a network whose compilation does not fit into the memory that is free.
pub(super) fn check(graph: &LayerGraph) -> Result<(), Error> {
    match free() {
        Some(free) => fits(graph.statistics().macs, free),
        None => Ok(()),
    }
}

fn fits(products: u64, free: u64) -> Result<(), Error> {
    let needed = products.saturating_mul(BYTES_A_PRODUCT);
    if needed <= free {
        return Ok(());
    }
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    Err(Error::user(format!(
        "the network multiplies {products} pairs of numbers; compiling it takes about {:.1} GiB and {:.1} GiB of memory \
         are free: use a machine with more memory, or a network with fewer channels, a stride or groups",
        gib(needed),
        gib(free)
    )))
}

/// Bytes that programs can take now; none where the system does not say.
fn free() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn what_does_not_fit_is_refused_with_both_numbers() {
        assert!(fits(100_000_000, 4 << 30).is_ok());
        let error = fits(1_000_000_000, 4 << 30)
            .expect_err("too much")
            .to_string();
        assert!(
            error.contains("37.3 GiB") && error.contains("4.0 GiB"),
            "{error}"
        );
        assert!(fits(u64::MAX, u64::MAX - 1).is_err());
    }
}
