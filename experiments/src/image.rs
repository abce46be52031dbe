//! Images from the command line: a file of numbers, or a test image of a data set.

use std::path::{Path, PathBuf};

use hemet_search::data;

use crate::error::Error;

/// Which image.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
pub struct Source {
    /// A text file of numbers
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "set",
        required_unless_present = "set"
    )]
    pub image: Option<PathBuf>,
    /// A data set; its test images are used
    #[arg(long, value_name = "SET")]
    pub set: Option<String>,
    /// Position of the test image, from 0
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub index: usize,
    /// Folder of the data set's files, if it is not embedded
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// An image, normalised, in channel-major order.
pub struct Image {
    /// The numbers.
    pub values: Vec<f64>,
    /// Its true class, if known.
    pub label: Option<u8>,
}

impl Source {
    /// Reads the image and checks that it fits `shape` (channels, height, width).
    pub fn read(&self, shape: [u32; 3]) -> Result<Image, Error> {
        let expected: usize = shape.iter().map(|n| *n as usize).product();
        let (image, from) = match (&self.image, &self.set) {
            (Some(path), _) => (read_numbers(path)?, path.display().to_string()),
            (None, Some(set)) => (self.test_image(set)?, format!("set {set}")),
            (None, None) => return Err(Error::user("give --image or --set")),
        };
        if image.values.len() != expected {
            let [c, h, w] = shape;
            return Err(Error::user(format!(
                "{from}: an image has {} numbers, the network takes {expected} ({c} channels of {h}x{w})",
                image.values.len()
            )));
        }
        Ok(image)
    }

    fn test_image(&self, set: &str) -> Result<Image, Error> {
        let test = data::load(set, self.data.as_deref())
            .map_err(Error::user)?
            .test;
        if self.index >= test.len() {
            return Err(Error::user(format!(
                "set {set} has {} test images, numbered from 0; there is no image {}",
                test.len(),
                self.index
            )));
        }
        Ok(Image {
            values: test
                .image(self.index)
                .iter()
                .map(|v| f64::from(*v))
                .collect(),
            label: Some(test.labels[self.index]),
        })
    }
}

fn read_numbers(path: &Path) -> Result<Image, Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, e))?;
    let words = text
        .split(|c: char| c.is_whitespace() || c == ',' || c == ';')
        .filter(|word| !word.is_empty());
    let values = words
        .map(|word| match word.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            Ok(_) | Err(_) => Err(Error::file(
                path,
                format!("`{word}` is not a finite number"),
            )),
        })
        .collect::<Result<_, _>>()?;
    Ok(Image {
        values,
        label: None,
    })
}
