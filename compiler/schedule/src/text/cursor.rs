//! Reading one line of the text form, token by token, with the place of every error.

use super::ParseError;
use crate::infer::MAX_SCALE_EXPONENT;
use crate::{Level, Scale, Type, ValueId};

/// Longest piece of the text that an error repeats, in characters.
const SHOWN: usize = 24;

/// Largest position of a prime that a scale may name; a chain has at most 64 primes.
const MAX_PRIME_INDEX: u32 = 63;

/// The lines of a text that hold anything, without comments.
pub(super) struct Lines<'a> {
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
    last: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            lines: text.lines().enumerate(),
            last: 0,
        }
    }

    /// The next line that is not blank.
    pub(super) fn next_line(&mut self, wanted: &str) -> Result<Cursor<'a>, ParseError> {
        self.next_if_any().ok_or_else(|| ParseError {
            line: self.last + 1,
            column: 1,
            message: format!("expected {wanted}, found the end of the text"),
        })
    }

    pub(super) fn expect_no_more(&mut self) -> Result<(), ParseError> {
        match self.next_if_any() {
            None => Ok(()),
            Some(line) => Err(line.expected("the end of the text after the `output` line")),
        }
    }

    fn next_if_any(&mut self) -> Option<Cursor<'a>> {
        for (index, line) in self.lines.by_ref() {
            self.last = index + 1;
            let code = line.split('#').next().unwrap_or(line);
            if !code.trim().is_empty() {
                let mut cursor = Cursor {
                    number: index + 1,
                    text: code,
                    at: 0,
                };
                cursor.skip_space();
                return Some(cursor);
            }
        }
        None
    }
}

/// A place in a line. White space after a token is skipped with it.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    number: usize,
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// An error at this place.
    pub(super) fn error(&self, message: String) -> ParseError {
        ParseError {
            line: self.number,
            column: self.text[..self.at].chars().count() + 1,
            message,
        }
    }

    /// An error at this place that says what was expected and what is there.
    pub(super) fn expected(&self, wanted: &str) -> ParseError {
        let found: String = self
            .rest()
            .split_whitespace()
            .next()
            .unwrap_or("")
            .chars()
            .take(SHOWN)
            .collect();
        self.error(if found.is_empty() {
            format!("expected {wanted}, found the end of the line")
        } else {
            format!("expected {wanted}, found `{found}`")
        })
    }

    pub(super) fn peek(&self, c: char) -> bool {
        self.rest().starts_with(c)
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn end(&self) -> Result<(), ParseError> {
        if self.at_end() {
            Ok(())
        } else {
            Err(self.expected("the end of the line"))
        }
    }

    /// Takes a piece of punctuation if it is next.
    pub(super) fn eat(&mut self, punctuation: &str) -> bool {
        let found = self.rest().starts_with(punctuation);
        if found {
            self.at += punctuation.len();
            self.skip_space();
        }
        found
    }

    /// Takes a piece of punctuation.
    pub(super) fn punctuation(&mut self, wanted: &str) -> Result<(), ParseError> {
        if self.eat(wanted) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{wanted}`")))
        }
    }

    /// Takes a word of letters, digits, `_` and `-` if it is this one.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.next_word() == word;
        if found {
            self.at += word.len();
            self.skip_space();
        }
        found
    }

    pub(super) fn word(&mut self, wanted: &str) -> Result<(), ParseError> {
        if self.eat_word(wanted) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{wanted}`")))
        }
    }

    /// The word at this place, possibly empty, without taking it.
    pub(super) fn next_word(&self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
            .unwrap_or(rest.len());
        &rest[..end]
    }

    /// Takes everything up to white space.
    pub(super) fn token(&mut self, wanted: &str) -> Result<&'a str, ParseError> {
        let rest = self.rest();
        let token = rest.split_whitespace().next();
        let token = token.ok_or_else(|| self.expected(wanted))?;
        self.at += token.len();
        self.skip_space();
        Ok(token)
    }

    /// Takes digits, up to `max`.
    pub(super) fn number(&mut self, max: u64) -> Result<u64, ParseError> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let number = rest[..end].parse::<u64>().ok().filter(|n| *n <= max);
        let number = number.ok_or_else(|| self.expected(&format!("a number from 0 to {max}")))?;
        self.at += end;
        self.skip_space();
        Ok(number)
    }

    pub(super) fn u32(&mut self) -> Result<u32, ParseError> {
        Ok(self.number(u64::from(u32::MAX))? as u32)
    }

    /// A letter and a number, like `g16`.
    pub(super) fn indexed(&mut self, letter: &str) -> Result<u32, ParseError> {
        if !self.rest().starts_with(letter) {
            return Err(self.expected(&format!("`{letter}` and a number")));
        }
        self.at += letter.len();
        self.u32()
    }

    pub(super) fn level(&mut self) -> Result<Level, ParseError> {
        self.indexed("L").map(Level)
    }

    pub(super) fn value(&mut self) -> Result<ValueId, ParseError> {
        self.indexed("%").map(ValueId)
    }

    /// One or more values between commas.
    pub(super) fn values(&mut self) -> Result<Vec<ValueId>, ParseError> {
        let mut values = vec![self.value()?];
        while self.eat(",") {
            values.push(self.value()?);
        }
        Ok(values)
    }

    /// Like `2^40*q5^-1`.
    pub(super) fn scale(&mut self) -> Result<Scale, ParseError> {
        self.punctuation("2^")?;
        let mut scale = Scale::pow2(self.exponent()?);
        while self.eat("*") {
            let index = self.indexed("q")?;
            if index > MAX_PRIME_INDEX {
                return Err(self.error(format!(
                    "the scale names prime q{index}, at most q{MAX_PRIME_INDEX} can be"
                )));
            }
            self.punctuation("^")?;
            scale = scale.times(&Scale::prime_power(index, self.exponent()?));
        }
        Ok(scale)
    }

    fn exponent(&mut self) -> Result<i64, ParseError> {
        let negative = self.eat("-");
        let magnitude = self.number(MAX_SCALE_EXPONENT as u64)? as i64;
        Ok(if negative { -magnitude } else { magnitude })
    }

    /// Like `ct<L3, 2^40>`.
    pub(super) fn ty(&mut self) -> Result<Type, ParseError> {
        let degree = match self.next_word() {
            "ct" => 1,
            "ct2" => 2,
            _ => return Err(self.expected("a type, `ct<` or `ct2<`")),
        };
        self.at += self.next_word().len();
        self.skip_space();
        self.punctuation("<")?;
        let level = self.level()?;
        self.punctuation(",")?;
        let scale = self.scale()?;
        self.punctuation(">")?;
        Ok(Type {
            level,
            scale,
            degree,
        })
    }
}
