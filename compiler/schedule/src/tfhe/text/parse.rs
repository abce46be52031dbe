//! The parser of the text form: line by line, word by word.

use std::str::FromStr;

use super::{MAX_TEXT_BYTES, ParseError, VERSION};
use crate::tfhe::schedule::MAX_INSTRUCTIONS;
use crate::tfhe::{
    FailureGoal, Instruction, KeyKind, MapBounds, Op, OutputForm, Schedule, SetId, Type, ValueId,
};

/// Reads the text form.
///
/// # Errors
/// The first line that is not understood.
pub fn parse(text: &str) -> Result<Schedule, ParseError> {
    if text.len() > MAX_TEXT_BYTES {
        let message = format!(
            "the text has {} bytes, at most {MAX_TEXT_BYTES} are read",
            text.len()
        );
        return Err(ParseError { line: 1, message });
    }
    let lines: Vec<(usize, &str)> = (text.lines().enumerate())
        .map(|(index, line)| (index + 1, line.split('#').next().unwrap_or("").trim()))
        .filter(|(_, line)| !line.is_empty())
        .collect();
    let mut lines = Lines {
        lines: &lines,
        at: 0,
    };
    let mut schedule = lines.header()?;
    let mut layer: Option<String> = None;
    while let Some((number, line)) = lines.next() {
        let mut words = Words::new(line);
        let outcome = match line.split_whitespace().next() {
            Some("layer") => words.layer().map(|name| layer = Some(name)),
            Some("output") => words.part(&mut schedule),
            Some(_) | None => words.instruction(&mut schedule, layer.as_deref()),
        };
        outcome
            .and_then(|()| words.end())
            .map_err(|message| ParseError {
                line: number,
                message,
            })?;
    }
    Ok(schedule)
}

struct Lines<'a> {
    lines: &'a [(usize, &'a str)],
    at: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<(usize, &'a str)> {
        let line = self.lines.get(self.at).copied();
        self.at += 1;
        line
    }

    fn line<T>(
        &mut self,
        what: &str,
        read: impl FnOnce(&mut Words<'a>) -> Result<T, String>,
    ) -> Result<T, ParseError> {
        let last = self.lines.last().map_or(0, |line| line.0);
        let (number, line) = self.next().ok_or_else(|| ParseError {
            line: last + 1,
            message: format!("expected {what}, found the end of the text"),
        })?;
        let mut words = Words::new(line);
        let value = read(&mut words).and_then(|value| words.end().map(|()| value));
        value.map_err(|message| ParseError {
            line: number,
            message,
        })
    }

    fn header(&mut self) -> Result<Schedule, ParseError> {
        self.line("the first line", |words| {
            words.expect("hemet-tfhe-schedule")?;
            match words.number::<u32>("the version")? {
                VERSION => Ok(()),
                newer => Err(format!(
                    "version {newer} of the text form, this program reads {VERSION}"
                )),
            }
        })?;
        let failure = self.line("the line `failure`", Words::failure)?;
        let input = self.line("the line `input`", |words| {
            words.expect("input")?;
            Ok((
                words.number("the least input")?,
                words.number("the greatest input")?,
            ))
        })?;
        let output = self.line("the line `output`", |words| {
            words.expect("output")?;
            let form = match words.word("`logits` or `label`")? {
                "logits" => OutputForm::Logits,
                "label" => OutputForm::Label,
                other => return Err(format!("expected `logits` or `label`, found `{other}`")),
            };
            let range = (
                words.number("the least output")?,
                words.number("the greatest output")?,
            );
            Ok((form, range, words.named("bytes")?))
        })?;
        Ok(Schedule {
            failure,
            input_low: input.0,
            input_high: input.1,
            output_form: output.0,
            output_low: output.1.0,
            output_high: output.1.1,
            output_bytes: output.2,
            instructions: Vec::new(),
            outputs: Vec::new(),
            part_ranges: Vec::new(),
        })
    }
}

struct Words<'a> {
    words: std::iter::Peekable<std::str::SplitWhitespace<'a>>,
}

impl<'a> Words<'a> {
    fn new(line: &'a str) -> Self {
        Self {
            words: line.split_whitespace().peekable(),
        }
    }

    fn word(&mut self, what: &str) -> Result<&'a str, String> {
        self.words
            .next()
            .ok_or_else(|| format!("expected {what}, found the end of the line"))
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        match self.word(&format!("`{word}`"))? {
            found if found == word => Ok(()),
            found => Err(format!("expected `{word}`, found `{}`", shown(found))),
        }
    }

    fn number<T: FromStr>(&mut self, what: &str) -> Result<T, String> {
        let word = self.word(what)?;
        word.parse()
            .map_err(|_| format!("expected {what}, found `{}`", shown(word)))
    }

    fn named<T: FromStr>(&mut self, name: &str) -> Result<T, String> {
        self.expect(name)?;
        self.number(&format!("a number after `{name}`"))
    }

    fn prefixed<T: FromStr>(&mut self, prefix: &str, what: &str) -> Result<T, String> {
        let word = self.word(what)?;
        let number = word.strip_prefix(prefix).and_then(|rest| rest.parse().ok());
        number.ok_or_else(|| format!("expected {what}, found `{}`", shown(word)))
    }

    fn end(&mut self) -> Result<(), String> {
        match self.words.next() {
            None => Ok(()),
            Some(word) => Err(format!(
                "expected the end of the line, found `{}`",
                shown(word)
            )),
        }
    }

    fn failure(&mut self) -> Result<FailureGoal, String> {
        self.expect("failure")?;
        let bits: u32 = self.prefixed("2^-", "a probability like `2^-40`")?;
        match self.word("`prediction` or `bootstrap`")? {
            "prediction" => Ok(FailureGoal::Prediction(bits)),
            "bootstrap" => Ok(FailureGoal::Bootstrap(bits)),
            other => Err(format!(
                "expected `prediction` or `bootstrap`, found `{}`",
                shown(other)
            )),
        }
    }

    fn layer(&mut self) -> Result<String, String> {
        self.expect("layer")?;
        self.word("the name of a layer").map(str::to_owned)
    }

    fn value(&mut self) -> Result<ValueId, String> {
        self.prefixed("%", "a value like `%0`").map(ValueId)
    }

    fn set(&mut self) -> Result<SetId, String> {
        let word = self.word("a parameter set")?;
        SetId::find(word).ok_or_else(|| {
            let known: Vec<&str> = SetId::all().map(|id| id.get().name).collect();
            format!(
                "`{}` is no parameter set; there are {}",
                shown(word),
                known.join(", ")
            )
        })
    }

    fn part(&mut self, schedule: &mut Schedule) -> Result<(), String> {
        self.expect("output")?;
        schedule.outputs.push(self.value()?);
        let low = self.named("range")?;
        schedule
            .part_ranges
            .push((low, self.number("the greatest value")?));
        Ok(())
    }

    fn instruction(&mut self, schedule: &mut Schedule, layer: Option<&str>) -> Result<(), String> {
        let index = self.value()?.0 as usize;
        let expected = schedule.instructions.len();
        if index != expected || expected >= MAX_INSTRUCTIONS {
            return Err(format!(
                "expected `%{expected}` (at most {MAX_INSTRUCTIONS} values), found `%{index}`"
            ));
        }
        if !schedule.outputs.is_empty() {
            return Err("instructions come before the `output` lines".into());
        }
        let layer = layer
            .ok_or("expected a line `layer NAME` before the first instruction")?
            .to_owned();
        self.expect("=")?;
        let op = self.op()?;
        self.expect(":")?;
        let result = self.result_type()?;
        schedule
            .instructions
            .push(Instruction { layer, op, result });
        Ok(())
    }

    fn op(&mut self) -> Result<Op, String> {
        match self.word("an instruction")? {
            "input" => Ok(Op::Input),
            "linear" => self.linear(),
            "keyswitch" => {
                let operand = self.value()?;
                self.expect("to")?;
                Ok(Op::KeySwitch {
                    operand,
                    to: self.set()?,
                })
            }
            "halve" => Ok(Op::Halve {
                operand: self.value()?,
            }),
            "bootstrap" => Ok(Op::Bootstrap {
                operand: self.value()?,
                constant: self.prefixed("@", "a constant like `@name`")?,
                turn: self.named("turn")?,
                low: self.named("range")?,
                high: self.number("the greatest result")?,
            }),
            other => Err(format!(
                "`{}` is no instruction; there are input, linear, keyswitch, halve, bootstrap",
                shown(other)
            )),
        }
    }

    fn linear(&mut self) -> Result<Op, String> {
        let mut operands = Vec::new();
        while self.words.peek().is_some_and(|word| word.starts_with('%')) {
            operands.push(self.value()?);
        }
        Ok(Op::Linear {
            operands,
            constant: self.prefixed("@", "a constant like `@name`")?,
            step: self.named("step")?,
            bounds: MapBounds {
                entries: self.named("entries")?,
                fan_in: self.named("fan_in")?,
                weight: self.named("weight")?,
                norm_squared: self.named("norm2")?,
            },
        })
    }

    fn result_type(&mut self) -> Result<Type, String> {
        let count = self.named("lwe")?;
        let set = self.set()?;
        let key = match self.word("`small` or `big`")? {
            "small" => KeyKind::Small,
            "big" => KeyKind::Big,
            other => {
                return Err(format!(
                    "expected `small` or `big`, found `{}`",
                    shown(other)
                ));
            }
        };
        Ok(Type {
            count,
            set,
            key,
            turn: self.named("turn")?,
        })
    }
}

/// The beginning of a word, so that an error never repeats a hostile text.
fn shown(word: &str) -> String {
    word.chars().take(24).collect()
}
