//! The text form of a schedule: printer and parser; `parse(&print(s), constants)` gives back every valid `s`.
//!
//! ```text
//! hemet-schedule 1
//! ring 2^13
//! moduli 35184372088833 1073692673 1073643521
//! special 70368744177665
//! security 128
//! input level L2 scale 2^30
//! input layout 1x8x8 c[1*64] h[8*8] w[8*1] period 64
//! output layout 10x1x1 c[10*1] h[1*1] w[1*1] period 16
//! depth 1
//! precision 8
//!
//! layer conv1
//! %0 = input 0 : ct<L2, 2^30>
//! %1, %2 = linear (%0) @conv1/diagonals scale 2^30 [o0: g0 i0{0,1}; g16 i0{0} | o1: g0 i0{3}] : ct<L2, 2^60>
//! %3 = rescale %1 : ct<L1, 2^60*q2^-1>
//! output %3
//! ```
//!
//! - The first line is the format version; a newer one is refused by name. The header follows, each line once, in this
//!   order. `security` is 128, 192, 256 or `insecure`.
//! - `layer NAME` names the layer of the instructions below it; the ids of layers are the order of first mention.
//! - A result list, `=`, the instruction, `:` and the one type of all results. Results count up from `%0`.
//! - `linear` takes its operands in parentheses, the constant's name after `@` and the plan in brackets: output by
//!   output (`|`), giant step by giant step (`;`), operand by operand, the baby steps in braces.
//! - A scale is `2^e` times powers `*qI^e` of primes of the chain. Weight values live apart, in [`Constants`].
//! - The last line names the outputs. `#` starts a comment; blank lines and the amount of white space do not matter.
//!
//! The parser checks form only; [`crate::ckks::verify()`] checks the rest. Limits, so that a hostile text costs no more
//! memory than a small multiple of its length: [`MAX_TEXT_BYTES`], [`crate::ckks::schedule::MAX_VALUES`], 64 primes.

mod header;
mod instruction;
mod print;
mod types;

use std::collections::HashMap;

pub use crate::syntax::ParseError;
pub use print::print;

use crate::ckks::{ConstantId, Constants, Header, Instruction, LayerId, Schedule, Type, ValueId};
use crate::syntax::{Cursor, Lines};

/// Newest version of the text form, which the printer writes.
pub const VERSION: u32 = 1;

/// Longest text that the parser reads: 64 MiB.
pub const MAX_TEXT_BYTES: usize = 64 << 20;

/// Reads a schedule from its text form and the constants that it names. It still has to be verified.
///
/// # Errors
/// The first place where the text is wrong, with what was expected there.
pub fn parse(text: &str, constants: Constants) -> Result<Schedule, ParseError> {
    ParseError::too_long(text, MAX_TEXT_BYTES)?;
    let mut lines = Lines::new(text);
    let header = header::parse(&mut lines)?;
    let body = {
        let names = (0u32..)
            .zip(&constants.entries)
            .map(|(id, (name, _))| (name.as_str(), ConstantId(id)))
            .collect();
        let mut body = Body {
            names,
            layers: Vec::new(),
            layer_ids: HashMap::new(),
            layer: None,
            instructions: Vec::new(),
            types: Vec::new(),
        };
        let outputs = body.parse(&mut lines)?;
        (body.layers, body.instructions, body.types, outputs)
    };
    let (layers, instructions, types, outputs) = body;
    Ok(Schedule {
        header: Header { layers, ..header },
        instructions,
        types,
        outputs,
        constants,
    })
}

/// What comes after the header, as far as it is read.
struct Body<'a> {
    names: HashMap<&'a str, ConstantId>,
    layers: Vec<String>,
    layer_ids: HashMap<&'a str, LayerId>,
    layer: Option<LayerId>,
    instructions: Vec<Instruction>,
    types: Vec<Type>,
}

impl<'a> Body<'a> {
    fn parse(&mut self, lines: &mut Lines<'a>) -> Result<Vec<ValueId>, ParseError> {
        loop {
            let mut line = lines.next_line("`layer`, an instruction or `output`")?;
            if line.peek('%') {
                self.instruction(&mut line)?;
            } else if line.eat_word("layer") {
                let name = line.token("the name of a layer")?;
                line.end()?;
                self.set_layer(name);
            } else if line.eat_word("output") {
                let outputs = line.values()?;
                line.end()?;
                lines.expect_no_more()?;
                return Ok(outputs);
            } else {
                return Err(line.expected("`layer`, `output` or a result like `%0`"));
            }
        }
    }

    fn set_layer(&mut self, name: &'a str) {
        let next = LayerId(self.layers.len() as u32);
        let id = *self.layer_ids.entry(name).or_insert(next);
        if id == next {
            self.layers.push(name.to_owned());
        }
        self.layer = Some(id);
    }

    fn instruction(&mut self, line: &mut Cursor<'a>) -> Result<(), ParseError> {
        let Some(layer) = self.layer else {
            return Err(line.expected("a `layer` line before the first instruction"));
        };
        let first = self.types.len() as u32;
        let results = instruction::results(line, first)?;
        let op = instruction::op(line, results, &self.names)?;
        line.punctuation(":")?;
        let ty = line.ty()?;
        line.end()?;
        self.types.extend(std::iter::repeat_n(ty, results as usize));
        self.instructions.push(Instruction {
            op,
            first_result: ValueId(first),
            layer,
        });
        Ok(())
    }
}
