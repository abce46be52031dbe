//! Reading the text form of a schedule line by line and token by token, with the place of every error.

/// Longest piece of the text that an error repeats, in characters.
const SHOWN: usize = 24;

/// Longest name of a layer or a constant, in bytes: instructions repeat it, so a text of long names would need a
/// large multiple of its length.
pub(crate) const MAX_NAME_BYTES: usize = 256;

/// Where and why a text is not a schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What was expected and what is there.
    pub message: String,
}

impl ParseError {
    /// Refuses a text that is longer than its parser reads.
    pub(crate) fn too_long(text: &str, limit: usize) -> Result<(), Self> {
        if text.len() <= limit {
            return Ok(());
        }
        Err(Self {
            line: 1,
            column: 1,
            message: format!("the text has {} bytes, the limit is {limit}", text.len()),
        })
    }
}

/// The lines of a text that hold anything, without comments.
pub(crate) struct Lines<'a> {
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
    last: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            lines: text.lines().enumerate(),
            last: 0,
        }
    }

    /// The next line that is not blank.
    pub(crate) fn next_line(&mut self, wanted: &str) -> Result<Cursor<'a>, ParseError> {
        self.next_if_any().ok_or_else(|| ParseError {
            line: self.last + 1,
            column: 1,
            message: format!("expected {wanted}, found the end of the text"),
        })
    }

    pub(crate) fn expect_no_more(&mut self) -> Result<(), ParseError> {
        match self.next_if_any() {
            None => Ok(()),
            Some(line) => Err(line.expected("the end of the text after the `output` line")),
        }
    }

    /// The next line that is not blank, if there is one.
    pub(crate) fn next_if_any(&mut self) -> Option<Cursor<'a>> {
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
pub(crate) struct Cursor<'a> {
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
    pub(crate) fn error(&self, message: String) -> ParseError {
        ParseError {
            line: self.number,
            column: self.text[..self.at].chars().count() + 1,
            message,
        }
    }

    /// An error at this place that says what was expected and what is there.
    pub(crate) fn expected(&self, wanted: &str) -> ParseError {
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

    pub(crate) fn peek(&self, c: char) -> bool {
        self.rest().starts_with(c)
    }

    pub(crate) fn at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(crate) fn end(&self) -> Result<(), ParseError> {
        if self.at_end() {
            Ok(())
        } else {
            Err(self.expected("the end of the line"))
        }
    }

    /// Takes a piece of punctuation if it is next.
    pub(crate) fn eat(&mut self, punctuation: &str) -> bool {
        let found = self.rest().starts_with(punctuation);
        if found {
            self.at += punctuation.len();
            self.skip_space();
        }
        found
    }

    /// Takes a piece of punctuation.
    pub(crate) fn punctuation(&mut self, wanted: &str) -> Result<(), ParseError> {
        if self.eat(wanted) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{wanted}`")))
        }
    }

    /// Takes a word of letters, digits, `_` and `-` if it is this one.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.next_word() == word;
        if found {
            self.at += word.len();
            self.skip_space();
        }
        found
    }

    pub(crate) fn word(&mut self, wanted: &str) -> Result<(), ParseError> {
        if self.eat_word(wanted) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{wanted}`")))
        }
    }

    /// The word at this place, possibly empty, without taking it.
    pub(crate) fn next_word(&self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
            .unwrap_or(rest.len());
        &rest[..end]
    }

    /// Takes a name: everything up to white space, at most [`MAX_NAME_BYTES`].
    pub(crate) fn token(&mut self, wanted: &str) -> Result<&'a str, ParseError> {
        let rest = self.rest();
        let token = rest.split_whitespace().next();
        let token = token.ok_or_else(|| self.expected(wanted))?;
        if token.len() > MAX_NAME_BYTES {
            let bytes = token.len();
            return Err(self.error(format!(
                "a name has {bytes} bytes, at most {MAX_NAME_BYTES} are allowed"
            )));
        }
        self.at += token.len();
        self.skip_space();
        Ok(token)
    }

    /// Takes digits, up to `max`.
    pub(crate) fn number(&mut self, max: u64) -> Result<u64, ParseError> {
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

    pub(crate) fn u32(&mut self) -> Result<u32, ParseError> {
        Ok(self.number(u64::from(u32::MAX))? as u32)
    }

    /// A whole number, possibly negative.
    pub(crate) fn integer(&mut self) -> Result<i64, ParseError> {
        let rest = self.rest();
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let beyond = digits.find(|c: char| !c.is_ascii_digit());
        let end = rest.len() - digits.len() + beyond.unwrap_or(digits.len());
        let number = rest[..end].parse();
        let number = number.map_err(|_| self.expected("a whole number of 64 bits"))?;
        self.at += end;
        self.skip_space();
        Ok(number)
    }

    /// Takes one of these words and says which.
    pub(crate) fn one_of(&mut self, words: &[&str]) -> Result<usize, ParseError> {
        let next = self.next_word();
        let Some(found) = words.iter().position(|word| *word == next) else {
            let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            return Err(self.expected(&quoted.join(" or ")));
        };
        self.word(next)?;
        Ok(found)
    }

    /// A letter and a number, like `g16`.
    pub(crate) fn indexed(&mut self, letter: &str) -> Result<u32, ParseError> {
        if !self.rest().starts_with(letter) {
            return Err(self.expected(&format!("`{letter}` and a number")));
        }
        self.at += letter.len();
        self.u32()
    }
}
