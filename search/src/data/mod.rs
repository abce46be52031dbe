//! Datasets: images as normalized floats, labels as class numbers; the list of those that are known.
//!
//! To add one: a file here that implements [`Source`], and its line in [`sources`].

mod cifar10;
mod cifar100;
pub mod columns;
mod csv;
mod digits_on_photos;
mod fashion_mnist;
mod few;
mod files;
pub mod idx;
mod image_folder;
mod mat;
mod measure;
mod mnist;
pub mod npz;
mod optdigits;
mod own;
mod packed;
mod picture;
mod pneumonia_mnist;
mod published;
mod svhn;
mod synthetic_digits;

use std::path::Path;

pub use files::check_sha256;
pub use hemet_pictures::{Fit, PictureNote, PixelScale, Preparation};
pub use measure::Measure;

use hemet_spaces::Shape;
use rand::seq::SliceRandom;

use crate::{Error, Seed};

/// Images with their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Name of the dataset, such as `optdigits`.
    pub name: String,
    /// Shape of an image.
    pub shape: Shape,
    /// Number of classes, at least 2; 1 where a value is to be predicted.
    pub classes: usize,
    /// What the classes are called, in the order of their numbers; numbers where nobody says more.
    pub class_names: Vec<String>,
    /// All images, one after the other, each `[channels][height][width]`, normalized as its source says, within ±1.
    pub images: Vec<f32>,
    /// The class of each image, below `classes`.
    pub labels: Vec<u8>,
    /// The last so many images are those that the source gives for validation; 0 where they are to be cut out by a
    /// seed.
    pub held_out: usize,
    /// What tells how good answers are, where classes are predicted.
    pub measure: Measure,
    /// The value of each image that is to be predicted, with mean 0 and deviation 1 on the training images; empty where
    /// its class is.
    pub targets: Vec<f32>,
    /// The columns of a table; none where these are images.
    pub columns: Option<columns::Columns>,
}

/// What a source gives: training images and test images, disjoint.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainTest {
    /// For training and validation; all that a search sees.
    pub train: Dataset,
    /// For the final report only.
    pub test: Dataset,
}

/// Where the files of a dataset are published.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// The address that the files lie under.
    pub address: &'static str,
    /// Their names there and here.
    pub files: &'static [&'static str],
    /// SHA-256 sums of the files as they are published, in their order; none where [`Source::load`] knows sums of what
    /// is in them.
    pub sha256: &'static [&'static str],
    /// What is added to the address of each file.
    pub query: &'static str,
    /// Folder of the set's own that [`Source::load`] looks into.
    pub folder: &'static str,
    /// Where the file is a `.tar.gz`: the files in it that are needed.
    pub unpack: &'static [&'static str],
}

/// Where a dataset comes from.
pub trait Source: Sync {
    /// Its name in experiments.
    fn name(&self) -> &'static str;

    /// What it holds, its source, its license and its normalization, in a line or two.
    fn about(&self) -> &'static str;

    /// Whether it lies in a folder of the user's (else it is part of the program).
    fn needs_folder(&self) -> bool;

    /// Where it is published; none for what is part of the program or the user's own.
    fn published(&self) -> Option<Published> {
        None
    }

    /// What its classes are called, in the order of their numbers; none where numbers are all there is, or where the
    /// user's own files say.
    fn class_names(&self) -> &'static [&'static str] {
        &[]
    }

    /// What numbers the pixels of a picture become, so that clients make them of theirs; none where it is a table.
    fn pixels(&self) -> Option<PixelScale>;

    /// Whether a value is to be predicted, not a class.
    fn is_regression(&self) -> bool {
        false
    }

    /// Shape of an image and number of classes; none where the user's own files decide.
    fn shape_and_classes(&self) -> Option<(Shape, usize)>;

    /// Reads it; `folder` holds its files, or a folder of theirs. Damaged files are refused by name.
    fn load(&self, folder: Option<&Path>) -> Result<TrainTest, Error>;

    /// As [`Source::load`], with pictures brought to one size; only of sets that are made of pictures.
    fn load_prepared(
        &self,
        folder: Option<&Path>,
        preparation: &Preparation,
    ) -> Result<TrainTest, Error> {
        match preparation.is_none() {
            true => self.load(folder),
            false => Err(Error::Option {
                option: "data: resize, crop, gray",
                found: format!("given for {}", self.name()),
                allowed: "nothing but for image_folder: other sets have one size already".into(),
            }),
        }
    }
}

/// Every known dataset.
pub fn sources() -> &'static [&'static dyn Source] {
    &[
        &optdigits::OptDigits,
        &synthetic_digits::SyntheticDigits,
        &mnist::MNIST,
        &fashion_mnist::FASHION_MNIST,
        &cifar10::Cifar10,
        &cifar100::Cifar100,
        &svhn::Svhn,
        &digits_on_photos::DigitsOnPhotos,
        &pneumonia_mnist::PneumoniaMnist,
        &image_folder::ImageFolder,
        &own::OwnIdx,
        &own::OwnNpz,
        &csv::CLASSES,
        &csv::VALUES,
    ]
}

/// The source of this name, or which names exist.
pub fn source(name: &str) -> Result<&'static dyn Source, Error> {
    sources()
        .iter()
        .copied()
        .find(|source| source.name() == name)
        .ok_or_else(|| Error::Unknown {
            kind: "dataset",
            name: name.to_owned(),
            known: sources()
                .iter()
                .map(|s| s.name())
                .collect::<Vec<_>>()
                .join(", "),
        })
}

/// Loads the dataset `name`, from `folder` if it is not embedded.
pub fn load(name: &str, folder: Option<&Path>) -> Result<TrainTest, Error> {
    source(name)?.load(folder)
}

/// As [`load`], with pictures brought to one size.
///
/// # Errors
/// As [`load`]; a preparation out of range, or of a set that is not made of pictures.
pub fn load_prepared(
    name: &str,
    folder: Option<&Path>,
    preparation: &Preparation,
) -> Result<TrainTest, Error> {
    source(name)?.load_prepared(folder, preparation)
}

/// The picture in the content of a PNG or JPEG file, turned upright; `None` for content that is no picture by its first
/// bytes.
///
/// # Errors
/// Why it cannot be read.
pub fn picture(content: &[u8]) -> Option<Result<hemet_pictures::Picture, String>> {
    picture::is_picture(content).then(|| picture::decode(content))
}

impl TrainTest {
    /// With these names of its classes, in the order of their numbers.
    fn named(mut self, names: &[impl AsRef<str>]) -> Self {
        for set in [&mut self.train, &mut self.test] {
            for (class, name) in set.class_names.iter_mut().zip(names) {
                name.as_ref().clone_into(class);
            }
        }
        self
    }
}

impl Dataset {
    /// Brings pixels divided by 255 to the set's own numbers.
    fn scale(&mut self, pixels: &PixelScale) {
        let (len, channels) = (self.shape.len(), self.shape.channels);
        for image in self.images.chunks_exact_mut(len) {
            pixels.apply(image, channels);
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Image `index`, `[channels][height][width]`. Panics if there is none such.
    pub fn image(&self, index: usize) -> &[f32] {
        let len = self.shape.len();
        &self.images[index * len..(index + 1) * len]
    }

    /// Adds the images of another part of the same set.
    fn append(&mut self, other: Self) {
        self.images.extend(other.images);
        self.labels.extend(other.labels);
        self.targets.extend(other.targets);
    }

    /// The images at `indices`, in that order.
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            name: self.name.clone(),
            shape: self.shape,
            classes: self.classes,
            class_names: self.class_names.clone(),
            images: indices
                .iter()
                .flat_map(|i| self.image(*i))
                .copied()
                .collect(),
            labels: indices.iter().map(|i| self.labels[*i]).collect(),
            held_out: 0,
            measure: self.measure,
            targets: match self.is_regression() {
                true => indices.iter().map(|i| self.targets[*i]).collect(),
                false => Vec::new(),
            },
            columns: self.columns.clone(),
        }
    }

    /// Whether a value is to be predicted, not a class.
    pub fn is_regression(&self) -> bool {
        !self.targets.is_empty()
    }

    /// Cuts it in two by `seed`: `(training, validation)`, the latter with `fraction` of each class's images (rounded,
    /// so that the classes keep their shares), both in the original order. `fraction` lies strictly between 0 and 1.
    /// Where the source gives images for validation, those are taken instead.
    pub fn split(&self, fraction: f64, seed: Seed) -> Result<(Self, Self), Error> {
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(Error::Option {
                option: "validation_fraction",
                found: fraction.to_string(),
                allowed: "above 0 and below 1".into(),
            });
        }
        if self.held_out > 0 {
            let border = self.len().saturating_sub(self.held_out);
            let part = |from: usize, to: usize| self.select(&(from..to).collect::<Vec<usize>>());
            return Ok((part(0, border), part(border, self.len())));
        }
        let mut rng = seed.rng();
        let mut held_out = vec![false; self.len()];
        for class in 0..self.classes {
            let mut members: Vec<usize> = (0..self.len())
                .filter(|i| usize::from(self.labels[*i]) == class)
                .collect();
            members.shuffle(&mut rng);
            let count = (members.len() as f64 * fraction).round() as usize;
            for index in &members[..count] {
                held_out[*index] = true;
            }
        }
        let part = |side: bool| {
            let indices: Vec<usize> = (0..self.len()).filter(|i| held_out[*i] == side).collect();
            self.select(&indices)
        };
        let (training, validation) = (part(false), part(true));
        if training.is_empty() || validation.is_empty() {
            return Err(Error::Option {
                option: "validation_fraction",
                found: fraction.to_string(),
                allowed: format!("such that {} images give both parts some", self.len()),
            });
        }
        Ok((training, validation))
    }
}

/// What the numbers of a data file mean.
#[derive(Clone, Copy, Debug)]
struct Coding {
    /// Labels are below this.
    classes: usize,
    /// The pixel value that becomes 1, the greatest.
    white: u8,
}

/// Joins images (axes `[n, height, width]` or `[n, channels, height, width]`) and labels (`[n]`) to a dataset;
/// `files` names theirs.
fn assemble(
    name: &str,
    [images_file, labels_file]: [&str; 2],
    images: idx::Idx,
    labels: idx::Idx,
    coding: Coding,
) -> Result<Dataset, Error> {
    let Coding { classes, white } = coding;
    let shape = match images.axes[1..] {
        [height, width] => Shape::new(1, height, width),
        [channels, height, width] => Shape::new(channels, height, width),
        _ => Shape::new(0, 0, 0),
    };
    if shape.is_empty() || labels.axes[0] == 0 {
        return files::refuse(images_file, format!("it holds no image: {:?}", images.axes));
    }
    if images.axes[0] != labels.axes[0] {
        let why = format!(
            "it has {} labels, `{images_file}` has {} images",
            labels.axes[0], images.axes[0]
        );
        return files::refuse(labels_file, why);
    }
    if let Some(label) = labels.bytes.iter().find(|l| usize::from(**l) >= classes) {
        let why = format!("label {label} found, the greatest is {}", classes - 1);
        return files::refuse(labels_file, why);
    }
    if let Some(pixel) = images.bytes.iter().find(|p| **p > white) {
        let why = format!("pixel {pixel} found, the greatest is {white}");
        return files::refuse(images_file, why);
    }
    let pixel = |p: &u8| f32::from(*p) / f32::from(white);
    Ok(Dataset {
        name: name.to_owned(),
        shape,
        classes,
        class_names: (0..classes).map(|class| class.to_string()).collect(),
        images: images.bytes.iter().map(pixel).collect(),
        labels: labels.bytes,
        held_out: 0,
        measure: crate::data::Measure::default(),
        targets: Vec::new(),
        columns: None,
    })
}
