//! The report page: paragraphs, facts, tables and pictures in order, as Markdown.

use crate::table::{Table, escaped};

/// A piece of a [`Report`].
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A heading below the title.
    Heading(String),
    /// A paragraph of plain text.
    Paragraph(String),
    /// Names and what they are, such as `latency` and `57.3 ms`.
    Facts(Vec<(String, String)>),
    /// A table, with a caption that may be empty.
    Table(String, Table),
    /// A picture: what it shows, and its path relative to the report.
    Picture(String, String),
    /// Lines to be shown as they are, such as a command.
    Verbatim(String),
}

/// A report: a title and its parts in order. All texts are plain; what would be markup in them is escaped.
///
/// ```
/// use hemet_reports::Report;
/// let report = Report::new("Digits").paragraph("20 trials.").facts([("latency", "57.3 ms")]).picture("Pareto front", "pareto.svg");
/// assert_eq!(report.markdown(), "# Digits\n\n20 trials.\n\n- **latency:** 57.3 ms\n\n![Pareto front](pareto.svg)\n");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The title.
    pub title: String,
    /// The parts in order.
    pub parts: Vec<Part>,
}

impl Report {
    /// A report without parts.
    pub fn new(title: impl Into<String>) -> Self {
        Report {
            title: title.into(),
            parts: Vec::new(),
        }
    }

    /// Adds a heading.
    #[must_use]
    pub fn heading(self, text: impl Into<String>) -> Self {
        self.with(Part::Heading(text.into()))
    }

    /// Adds a paragraph.
    #[must_use]
    pub fn paragraph(self, text: impl Into<String>) -> Self {
        self.with(Part::Paragraph(text.into()))
    }

    /// Adds a list of names and what they are.
    #[must_use]
    pub fn facts<N: Into<String>, F: Into<String>>(
        self,
        facts: impl IntoIterator<Item = (N, F)>,
    ) -> Self {
        self.with(Part::Facts(
            facts
                .into_iter()
                .map(|(name, fact)| (name.into(), fact.into()))
                .collect(),
        ))
    }

    /// Adds a table, with a caption that may be empty.
    #[must_use]
    pub fn table(self, caption: impl Into<String>, table: Table) -> Self {
        self.with(Part::Table(caption.into(), table))
    }

    /// Adds a picture: what it shows, and its path relative to the report.
    #[must_use]
    pub fn picture(self, shows: impl Into<String>, path: impl Into<String>) -> Self {
        self.with(Part::Picture(shows.into(), path.into()))
    }

    /// Adds lines that are shown as they are.
    #[must_use]
    pub fn verbatim(self, lines: impl Into<String>) -> Self {
        self.with(Part::Verbatim(lines.into()))
    }

    fn with(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    /// The report in Markdown (CommonMark with tables).
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n", escaped(&self.title));
        for part in &self.parts {
            text.push('\n');
            text += &part.markdown();
        }
        text
    }
}

impl Part {
    fn markdown(&self) -> String {
        match self {
            Part::Heading(heading) => format!("## {}\n", escaped(heading)),
            Part::Paragraph(paragraph) => format!("{}\n", block_start_escaped(&escaped(paragraph))),
            Part::Facts(facts) => facts
                .iter()
                .map(|(name, fact)| format!("- **{}:** {}\n", escaped(name), escaped(fact)))
                .collect(),
            Part::Table(caption, table) if caption.is_empty() => table.markdown(),
            Part::Table(caption, table) => format!(
                "{}\n\n{}",
                block_start_escaped(&escaped(caption)),
                table.markdown()
            ),
            Part::Picture(shows, path) => format!("![{}]({})\n", escaped(shows), link(path)),
            Part::Verbatim(lines) => {
                // The fence is longer than any run of backticks inside.
                let longest = lines.split(|c| c != '`').map(str::len).max().unwrap_or(0);
                let fence = "`".repeat(longest.max(2) + 1);
                format!("{fence}\n{}\n{fence}\n", lines.trim_end_matches('\n'))
            }
        }
    }
}

/// A paragraph that does not begin like a heading, list or numbered item.
fn block_start_escaped(text: &str) -> String {
    let text = text.trim_start();
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    if text.starts_with(['#', '-', '+', '=']) {
        format!("\\{text}")
    } else if digits > 0 && text[digits..].starts_with(['.', ')']) {
        format!("{}\\{}", &text[..digits], &text[digits..])
    } else {
        text.to_string()
    }
}

/// A link's target; in angle brackets where it would end too early otherwise.
fn link(path: &str) -> String {
    let bare = |c: char| {
        !c.is_whitespace() && !c.is_control() && !matches!(c, '(' | ')' | '<' | '>' | '\\')
    };
    if path.chars().all(bare) && !path.is_empty() {
        return path.to_string();
    }
    let inner = path
        .replace('\\', "\\\\")
        .replace('<', "\\<")
        .replace('>', "\\>")
        .replace(['\n', '\r'], "%0A");
    format!("<{inner}>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Cell, Column};

    #[test]
    fn parts_stand_in_order_with_empty_lines_between() {
        let mut table = Table::new([Column::numbers("trial", "trial", "")]);
        table.push([Cell::Whole(17)]).unwrap();
        let report = Report::new("Digits *1*")
            .heading("Front")
            .table("Members", table)
            .picture("the front", "my plot.svg")
            .verbatim("a ``` b\n")
            .paragraph("1. is no list");
        let expected = "\
# Digits \\*1\\*

## Front

Members

| trial |
|------:|
|    17 |

![the front](<my plot.svg>)

````
a ``` b
````

1\\. is no list
";
        assert_eq!(report.markdown(), expected);
    }
}
