//! The report as one HTML page, from the templates in `templates/`; askama escapes all texts.
//!
//! Pictures are the SVG files themselves, written into the page. They are drawn for white paper; on a dark page the
//! style sheet sets other colors in the place of each that the drawing uses for paper, ink and grid.

use askama::Template;

use super::{Part, Picture, Report};
use crate::error::{Error, Result};
use crate::scene::{ACCENT, FAINT, INK, PAPER, QUIET, Rgb};
use crate::table::{Align, Cell, Column};

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    title: &'a str,
    /// Colors of drawings and the variable of the style sheet that takes the place of each.
    colors: Vec<(String, &'static str)>,
    parts: Parts<'a>,
}

#[derive(Template)]
#[template(path = "parts.html")]
struct Parts<'a> {
    parts: &'a [Part],
}

/// The page of a report.
pub(crate) fn page(report: &Report) -> Result<String> {
    let colors = [
        (PAPER, "paper"),
        (INK, "ink"),
        (QUIET, "quiet"),
        (FAINT, "faint"),
        (ACCENT, "accent"),
    ];
    Page {
        title: &report.title,
        colors: colors.map(|(color, name)| (hex(color), name)).into(),
        parts: Parts {
            parts: &report.parts,
        },
    }
    .render()
    .map_err(|error| Error::Drawing(format!("the page: {error}")))
}

/// As plotters writes it into SVG files.
fn hex(Rgb(red, green, blue): Rgb) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// Pictures wider than this, in logical units, have a row of their own.
const WIDE: f64 = 700.0;

/// Whether a picture has a row of its own, by the width that its SVG states.
fn wide(picture: &Picture) -> bool {
    let width = picture.svg.split_once("<svg width=\"");
    let width = width.and_then(|(_, rest)| rest.split('"').next()?.parse::<f64>().ok());
    width.is_some_and(|width| width > WIDE)
}

/// The class of a column.
fn side(column: &Column) -> &'static str {
    match column.align {
        Align::Left => "left",
        Align::Right => "right",
        Align::Centre => "centre",
    }
}

/// What a link calls a subheading: its words before a colon, as in `trial-29`.
fn slug(text: &str) -> String {
    let name = text.split(':').next().unwrap_or(text).to_lowercase();
    let words = name.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

/// A row's cells with their columns.
fn cells<'a>(
    row: &'a [Cell],
    columns: &'a [Column],
) -> impl Iterator<Item = (&'static str, String)> {
    row.iter()
        .zip(columns)
        .map(|(cell, column)| (side(column), cell.shown()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Curve, LinePlot, Table};

    fn report() -> Report {
        let mut table = Table::new([
            Column::words("a", "name"),
            Column::numbers("b", "time", "ms"),
        ]);
        table
            .push(["<fire|8>".into(), Cell::Milliseconds(57.34)])
            .unwrap();
        let mut plot = LinePlot::new("Loss", "epoch", "loss");
        plot.curves.push(Curve {
            name: "a & b".into(),
            places: vec![(1.0, 2.0), (2.0, 1.0)],
        });
        Report::new("Search <digits>")
            .figures([["accuracy".into(), "97 %".into(), "encrypted".into()]])
            .pictures([Picture {
                shows: "loss \"over\" epochs".into(),
                path: "loss.png".into(),
                svg: plot.svg().unwrap(),
            }])
            .folded(Report::new("all").table("trials", table))
    }

    #[test]
    fn texts_are_escaped_and_drawings_are_not() {
        let html = report().html().unwrap();
        assert!(html.contains("Search &#60;digits&#62;") && !html.contains("<digits>"));
        assert!(html.contains("&#60;fire|8&#62;") && html.contains("57.3"));
        assert!(html.contains("<svg width=") && html.contains("</svg>"));
        assert!(html.contains("<details>") && html.contains("time (ms)"));
    }

    #[test]
    fn the_page_asks_for_nothing_from_elsewhere() {
        let html = report().html().unwrap();
        let mut rest = html.replace("http://www.w3.org/2000/svg", "");
        rest.make_ascii_lowercase();
        for foreign in [
            "http:", "https:", "src=", "<link", "<script ", "@import", "url(", "onload", "fetch",
            "import", "eval",
        ] {
            assert!(!rest.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn every_color_of_a_drawing_that_the_dark_page_changes_is_one_that_drawings_use() {
        let html = report().html().unwrap();
        let svg = &html[html.find("<svg").unwrap()..];
        for color in [PAPER, INK, QUIET, FAINT].map(hex) {
            assert!(svg.contains(&format!("\"{color}\"")), "{color}");
            assert!(html.contains(&format!("[fill=\"{color}\"]")), "{color}");
        }
    }
}
