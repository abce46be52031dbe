//! A published set of four IDX files (images and labels, training and test), read from a folder and checked by sum.

use std::fs;
use std::path::{Path, PathBuf};

use hemet_spaces::Shape;

use super::{Dataset, Source, TrainTest, assemble, idx};
use crate::Error;

/// A set of 28x28 images in ten classes in the four files of MNIST; pixels 0..255, divided by 255.
pub(super) struct PublishedIdx {
    pub name: &'static str,
    pub about: &'static str,
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

    fn shape_and_classes(&self) -> (Shape, usize) {
        (Shape::new(1, 28, 28), CLASSES)
    }

    fn load(&self, folder: Option<&Path>) -> Result<TrainTest, Error> {
        let folder = folder.ok_or_else(|| Error::NoFolder {
            dataset: self.name,
            files: format!("{} each with or without .gz", FILES.join(", ")),
        })?;
        Ok(TrainTest {
            train: self.part(folder, 0)?,
            test: self.part(folder, 2)?,
        })
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
            (CLASSES, u8::MAX),
        )
    }

    fn file(&self, folder: &Path, number: usize, rank: usize) -> Result<(String, idx::Idx), Error> {
        let path = self.find(folder, FILES[number]);
        let file = path.display().to_string();
        let content = fs::read(&path).map_err(|source| Error::Io {
            action: "cannot read",
            path,
            source,
        })?;
        let idx = idx::read(&file, &content, rank)?;
        if idx.blake3 != self.sums[number] {
            return Err(Error::Checksum {
                file,
                found: idx.blake3,
                expected: self.sums[number],
                address: self.address,
            });
        }
        Ok((file, idx))
    }

    /// The first of the usual places that exists; else the most usual, for the error to name.
    fn find(&self, folder: &Path, name: &str) -> PathBuf {
        let zipped = format!("{name}.gz");
        let places = [
            folder.join(self.folder).join(&zipped),
            folder.join(&zipped),
            folder.join(self.folder).join(name),
            folder.join(name),
        ];
        let found = places.iter().find(|path| path.is_file());
        found.unwrap_or(&places[0]).clone()
    }
}
