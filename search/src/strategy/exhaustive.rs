//! `exhaustive`: every architecture of the space once, the last gene running fastest.

use hemet_spaces::Architecture;

use super::{Context, Strategy};
use crate::Seed;

pub(super) struct Exhaustive;

impl Strategy for Exhaustive {
    fn name(&self) -> &'static str {
        "exhaustive"
    }

    fn about(&self) -> &'static str {
        "every architecture of the space once, in order; for small spaces"
    }

    fn propose(&self, context: &Context<'_>, _: Seed) -> Option<Architecture> {
        // Its own trials are the first ones in order, so the next is usually the one at this place.
        let mut all = context.space.architectures().skip(context.trials());
        all.next()
            .filter(|architecture| !context.is_tried(architecture))
            .or_else(|| {
                let mut all = context.space.architectures();
                all.find(|architecture| !context.is_tried(architecture))
            })
    }
}
