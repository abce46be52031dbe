//! A published set of four IDX files (images and labels, training and test), read from a folder and checked by sum.

use std::path::Path;

use hemet_spaces::Shape;

use super::{Coding, Dataset, PixelScale, Published, Source, TrainTest, assemble, files, idx};
use crate::Error;

/// A set of 28x28 images in ten classes in the four files of MNIST; pixels 0..255, divided by 255.
pub(super) struct PublishedIdx {
    pub name: &'static str,
    pub about: &'static str,
    /// What its classes are called; none where numbers are all there is.
    pub class_names: &'static [&'static str],
    /// The folder in which the files usually lie.
    pub folder: &'static str,
    /// Where the files are published.
    pub address: &'static str,
    /// BLAKE3 sums of the uncompressed files, in the order of [`FILES`].
    pub sums: [&'static str; 4],
}

/// Training images and labels, test images and labels; with or without `.gz`.
const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];
/// As they are published.
const PACKED: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];
const CLASSES: usize = 10;

impl Source for PublishedIdx {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn needs_folder(&self) -> bool {
        true
    }

    fn published(&self) -> Option<Published> {
        Some(Published {
            address: self.address,
            files: &PACKED,
            sha256: &[],
            query: "",
            folder: self.folder,
            unpack: &[],
        })
    }

    fn class_names(&self) -> &'static [&'static str] {
        self.class_names
    }

    fn pixels(&self) -> Option<PixelScale> {
        Some(PixelScale::default())
    }

    fn shape_and_classes(&self) -> Option<(Shape, usize)> {
        Some((Shape::new(1, 28, 28), CLASSES))
    }

    fn load(&self, folder: Option<&Path>) -> Result<TrainTest, Error> {
        let folder = folder.ok_or_else(|| Error::NoFolder {
            dataset: self.name,
            files: format!("{} each with or without .gz", FILES.join(", ")),
        })?;
        Ok(TrainTest {
            train: self.part(folder, 0)?,
            test: self.part(folder, 2)?,
        }
        .named(self.class_names))
    }
}

impl PublishedIdx {
    /// Reads the image file `first` of [`FILES`] and the label file after it.
    fn part(&self, folder: &Path, first: usize) -> Result<Dataset, Error> {
        let (images_file, images) = self.file(folder, first, 3)?;
        let (labels_file, labels) = self.file(folder, first + 1, 1)?;
        assemble(
            self.name,
            [&images_file, &labels_file],
            images,
            labels,
            Coding {
                classes: CLASSES,
                white: u8::MAX,
            },
        )
    }

    fn file(&self, folder: &Path, number: usize, rank: usize) -> Result<(String, idx::Idx), Error> {
        let name = FILES[number].to_owned();
        let path = files::find(folder, self.folder, &[format!("{name}.gz"), name]);
        let file = path.display().to_string();
        let idx = idx::read(&file, &files::read(&path)?, rank)?;
        files::check_sum(&file, idx.blake3.clone(), self.sums[number], self.address)?;
        Ok((file, idx))
    }
}
