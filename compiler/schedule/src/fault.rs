//! What a verifier says of a schedule: every fault, with the instruction and the layer that it is about.

use std::fmt;

/// Most faults that are kept.
const MAX_FAULTS: usize = 10_000;

/// Most faults that are shown.
const SHOWN: usize = 20;

/// One thing that is wrong with a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Position of the instruction, where it is about one.
    pub instruction: Option<usize>,
    /// Name of that instruction's layer, where it has one.
    pub layer: Option<String>,
    /// What is wrong, with both numbers.
    pub message: String,
}

/// Everything that is wrong with a schedule; not empty. The display shows the first 20. After 10,000 faults the rest is
/// only counted, in a last fault, so that a hostile file costs no more memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

/// The faults that a verifier has found so far.
#[derive(Default)]
pub(crate) struct Found {
    faults: Vec<Fault>,
    /// Faults beyond the most that are kept.
    left_out: usize,
}

impl Found {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// Adds a fault.
    pub(crate) fn push(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        } else {
            self.left_out += 1;
        }
    }

    /// Adds a fault that is about no single instruction.
    pub(crate) fn general(&mut self, message: String) {
        self.push(Fault {
            instruction: None,
            layer: None,
            message,
        });
    }

    /// Ends looking: all faults, if there are any.
    pub(crate) fn finish(self) -> Result<(), Faults> {
        let Self {
            mut faults,
            left_out,
        } = self;
        if left_out > 0 {
            faults.push(Fault {
                instruction: None,
                layer: None,
                message: format!("{left_out} further faults are left out"),
            });
        }
        match faults.is_empty() {
            true => Ok(()),
            false => Err(Faults(faults)),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.layer, self.instruction) {
            (Some(layer), Some(index)) => write!(f, "layer `{layer}`, instruction {index}: ")?,
            (None, Some(index)) => write!(f, "instruction {index}: ")?,
            (_, None) => {}
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, shown) = (self.0.len(), self.0.len().min(SHOWN));
        let noun = if count == 1 { "fault" } else { "faults" };
        write!(f, "the schedule has {count} {noun}:")?;
        for fault in &self.0[..shown] {
            write!(f, "\n  {fault}")?;
        }
        if shown < count {
            write!(f, "\n  and {} more", count - shown)?;
        }
        Ok(())
    }
}
