//! The printer of the text form.

use std::fmt::Write;

use super::VERSION;
use crate::tfhe::{FailureGoal, KeyKind, Op, OutputForm, Schedule, Type};

/// The text form of a schedule.
pub fn print(schedule: &Schedule) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_schedule(&mut text, schedule);
    text
}

fn write_schedule(text: &mut String, schedule: &Schedule) -> std::fmt::Result {
    writeln!(text, "hemet-tfhe-schedule {VERSION}")?;
    match schedule.failure {
        FailureGoal::Prediction(bits) => writeln!(text, "failure 2^-{bits} prediction")?,
        FailureGoal::Bootstrap(bits) => writeln!(text, "failure 2^-{bits} bootstrap")?,
    }
    writeln!(text, "input {} {}", schedule.input_low, schedule.input_high)?;
    let form = match schedule.output_form {
        OutputForm::Logits => "logits",
        OutputForm::Label => "label",
    };
    let (low, high, bytes) = (
        schedule.output_low,
        schedule.output_high,
        schedule.output_bytes,
    );
    writeln!(text, "output {form} {low} {high} bytes {bytes}\n")?;
    let mut layer = "";
    for (index, instruction) in schedule.instructions.iter().enumerate() {
        if instruction.layer != layer || index == 0 {
            layer = &instruction.layer;
            writeln!(text, "layer {layer}")?;
        }
        write!(text, "%{index} = ")?;
        write_op(text, &instruction.op)?;
        write_type(text, instruction.result)?;
    }
    for (output, (low, high)) in schedule.outputs.iter().zip(&schedule.part_ranges) {
        writeln!(text, "output %{} range {low} {high}", output.0)?;
    }
    Ok(())
}

fn write_op(text: &mut String, op: &Op) -> std::fmt::Result {
    match op {
        Op::Input => write!(text, "input"),
        Op::Linear {
            operands,
            constant,
            step,
            bounds,
        } => {
            write!(text, "linear")?;
            for operand in operands {
                write!(text, " %{}", operand.0)?;
            }
            write!(
                text,
                " @{constant} step {step} entries {} fan_in {} weight {} norm2 {}",
                bounds.entries, bounds.fan_in, bounds.weight, bounds.norm_squared
            )
        }
        Op::KeySwitch { operand, to } => write!(text, "keyswitch %{} to {to}", operand.0),
        Op::Halve { operand } => write!(text, "halve %{}", operand.0),
        Op::Bootstrap {
            operand,
            constant,
            turn,
            low,
            high,
        } => {
            write!(
                text,
                "bootstrap %{} @{constant} turn {turn} range {low} {high}",
                operand.0
            )
        }
    }
}

fn write_type(text: &mut String, t: Type) -> std::fmt::Result {
    let key = match t.key {
        KeyKind::Small => "small",
        KeyKind::Big => "big",
    };
    writeln!(text, " : lwe {} {} {key} turn {}", t.count, t.set, t.turn)
}
