//! Parsing the header of the text form.

use hemet_ckks_params::{Parameters, Security, SecurityLevel};

use super::VERSION;
use crate::ckks::{Digit, Header, Layout};
use crate::syntax::{Cursor, Lines, ParseError};

/// Most primes in one list.
const MAX_PRIMES: usize = 64;

/// Most digits of an axis that are read; the verifier allows fewer.
const MAX_DIGITS: usize = 64;

/// Reads the version line and the header; its layers stay empty.
pub(super) fn parse(lines: &mut Lines<'_>) -> Result<Header, ParseError> {
    version(lines)?;
    let mut line = keyword(lines, "ring")?;
    line.punctuation("2^")?;
    let log_n = line.number(64)? as u32;
    line.end()?;
    let moduli = primes(lines, "moduli")?;
    let special = primes(lines, "special")?;
    let parameters = parameters(lines, log_n, moduli, special)?;
    let mut line = keyword(lines, "input")?;
    line.word("level")?;
    let input_level = line.level()?;
    line.word("scale")?;
    let input_scale = line.scale()?;
    line.end()?;
    let input = layout(&mut keyword(lines, "input")?)?;
    let output = layout(&mut keyword(lines, "output")?)?;
    let depth = single(lines, "depth")?;
    let precision_bits = single(lines, "precision")?;
    Ok(Header {
        parameters,
        input_scale,
        input_level,
        input,
        output,
        layers: Vec::new(),
        depth,
        precision_bits,
    })
}

fn version(lines: &mut Lines<'_>) -> Result<(), ParseError> {
    let mut line = keyword(lines, "hemet-schedule")?;
    let place = line.error(String::new());
    let found = line.u32()?;
    line.end()?;
    if found == VERSION {
        return Ok(());
    }
    let message = if found > VERSION {
        format!(
            "the schedule has format version {found}, this program reads version {VERSION}; use a newer hemet"
        )
    } else {
        format!(
            "the schedule has format version {found}, which never was; this program reads version {VERSION}"
        )
    };
    Err(ParseError { message, ..place })
}

fn keyword<'a>(lines: &mut Lines<'a>, word: &str) -> Result<Cursor<'a>, ParseError> {
    let mut line = lines.next_line(&format!("`{word}`"))?;
    line.word(word)?;
    Ok(line)
}

fn single(lines: &mut Lines<'_>, word: &str) -> Result<u32, ParseError> {
    let mut line = keyword(lines, word)?;
    let number = line.u32()?;
    line.end()?;
    Ok(number)
}

fn primes(lines: &mut Lines<'_>, word: &str) -> Result<Vec<u64>, ParseError> {
    let mut line = keyword(lines, word)?;
    let mut primes = Vec::new();
    while !line.at_end() {
        if primes.len() == MAX_PRIMES {
            return Err(line.error(format!("more than {MAX_PRIMES} primes, that is the most")));
        }
        primes.push(line.number(u64::MAX)?);
    }
    Ok(primes)
}

fn parameters(
    lines: &mut Lines<'_>,
    log_n: u32,
    moduli: Vec<u64>,
    special: Vec<u64>,
) -> Result<Parameters, ParseError> {
    let mut line = keyword(lines, "security")?;
    let place = line.error(String::new());
    let word = line.next_word();
    let security = match word {
        "128" => Security::Level(SecurityLevel::Bits128),
        "192" => Security::Level(SecurityLevel::Bits192),
        "256" => Security::Level(SecurityLevel::Bits256),
        "insecure" => Security::Insecure,
        _ => return Err(line.expected("`128`, `192`, `256` or `insecure`")),
    };
    line.word(word)?;
    line.end()?;
    match security {
        Security::Level(level) => Parameters::new(log_n, moduli, special, level),
        Security::Insecure => Parameters::new_insecure(log_n, moduli, special),
    }
    .map_err(|e| ParseError {
        message: format!("the parameters above are refused: {e}"),
        ..place
    })
}

/// The rest of a line `layout 16x8x8 c[16*64] h[8*8] w[8*1] period 1024`.
fn layout(line: &mut Cursor<'_>) -> Result<Layout, ParseError> {
    line.word("layout")?;
    let channels = line.u32()?;
    line.punctuation("x")?;
    let height = line.u32()?;
    line.punctuation("x")?;
    let width = line.u32()?;
    let mut axes = [Vec::new(), Vec::new(), Vec::new()];
    for (digits, name) in axes.iter_mut().zip(["c", "h", "w"]) {
        line.punctuation(name)?;
        line.punctuation("[")?;
        while !line.eat("]") {
            if !digits.is_empty() {
                line.punctuation(",")?;
            }
            if digits.len() == MAX_DIGITS {
                return Err(line.error(format!("more than {MAX_DIGITS} digits in one axis")));
            }
            let extent = line.u32()?;
            line.punctuation("*")?;
            let stride = line.u32()?;
            digits.push(Digit { extent, stride });
        }
    }
    line.word("period")?;
    let period = line.u32()?;
    line.end()?;
    Ok(Layout {
        shape: [channels, height, width],
        axes,
        period,
    })
}
