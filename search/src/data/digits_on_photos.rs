//! MNIST digits on photographs: another world than MNIST's for the same ten classes, made of files at hand.
//!
//! An image is the absolute difference of a digit and of a piece of a CIFAR-10 photograph in gray, as Ganin and
//! Lempitsky ("Unsupervised domain adaptation by backpropagation", ICML 2015, section 4) make MNIST-M of MNIST and
//! other photographs in color. Which piece lies behind which digit follows from a seed that never changes; training
//! digits lie on training photographs, test digits on test photographs.

use std::path::Path;

use hemet_spaces::Shape;
use rand::RngExt;

use super::{Dataset, PixelScale, Source, TrainTest, cifar10, mnist};
use crate::{Error, Seed};

/// 60,000 training and 10,000 test images of `[1][28][28]`.
pub(super) struct DigitsOnPhotos;

const NAME: &str = "digits_on_photos";
const SIDE: usize = 28;
/// Side of a photograph.
const PHOTO: usize = cifar10::SIDE;
/// How bright red, green and blue are (ITU-R BT.601).
const GRAY: [f32; 3] = [0.299, 0.587, 0.114];

impl Source for DigitsOnPhotos {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "28x28 handwritten digits of mnist on pieces of cifar10's photographs, |digit - photo| in gray, 60,000 + 10,000 images, \
         pixels from 0 to 1; made of the files of both, read from a folder"
    }

    fn needs_folder(&self) -> bool {
        true
    }

    fn pixels(&self) -> Option<PixelScale> {
        Some(PixelScale::default())
    }

    fn shape_and_classes(&self) -> Option<(Shape, usize)> {
        mnist::MNIST.shape_and_classes()
    }

    fn load(&self, folder: Option<&Path>) -> Result<TrainTest, Error> {
        let folder = folder.ok_or(Error::NoFolder {
            dataset: NAME,
            files: "the files of mnist, and data_batch_1.bin and test_batch.bin of cifar10".into(),
        })?;
        let digits = mnist::MNIST.load(Some(folder))?;
        let photos = |test: bool| cifar10::photographs(folder, test);
        Ok(TrainTest {
            train: blended(digits.train, &photos(false)?, "train"),
            test: blended(digits.test, &photos(true)?, "test"),
        })
    }
}

/// Digits on pieces of photographs, each of three planes.
fn blended(mut digits: Dataset, photos: &[u8], part: &str) -> Dataset {
    let mut rng = Seed::new(0).derive(NAME).derive(part).rng();
    let photo_len = 3 * PHOTO * PHOTO;
    let count = photos.len() / photo_len;
    for digit in digits.images.chunks_exact_mut(SIDE * SIDE) {
        let photo = &photos[rng.random_range(0..count) * photo_len..][..photo_len];
        let [down, right] = [0, 1].map(|_| rng.random_range(0..=PHOTO - SIDE));
        for (place, pixel) in digit.iter_mut().enumerate() {
            let at = (place / SIDE + down) * PHOTO + place % SIDE + right;
            let plane = |color: usize| f32::from(photo[color * PHOTO * PHOTO + at]);
            let gray: f32 = (0..3).map(|color| GRAY[color] * plane(color)).sum();
            *pixel = (*pixel - gray / f32::from(u8::MAX)).abs();
        }
    }
    digits.name = NAME.into();
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digit_is_seen_as_the_difference_to_its_photograph_and_the_same_every_time() {
        let digits = Dataset {
            name: "mnist".into(),
            shape: Shape::new(1, SIDE, SIDE),
            classes: 10,
            class_names: Vec::new(),
            images: [[0.0; SIDE * SIDE], [1.0; SIDE * SIDE]].concat(),
            labels: vec![3, 4],
            held_out: 0,
            measure: super::super::Measure::default(),
            targets: Vec::new(),
            columns: None,
        };
        // One photograph, all green at its full.
        let mut photo = vec![0; 3 * PHOTO * PHOTO];
        photo[PHOTO * PHOTO..2 * PHOTO * PHOTO].fill(255);
        let found = blended(digits.clone(), &photo, "train");
        assert_eq!((found.name.as_str(), &found.labels), (NAME, &digits.labels));
        let (dark, bright) = found.images.split_at(SIDE * SIDE);
        assert!(dark.iter().all(|p| (p - 0.587).abs() < 1e-5));
        assert!(bright.iter().all(|p| (p - 0.413).abs() < 1e-5));
        let photos: Vec<u8> = (0..6 * PHOTO * PHOTO).map(|n| (n % 251) as u8).collect();
        let [first, again, other] =
            ["train", "train", "test"].map(|part| blended(digits.clone(), &photos, part));
        assert_eq!(first, again);
        assert_ne!(first, other);
    }
}
