//! SVHN: 32x32 photographs of house numbers, cut out around one digit, read from the user's folder.
//!
//! Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu, A. Ng, Reading Digits in Natural Images with Unsupervised Feature
//! Learning, NIPS Workshop on Deep Learning and Unsupervised Feature Learning, 2011; format 2 (cropped digits), without
//! the 531,131 extra images. Normalized per channel to `(p/255 − mean) / (2.9 · deviation)` with the training set's
//! mean and deviation: centered, and within ±1.

use std::path::Path;

use hemet_spaces::Shape;

use super::{
    Coding, Dataset, PixelScale, Published, Source, TrainTest, assemble, files, idx::Idx, mat,
};
use crate::Error;

/// 73,257 training and 26,032 test images of `[3][32][32]`.
pub(super) struct Svhn;

const NAME: &str = "svhn";
const FOLDER: &str = "svhn";
const ADDRESS: &str = "http://ufldl.stanford.edu/housenumbers/";
const FILES: [&str; 2] = ["train_32x32.mat", "test_32x32.mat"];
/// SHA-256 of the files.
const SUMS: [&str; 2] = [
    "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
    "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
];
const SIDE: usize = 32;
const PIXELS: usize = 3 * SIDE * SIDE;
const CLASSES: usize = 10;
/// The label of a zero.
const ZERO: u8 = 10;
const MEAN: [f32; 3] = [0.4377, 0.4438, 0.4728];
const DEVIATION: [f32; 3] = [0.1980, 0.2010, 0.1970];
/// Deviations that become 1: no pixel lies further than 2.85 deviations from the mean.
const SPREAD: f32 = 2.9;

impl Source for Svhn {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "32x32 photographs of the digits of house numbers, 73,257 + 26,032 images, per channel (p/255 - mean)/(2.9 deviation) \
         with means 0.4377 0.4438 0.4728 and deviations 0.1980 0.2010 0.1970 (Netzer et al. 2011); read from a folder"
    }

    fn needs_folder(&self) -> bool {
        true
    }

    fn published(&self) -> Option<Published> {
        Some(Published {
            address: ADDRESS,
            files: &FILES,
            sha256: &SUMS,
            query: "",
            folder: FOLDER,
            unpack: &[],
        })
    }

    fn pixels(&self) -> Option<PixelScale> {
        let deviation = DEVIATION.map(|deviation| SPREAD * deviation);
        Some(PixelScale::of_deviations(&MEAN, &deviation))
    }

    fn shape_and_classes(&self) -> Option<(Shape, usize)> {
        Some((Shape::new(3, SIDE, SIDE), CLASSES))
    }

    fn load(&self, folder: Option<&Path>) -> Result<TrainTest, Error> {
        let folder = folder.ok_or_else(|| Error::NoFolder {
            dataset: NAME,
            files: FILES.join(", "),
        })?;
        let part = |number: usize| {
            let path = files::find(folder, FOLDER, &[FILES[number].to_owned()]);
            let file = path.display().to_string();
            let content = files::read(&path)?;
            files::check_sha256(&file, &content, SUMS[number], ADDRESS)?;
            dataset(&file, &content)
        };
        Ok(TrainTest {
            train: part(0)?,
            test: part(1)?,
        })
    }
}

/// The images `X` `[row][column][channel][image]`, the first axis moving fastest, with the labels `y`.
fn dataset(file: &str, content: &[u8]) -> Result<Dataset, Error> {
    let arrays = mat::read(file, content)?;
    let (Some(images), Some(labels)) = (arrays.get("X"), arrays.get("y")) else {
        return files::refuse(file, "it holds no arrays X and y of bytes; fetch it again");
    };
    let count = labels.numbers.len();
    if images.axes != [SIDE, SIDE, 3, count] {
        let why = format!(
            "X has axes {:?}, [{SIDE}, {SIDE}, 3, {count}] expected with {count} labels",
            images.axes
        );
        return files::refuse(file, why);
    }
    let mut pixels = Vec::with_capacity(count * PIXELS);
    for plane in images.numbers.chunks_exact(SIDE * SIDE) {
        let rows = (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| (row, column)));
        pixels.extend(rows.map(|(row, column)| plane[row + SIDE * column]));
    }
    let digits = labels.numbers.iter();
    let digits = digits.map(|label| if *label == ZERO { 0 } else { *label });
    let mut set = assemble(
        NAME,
        [file, file],
        Idx::new(vec![count, 3, SIDE, SIDE], pixels),
        Idx::new(vec![count], digits.collect()),
        Coding {
            classes: CLASSES,
            white: u8::MAX,
        },
    )?;
    if let Some(scale) = Svhn.pixels() {
        set.scale(&scale);
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_are_in_place_and_tens_are_zeros() {
        let set = dataset("packed.mat", include_bytes!("../../tests/mat/packed.mat"));
        let set = set.expect("sound");
        assert_eq!(set.labels, [1, 0, 7]);
        // Row 3, column 5, channel 1 of image 2 holds 5 · 3 + 3 · 2 + 40 + 2.
        let found = set.image(2)[1024 + 3 * 32 + 5];
        let expected = (63.0 / 255.0 - MEAN[1]) / (SPREAD * DEVIATION[1]);
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        for channel in 0..3 {
            for p in [0.0, 1.0] {
                assert!(((p - MEAN[channel]) / (SPREAD * DEVIATION[channel])).abs() <= 1.0);
            }
        }
    }

    #[test]
    fn files_with_other_arrays_are_refused() {
        let other = dataset("plain.mat", include_bytes!("../../tests/mat/plain.mat"));
        let error = other.expect_err("refused").to_string();
        assert!(
            error.contains("[4, 2, 1, 2]") && error.contains("3 labels"),
            "{error}"
        );
    }
}
