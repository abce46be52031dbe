//! What a schedule may ask of memory and time beyond its own length: a layout of a few bytes may stand for millions
//! of slots.
//!
//! The verifier takes every layout and every placed map from one budget, so that small files stay cheap however often
//! they repeat something. Real schedules need a small part of it: for images of 32x32 and a million weights, 3
//! million slots, half a million pairs of places and as many pairs of channels.

use super::Layout;

/// Most slots that the layouts of a schedule may take in all; of a batched layout, most elements.
pub const MAX_SLOTS: usize = 1 << 26;
/// Most pairs of places that the patterns of all placed maps may join.
pub const MAX_PLACES: usize = 1 << 22;
/// Most pairs of an input and an output channel of all placed maps, joined or not.
pub const MAX_PAIRS: usize = 1 << 26;

/// What is left of the limits.
pub(crate) struct Budget {
    /// Slots of a ciphertext.
    ciphertext: usize,
    slots: usize,
    places: usize,
    pairs: usize,
}

impl Budget {
    /// All of it, for ciphertexts of `slots` slots.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            ciphertext: slots,
            slots: MAX_SLOTS,
            places: MAX_PLACES,
            pairs: MAX_PAIRS,
        }
    }

    /// Checks a layout within the budget.
    pub(crate) fn layout(&mut self, layout: &Layout) -> Result<(), String> {
        let batched = layout.is_batched(self.ciphertext);
        let slots = match batched {
            true => layout.len(),
            false => layout.period as usize,
        };
        take(&mut self.slots, slots, MAX_SLOTS, "slots")?;
        layout.check()
    }

    /// Takes pairs of places.
    pub(crate) fn places(&mut self, count: usize) -> Result<(), String> {
        take(&mut self.places, count, MAX_PLACES, "pairs of places")
    }

    /// Takes pairs of channels.
    pub(crate) fn pairs(&mut self, count: usize) -> Result<(), String> {
        take(&mut self.pairs, count, MAX_PAIRS, "pairs of channels")
    }
}

fn take(left: &mut usize, count: usize, limit: usize, what: &str) -> Result<(), String> {
    match left.checked_sub(count) {
        Some(rest) => {
            *left = rest;
            Ok(())
        }
        None => Err(format!(
            "it takes {count} {what}, {left} of the {limit} of a whole schedule are left"
        )),
    }
}
