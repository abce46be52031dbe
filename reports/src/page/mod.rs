//! The report page: paragraphs, facts, tables and pictures in order, as Markdown and as one HTML page.

mod html;

use crate::error::Result;

use crate::table::{Table, escaped};

/// A piece of a [`Report`].
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A heading below the title.
    Heading(String),
    /// A heading below that.
    Subheading(String),
    /// A paragraph of plain text.
    Paragraph(String),
    /// Names and what they are, such as `latency` and `57.3 ms`.
    Facts(Vec<(String, String)>),
    /// A table, with a caption that may be empty.
    Table(String, Table),
    /// The most important numbers, large: what each is, its value, and a word on it, which may be empty.
    Figures(Vec<[String; 3]>),
    /// Pictures, side by side where there is room.
    Pictures(Vec<Picture>),
    /// Parts that a reader opens: what they are, and they. In Markdown they stand open.
    Folded(String, Vec<Part>),
    /// Lines to be shown as they are, such as a command.
    Verbatim(String),
}

/// A picture of a [`Report`].
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// What it shows.
    pub shows: String,
    /// Its path relative to the report, for Markdown.
    pub path: String,
    /// The text of its SVG file, for HTML, which holds it whole.
    pub svg: String,
}

/// A report: a title and its parts in order. All texts are plain; what would be markup in them is escaped.
///
/// ```
/// use hemet_reports::{Picture, Report};
/// let front = Picture { shows: "Pareto front".into(), path: "pareto.svg".into(), svg: "<svg></svg>".into() };
/// let report = Report::new("Digits")
///     .paragraph("20 trials.")
///     .facts([("latency", "57.3 ms")])
///     .pictures([front]);
/// assert!(report.html()?.contains("<h1>Digits</h1>"));
/// assert_eq!(report.markdown(), "# Digits\n\n20 trials.\n\n- **latency:** 57.3 ms\n\n![Pareto front](pareto.svg)\n");
/// # Ok::<(), hemet_reports::Error>(())
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

    /// Adds pictures, side by side where there is room.
    #[must_use]
    pub fn pictures(self, pictures: impl Into<Vec<Picture>>) -> Self {
        self.with(Part::Pictures(pictures.into()))
    }

    /// Adds the most important numbers: what each is, its value, and a word on it, which may be empty.
    #[must_use]
    pub fn figures(self, figures: impl Into<Vec<[String; 3]>>) -> Self {
        self.with(Part::Figures(figures.into()))
    }

    /// Adds the parts of another report, without its title.
    #[must_use]
    pub fn append(mut self, parts: Vec<Part>) -> Self {
        self.parts.extend(parts);
        self
    }

    /// Adds the parts of another report, which a reader opens under its title.
    #[must_use]
    pub fn folded(self, inner: Report) -> Self {
        self.with(Part::Folded(inner.title, inner.parts))
    }

    /// Adds a heading of the second order.
    #[must_use]
    pub fn subheading(self, text: impl Into<String>) -> Self {
        self.with(Part::Subheading(text.into()))
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
        format!("# {}\n{}", escaped(&self.title), markdown(&self.parts))
    }

    /// The report as one HTML page that holds its pictures and needs nothing else: no network, no JavaScript. Light or
    /// dark as the reader's system asks.
    ///
    /// # Errors
    /// None that is known; the template's own.
    pub fn html(&self) -> Result<String> {
        html::page(self)
    }
}

/// The parts, an empty line before each.
fn markdown(parts: &[Part]) -> String {
    let with_line = |part: &Part| format!("\n{}", part.markdown());
    parts.iter().map(with_line).collect()
}

/// Names and what they are, as a list.
fn facts_markdown<'a>(facts: impl Iterator<Item = (&'a str, String)>) -> String {
    facts
        .map(|(name, fact)| format!("- **{}:** {}\n", escaped(name), escaped(&fact)))
        .collect()
}

impl Part {
    fn markdown(&self) -> String {
        match self {
            Part::Heading(heading) => format!("## {}\n", escaped(heading)),
            Part::Paragraph(paragraph) => format!("{}\n", block_start_escaped(&escaped(paragraph))),
            Part::Subheading(heading) => format!("### {}\n", escaped(heading)),
            Part::Facts(facts) => facts_markdown(
                facts
                    .iter()
                    .map(|(name, fact)| (name.as_str(), fact.clone())),
            ),
            Part::Figures(figures) => facts_markdown(figures.iter().map(|[name, value, word]| {
                let word = match word.is_empty() {
                    true => String::new(),
                    false => format!(" ({word})"),
                };
                (name.as_str(), format!("{value}{word}"))
            })),
            Part::Table(caption, table) if caption.is_empty() => table.markdown(),
            Part::Table(caption, table) => format!(
                "{}\n\n{}",
                block_start_escaped(&escaped(caption)),
                table.markdown()
            ),
            Part::Pictures(pictures) => pictures
                .iter()
                .map(|p| format!("![{}]({})\n", escaped(&p.shows), link(&p.path)))
                .collect(),
            Part::Folded(title, parts) => format!("**{}**\n{}", escaped(title), markdown(parts)),
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
            .pictures([Picture {
                shows: "the front".into(),
                path: "my plot.svg".into(),
                svg: String::new(),
            }])
            .figures([["speed".into(), "3 ms".into(), "measured".into()]])
            .folded(Report::new("more").subheading("of it"))
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

- **speed:** 3 ms (measured)

**more**

### of it

````
a ``` b
````

1\\. is no list
";
        assert_eq!(report.markdown(), expected);
    }
}
