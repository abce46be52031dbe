//! Key switching: what relinearization, rotation and linear maps are made of.
//!
//! The words, from small to large: a [`Switch`] is one part's digits times one key. A [`Sum`] is several switches that
//! are divided by P once. A [`Batch`] is several sums that are computed together. The work on a batch is cut the other
//! way, into rows: one limb of all its sums.

mod batch;
mod digits;
mod division;
mod limbs;
mod rows;
mod shared;
mod sums;

pub(crate) use batch::{Batch, Sum, Switch};
pub(crate) use limbs::Limbs;
