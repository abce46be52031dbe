//! The images of the study: the embedded digits, and larger sets made smaller.

use std::path::Path;

use hemet::error::Error;
use hemet_search::data::{self, Dataset};
use hemet_spaces::Shape;

/// Images of at most this side are trained on.
const MOST_SIDE: usize = 16;
/// Images that are learned from, and tested on.
const TRAINING: usize = 6000;
const TEST: usize = 1000;

/// A data set.
pub struct Images {
    /// Its name.
    pub name: String,
    /// To learn from.
    pub train: Dataset,
    /// New ones.
    pub test: Dataset,
    /// Bound on the magnitude of a pixel.
    pub range: f64,
}

/// The digits, the digits brought to mean 0, and the data sets that `named` asks for (`name=folder`).
pub fn all(named: &[String]) -> Result<Vec<Images>, Error> {
    let digits = of("optdigits", None)?;
    let mut centered = of("optdigits", None)?;
    centered.name = "centered".into();
    for set in [&mut centered.train, &mut centered.test] {
        set.images.iter_mut().for_each(|x| *x = 2.0 * *x - 1.0);
    }
    let mut all = vec![digits, centered];
    for text in named {
        let (name, folder) = text
            .split_once('=')
            .ok_or_else(|| Error::user(format!("`{text}`: write NAME=FOLDER")))?;
        all.push(of(name, Some(Path::new(folder)))?);
    }
    Ok(all)
}

fn of(name: &str, folder: Option<&Path>) -> Result<Images, Error> {
    let sets = data::load(name, folder)?;
    Ok(Images {
        name: name.to_owned(),
        train: smaller(&sets.train, TRAINING),
        test: smaller(&sets.test, TEST),
        range: 1.0,
    })
}

/// The first `count` images, each halved until its side is small enough.
fn smaller(set: &Dataset, count: usize) -> Dataset {
    let first: Vec<usize> = (0..set.len().min(count)).collect();
    let mut set = set.select(&first);
    while set.shape.height > MOST_SIDE {
        set = halved(&set);
    }
    set
}

/// Each pixel is the mean of four.
fn halved(set: &Dataset) -> Dataset {
    let Shape {
        channels,
        height,
        width,
    } = set.shape;
    let shape = Shape::new(channels, height / 2, width / 2);
    let mut images = Vec::with_capacity(set.len() * shape.len());
    for plane in set.images.chunks_exact(height * width) {
        for y in 0..shape.height {
            for x in 0..shape.width {
                let at = |dy: usize, dx: usize| plane[(2 * y + dy) * width + 2 * x + dx];
                images.push((at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4.0);
            }
        }
    }
    Dataset {
        shape,
        images,
        ..set.clone()
    }
}

/// The first `count` images as the compiler takes them.
pub fn some(set: &Dataset, count: usize) -> Vec<Vec<f64>> {
    let image = |index| set.image(index).iter().map(|x| f64::from(*x)).collect();
    (0..set.len().min(count)).map(image).collect()
}
