//! Printing: the only way to standard output and standard error.
//!
//! Names in artifacts, reasons from workers and parts of files come from others and may hold control characters, with
//! which a terminal can be made to show what is not there. They are printed as escapes (`\u001b`, as JSON has them, so
//! that a line of JSON stays one). A reader that has seen enough (`hemet inspect X | head`) closes the pipe: the rest
//! is dropped then, and the command ends as its work does.
//!
//! The macros below stand in the place of the standard ones in this crate, so that no command can print past this file.

use std::fmt::{self, Write as _};
use std::io::{self, ErrorKind, Write};

/// As the standard one, through this file.
macro_rules! println {
    () => { $crate::print::out(format_args!("\n")) };
    ($($part:tt)*) => { $crate::print::out(format_args!("{}\n", format_args!($($part)*))) };
}

/// As the standard one, through this file.
macro_rules! print {
    ($($part:tt)*) => { $crate::print::out(format_args!($($part)*)) };
}

/// As the standard one, through this file.
macro_rules! eprintln {
    () => { $crate::print::err(format_args!("\n")) };
    ($($part:tt)*) => { $crate::print::err(format_args!("{}\n", format_args!($($part)*))) };
}

/// Prints on standard output.
pub fn out(text: fmt::Arguments<'_>) {
    let text = visible(&text.to_string());
    if let Err(error) = io::stdout().write_all(text.as_bytes())
        && error.kind() != ErrorKind::BrokenPipe
    {
        err(format_args!(
            "error: cannot write to standard output: {error}\n"
        ));
        std::process::exit(1);
    }
}

/// Prints on standard error; there is nobody to tell where that fails.
pub fn err(text: fmt::Arguments<'_>) {
    drop(io::stderr().write_all(visible(&text.to_string()).as_bytes()));
}

/// Prints on standard error what this program colored itself.
pub fn err_colored(text: &str) {
    drop(io::stderr().write_all(text.as_bytes()));
}

/// A text whose control characters are escapes, line ends and tabs left as they are.
pub fn visible(text: &str) -> String {
    escaped(text, |c| c == '\n' || c == '\t')
}

/// A name or reason from elsewhere in one line: line ends are escapes too.
pub fn one_line(text: &str) -> String {
    escaped(text, |_| false)
}

fn escaped(text: &str, keep: fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match keep(c) || !misleads(c) {
            true => out.push(c),
            // Writing to a string cannot fail.
            false => drop(write!(out, "\\u{:04x}", u32::from(c))),
        }
    }
    out
}

/// Control characters, and the marks that turn the direction of what follows (Boucher and Anderson, "Trojan Source",
/// 2021).
fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_shown_and_everything_else_stays() {
        for (text, shown) in [
            ("plain, größer, 数", "plain, größer, 数"),
            ("a\tb\n", "a\tb\n"),
            ("\u{1b}[2Jgone", "\\u001b[2Jgone"),
            ("\u{9b}31m", "\\u009b31m"),
            ("over\rwritten", "over\\u000dwritten"),
            ("\u{7}\u{0}\u{7f}", "\\u0007\\u0000\\u007f"),
            ("a\u{202e}b", "a\\u202eb"),
        ] {
            assert_eq!(visible(text), shown);
        }
        assert_eq!(one_line("two\nlines\t"), "two\\u000alines\\u0009");
    }

    #[test]
    fn a_line_of_json_stays_json_with_the_same_content() {
        let content = "a\u{9b}\u{202e}\u{7f}\u{1b}\n";
        let line = visible(&serde_json::to_string(content).expect("a text"));
        assert_eq!(
            serde_json::from_str::<String>(&line).expect("JSON"),
            content
        );
    }
}
