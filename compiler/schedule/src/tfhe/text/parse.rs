//! The parser of the text form: line by line, word by word.

use super::{MAX_TEXT_BYTES, VERSION};
use crate::syntax::{Cursor, Lines, ParseError};
use crate::tfhe::schedule::MAX_INSTRUCTIONS;
use crate::tfhe::{
    Constants, FailureGoal, Instruction, KeyKind, MapBounds, Op, OutputForm, Schedule, SetId, Type,
    ValueId,
};

/// Reads a schedule from its text form and the constants that it names. It still has to be verified.
///
/// # Errors
/// The first place that is not understood.
pub fn parse(text: &str, constants: Constants) -> Result<Schedule, ParseError> {
    ParseError::too_long(text, MAX_TEXT_BYTES)?;
    let mut lines = Lines::new(text);
    let mut schedule = header(&mut lines, constants)?;
    let mut layer: Option<&str> = None;
    while let Some(mut line) = lines.next_if_any() {
        if line.eat_word("layer") {
            layer = Some(line.token("the name of a layer")?);
        } else if line.eat_word("output") {
            schedule.outputs.push(value(&mut line)?);
            line.word("range")?;
            let range = (line.integer()?, line.integer()?);
            schedule.part_ranges.push(range);
        } else {
            instruction(&mut line, &mut schedule, layer)?;
        }
        line.end()?;
    }
    Ok(schedule)
}

fn header(lines: &mut Lines<'_>, constants: Constants) -> Result<Schedule, ParseError> {
    let mut line = lines.next_line("`hemet-tfhe-schedule`")?;
    line.word("hemet-tfhe-schedule")?;
    let place = line.clone();
    let found = line.u32()?;
    if found != VERSION {
        return Err(place.error(format!(
            "version {found} of the text form, this program reads {VERSION}"
        )));
    }
    line.end()?;
    let mut line = lines.next_line("`failure`")?;
    let failure = failure(&mut line)?;
    line.end()?;
    let mut line = lines.next_line("`input`")?;
    line.word("input")?;
    let (input_low, input_high) = (line.integer()?, line.integer()?);
    line.end()?;
    let mut line = lines.next_line("`output`")?;
    line.word("output")?;
    let output_form = match line.one_of(&["logits", "label"])? {
        0 => OutputForm::Logits,
        _ => OutputForm::Label,
    };
    let (output_low, output_high) = (line.integer()?, line.integer()?);
    line.word("bytes")?;
    let output_bytes = line.u32()?;
    line.end()?;
    Ok(Schedule {
        failure,
        input_low,
        input_high,
        output_form,
        output_low,
        output_high,
        output_bytes,
        instructions: Vec::new(),
        outputs: Vec::new(),
        part_ranges: Vec::new(),
        constants,
    })
}

fn failure(line: &mut Cursor<'_>) -> Result<FailureGoal, ParseError> {
    line.word("failure")?;
    line.punctuation("2^-")?;
    let bits = line.u32()?;
    Ok(match line.one_of(&["prediction", "bootstrap"])? {
        0 => FailureGoal::Prediction(bits),
        _ => FailureGoal::Bootstrap(bits),
    })
}

fn instruction(
    line: &mut Cursor<'_>,
    schedule: &mut Schedule,
    layer: Option<&str>,
) -> Result<(), ParseError> {
    let place = line.clone();
    let found = value(line)?;
    let expected = schedule.instructions.len();
    if found.0 as usize != expected || expected >= MAX_INSTRUCTIONS {
        return Err(place.error(format!(
            "expected `%{expected}` (at most {MAX_INSTRUCTIONS} values), found `%{}`",
            found.0
        )));
    }
    if !schedule.outputs.is_empty() {
        return Err(place.error("instructions come before the `output` lines".into()));
    }
    let Some(layer) = layer else {
        return Err(place.expected("a line `layer NAME` before the first instruction"));
    };
    line.punctuation("=")?;
    let op = op(line)?;
    line.punctuation(":")?;
    let result = result_type(line)?;
    schedule.instructions.push(Instruction {
        layer: layer.to_owned(),
        op,
        result,
    });
    Ok(())
}

fn op(line: &mut Cursor<'_>) -> Result<Op, ParseError> {
    let name = line.next_word();
    let parse: fn(&mut Cursor<'_>) -> Result<Op, ParseError> = match name {
        "input" => |_| Ok(Op::Input),
        "linear" => linear,
        "keyswitch" => |line| {
            let operand = value(line)?;
            line.word("to")?;
            Ok(Op::KeySwitch {
                operand,
                to: set(line)?,
            })
        },
        "halve" => |line| value(line).map(|operand| Op::Halve { operand }),
        "bootstrap" => bootstrap,
        _ => {
            return Err(
                line.expected("an instruction (input, linear, keyswitch, halve or bootstrap)")
            );
        }
    };
    line.word(name)?;
    parse(line)
}

fn linear(line: &mut Cursor<'_>) -> Result<Op, ParseError> {
    let mut operands = Vec::new();
    while line.peek('%') {
        operands.push(value(line)?);
    }
    let constant = constant(line)?;
    let mut named = |name: &str, max: u64| {
        line.word(name)?;
        line.number(max)
    };
    let (narrow, wide) = (u64::from(u32::MAX), u64::MAX);
    Ok(Op::Linear {
        operands,
        constant,
        step: named("step", narrow)? as u32,
        bounds: MapBounds {
            entries: named("entries", wide)?,
            fan_in: named("fan_in", narrow)? as u32,
            weight: named("weight", narrow)? as u32,
            norm_squared: named("norm2", wide)?,
        },
    })
}

fn bootstrap(line: &mut Cursor<'_>) -> Result<Op, ParseError> {
    let operand = value(line)?;
    let constant = constant(line)?;
    line.word("turn")?;
    let turn = line.u32()?;
    line.word("range")?;
    Ok(Op::Bootstrap {
        operand,
        constant,
        turn,
        low: line.integer()?,
        high: line.integer()?,
    })
}

fn result_type(line: &mut Cursor<'_>) -> Result<Type, ParseError> {
    line.word("lwe")?;
    let count = line.u32()?;
    let set = set(line)?;
    let key = match line.one_of(&["small", "big"])? {
        0 => KeyKind::Small,
        _ => KeyKind::Big,
    };
    line.word("turn")?;
    let turn = line.u32()?;
    Ok(Type {
        count,
        set,
        key,
        turn,
    })
}

fn value(line: &mut Cursor<'_>) -> Result<ValueId, ParseError> {
    line.indexed("%").map(ValueId)
}

fn constant(line: &mut Cursor<'_>) -> Result<String, ParseError> {
    line.punctuation("@")?;
    line.token("the name of a constant").map(str::to_owned)
}

fn set(line: &mut Cursor<'_>) -> Result<SetId, ParseError> {
    let word = line.next_word();
    let Some(set) = SetId::find(word) else {
        let known: Vec<&str> = SetId::all().map(|id| id.get().name).collect();
        return Err(line.expected(&format!("a parameter set ({})", known.join(", "))));
    };
    line.word(word)?;
    Ok(set)
}
