//! What an observer of a run is told, and how an instruction is named in errors.

use hemet_schedule::{Instruction, Schedule};

use crate::error::RuntimeError;

/// Whether an instruction is about to run or has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before it.
    Begin,
    /// After it.
    End,
}

/// What an observer is told before and after each instruction; it measures times itself.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Before or after.
    pub moment: Moment,
    /// Position of the instruction.
    pub instruction: usize,
    /// Number of instructions.
    pub total: usize,
    /// The layer that it belongs to.
    pub layer: &'a str,
}

/// Called before and after each instruction, from the thread that runs it. Where instructions run side by side,
/// others may begin and end between the two calls.
pub type Observer<'a> = dyn FnMut(&Progress<'_>) + Send + 'a;

/// An observer that does nothing.
pub fn unobserved(_: &Progress<'_>) {}

/// The layer of an instruction.
pub(crate) fn layer_name<'a>(schedule: &'a Schedule, instruction: &Instruction) -> &'a str {
    let layer = schedule.header.layers.get(instruction.layer.0 as usize);
    layer.map_or("?", String::as_str)
}

/// An error with the instruction at which it happened.
pub(crate) fn at(schedule: &Schedule, index: usize, source: RuntimeError) -> RuntimeError {
    let Some(instruction) = schedule.instructions.get(index) else {
        return source;
    };
    RuntimeError::Instruction {
        instruction: index,
        op: instruction.op.name(),
        layer: layer_name(schedule, instruction).to_owned(),
        source: Box::new(source),
    }
}
