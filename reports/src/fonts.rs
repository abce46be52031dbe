//! The embedded font (DejaVu Sans 2.37, licence in `fonts/LICENSE`) and the width of texts set in it.
//!
//! The font travels in the binary, so pictures look alike on every machine and no font service is needed. SVG files
//! name the font and similar ones; a viewer without them takes its own sans-serif.

use std::sync::OnceLock;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

use crate::error::{Error, Result};

/// CSS list of families written into SVG files; also the key under which plotters holds the embedded font.
pub(crate) const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// Line height of the font (ascent and descent, 2384 units) in units of its em (2048 units). The bitmap renderer takes
/// a font's size as line height, everything else here counts in em.
pub(crate) const LINE_HEIGHT_EM: f64 = 2384.0 / 2048.0;

/// Height of a capital letter in em, rounded up from 0.729.
pub(crate) const CAP_HEIGHT_EM: f64 = 0.73;

static DEJAVU_SANS: &[u8] = include_bytes!("../fonts/DejaVuSans.ttf");

/// Hands the embedded font to plotters; must precede every measuring and drawing of text.
pub(crate) fn register() -> Result<()> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered =
        REGISTERED.get_or_init(|| register_font(FAMILY, FontStyle::Normal, DEJAVU_SANS).is_ok());
    if *registered {
        Ok(())
    } else {
        Err(Error::Drawing(
            "the embedded font DejaVu Sans was refused".into(),
        ))
    }
}

/// Width of a text set at `size` logical units per em. Before [`register`] it is estimated from the number of
/// characters.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    // Measured large, since plotters rounds the width down to whole pixels.
    const MEASURED_EM: f64 = 256.0;
    let font = FontDesc::new(
        FontFamily::Name(FAMILY),
        MEASURED_EM * LINE_HEIGHT_EM,
        FontStyle::Normal,
    );
    match font.box_size(text) {
        Ok((pixels, _)) => f64::from(pixels) * size / MEASURED_EM,
        Err(_) => text.chars().count() as f64 * size * 0.6,
    }
}

/// Breaks a text at spaces into lines no wider than `room`; a longer word, and what exceeds `max_lines`, is cut with
/// `…`.
pub(crate) fn wrap(text: &str, size: f64, room: f64, max_lines: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        if let Some(last) = lines.last() {
            let longer = format!("{last} {word}");
            if width(&longer, size) <= room || lines.len() == max_lines {
                *lines.last_mut().expect("just seen") = longer;
                continue;
            }
        }
        lines.push(word.to_string());
    }
    lines.iter().map(|line| cut(line, size, room)).collect()
}

/// The text, or as much of its beginning as fits into `room` together with `…`.
pub(crate) fn cut(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_string();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let shorter: String = kept.iter().collect::<String>().trim_end().to_string() + "…";
        if width(&shorter, size) <= room {
            return shorter;
        }
    }
    "…".to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_keep_within_the_room_and_the_number_of_lines() {
        register().unwrap();
        for (text, room, max_lines) in [
            ("", 50.0, 2),
            ("one two three four five six seven", 60.0, 2),
            ("averyveryverylongword_without_any_space", 80.0, 3),
            ("short", 500.0, 1),
        ] {
            let lines = wrap(text, 12.0, room, max_lines);
            assert!(lines.len() <= max_lines, "{lines:?}");
            for line in &lines {
                assert!(
                    width(line, 12.0) <= room,
                    "`{line}` is {} wide, room is {room}",
                    width(line, 12.0)
                );
            }
        }
    }

    #[test]
    fn a_digit_is_as_wide_as_the_font_says() {
        register().unwrap();
        // DejaVu Sans: every digit advances 1303 of 2048 units; a pixel of 256 is lost to rounding at most.
        assert!((width("0", 100.0) - 100.0 * 1303.0 / 2048.0).abs() <= 100.0 / 256.0 + 1e-9);
    }
}
