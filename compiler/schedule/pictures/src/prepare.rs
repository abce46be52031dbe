//! Preparation: pictures of many sizes and colors are brought to one, before a search and by clients.

use crate::Picture;

/// Greatest side that pictures are brought to.
pub const LARGEST_SIDE: usize = 4096;

/// How pictures are brought to one size. Nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preparation {
    /// Height and width, from 1 to 4096, that every picture is scaled to by the means of areas.
    pub resize: Option<[usize; 2]>,
    /// Whether the middle of a picture, in the proportions of `resize`, is cut out first; else it is stretched.
    pub crop: bool,
    /// Whether pictures in color become gray (ITU-R BT.601).
    pub gray: bool,
}

impl Preparation {
    /// Whether it leaves pictures as they are.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses sizes out of range, and a crop to nothing.
    ///
    /// # Errors
    /// What is wrong, and what is allowed.
    pub fn check(&self) -> Result<(), String> {
        match self.resize {
            Some(sides) if sides.iter().any(|side| !(1..=LARGEST_SIDE).contains(side)) => {
                Err(format!("resize is {sides:?}; height and width go from 1 to {LARGEST_SIDE}"))
            }
            None if self.crop => Err("crop is true without resize, which says what proportions to cut to; add `resize: [HEIGHT, WIDTH]`".into()),
            Some(_) | None => Ok(()),
        }
    }

    /// The picture as a search and its clients see it.
    pub fn apply(&self, picture: Picture) -> Picture {
        let mut picture = picture;
        if self.gray && picture.axes[0] == 3 {
            picture = gray(&picture);
        }
        let Some(sides) = self.resize else {
            return picture;
        };
        if self.crop {
            picture = crop(&picture, sides);
        }
        resize(&picture, sides)
    }
}

/// Luma of BT.601, rounded.
fn gray(picture: &Picture) -> Picture {
    let [_, height, width] = picture.axes;
    let plane = height * width;
    let luma = |place: usize| {
        let [red, green, blue] =
            [0, 1, 2].map(|channel| u32::from(picture.planar[channel * plane + place]));
        ((299 * red + 587 * green + 114 * blue + 500) / 1000) as u8
    };
    Picture {
        axes: [1, height, width],
        planar: (0..plane).map(luma).collect(),
    }
}

/// The largest part in the middle with the proportions of `sides`.
fn crop(picture: &Picture, [high, wide]: [usize; 2]) -> Picture {
    let [channels, height, width] = picture.axes;
    // At least one pixel, whatever the proportions.
    let (own_height, own_width) = match height * wide > width * high {
        true => ((width * high / wide).max(1), width),
        false => (height, (height * wide / high).max(1)),
    };
    let (top, left) = ((height - own_height) / 2, (width - own_width) / 2);
    let mut planar = Vec::with_capacity(channels * own_height * own_width);
    for channel in 0..channels {
        for row in top..top + own_height {
            let from = (channel * height + row) * width + left;
            planar.extend_from_slice(&picture.planar[from..from + own_width]);
        }
    }
    Picture {
        axes: [channels, own_height, own_width],
        planar,
    }
}

/// Every new pixel is the mean of the area that it covers, rounded; first along rows, then along columns.
fn resize(picture: &Picture, [high, wide]: [usize; 2]) -> Picture {
    let [channels, height, width] = picture.axes;
    if [high, wide] == [height, width] {
        return Picture {
            axes: picture.axes,
            planar: picture.planar.clone(),
        };
    }
    let (columns, rows) = (shares(width, wide), shares(height, high));
    let mut planar = Vec::with_capacity(channels * high * wide);
    for plane in picture.planar.chunks_exact(height * width) {
        let across: Vec<f32> = plane
            .chunks_exact(width)
            .flat_map(|row| {
                columns
                    .iter()
                    .map(|share| share.mean(|at| f32::from(row[at])))
            })
            .collect();
        for share in &rows {
            planar.extend((0..wide).map(|column| {
                // A mean of bytes is one.
                share.mean(|row| across[row * wide + column]).round() as u8
            }));
        }
    }
    Picture {
        axes: [channels, high, wide],
        planar,
    }
}

/// Which old pixels a new one covers, from `first` on, and how much of each; the shares add up to 1.
struct Share {
    first: usize,
    weights: Vec<f32>,
}

impl Share {
    fn mean(&self, value: impl Fn(usize) -> f32) -> f32 {
        let weights = self.weights.iter().enumerate();
        weights
            .map(|(at, weight)| weight * value(self.first + at))
            .sum()
    }
}

/// The shares of `new` pixels of `old` ones.
fn shares(old: usize, new: usize) -> Vec<Share> {
    let of = |index: usize| {
        // In units of a new-th of an old pixel.
        let (from, to) = (index * old, (index + 1) * old);
        let (first, last) = (from / new, (to - 1) / new);
        let weight = |pixel: usize| {
            let covered = to.min((pixel + 1) * new) - from.max(pixel * new);
            covered as f32 / old as f32
        };
        Share {
            first,
            weights: (first..=last).map(weight).collect(),
        }
    };
    (0..new).map(of).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn picture(axes: [usize; 3], planar: &[u8]) -> Picture {
        Picture {
            axes,
            planar: planar.to_vec(),
        }
    }

    #[test]
    fn areas_are_averaged_and_pixels_repeated() {
        let four = picture([1, 2, 2], &[0, 100, 200, 40]);
        assert_eq!(resize(&four, [1, 1]).planar, [85]);
        assert_eq!(
            resize(&four, [2, 4]).planar,
            [0, 0, 100, 100, 200, 200, 40, 40]
        );
        // Of three pixels a half: one and a half each.
        let row = picture([1, 1, 3], &[0, 90, 240]);
        assert_eq!(resize(&row, [1, 2]).planar, [30, 190]);
    }

    #[test]
    fn the_middle_is_cut_and_colors_are_weighted() {
        let wide = picture([1, 2, 4], &[1, 2, 3, 4, 5, 6, 7, 8]);
        let cut = crop(&wide, [8, 8]);
        assert_eq!((cut.axes, cut.planar), ([1, 2, 2], vec![2, 3, 6, 7]));
        let strip = crop(&wide, [1, 4000]);
        assert_eq!(strip.axes, [1, 1, 4]);
        let colors = picture([3, 1, 3], &[255, 0, 0, 0, 255, 0, 0, 0, 255]);
        assert_eq!(gray(&colors).planar, [76, 150, 29]);
        let all = Preparation {
            resize: Some([1, 1]),
            crop: true,
            gray: true,
        };
        assert_eq!(all.apply(colors).axes, [1, 1, 1]);
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        for (resize, crop, sound) in [
            (None, false, true),
            (Some([1, 4096]), true, true),
            (Some([0, 8]), false, false),
            (Some([8, 4097]), false, false),
            (None, true, false),
        ] {
            let preparation = Preparation {
                resize,
                crop,
                gray: false,
            };
            assert_eq!(preparation.check().is_ok(), sound, "{preparation:?}");
        }
    }

    proptest! {
        #[test]
        fn a_flat_picture_stays_flat_and_shares_add_up(old in 1_usize..40, new in 1_usize..40, value: u8) {
            for share in shares(old, new) {
                prop_assert!((share.weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                prop_assert!(share.first + share.weights.len() <= old);
            }
            let flat = picture([1, old, 1], &vec![value; old]);
            prop_assert_eq!(resize(&flat, [new, 1]).planar, vec![value; new]);
        }
    }
}
