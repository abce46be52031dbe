//! `random`: architectures drawn evenly, none twice.

use hemet_spaces::Architecture;
use rand::RngExt;

use super::{Context, Strategy};
use crate::Seed;

/// Draws that may hit known architectures before the untried ones are listed.
const DRAWS: usize = 64;
/// Spaces up to this size are listed. In a larger one that many draws in a row only fail once nearly all of it is
/// tried.
const LISTABLE: u128 = 1 << 20;

pub(super) struct Random;

impl Strategy for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn about(&self) -> &'static str {
        "architectures drawn evenly from the space, none twice"
    }

    fn propose(&self, context: &Context<'_>, seed: Seed) -> Option<Architecture> {
        untried(context, seed)
    }
}

/// An architecture drawn evenly from those not tried yet; none when all of them are.
pub(super) fn untried(context: &Context<'_>, seed: Seed) -> Option<Architecture> {
    let mut rng = seed.rng();
    for _ in 0..DRAWS {
        let architecture = context.space.sample(&mut rng);
        if !context.is_tried(&architecture) {
            return Some(architecture);
        }
    }
    if context.space.size() > LISTABLE {
        return None;
    }
    let all = context.space.architectures();
    let mut untried: Vec<Architecture> = all.filter(|a| !context.is_tried(a)).collect();
    match untried.is_empty() {
        true => None,
        false => Some(untried.swap_remove(rng.random_range(0..untried.len()))),
    }
}
