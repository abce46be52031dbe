//! A scene drawn by plotters, as SVG text or as PNG bytes.

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    FontDesc, FontFamily, FontStyle, FontTransform, RGBAColor, ShapeStyle, TextStyle,
};

use crate::error::{Error, Result};
use crate::fonts;
use crate::scene::{Anchor, Bounds, Hint, Mark, Place, Rgb, Scene, Text};

/// Size of an SVG picture in logical units, and the least size on which a PNG is laid out.
pub(crate) const LOGICAL: (f64, f64) = (640.0, 480.0);
/// Least width and height of a PNG, in pixels.
const MIN_PIXELS: (u32, u32) = (240, 180);
/// Greatest width and height of a PNG, in pixels.
const MAX_PIXELS: u32 = 8192;
/// Pixels that a PNG may have before it is reduced; bounds the memory to 3 bytes each.
const MAX_RAW_PIXELS: u64 = 1 << 26;
/// plotters draws at whole units; an SVG is drawn this much larger, so that they are fine enough.
const SVG_SCALE: f64 = 8.0;

/// How one backend places text: plotters' size of a font of one em, and how far below its place the baseline comes.
struct TextHabit {
    size_per_em: f64,
    drop_em: f64,
}

/// The scene as the text of an SVG file.
pub(crate) fn svg(scene: &Scene) -> Result<String> {
    svg_with(scene, "")
}

/// As [`svg`], with images by [`image`] on top.
pub(crate) fn svg_with(scene: &Scene, images: &str) -> Result<String> {
    // plotters-svg: `font-size` is the size over 1.24, and a text anchored at its top is moved by 0.76 em.
    let habit = TextHabit {
        size_per_em: 1.24,
        drop_em: 0.76,
    };
    let size = (
        (scene.width * SVG_SCALE) as u32,
        (scene.height * SVG_SCALE) as u32,
    );
    let mut text = String::new();
    draw(
        scene,
        SVGBackend::with_string(&mut text, size).into_drawing_area(),
        SVG_SCALE,
        &habit,
    )?;
    let body = text.find('>').map_or("", |end| &text[end + 1..]);
    let body = body.trim_end().trim_end_matches("</svg>");
    let hints: String = scene.hints.iter().map(hint).collect();
    Ok(format!(
        "<svg width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">\n<title>{}</title>{body}{images}{hints}</svg>\n",
        scene.width,
        scene.height,
        size.0,
        size.1,
        escape(&scene.title),
    ))
}

/// A PNG in base64 that fills these bounds, its pixels as squares.
pub(crate) fn image(bounds: Bounds, base64: &str) -> String {
    let Bounds {
        left,
        top,
        right,
        bottom,
    } = bounds;
    let units = |length: f64| (length * SVG_SCALE).round() as i32;
    format!(
        "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" style=\"image-rendering: pixelated\" \
         href=\"data:image/png;base64,{base64}\"/>\n",
        units(left),
        units(top),
        units(right - left),
        units(bottom - top),
    )
}

/// Width of the unseen line of a hint: wide enough to be pointed at.
const PATH_WIDTH: f64 = 5.0;

/// An unseen disc, and a line where it has one, that show their text to who points at them, with a link to where the
/// page says more of the trial.
fn hint(hint: &Hint) -> String {
    let units = |length: f64| (length * SVG_SCALE).round() as i32;
    let Hint {
        centre,
        radius,
        path,
        trial,
        text,
    } = hint;
    let text = escape(text);
    let points: Vec<String> = (path.iter())
        .map(|(x, y)| format!("{},{}", units(*x), units(*y)))
        .collect();
    let line = match path.is_empty() {
        true => String::new(),
        false => format!(
            "<polyline points=\"{}\" fill=\"none\" stroke-width=\"{}\" stroke-opacity=\"0\" pointer-events=\"stroke\">\
             <title>{text}</title></polyline>",
            points.join(" "),
            units(PATH_WIDTH),
        ),
    };
    format!(
        "<a href=\"#trial-{trial}\" data-trial=\"{trial}\">{line}<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill-opacity=\"0\">\
         <title>{text}</title></circle></a>\n",
        units(centre.0),
        units(centre.1),
        units(*radius),
    )
}

/// Lays a picture out for a PNG of this many pixels and draws it. `lay_out` gets the size in logical units, which keeps
/// the proportions and is at least [`LOGICAL`].
pub(crate) fn png(
    width: u32,
    height: u32,
    lay_out: impl FnOnce(f64, f64) -> Result<Scene>,
) -> Result<Vec<u8>> {
    let (min_width, min_height) = MIN_PIXELS;
    if width < min_width || height < min_height || width > MAX_PIXELS || height > MAX_PIXELS {
        return Err(Error::PictureSize {
            width,
            height,
            min_width,
            min_height,
            max: MAX_PIXELS,
        });
    }
    let pixels_per_unit = (f64::from(width) / LOGICAL.0).min(f64::from(height) / LOGICAL.1);
    let scene = lay_out(
        f64::from(width) / pixels_per_unit,
        f64::from(height) / pixels_per_unit,
    )?;
    rasterise(&scene, width, height, pixels_per_unit)
}

/// Draws a scene as a PNG at this many pixels per logical unit, fewer where it would grow too large.
pub(crate) fn png_of(scene: &Scene, pixels_per_unit: f64) -> Result<Vec<u8>> {
    let longest = scene.width.max(scene.height).max(1.0);
    let area = (scene.width * scene.height).max(1.0);
    let scale = pixels_per_unit
        .min(f64::from(MAX_PIXELS) / longest)
        .min((MAX_RAW_PIXELS as f64 / area).sqrt());
    let pixels = |units: f64| ((units * scale) as u32).clamp(1, MAX_PIXELS);
    rasterise(scene, pixels(scene.width), pixels(scene.height), scale)
}

/// Draws a scene on so many pixels.
fn rasterise(scene: &Scene, width: u32, height: u32, pixels_per_unit: f64) -> Result<Vec<u8>> {
    // Drawn larger and then reduced, since plotters smooths only some shapes.
    let pixels = u64::from(width) * u64::from(height);
    let factor = (1..=4)
        .rev()
        .find(|f| pixels * f * f <= MAX_RAW_PIXELS)
        .unwrap_or(1) as u32;
    let raw_size = (width * factor, height * factor);
    let mut raw = vec![0xff; raw_size.0 as usize * raw_size.1 as usize * 3];
    // ab_glyph: the size is the line height; plotters puts the baseline half of it below a top anchor.
    let habit = TextHabit {
        size_per_em: fonts::LINE_HEIGHT_EM,
        drop_em: fonts::LINE_HEIGHT_EM / 2.0,
    };
    let area = BitMapBackend::with_buffer(&mut raw, raw_size).into_drawing_area();
    draw(scene, area, pixels_per_unit * f64::from(factor), &habit)?;
    encode(
        &reduce(&raw, width as usize, height as usize, factor as usize),
        width,
        height,
    )
}

/// Draws every mark, at `scale` units of the backend per logical unit.
fn draw<B: DrawingBackend>(
    scene: &Scene,
    area: DrawingArea<B, Shift>,
    scale: f64,
    habit: &TextHabit,
) -> Result<()> {
    fonts::register()?;
    area.fill(&rgba(crate::scene::PAPER, 1.0))
        .map_err(refused)?;
    let canvas = Canvas { area, scale, habit };
    for mark in &scene.marks {
        canvas.draw(mark)?;
    }
    canvas.area.present().map_err(refused)
}

/// Where a scene is drawn.
struct Canvas<'a, B: DrawingBackend> {
    area: DrawingArea<B, Shift>,
    /// Units of the backend per logical unit.
    scale: f64,
    habit: &'a TextHabit,
}

impl<B: DrawingBackend> Canvas<'_, B> {
    fn draw(&self, mark: &Mark) -> Result<()> {
        match mark {
            Mark::Line {
                places,
                color,
                width,
            } => self.path(places, self.outline(*color, *width)),
            Mark::Area {
                corners,
                color,
                alpha,
            } => {
                let corners: Vec<(i32, i32)> = corners.iter().map(|p| self.at(*p)).collect();
                let polygon = Polygon::new(corners, self.filled(*color, *alpha));
                self.area.draw(&polygon).map_err(refused)
            }
            Mark::Disc {
                centre,
                radius,
                color,
            } => self.circle(*centre, *radius, self.filled(*color, 1.0)),
            Mark::Ring {
                centre,
                radius,
                color,
                width,
            } => self.circle(*centre, *radius, self.outline(*color, *width)),
            Mark::Text(text) => self.text(text),
        }
    }

    fn at(&self, place: Place) -> (i32, i32) {
        let units = |length: f64| (length * self.scale).round() as i32;
        (units(place.0), units(place.1))
    }

    fn wide(&self, width: f64) -> u32 {
        ((width * self.scale).round() as u32).max(1)
    }

    fn outline(&self, color: Rgb, width: f64) -> ShapeStyle {
        ShapeStyle {
            color: rgba(color, 1.0),
            filled: false,
            stroke_width: self.wide(width),
        }
    }

    fn filled(&self, color: Rgb, alpha: f64) -> ShapeStyle {
        ShapeStyle {
            color: rgba(color, alpha),
            filled: true,
            stroke_width: self.wide(1.0),
        }
    }

    fn path(&self, places: &[Place], style: ShapeStyle) -> Result<()> {
        // A step of no length has no direction, which the bitmap renderer needs.
        let mut path: Vec<(i32, i32)> = places.iter().map(|p| self.at(*p)).collect();
        path.dedup();
        match path.len() {
            0 | 1 => Ok(()),
            _ => self
                .area
                .draw(&PathElement::new(path, style))
                .map_err(refused),
        }
    }

    fn circle(&self, centre: Place, radius: f64, style: ShapeStyle) -> Result<()> {
        let circle = Circle::new(self.at(centre), self.wide(radius), style);
        self.area.draw(&circle).map_err(refused)
    }

    fn text(&self, text: &Text) -> Result<()> {
        let (size, (x, y)) = (text.size, text.at);
        let h_pos = match text.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let drop = size * self.habit.drop_em;
        let (top, turn) = match text.upwards {
            true => ((x - drop, y), FontTransform::Rotate270),
            false => ((x, y - drop), FontTransform::None),
        };
        let font = FontDesc::new(
            FontFamily::Name(fonts::FAMILY),
            size * self.scale * self.habit.size_per_em,
            FontStyle::Normal,
        );
        let color = rgba(text.color, 1.0);
        let style = TextStyle::from(font.transform(turn))
            .color(&color)
            .pos(Pos::new(h_pos, VPos::Top));
        self.area
            .draw_text(&printable(&text.text), &style, self.at(top))
            .map_err(refused)
    }
}

fn rgba(color: Rgb, alpha: f64) -> RGBAColor {
    RGBAColor(color.0, color.1, color.2, alpha)
}

fn refused(reason: impl std::fmt::Display) -> Error {
    Error::Drawing(reason.to_string())
}

/// Means over squares of `factor` by `factor` pixels of an RGB picture.
fn reduce(raw: &[u8], width: usize, height: usize, factor: usize) -> Vec<u8> {
    if factor == 1 {
        return raw.to_vec();
    }
    let (raw_row, area) = (width * factor * 3, (factor * factor) as u32);
    let mut reduced = Vec::with_capacity(width * height * 3);
    let mut sums = vec![0_u32; width * 3];
    for rows in raw.chunks_exact(raw_row * factor) {
        sums.fill(0);
        for row in rows.chunks_exact(raw_row) {
            for (x, square) in row.chunks_exact(3 * factor).enumerate() {
                for (i, byte) in square.iter().enumerate() {
                    sums[x * 3 + i % 3] += u32::from(*byte);
                }
            }
        }
        reduced.extend(sums.iter().map(|sum| ((sum + area / 2) / area) as u8));
    }
    reduced
}

/// A PNG file of so many pixels, red, green and blue each.
pub(crate) fn encode(rgb: &[u8], width: u32, height: u32) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(refused)?;
    writer.write_image_data(rgb).map_err(refused)?;
    writer.finish().map_err(refused)?;
    Ok(bytes)
}

/// The text without control characters, which XML does not allow.
fn printable(text: &str) -> String {
    text.replace(
        |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'),
        " ",
    )
}

fn escape(text: &str) -> String {
    printable(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reducing_takes_the_mean_of_each_square() {
        let raw = [0, 10, 20, 4, 10, 20, 8, 10, 20, 4, 10, 24];
        assert_eq!(reduce(&raw, 1, 1, 2), [4, 10, 21]);
    }

    #[test]
    fn a_picture_too_small_or_too_large_is_refused_before_it_is_laid_out() {
        for (width, height) in [(10, 400), (400, 10), (9000, 400), (0, 0)] {
            let refused = png(width, height, |_, _| panic!("must not be laid out"));
            assert!(
                matches!(refused, Err(Error::PictureSize { .. })),
                "{width}x{height}"
            );
        }
    }
}
