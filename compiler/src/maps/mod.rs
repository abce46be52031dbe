//! Lowering of affine maps: from a map and two layouts to diagonals, and from those to baby and giant steps.
//!
//! Source of the diagonal method: Halevi and Shoup, "Algorithms in HElib" (CRYPTO 2014), section 4.3; of folding for
//! maps with few outputs: Juvekar, Vaikuntanathan and Chandrakasan, "GAZELLE" (USENIX Security 2018), section 4.2.
//! With operand positions `γ` of period `P`, result positions `ρ` of period `R` and `D = min(P, R)`, an entry lies on
//! diagonal `d = γ − ρ mod D`. If `R < P` the products of one diagonal add up to `P/R` partial sums, which `log2(P/R)`
//! rotations fold. Diagonals without entries do not exist.

mod choice;
mod footprint;
pub mod keys;
mod marks;
mod placed;
mod plan;
mod split;
mod steps;
mod ways;

pub use choice::{Beside, BlockMap, BlockSplit, Point, choose, curve};
pub use footprint::{Diagonal, Footprint, Footprints, Places, footprints};
pub use placed::{PlacedWeights, stored_weights};
pub use plan::{Operand, Plan, plan};
pub use split::{Split, StepCosts, Tally};
pub use ways::{TermDiagonals, links};

/// The step in `0..slots` that rotates by `by` slots (negative to the other side).
pub(crate) fn step(by: i64, slots: usize) -> u32 {
    by.rem_euclid(slots as i64) as u32
}

/// The steps whose rotations fold partial sums of period `widest` to `period`.
pub(crate) fn folds(period: u32, widest: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(period), |step| Some(step * 2)).take_while(move |s| *s < widest)
}
