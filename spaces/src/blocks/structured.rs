//! The knobs by which the convolutions of a block leave out whole diagonals: what stands for them where they are not
//! given, and which values do not go together whatever is read.

use super::{List, Pair};
use crate::layer::{Seen, Taps};

pub(super) fn square() -> List<Taps> {
    List::one(Taps::Square)
}

pub(super) fn is_square(taps: &List<Taps>) -> bool {
    *taps == square()
}

pub(super) fn all() -> List<Seen> {
    List::one(Seen::ALL)
}

pub(super) fn is_all(seen: &List<Seen>) -> bool {
    *seen == all()
}

/// Refuses groups that do not divide a width.
pub(super) fn check_groups(groups: &[usize], widths: &[usize]) -> Result<(), String> {
    for groups in groups {
        if let Some(width) = widths.iter().find(|w| !w.is_multiple_of(*groups)) {
            return Err(format!(
                "groups {groups} do not divide width {width}; choose groups that do"
            ));
        }
    }
    Ok(())
}

/// Refuses a cross in a kernel of which it leaves nothing out: two options would be one network.
pub(super) fn check_taps(taps: &[Taps], kernels: &[Pair]) -> Result<(), String> {
    // Nothing is multiplied: sides come from a file, and nobody has bounded them yet.
    match kernels.iter().find(|kernel| kernel.0.contains(&1)) {
        Some(kernel) if taps.contains(&Taps::Cross) => Err(format!(
            "taps cross leave nothing out of a kernel of {kernel}; \
             offer that kernel in an option of its own, without `taps`"
        )),
        Some(_) | None => Ok(()),
    }
}
