//! What an artifact tells its clients of pictures.

use serde::{Deserialize, Serialize};

use crate::{Picture, Preparation};

/// How pictures of another size are brought to the network's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// As a whole, whatever their proportions.
    Stretch,
    /// Their middle, in the network's proportions.
    Crop,
}

impl Fit {
    /// What is done to a picture so that it has `channels` channels and these sides: colors become gray where the
    /// network takes gray.
    pub fn preparation(self, [channels, height, width]: [usize; 3]) -> Preparation {
        Preparation {
            resize: Some([height, width]),
            crop: self == Self::Crop,
            gray: channels == 1,
        }
    }
}

/// What numbers pixels become: `(p / 255 - mean) * factor`, channel by channel, in 32-bit floats.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PixelScale {
    /// What is taken off `p / 255`, one a channel; nothing is where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mean: Vec<f32>,
    /// What that is multiplied by, one a channel; nothing is where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub factor: Vec<f32>,
}

impl PixelScale {
    /// Of channels with these means and deviations, as most people write it: `(p / 255 - mean) / deviation`.
    pub fn of_deviations(mean: &[f32], deviation: &[f32]) -> Self {
        Self {
            mean: mean.to_vec(),
            factor: deviation.iter().map(|d| 1.0 / d).collect(),
        }
    }

    /// Brings numbers `p / 255`, `[channels][plane]`, to the network's.
    pub fn apply(&self, planes: &mut [f32], channels: usize) {
        if self.mean.is_empty() && self.factor.is_empty() || planes.is_empty() {
            return;
        }
        let plane = planes.len() / channels.max(1);
        for (channel, plane) in planes.chunks_exact_mut(plane.max(1)).enumerate() {
            let channel = channel % channels.max(1);
            let mean = self.mean.get(channel).copied().unwrap_or(0.0);
            let factor = self.factor.get(channel).copied().unwrap_or(1.0);
            plane.iter_mut().for_each(|p| *p = (*p - mean) * factor);
        }
    }

    /// In words, such as `(p/255 - [0.5]) * [2]`.
    pub fn describe(&self) -> String {
        match (self.mean.is_empty(), self.factor.is_empty()) {
            (true, true) => "p/255".into(),
            (true, false) => format!("p/255 * {:?}", self.factor),
            (false, true) => format!("p/255 - {:?}", self.mean),
            (false, false) => format!("(p/255 - {:?}) * {:?}", self.mean, self.factor),
        }
    }
}

/// How a picture becomes an input of a network, as its training did it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureNote {
    /// What is done to pictures of another size; where there is nothing, they are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit: Option<Fit>,
    /// Whether pictures in color become gray.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gray: bool,
    /// The numbers that pixels become.
    #[serde(default)]
    pub pixels: PixelScale,
}

impl PictureNote {
    /// Of a network whose training pictures were prepared so, and whose pixels became such numbers.
    pub fn of(preparation: &Preparation, pixels: PixelScale) -> Self {
        let fit = match preparation.crop {
            true => Fit::Crop,
            false => Fit::Stretch,
        };
        Self {
            fit: preparation.resize.map(|_| fit),
            gray: preparation.gray,
            pixels,
        }
    }

    /// Refuses numbers that make no input of a network with `channels` channels.
    ///
    /// # Errors
    /// What is wrong, and what is allowed.
    pub fn check(&self, channels: usize) -> Result<(), String> {
        let PixelScale { mean, factor } = &self.pixels;
        for (name, numbers) in [("mean", mean), ("factor", factor)] {
            if !numbers.is_empty() && numbers.len() != channels {
                return Err(format!(
                    "{} numbers in the {name} of pictures, the network takes {channels} channels",
                    numbers.len()
                ));
            }
            if let Some(number) = numbers.iter().find(|n| !n.is_finite()) {
                return Err(format!(
                    "{number} in the {name} of pictures; finite numbers are taken"
                ));
            }
        }
        match factor.contains(&0.0) {
            true => Err("a factor of pictures is 0, which leaves nothing of a channel".into()),
            false => Ok(()),
        }
    }

    /// The input of a network that takes `takes` (channels, height, width), as training saw this picture. `fit`, where
    /// it is given, goes before the note's own.
    ///
    /// # Errors
    /// A picture of other axes that nothing says how to bring to the network's.
    pub fn input(
        &self,
        picture: Picture,
        takes: [usize; 3],
        fit: Option<Fit>,
    ) -> Result<Vec<f32>, String> {
        let preparation = match fit.or(self.fit) {
            Some(fit) => Preparation {
                gray: self.gray || fit.preparation(takes).gray,
                ..fit.preparation(takes)
            },
            None => Preparation {
                gray: self.gray,
                ..Preparation::default()
            },
        };
        let picture = preparation.apply(picture);
        if picture.axes != takes {
            let [found, takes] = [picture.axes, takes].map(|[c, h, w]| format!("{c}x{h}x{w}"));
            return Err(format!(
                "it is a picture of {found} (channels, height, width), the network takes {takes}"
            ));
        }
        Ok(picture.numbers(&self.pixels))
    }

    /// In words, for people.
    pub fn describe(&self) -> String {
        let sizes = match self.fit {
            Some(Fit::Stretch) => "stretched to the network's size",
            Some(Fit::Crop) => "their middle brought to the network's size",
            None => "of just the network's size",
        };
        let gray = if self.gray { ", made gray" } else { "" };
        format!("{sizes}{gray}; {}", self.pixels.describe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(axes: [usize; 3]) -> Picture {
        let count: usize = axes.iter().product();
        Picture {
            axes,
            planar: (0..count).map(|i| (i * 37 % 256) as u8).collect(),
        }
    }

    #[test]
    fn pixels_become_numbers_channel_by_channel() {
        let note = PictureNote {
            pixels: PixelScale {
                mean: vec![0.5, 0.25, 0.0],
                factor: vec![2.0, 4.0, 1.0],
            },
            ..PictureNote::default()
        };
        let bytes = Picture {
            axes: [3, 1, 1],
            planar: vec![255, 0, 51],
        };
        assert_eq!(
            note.input(bytes, [3, 1, 1], None).unwrap(),
            [1.0, -1.0, 0.2]
        );
    }

    #[test]
    fn other_sizes_are_refused_unless_the_note_or_the_user_says_what_to_do() {
        let takes = [1, 4, 4];
        let plain = PictureNote::default();
        let why = plain.input(picture([3, 8, 6]), takes, None).unwrap_err();
        assert!(why.contains("3x8x6") && why.contains("1x4x4"), "{why}");
        let crop = PictureNote {
            fit: Some(Fit::Crop),
            ..PictureNote::default()
        };
        let cut = crop.input(picture([3, 8, 6]), takes, None).unwrap();
        assert_eq!(
            cut,
            plain
                .input(picture([3, 8, 6]), takes, Some(Fit::Crop))
                .unwrap()
        );
        assert_ne!(
            cut,
            crop.input(picture([3, 8, 6]), takes, Some(Fit::Stretch))
                .unwrap()
        );
        // A gray picture does not become one in color.
        assert!(crop.input(picture([1, 8, 6]), [3, 4, 4], None).is_err());
    }

    #[test]
    fn notes_that_fit_no_network_are_refused_with_both_numbers() {
        let with = |mean: Vec<f32>, factor: Vec<f32>| PictureNote {
            pixels: PixelScale { mean, factor },
            ..PictureNote::default()
        };
        for (note, words) in [
            (
                with(vec![0.5], Vec::new()),
                "1 numbers in the mean of pictures, the network takes 3",
            ),
            (with(Vec::new(), vec![1.0; 4]), "4 numbers in the factor"),
            (with(vec![f32::NAN; 3], Vec::new()), "NaN in the mean"),
            (
                with(Vec::new(), vec![1.0, 0.0, 1.0]),
                "factor of pictures is 0",
            ),
        ] {
            let why = note.check(3).unwrap_err();
            assert!(why.contains(words), "{why}");
        }
        with(vec![0.5; 3], vec![2.0; 3]).check(3).unwrap();
    }
}
