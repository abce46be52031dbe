//! Parsing levels, values, scales and types.

use crate::ckks::infer::MAX_SCALE_EXPONENT;
use crate::ckks::{Level, Scale, Type, ValueId};
use crate::syntax::{Cursor, ParseError};

/// Largest position of a prime that a scale may name; a chain has at most 64 primes.
const MAX_PRIME_INDEX: u32 = 63;

impl Cursor<'_> {
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
        let word = self.next_word();
        let degree = match word {
            "ct" => 1,
            "ct2" => 2,
            _ => return Err(self.expected("a type, `ct<` or `ct2<`")),
        };
        self.word(word)?;
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
