//! Rows of small pictures, such as originals and their reconstructions.
//!
//! In an SVG the pixels are one PNG inside it, so that the file needs nothing else and stays small.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Result};
use crate::fonts::{self, CAP_HEIGHT_EM};
use crate::render;
use crate::scene::{Anchor, Bounds, INK, QUIET, Rgb, Scene};

/// Most rows of a grid, and most pictures of a row.
pub const MAX_SIDE: usize = 64;
/// Most pixels of a side of a picture.
pub const MAX_PIXELS: usize = 512;

const TITLE_SIZE: f64 = 17.0;
const TEXT_SIZE: f64 = 12.5;
const NOTE_SIZE: f64 = 11.0;
const MARGIN: f64 = 14.0;
/// Width of the names of rows.
const NAMES: f64 = 190.0;
/// Shorter side of a picture is this wide, its border included.
const CELL: f64 = 56.0;
/// Room around a picture.
const BORDER: f64 = 3.0;

/// A row of a [`PictureGrid`].
#[derive(Clone, Debug, PartialEq)]
pub struct PictureRow {
    /// What it shows.
    pub name: String,
    /// A word on it, smaller; may be empty.
    pub note: String,
    /// Its pictures, `[channels][height][width]` of numbers 0 to 1; others count as the nearer end.
    pub pictures: Vec<Vec<f32>>,
}

/// Rows of pictures of one size, of one channel (grey) or three (red, green, blue).
#[derive(Clone, Debug, PartialEq)]
pub struct PictureGrid {
    /// Title.
    pub title: String,
    /// Channels, height and width of every picture.
    pub shape: [usize; 3],
    /// The rows, from 1 to [`MAX_SIDE`].
    pub rows: Vec<PictureRow>,
}

impl PictureGrid {
    /// The grid as the text of an SVG file, as large as it needs. Equal grids give equal texts.
    ///
    /// # Errors
    /// No rows, none or too many pictures; pictures too large, of another size, or not of one or three channels.
    pub fn svg(&self) -> Result<String> {
        self.check()?;
        let [_, height, width] = self.shape;
        let scene = self.lay_out()?;
        let mut images = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            let strip = self.strip(row);
            let pixels = (row.pictures.len() * (width + 1)) as u32;
            let png = render::encode(&strip, pixels, height as u32)?;
            let from = self.cell(index, 0);
            let (cell, _) = self.cell_size();
            let bounds = Bounds {
                right: from.left + row.pictures.len() as f64 * cell,
                ..from
            };
            images.push_str(&render::image(bounds, &STANDARD.encode(png)));
        }
        render::svg_with(&scene, &images)
    }

    /// The grid as the bytes of a PNG file, with the pixels as squares.
    ///
    /// # Errors
    /// As [`PictureGrid::svg`].
    pub fn png(&self) -> Result<Vec<u8>> {
        self.check()?;
        let mut scene = self.lay_out()?;
        let [_, height, width] = self.shape;
        for (index, row) in self.rows.iter().enumerate() {
            for (column, picture) in row.pictures.iter().enumerate() {
                let cell = self.cell(index, column);
                let side = (cell.bottom - cell.top) / height as f64;
                for place in 0..height * width {
                    let (y, x) = ((place / width) as f64, (place % width) as f64);
                    let (left, top) = (cell.left + x * side, cell.top + y * side);
                    let bounds = Bounds {
                        left,
                        top,
                        right: left + side,
                        bottom: top + side,
                    };
                    scene.block(bounds, self.color(picture, place), 1.0);
                }
            }
        }
        render::png_of(&scene, 2.0)
    }

    fn check(&self) -> Result<()> {
        let refuse = |quantity: &'static str, value: usize, allowed: &'static str| {
            Err(Error::OutOfRange {
                place: format!("grid `{}`", self.title),
                quantity,
                value: value as f64,
                allowed,
            })
        };
        let [channels, height, width] = self.shape;
        let side = height.max(width);
        if channels != 1 && channels != 3 {
            return refuse("channels", channels, "1 or 3");
        }
        if side > MAX_PIXELS || height.min(width) == 0 {
            return refuse("pixels of a side", side, "from 1 to 512");
        }
        if self.rows.is_empty() || self.rows.len() > MAX_SIDE {
            return refuse("rows", self.rows.len(), "from 1 to 64");
        }
        let numbers = channels * height * width;
        for row in &self.rows {
            if row.pictures.is_empty() || row.pictures.len() > MAX_SIDE {
                return refuse("pictures of a row", row.pictures.len(), "from 1 to 64");
            }
            if let Some(other) = row.pictures.iter().find(|p| p.len() != numbers) {
                return refuse("numbers of a picture", other.len(), "those of the shape");
            }
        }
        Ok(())
    }

    /// Width and height of a picture with the room on its right and below it.
    fn cell_size(&self) -> (f64, f64) {
        let [_, height, width] = self.shape;
        let unit = (CELL - BORDER) / height.min(width) as f64;
        // One pixel of room in a strip, so that a strip is one image.
        (unit * (width + 1) as f64, unit * height as f64 + BORDER)
    }

    fn cell(&self, row: usize, column: usize) -> Bounds {
        let (across, down) = self.cell_size();
        let (left, top) = (
            MARGIN + NAMES + column as f64 * across,
            2.0 * MARGIN + TITLE_SIZE + row as f64 * down,
        );
        let [_, height, width] = self.shape;
        let unit = across / (width + 1) as f64;
        Bounds {
            left,
            top,
            right: left + unit * width as f64,
            bottom: top + unit * height as f64,
        }
    }

    /// Title and names.
    fn lay_out(&self) -> Result<Scene> {
        fonts::register()?;
        let columns = self.rows.iter().map(|row| row.pictures.len()).max();
        let end = self.cell(self.rows.len(), columns.unwrap_or(0));
        let mut scene = Scene {
            width: (end.left + MARGIN).max(2.0 * NAMES),
            height: end.top + MARGIN,
            title: self.title.clone(),
            marks: Vec::new(),
            hints: Vec::new(),
        };
        let room = scene.width - 2.0 * MARGIN;
        let title = fonts::cut(&self.title, TITLE_SIZE, room);
        scene.text(
            &title,
            (MARGIN, MARGIN + TITLE_SIZE),
            TITLE_SIZE,
            INK,
            Anchor::Start,
        );
        for (index, row) in self.rows.iter().enumerate() {
            let cell = self.cell(index, 0);
            let middle = (cell.top + cell.bottom) / 2.0;
            let lift = match row.note.is_empty() {
                true => TEXT_SIZE * CAP_HEIGHT_EM / 2.0,
                false => -2.0,
            };
            let name = fonts::cut(&row.name, TEXT_SIZE, NAMES - 10.0);
            scene.text(
                &name,
                (MARGIN, middle + lift),
                TEXT_SIZE,
                INK,
                Anchor::Start,
            );
            let note = fonts::cut(&row.note, NOTE_SIZE, NAMES - 10.0);
            let below = (MARGIN, middle + NOTE_SIZE + 2.0);
            scene.text(&note, below, NOTE_SIZE, QUIET, Anchor::Start);
        }
        Ok(scene)
    }

    /// The pictures of a row side by side, red, green and blue of each pixel, with a white column behind each.
    fn strip(&self, row: &PictureRow) -> Vec<u8> {
        let [_, height, width] = self.shape;
        let mut strip = Vec::new();
        for y in 0..height {
            for picture in &row.pictures {
                for x in 0..width {
                    let Rgb(red, green, blue) = self.color(picture, y * width + x);
                    strip.extend([red, green, blue]);
                }
                strip.extend([u8::MAX; 3]);
            }
        }
        strip
    }

    fn color(&self, picture: &[f32], place: usize) -> Rgb {
        let [channels, height, width] = self.shape;
        let of = |channel: usize| {
            let plane = channel.min(channels - 1) * height * width;
            let value = picture.get(plane + place).copied().unwrap_or(0.0);
            (value.clamp(0.0, 1.0) * f32::from(u8::MAX)).round() as u8
        };
        Rgb(of(0), of(1), of(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(shape: [usize; 3], rows: usize, columns: usize) -> PictureGrid {
        let [channels, height, width] = shape;
        let len = channels * height * width;
        let picture = |p: usize| (0..len).map(|i| ((i + p) % 5) as f32 / 4.0).collect();
        let row = |index: usize| PictureRow {
            name: format!("row <{index}>"),
            note: "SSIM 0.5".into(),
            pictures: (0..columns).map(picture).collect(),
        };
        PictureGrid {
            title: "Originals".into(),
            shape,
            rows: (0..rows).map(row).collect(),
        }
    }

    #[test]
    fn a_row_is_one_image_inside_the_file_and_names_are_escaped() {
        for shape in [[1, 8, 8], [3, 5, 9]] {
            let svg = grid(shape, 3, 4).svg().unwrap();
            assert_eq!(svg.matches("<image ").count(), 3);
            assert_eq!(svg.matches("data:image/png;base64,").count(), 3);
            assert!(svg.contains("row &lt;1&gt;") && svg.ends_with("</svg>\n"));
            assert!(!grid(shape, 3, 4).png().unwrap().is_empty());
        }
    }

    #[test]
    fn a_strip_holds_the_pixels_of_its_pictures_and_a_white_column_behind_each() {
        let grid = grid([1, 2, 2], 1, 2);
        let strip = grid.strip(&grid.rows[0]);
        let reds: Vec<u8> = strip.iter().step_by(3).copied().collect();
        assert_eq!(
            reds,
            [0, 64, 255, 64, 128, 255, 128, 191, 255, 191, 255, 255]
        );
    }

    #[test]
    fn what_cannot_be_drawn_is_refused_with_its_number() {
        let mut other = grid([1, 2, 2], 2, 2);
        other.rows[1].pictures[0].pop();
        for (grid, said) in [
            (grid([2, 2, 2], 1, 1), "2"),
            (grid([1, 2, 2], 0, 1), "0"),
            (grid([1, 2, 2], 65, 1), "65"),
            (grid([1, 2, 2], 1, 0), "0"),
            (grid([1, 513, 2], 1, 1), "513"),
            (other, "3"),
        ] {
            let error = grid.svg().unwrap_err().to_string();
            assert!(
                error.contains("Originals") && error.contains(said),
                "{error}"
            );
        }
    }
}
