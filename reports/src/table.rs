//! A table: as CSV for programs, with full precision, and as Markdown for people, with rounded numbers.

mod cell;

use crate::error::{Error, Result, finite};

pub use cell::Cell;
pub(crate) use cell::escaped;
use cell::quoted;

/// On which side the cells of a column stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// To the left: words.
    Left,
    /// To the right: numbers.
    Right,
    /// In the middle: short marks.
    Centre,
}

/// A column of a [`Table`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name in CSV, such as `predicted_latency_ms`.
    pub key: String,
    /// Heading in Markdown, such as `predicted latency`.
    pub heading: String,
    /// Unit, in Markdown put after the heading in brackets; may be empty.
    pub unit: String,
    /// On which side the cells stand in Markdown.
    pub align: Align,
}

impl Column {
    /// A column of words, to the left.
    pub fn words(key: impl Into<String>, heading: impl Into<String>) -> Self {
        Column {
            key: key.into(),
            heading: heading.into(),
            unit: String::new(),
            align: Align::Left,
        }
    }

    /// A column of numbers, to the right, with a unit, which may be empty. Cells of [`Cell::Fraction`] belong under
    /// `%`.
    pub fn numbers(
        key: impl Into<String>,
        heading: impl Into<String>,
        unit: impl Into<String>,
    ) -> Self {
        Column {
            key: key.into(),
            heading: heading.into(),
            unit: unit.into(),
            align: Align::Right,
        }
    }
}

impl Column {
    /// Heading and unit.
    pub(crate) fn shown(&self) -> String {
        match self.unit.is_empty() {
            true => self.heading.clone(),
            false => format!("{} ({})", self.heading, self.unit),
        }
    }
}

/// A table whose rows all have one cell for each column.
///
/// ```
/// use hemet_reports::{Cell, Column, Table};
/// let architecture = Column::words("architecture", "architecture");
/// let mut table = Table::new([architecture, Column::numbers("accuracy", "accuracy", "%")]);
/// table.push(["fire|8".into(), Cell::Fraction(0.9755)])?;
/// assert_eq!(table.csv(), "architecture,accuracy\nfire|8,0.9755\n");
/// assert_eq!(table.markdown(), "\
/// | architecture | accuracy (%) |
/// |:-------------|-------------:|
/// | fire\\|8      |        97.55 |
/// ");
/// # Ok::<(), hemet_reports::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: impl Into<Vec<Column>>) -> Self {
        Table {
            columns: columns.into(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`Error::RowLength`] if it has not one cell for each column, [`Error::NotFinite`] if a number in it is NaN or
    /// infinite; the table is then as before.
    pub fn push(&mut self, cells: impl Into<Vec<Cell>>) -> Result<()> {
        let (cells, row) = (cells.into(), self.rows.len());
        if cells.len() != self.columns.len() {
            return Err(Error::RowLength {
                row,
                cells: cells.len(),
                columns: self.columns.len(),
            });
        }
        for (cell, column) in cells.iter().zip(&self.columns) {
            if let Some(value) = cell.number() {
                finite(value, "value", || {
                    format!("row {row}, column `{}` of the table", column.key)
                })?;
            }
        }
        self.rows.push(cells);
        Ok(())
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows, each with one cell for each column.
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// The table as CSV: a line of keys, then a line for each row; numbers read back as the same `f64`. Quoted as RFC
    /// 4180 says; lines end in a line feed alone, so that line tools work.
    pub fn csv(&self) -> String {
        let mut lines = vec![
            self.columns
                .iter()
                .map(|column| quoted(&column.key))
                .collect::<Vec<_>>(),
        ];
        lines.extend(
            self.rows
                .iter()
                .map(|row| row.iter().map(Cell::csv).collect()),
        );
        // A line of one empty field would read as an empty line.
        let line = |cells: Vec<String>| {
            if cells.len() == 1 && cells[0].is_empty() {
                "\"\"\n".to_string()
            } else {
                cells.join(",") + "\n"
            }
        };
        lines.into_iter().map(line).collect()
    }

    /// The table in Markdown, with aligned columns. What would be markup in a text is escaped.
    pub fn markdown(&self) -> String {
        let heading = |column: &Column| escaped(&column.shown());
        let mut lines: Vec<Vec<String>> = vec![self.columns.iter().map(heading).collect()];
        lines.extend(
            self.rows
                .iter()
                .map(|row| row.iter().map(Cell::markdown).collect::<Vec<_>>()),
        );
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|i| {
                lines
                    .iter()
                    .map(|line| line[i].chars().count())
                    .fold(3, usize::max)
            })
            .collect();
        let rule = |(column, width): (&Column, &usize)| match column.align {
            Align::Left => format!(":{}", "-".repeat(width + 1)),
            Align::Right => format!("{}:", "-".repeat(width + 1)),
            Align::Centre => format!(":{}:", "-".repeat(*width)),
        };
        let mut text = String::new();
        for (i, line) in lines.iter().enumerate() {
            let cells: Vec<String> = line
                .iter()
                .zip(&self.columns)
                .zip(&widths)
                .map(|((cell, c), width)| padded(cell, c.align, *width))
                .collect();
            text += &format!("| {} |\n", cells.join(" | "));
            if i == 0 {
                let rules: Vec<String> = self.columns.iter().zip(&widths).map(rule).collect();
                text += &format!("|{}|\n", rules.join("|"));
            }
        }
        text
    }
}

fn padded(text: &str, align: Align, width: usize) -> String {
    match align {
        Align::Left => format!("{text:<width$}"),
        Align::Right => format!("{text:>width$}"),
        Align::Centre => format!("{text:^width$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A reader of RFC 4180 with line feeds: rows of fields.
    fn read_csv(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
        let mut rest = text.chars().peekable();
        let mut inside = false;
        while let Some(c) = rest.next() {
            match (c, inside) {
                ('"', true) if rest.peek() == Some(&'"') => field.extend(rest.next()),
                ('"', _) => inside = !inside,
                (',', false) => row.push(std::mem::take(&mut field)),
                ('\n', false) => {
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                (c, _) => field.push(c),
            }
        }
        assert!(
            !inside && field.is_empty() && row.is_empty(),
            "the last line is complete"
        );
        rows
    }

    proptest! {
        #[test]
        fn csv_gives_back_every_text_and_every_number(
            texts in prop::collection::vec("[ -~\n\r\"',äπ|]{0,12}", 1..5),
            values in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::ZERO, 1..5),
        ) {
            let mut table = Table::new([Column::words("a,\"b\"", "h"), Column::numbers("c", "h", "ms")]);
            let rows: Vec<(String, f64)> = texts.into_iter().zip(values).collect();
            for (text, value) in &rows {
                table.push([text.clone().into(), Cell::Milliseconds(*value)]).unwrap();
            }
            let read = read_csv(&table.csv());
            prop_assert_eq!(&read[0], &["a,\"b\"", "c"]);
            prop_assert_eq!(read.len(), rows.len() + 1);
            for ((text, value), row) in rows.iter().zip(&read[1..]) {
                prop_assert_eq!(&row[0], text);
                prop_assert_eq!(row[1].parse::<f64>().unwrap().to_bits(), value.to_bits());
            }
        }

        #[test]
        fn a_markdown_row_is_one_line_with_as_many_bars_as_the_heading(text in "[ -~\n|]{0,20}") {
            let mut table = Table::new([Column::words("k", "h"), Column::words("l", "h")]);
            table.push([text.into(), Cell::Missing]).unwrap();
            let markdown = table.markdown();
            let bars = |line: &str| line.replace("\\\\", "").replace("\\|", "").matches('|').count();
            prop_assert_eq!(markdown.lines().count(), 3);
            prop_assert!(markdown.lines().all(|line| bars(line) == 3), "{}", markdown);
        }
    }

    #[test]
    fn every_kind_of_cell_is_written_for_programs_and_for_people() {
        for (cell, csv, markdown) in [
            (
                Cell::from("a<b> & `c`"),
                "a<b> & `c`",
                "a&lt;b&gt; &amp; \\`c\\`",
            ),
            (
                Cell::from("snake_case _it_"),
                "snake_case _it_",
                "snake_case \\_it\\_",
            ),
            (Cell::Whole(-3), "-3", "-3"),
            (Cell::Milliseconds(57.123), "57.123", "57.1"),
            (Cell::Fraction(0.975_5), "0.9755", "97.55"),
            (Cell::Number(1_234.5, 2), "1234.5", "1234"),
            (Cell::Flag(true), "true", "✓"),
            (Cell::Flag(false), "false", ""),
            (Cell::Missing, "", "–"),
        ] {
            assert_eq!(cell.csv(), csv);
            assert_eq!(cell.markdown(), markdown);
        }
    }

    #[test]
    fn a_row_that_does_not_fit_is_refused_and_leaves_the_table_as_it_was() {
        let mut table = Table::new([Column::words("a", "a"), Column::numbers("b", "b", "ms")]);
        table.push(["x".into(), Cell::Milliseconds(1.0)]).unwrap();
        let before = table.clone();
        let short = table.push(["x".into()]).unwrap_err().to_string();
        assert!(
            short.contains("row 1") && short.contains("1 cells") && short.contains("2 columns"),
            "{short}"
        );
        let nan = table
            .push(["x".into(), Cell::Milliseconds(f64::NAN)])
            .unwrap_err()
            .to_string();
        assert!(nan.contains("column `b`") && nan.contains("NaN"), "{nan}");
        assert_eq!(table, before);
    }
}
