//! UCI optdigits: 8x8 handwritten digits, embedded.
//!
//! E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, 1998, UCI Machine Learning Repository,
//! DOI 10.24432/C50P49, license CC BY 4.0.

use std::path::Path;

use hemet_spaces::Shape;

use super::{Coding, Dataset, PixelScale, Source, TrainTest, assemble, idx};
use crate::Error;

/// 3,823 training and 1,797 test images of `[1][8][8]`; pixels 0..16, divided by 16.
pub(super) struct OptDigits;

const CLASSES: usize = 10;
const GREATEST_PIXEL: u8 = 16;

macro_rules! embedded {
    ($file:literal) => {
        (
            $file,
            include_bytes!(concat!("../../../experiments/data/optdigits/", $file)).as_slice(),
        )
    };
}

impl Source for OptDigits {
    fn name(&self) -> &'static str {
        "optdigits"
    }

    fn about(&self) -> &'static str {
        "8x8 handwritten digits, 3,823 + 1,797 images, pixels divided by 16 (UCI, Alpaydin and Kaynak 1998, CC BY 4.0); embedded"
    }

    fn needs_folder(&self) -> bool {
        false
    }

    fn pixels(&self) -> Option<PixelScale> {
        Some(PixelScale::default())
    }

    fn shape_and_classes(&self) -> Option<(Shape, usize)> {
        Some((Shape::new(1, 8, 8), CLASSES))
    }

    fn load(&self, _folder: Option<&Path>) -> Result<TrainTest, Error> {
        Ok(TrainTest {
            train: part(
                embedded!("optdigits-train-images-idx3-ubyte.gz"),
                embedded!("optdigits-train-labels-idx1-ubyte.gz"),
            )?,
            test: part(
                embedded!("optdigits-test-images-idx3-ubyte.gz"),
                embedded!("optdigits-test-labels-idx1-ubyte.gz"),
            )?,
        })
    }
}

fn part(images: (&str, &[u8]), labels: (&str, &[u8])) -> Result<Dataset, Error> {
    assemble(
        "optdigits",
        [images.0, labels.0],
        idx::read(images.0, images.1, 3)?,
        idx::read(labels.0, labels.1, 1)?,
        Coding {
            classes: CLASSES,
            white: GREATEST_PIXEL,
        },
    )
}
