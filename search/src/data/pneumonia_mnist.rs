//! PneumoniaMNIST: 28x28 chest X-rays of children, normal or with pneumonia, read from the user's folder.
//!
//! J. Yang et al., MedMNIST v2, Scientific Data, 2023, DOI 10.1038/s41597-022-01721-8, license CC BY 4.0. The published
//! validation images join the training images: a study cuts its own validation split.

use std::path::Path;

use hemet_spaces::Shape;

use super::npz::Npz;
use super::{Coding, Dataset, PixelScale, Published, Source, TrainTest, assemble, files, idx::Idx};
use crate::Error;

/// 4,708 + 524 training and 624 test images of `[1][28][28]`; pixels 0..255, divided by 255. Class 1 is pneumonia.
pub(super) struct PneumoniaMnist;

const FILE: &str = "pneumoniamnist.npz";
const ADDRESS: &str = "https://zenodo.org/records/10519652/files/pneumoniamnist.npz?download=1";
const CLASSES: [&str; 2] = ["normal", "pneumonia"];
/// BLAKE3 sums of the arrays' elements (the zip around them may differ): images, labels.
const SUMS: [(&str, [&str; 2]); 3] = [
    (
        "train",
        [
            "3a905706c619dbfb6ed93c9172a29142563555f955a73f27a9ce720c7a908e1c",
            "50a9d4a81c973abd0ed500efa311bee53abf67a471d64a094c45db40ddc6659c",
        ],
    ),
    (
        "val",
        [
            "909ba87cde61f2e06a3e77262092f5ec9006ef3dc832825693507c22aea893bb",
            "9a9e9586f82ac3d34f86c0144b1244ba3103742aa219bc8c37b26a16895920ec",
        ],
    ),
    (
        "test",
        [
            "a37ba22efe459406a3d0d285d523f09c2392ba3729201869d720a13c84293472",
            "ad0a135c6622c6cbef16640efe2edb5111bf602256e2744a35a132926c82511d",
        ],
    ),
];

impl Source for PneumoniaMnist {
    fn name(&self) -> &'static str {
        "pneumonia_mnist"
    }

    fn about(&self) -> &'static str {
        "28x28 chest X-rays, normal or pneumonia, 5,232 + 624 images, pixels divided by 255 (MedMNIST v2, Yang et al. 2023, \
         CC BY 4.0); read from a folder"
    }

    fn needs_folder(&self) -> bool {
        true
    }

    fn published(&self) -> Option<Published> {
        Some(Published {
            address: "https://zenodo.org/records/10519652/files/",
            files: &[FILE],
            sha256: &[],
            query: "?download=1",
            folder: "medmnist",
            unpack: &[],
        })
    }

    fn class_names(&self) -> &'static [&'static str] {
        &CLASSES
    }

    fn pixels(&self) -> Option<PixelScale> {
        Some(PixelScale::default())
    }

    fn shape_and_classes(&self) -> Option<(Shape, usize)> {
        Some((Shape::new(1, 28, 28), CLASSES.len()))
    }

    fn load(&self, folder: Option<&Path>) -> Result<TrainTest, Error> {
        let folder = folder.ok_or_else(|| Error::NoFolder {
            dataset: self.name(),
            files: FILE.to_owned(),
        })?;
        let path = files::find(folder, "medmnist", &[FILE.to_owned()]);
        let file = path.display().to_string();
        let content = files::read(&path)?;
        let npz = Npz::new(&file, &content)?;
        let mut train = part(&file, &npz, 0)?;
        train.append(part(&file, &npz, 1)?);
        Ok(TrainTest {
            train,
            test: part(&file, &npz, 2)?,
        }
        .named(&CLASSES))
    }
}

fn part(file: &str, npz: &Npz<'_>, number: usize) -> Result<Dataset, Error> {
    let (prefix, sums) = SUMS[number];
    let check = |idx: Idx, sum: &'static str| {
        files::check_sum(file, idx.blake3.clone(), sum, ADDRESS).map(|()| idx)
    };
    let images = check(npz.images(&format!("{prefix}_images"))?, sums[0])?;
    let labels = check(npz.labels(&format!("{prefix}_labels"))?, sums[1])?;
    assemble(
        "pneumonia_mnist",
        [file, file],
        images,
        labels,
        Coding {
            classes: CLASSES.len(),
            white: u8::MAX,
        },
    )
}
