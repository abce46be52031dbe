//! Printing the text form.

use std::fmt::Write;

use hemet_ckks_params::Security;

use super::VERSION;
use crate::ckks::{ConstantId, Header, Instruction, LinearPlan, Op, Schedule};

/// The text form of a schedule. For a valid schedule the parser gives it back.
pub fn print(schedule: &Schedule) -> String {
    let mut out = String::new();
    write_schedule(&mut out, schedule).expect("writing to a string does not fail");
    out
}

fn write_schedule(out: &mut String, schedule: &Schedule) -> std::fmt::Result {
    write_header(out, &schedule.header)?;
    let layers = &schedule.header.layers;
    let (mut current, mut declared) = (None, 0);
    for instruction in &schedule.instructions {
        let layer = instruction.layer.0 as usize;
        if current != Some(layer) {
            // Ids are the order of first mention, so earlier layers are mentioned first.
            for name in layers.iter().take(layer).skip(declared) {
                writeln!(out, "layer {name}")?;
            }
            writeln!(
                out,
                "layer {}",
                layers.get(layer).map_or("?", String::as_str)
            )?;
            declared = declared.max(layer.saturating_add(1));
            current = Some(layer);
        }
        write_instruction(out, schedule, instruction)?;
    }
    for name in layers.iter().skip(declared) {
        writeln!(out, "layer {name}")?;
    }
    write!(out, "output ")?;
    write_list(out, &schedule.outputs)?;
    writeln!(out)
}

fn write_header(out: &mut String, header: &Header) -> std::fmt::Result {
    let parameters = &header.parameters;
    writeln!(out, "hemet-schedule {VERSION}")?;
    writeln!(out, "ring 2^{}", parameters.log_n())?;
    for (word, primes) in [
        ("moduli", parameters.moduli()),
        ("special", parameters.special()),
    ] {
        write!(out, "{word}")?;
        for prime in primes {
            write!(out, " {prime}")?;
        }
        writeln!(out)?;
    }
    match parameters.security() {
        Security::Level(level) => writeln!(out, "security {}", level.bits())?,
        Security::Insecure => writeln!(out, "security insecure")?,
    }
    writeln!(
        out,
        "input level {} scale {}",
        header.input_level, header.input_scale
    )?;
    writeln!(out, "input layout {}", header.input)?;
    writeln!(out, "output layout {}", header.output)?;
    writeln!(out, "depth {}", header.depth)?;
    writeln!(out, "precision {}\n", header.precision_bits)
}

fn write_list<T: std::fmt::Display>(out: &mut String, items: &[T]) -> std::fmt::Result {
    for (i, item) in items.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(out, "{comma}{item}")?;
    }
    Ok(())
}

fn write_instruction(
    out: &mut String,
    schedule: &Schedule,
    instruction: &Instruction,
) -> std::fmt::Result {
    let op = &instruction.op;
    let first = instruction.first_result.0 as usize;
    // A schedule not yet verified may claim more results than it has types.
    let count = (op.results() as usize).min(schedule.types.len());
    for i in 0..count {
        let comma = if i == 0 { "" } else { ", " };
        write!(out, "{comma}%{}", first + i)?;
    }
    write!(out, " = {} ", op.name())?;
    let name = |id: &ConstantId| schedule.constants.get(*id).map_or("?", |(name, _)| name);
    match op {
        Op::Input { index } => write!(out, "{index}")?,
        Op::Linear {
            inputs,
            plan,
            diagonals,
            scale,
        } => {
            write!(out, "(")?;
            write_list(out, inputs)?;
            write!(out, ") @{} scale {scale} ", name(diagonals))?;
            write_plan(out, plan)?;
        }
        Op::Rotate { x, step } => write!(out, "{x} by {step}")?,
        Op::Add { a, b } | Op::Multiply { a, b } => write!(out, "{a}, {b}")?,
        Op::AddPlain { x, constant } => write!(out, "{x} @{}", name(constant))?,
        Op::Square { x } | Op::Relinearize { x } | Op::Rescale { x } => write!(out, "{x}")?,
        Op::LevelDrop { x, to } => write!(out, "{x} to {to}")?,
    }
    match schedule.types.get(first) {
        Some(ty) => writeln!(out, " : {ty}"),
        None => writeln!(out, " : ?"),
    }
}

fn write_plan(out: &mut String, plan: &LinearPlan) -> std::fmt::Result {
    write!(out, "[")?;
    let mut last = None;
    for term in &plan.terms {
        let (output, giant, input) = (term.output, term.giant, term.input);
        let (same_output, same_giant, same_input) = match last {
            None => (false, false, false),
            Some((o, g, i)) => (
                o == output,
                (o, g) == (output, giant),
                (o, g, i) == (output, giant, input),
            ),
        };
        if same_input {
            write!(out, ",{}", term.baby)?;
        } else {
            match (last.is_some(), same_output, same_giant) {
                (false, _, _) => write!(out, "o{output}: g{giant} ")?,
                (true, false, _) => write!(out, "}} | o{output}: g{giant} ")?,
                (true, true, false) => write!(out, "}}; g{giant} ")?,
                (true, true, true) => write!(out, "}} ")?,
            }
            write!(out, "i{input}{{{}", term.baby)?;
        }
        last = Some((output, giant, input));
    }
    let close = if last.is_some() { "}" } else { "" };
    write!(out, "{close}]")
}
