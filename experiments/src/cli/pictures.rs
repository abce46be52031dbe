//! How pictures become numbers, on the command line, where no experiment says it.

use hemet_schedule::{PictureNote, PixelScale};
use hemet_search::data::Preparation;

use crate::error::Error;

/// How pictures become a model's inputs.
#[derive(clap::Args, Clone, Debug, Default)]
#[group(skip)]
pub struct Pictures {
    /// Bring all pictures to this height and width, such as 32 or 32x48; what clients do with theirs
    #[arg(long, value_name = "SIDE|HxW", value_parser = sides)]
    pub resize: Option<[usize; 2]>,
    /// Cut out their middle first, in these proportions; else they are stretched
    #[arg(long, requires = "resize")]
    pub crop: bool,
    /// Make pictures in color gray
    #[arg(long)]
    pub gray: bool,
    /// What is taken off pixels divided by 255, one number a channel, such as 0.485,0.456,0.406
    #[arg(long, value_name = "MEAN", value_delimiter = ',')]
    pub mean: Vec<f32>,
    /// What they are divided by then, one number a channel, such as 0.229,0.224,0.225
    #[arg(long, value_name = "DEVIATION", value_delimiter = ',')]
    pub deviation: Vec<f32>,
}

impl Pictures {
    /// Whether any of it is given.
    pub fn is_given(&self) -> bool {
        self.note() != PictureNote::default()
    }

    /// How pictures are brought to one size.
    pub fn preparation(&self) -> Preparation {
        Preparation {
            resize: self.resize,
            crop: self.crop,
            gray: self.gray,
        }
    }

    /// What an artifact tells its clients.
    pub fn note(&self) -> PictureNote {
        let pixels = PixelScale::of_deviations(&self.mean, &self.deviation);
        PictureNote::of(&self.preparation(), pixels)
    }

    /// Refuses means of bytes, deviations of nothing, and what fits no model of this shape.
    ///
    /// # Errors
    /// Both numbers.
    pub fn check(&self, [channels, height, width]: [usize; 3]) -> Result<(), Error> {
        if let Some(mean) = self.mean.iter().find(|mean| !(0.0..=1.0).contains(*mean)) {
            return Err(Error::user(format!(
                "--mean {mean}: it is of pixels divided by 255, from 0 to 1; divide means of bytes by 255"
            )));
        }
        if let Some(deviation) = self.deviation.iter().find(|d| !(**d > 0.0 && **d <= 1.0)) {
            return Err(Error::user(format!(
                "--deviation {deviation}: it is of pixels divided by 255, above 0 and up to 1; divide deviations of bytes by 255"
            )));
        }
        if let Some([high, wide]) = self.resize.filter(|sides| *sides != [height, width]) {
            return Err(Error::user(format!(
                "--resize {high}x{wide}: the model takes pictures of {height}x{width}"
            )));
        }
        if self.gray && channels != 1 {
            return Err(Error::user(format!(
                "--gray: the model takes {channels} channels"
            )));
        }
        self.note().check(channels).map_err(Error::user)
    }
}

/// A side, or height and width.
pub fn sides(text: &str) -> Result<[usize; 2], String> {
    let side = |text: &str| text.parse::<usize>().ok();
    let found = match text.split_once('x') {
        Some((height, width)) => side(height).zip(side(width)),
        None => side(text).map(|side| (side, side)),
    };
    let found = found.map(|(height, width)| [height, width]);
    let sound = found.filter(|sides| sides.iter().all(|side| (1..=4096).contains(side)));
    sound.ok_or_else(|| {
        "write a side from 1 to 4096, such as 32, or height and width, such as 32x48".into()
    })
}
