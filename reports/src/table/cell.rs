//! A cell of a table: what programs and what people see of a value.

use crate::number::{self, MISSING};

/// A cell of a [`super::Table`].
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A whole number, the same in both formats.
    Whole(i64),
    /// Milliseconds, or another quantity for which three significant digits suffice to people.
    Milliseconds(f64),
    /// A fraction: CSV has the fraction itself, Markdown percent with two decimals (`0.9755` is `97.55`).
    Fraction(f64),
    /// A number of which people see this many significant digits.
    Number(f64, usize),
    /// Yes or no: in CSV `true` or `false`, in Markdown `✓` or nothing.
    Flag(bool),
    /// Nothing: a trial that failed has no accuracy. In Markdown `–`.
    Missing,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(text.to_string())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(text)
    }
}

impl Cell {
    pub(super) fn csv(&self) -> String {
        match self {
            Cell::Text(text) => quoted(text),
            Cell::Whole(whole) => whole.to_string(),
            // Rust writes the shortest text that reads back as the same number.
            Cell::Milliseconds(value) | Cell::Fraction(value) | Cell::Number(value, _) => {
                value.to_string()
            }
            Cell::Flag(flag) => flag.to_string(),
            Cell::Missing => String::new(),
        }
    }

    pub(super) fn markdown(&self) -> String {
        match self {
            Cell::Text(text) => escaped(text),
            Cell::Whole(_)
            | Cell::Milliseconds(_)
            | Cell::Fraction(_)
            | Cell::Number(..)
            | Cell::Flag(_)
            | Cell::Missing => self.shown(),
        }
    }

    /// What people see, without markup.
    pub(crate) fn shown(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Whole(whole) => whole.to_string(),
            Cell::Milliseconds(ms) => number::milliseconds(*ms),
            Cell::Fraction(fraction) => number::percent(*fraction),
            Cell::Number(value, digits) => number::significant(*value, *digits),
            Cell::Flag(flag) => if *flag { "✓" } else { "" }.to_string(),
            Cell::Missing => MISSING.to_string(),
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Cell::Milliseconds(value) | Cell::Fraction(value) | Cell::Number(value, _) => {
                Some(*value)
            }
            Cell::Text(_) | Cell::Whole(_) | Cell::Flag(_) | Cell::Missing => None,
        }
    }
}

/// A CSV field, in quotes where RFC 4180 asks for them (and at outer spaces, which some readers drop).
pub(super) fn quoted(text: &str) -> String {
    let special = |c: char| matches!(c, '"' | ',' | '\n' | '\r');
    if text.contains(special) || text.starts_with(' ') || text.ends_with(' ') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}

/// A text in which Markdown (and HTML within it) finds no markup, on one line.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        // An underscore inside a word is no markup, and identifiers are full of them.
        let inside_word =
            before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric());
        match c {
            '\\' | '|' | '`' | '*' | '[' | ']' | '~' => escaped.extend(['\\', c]),
            '_' if !inside_word => escaped.extend(['\\', c]),
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '&' => escaped += "&amp;",
            '\n' | '\r' => escaped.push(' '),
            c => escaped.push(c),
        }
        before = c;
    }
    escaped
}
