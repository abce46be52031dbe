//! Parsing one instruction of the text form.

use std::collections::HashMap;

use crate::ckks::schedule::MAX_VALUES;
use crate::ckks::{ConstantId, LinearPlan, LinearTerm, Op};
use crate::syntax::{Cursor, ParseError};

type Names<'a> = HashMap<&'a str, ConstantId>;

/// Takes `%5, %6 =`, which must count up from `first`, and returns how many there are.
pub(super) fn results(line: &mut Cursor<'_>, first: u32) -> Result<u32, ParseError> {
    let mut count = 0;
    loop {
        let next = first + count;
        let place = line.clone();
        let found = line.value()?;
        if found.0 != next || next as usize >= MAX_VALUES {
            return Err(place.error(if found.0 != next {
                format!("expected the result %{next}, results count up; found {found}")
            } else {
                format!("more than {MAX_VALUES} values, that is the most")
            }));
        }
        count += 1;
        if !line.eat(",") {
            line.punctuation("=")?;
            return Ok(count);
        }
    }
}

/// Takes the instruction itself, up to the colon.
pub(super) fn op(line: &mut Cursor<'_>, results: u32, names: &Names<'_>) -> Result<Op, ParseError> {
    let name = line.next_word();
    if results != 1 && name != "linear" {
        return Err(line.error(format!(
            "`{name}` makes 1 value, the line names {results} results"
        )));
    }
    let parse: fn(&mut Cursor<'_>, u32, &Names<'_>) -> Result<Op, ParseError> = match name {
        "input" => |line, _, _| Ok(Op::Input { index: line.u32()? }),
        "linear" => linear,
        "rotate" => rotate,
        "add" => |line, _, _| pair(line).map(|(a, b)| Op::Add { a, b }),
        "multiply" => |line, _, _| pair(line).map(|(a, b)| Op::Multiply { a, b }),
        "add_plain" => add_plain,
        "square" => |line, _, _| line.value().map(|x| Op::Square { x }),
        "relinearize" => |line, _, _| line.value().map(|x| Op::Relinearize { x }),
        "rescale" => |line, _, _| line.value().map(|x| Op::Rescale { x }),
        "level_drop" => level_drop,
        _ => {
            return Err(line.expected(
                "an instruction (input, linear, rotate, add, add_plain, multiply, square, relinearize, rescale or level_drop)",
            ));
        }
    };
    line.word(name)?;
    parse(line, results, names)
}

fn pair(line: &mut Cursor<'_>) -> Result<(crate::ckks::ValueId, crate::ckks::ValueId), ParseError> {
    let a = line.value()?;
    line.punctuation(",")?;
    Ok((a, line.value()?))
}

fn rotate(line: &mut Cursor<'_>, _: u32, _: &Names<'_>) -> Result<Op, ParseError> {
    let x = line.value()?;
    line.word("by")?;
    let step = line.u32()?;
    Ok(Op::Rotate { x, step })
}

fn level_drop(line: &mut Cursor<'_>, _: u32, _: &Names<'_>) -> Result<Op, ParseError> {
    let x = line.value()?;
    line.word("to")?;
    let to = line.level()?;
    Ok(Op::LevelDrop { x, to })
}

fn add_plain(line: &mut Cursor<'_>, _: u32, names: &Names<'_>) -> Result<Op, ParseError> {
    let x = line.value()?;
    let constant = constant(line, names)?;
    Ok(Op::AddPlain { x, constant })
}

fn constant(line: &mut Cursor<'_>, names: &Names<'_>) -> Result<ConstantId, ParseError> {
    line.punctuation("@")?;
    let place = line.clone();
    let name = line.token("the name of a constant")?;
    names.get(name).copied().ok_or_else(|| {
        place.expected(&format!(
            "the name of one of the {} constants given",
            names.len()
        ))
    })
}

fn linear(line: &mut Cursor<'_>, outputs: u32, names: &Names<'_>) -> Result<Op, ParseError> {
    line.punctuation("(")?;
    let inputs = line.values()?;
    line.punctuation(")")?;
    let diagonals = constant(line, names)?;
    line.word("scale")?;
    let scale = line.scale()?;
    let plan = LinearPlan {
        outputs,
        terms: terms(line)?,
    };
    Ok(Op::Linear {
        inputs,
        plan,
        diagonals,
        scale,
    })
}

/// Takes `[o0: g0 i0{0,1} i1{0}; g16 i0{0} | o1: g0 i0{0}]`.
fn terms(line: &mut Cursor<'_>) -> Result<Vec<LinearTerm>, ParseError> {
    let mut terms = Vec::new();
    line.punctuation("[")?;
    loop {
        let output = line.indexed("o")?;
        line.punctuation(":")?;
        loop {
            let giant = line.indexed("g")?;
            loop {
                let input = line.indexed("i")?;
                line.punctuation("{")?;
                loop {
                    terms.push(LinearTerm {
                        output,
                        giant,
                        input,
                        baby: line.u32()?,
                    });
                    if !line.eat(",") {
                        break;
                    }
                }
                line.punctuation("}")?;
                if !line.peek('i') {
                    break;
                }
            }
            if !line.eat(";") {
                break;
            }
        }
        if !line.eat("|") {
            break;
        }
    }
    line.punctuation("]")?;
    Ok(terms)
}
