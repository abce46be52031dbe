//! The size of functions and the shape of their parameters.

use crate::tree::{name, product_code, product_files};

/// Longest product function, in lines from `fn` to its closing brace.
const LONGEST: usize = 70;
/// Product functions may be longer than this ...
const LONG: usize = 60;
/// ... in so many places.
const LONG_FUNCTIONS: usize = 5;

/// `(name, lines)` of each function; rustfmt puts the closing brace below the first letter of the line that opens it.
fn functions(code: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let indent = &line[..line.len() - body.len()];
        let mut words = body.split_whitespace().skip_while(|word| {
            matches!(*word, "const" | "async" | "unsafe" | "extern" | "\"C\"")
                || word.starts_with("pub")
        });
        if words.next() != Some("fn") {
            continue;
        }
        let opens = lines[start..].iter().position(|line| line.contains('{'));
        let ends = lines[start..].iter().position(|line| line.ends_with(';'));
        if ends.is_some_and(|end| opens.is_none_or(|open| end < open)) {
            // A method that a trait asks for.
            continue;
        }
        let name = words
            .next()
            .unwrap_or("")
            .split(['(', '<'])
            .next()
            .unwrap_or("");
        if name.starts_with('$') {
            // The pattern of a macro, whose uses are found where they stand.
            continue;
        }
        let end = lines[start..].iter().position(|l| {
            l.strip_prefix(indent)
                .is_some_and(|rest| rest == "}" || rest.ends_with(" {}"))
        });
        found.push((name.to_owned(), end.map_or(1, |lines| lines + 1)));
    }
    found
}

#[test]
fn product_functions_are_short() {
    let mut long = Vec::new();
    for path in product_files() {
        for (function, lines) in functions(&product_code(&path)) {
            if lines > LONG {
                long.push((lines, format!("{} {function}", name(&path))));
            }
        }
    }
    long.sort();
    let longest = long.last().map_or(0, |(lines, _)| *lines);
    assert!(longest <= LONGEST, "over {LONGEST} lines: {long:#?}");
    assert!(long.len() <= LONG_FUNCTIONS, "over {LONG} lines: {long:#?}");
}

/// The types of a tuple pattern's tuple type, where `line` holds such a parameter: `(a, b): (A, B)`.
fn tuple_parameter(line: &str) -> Option<Vec<String>> {
    let body = line.trim_start();
    let (pattern, types) = body.split_once("): (")?;
    let open = pattern.rfind('(')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_, &".contains(c);
    let parameter = pattern[open + 1..].contains(',') && pattern[open + 1..].chars().all(plain);
    if !parameter || body.starts_with("let ") {
        return None;
    }
    let mut depth = 0;
    let mut parts = vec![String::new()];
    for c in types.chars() {
        match c {
            '(' | '<' | '[' => depth += 1,
            ')' if depth == 0 => break,
            ')' | '>' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut()?.push(c);
    }
    Some(
        parts
            .iter()
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect(),
    )
}

#[test]
fn no_parameter_bundles_unlike_things_in_a_tuple() {
    let mut found = Vec::new();
    for path in product_files() {
        for (index, line) in product_code(&path).lines().enumerate() {
            if line.contains('|') {
                // A closure takes what an iterator gives.
                continue;
            }
            if let Some(types) = tuple_parameter(line)
                && types.iter().any(|kind| *kind != types[0])
            {
                found.push(format!("{}:{}: {}", name(&path), index + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_readers_of_this_test_find_what_they_look_for() {
    let code = "impl A {\n    pub fn long(&self) -> u8 {\n        1\n    }\n}\nfn one() {}\n";
    assert_eq!(
        functions(code),
        [("long".to_owned(), 3), ("one".to_owned(), 1)]
    );
    assert_eq!(
        tuple_parameter("    (plan, level): (&Sum, usize),"),
        Some(vec!["&Sum".to_owned(), "usize".to_owned()])
    );
    assert_eq!(tuple_parameter("    let (a, b): (A, B) = c;"), None);
}
