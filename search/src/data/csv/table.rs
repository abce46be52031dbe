//! Reading CSV (RFC 4180): fields between commas, semicolons or tabs, as the first line has most of; quotes around
//! fields that hold such a sign, a line break or a quote, which is written twice.

use crate::Error;
use crate::data::files;

/// Most columns.
const MAX_COLUMNS: usize = 1 << 16;

/// A table of texts.
#[derive(Debug)]
pub struct Table {
    /// Of the columns, at least 2, all different.
    pub names: Vec<String>,
    /// At least 1, each with a field a column.
    pub rows: Vec<Row>,
}

/// A row of a table.
#[derive(Debug, PartialEq)]
pub struct Row {
    /// Number of its first line, from 1.
    pub line: usize,
    /// Its fields, without spaces around them.
    pub fields: Vec<String>,
}

impl Table {
    /// Reads the content of `file`.
    pub fn read(file: &str, content: &[u8]) -> Result<Self, Error> {
        let refuse = |why: String| files::refuse(file, why);
        if let Some(why) = other_table(content) {
            return refuse(why.into());
        }
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        let text = match std::str::from_utf8(content) {
            Ok(text) => text,
            Err(error) => return refuse(format!("it is no UTF-8 text: {error}")),
        };
        let first = text.lines().next().unwrap_or("");
        let count = |sign: &char| first.matches(*sign).count();
        let sign = [',', ';', '\t'].into_iter().rev().max_by_key(count);
        let sign = sign.unwrap_or(',');
        let mut rows = match rows(text, sign) {
            Ok(rows) => rows.into_iter(),
            Err(why) => return refuse(why),
        };
        let names = rows.next().map_or(Vec::new(), |row| row.fields);
        let rows: Vec<Row> = rows.collect();
        if !(2..=MAX_COLUMNS).contains(&names.len()) {
            let found = names.len();
            return refuse(format!("{found} columns, 2 to {MAX_COLUMNS} are possible"));
        }
        if let Some(name) = repeated(&names) {
            return refuse(format!("two columns are named `{name}`"));
        }
        if rows.is_empty() {
            return refuse("it has no rows below the names of its columns".into());
        }
        match rows.iter().find(|row| row.fields.len() != names.len()) {
            Some(row) => {
                let (line, found, expected) = (row.line, row.fields.len(), names.len());
                refuse(format!(
                    "line {line} has {found} fields, the first line {expected}"
                ))
            }
            None => Ok(Self { names, rows }),
        }
    }
}

/// What a file is that holds a table in another form, and how it becomes CSV, by its first bytes.
fn other_table(content: &[u8]) -> Option<&'static str> {
    match content {
        [b'P', b'A', b'R', b'1', ..] => Some(
            "it is a Parquet file; write it as CSV: duckdb -c \"COPY 'table.parquet' TO 'table.csv'\", or in Python \
             pandas.read_parquet('table.parquet').to_csv('table.csv', index=False)",
        ),
        [b'P', b'K', 3, 4, ..] => {
            Some("it is a zip file, such as a spreadsheet; save its table as CSV, or unpack it")
        }
        [0x1f, 0x8b, ..] => Some("it is a gzip file; unpack it with gunzip"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            Some("it is text in UTF-16; save it as UTF-8 (in Excel: CSV UTF-8)")
        }
        _ => None,
    }
}

/// A name that stands there twice.
fn repeated(names: &[String]) -> Option<&String> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    sorted
        .windows(2)
        .find(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
}

/// The rows that are not empty.
fn rows(text: &str, sign: char) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    let mut characters = text.chars().peekable();
    let (mut line, mut row, mut field) = (1, new_row(1), String::new());
    let mut quoted = false;
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.trim().is_empty() => {
                quoted = true;
                field.clear();
            }
            '\n' if !quoted => {
                end(&mut rows, &mut row, &mut field);
                line += 1;
                row.line = line;
            }
            '\n' => {
                field.push(c);
                line += 1;
            }
            c if c == sign && !quoted => row
                .fields
                .push(std::mem::take(&mut field).trim().to_owned()),
            c => field.push(c),
        }
    }
    if quoted {
        return Err(format!(
            "the quote in the row of line {} does not end",
            row.line
        ));
    }
    end(&mut rows, &mut row, &mut field);
    Ok(rows)
}

fn new_row(line: usize) -> Row {
    Row {
        line,
        fields: Vec::new(),
    }
}

/// Ends a row, which is left out where it is empty.
fn end(rows: &mut Vec<Row>, row: &mut Row, field: &mut String) {
    let last = std::mem::take(field).trim().to_owned();
    let mut whole = std::mem::replace(row, new_row(0));
    if whole.fields.is_empty() && last.is_empty() {
        return;
    }
    whole.fields.push(last);
    rows.push(whole);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_every_usual_form() {
        for text in [
            "a,b\n1,x y\n2,z\n",
            "a,b\r\n1,x y\r\n2,z",
            "\u{feff}a;b\n1;x y\n\n2; z \n",
            "a\tb\n1\t\"x y\"\n2\t\"z\"\n",
        ] {
            let table = Table::read("t", text.as_bytes()).expect(text);
            assert_eq!(table.names, ["a", "b"], "{text}");
            let fields: Vec<&[String]> = table.rows.iter().map(|r| &r.fields[..]).collect();
            assert_eq!(fields, [["1", "x y"], ["2", "z"]], "{text}");
        }
        let quoted = "\"a, b\",c\n\"say \"\"so\"\"\",\"two\nlines\"\n1,2\n";
        let table = Table::read("t", quoted.as_bytes()).expect("sound");
        assert_eq!(table.names, ["a, b", "c"]);
        assert_eq!(table.rows[0].fields, ["say \"so\"", "two\nlines"]);
        assert_eq!((table.rows[0].line, table.rows[1].line), (2, 4));
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        for (text, why) in [
            ("", "0 columns"),
            ("a\n1\n", "1 columns"),
            ("a,b\n", "no rows"),
            ("a,a\n1,2\n", "two columns are named `a`"),
            ("a,b\n1,2\n1,2,3\n", "line 3 has 3 fields, the first line 2"),
            ("a,b\n1,\"2\n", "line 2 does not end"),
        ] {
            let refused = Table::read("t.csv", text.as_bytes())
                .expect_err(text)
                .to_string();
            assert!(
                refused.contains(why) && refused.contains("t.csv"),
                "{refused}"
            );
        }
        assert!(Table::read("t", b"a,b\n\xff,1\n").is_err());
        for (content, told) in [
            (&b"PAR1\x15\x04"[..], "to_csv"),
            (b"PK\x03\x04\x14", "spreadsheet"),
            (b"\x1f\x8b\x08", "gunzip"),
            (b"\xff\xfea\0,\0", "UTF-16"),
        ] {
            let refused = Table::read("t", content).expect_err(told).to_string();
            assert!(refused.contains(told), "{refused}");
        }
    }
}
