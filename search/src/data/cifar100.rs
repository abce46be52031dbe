//! CIFAR-100: 32x32 photographs of a hundred kinds of things, read from the user's folder, plain, as `.xz` or as `.gz`.
//!
//! A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009. A record is a coarse label (of 20), a
//! fine label (of 100, the one that is learned) and 3,072 bytes, the planes red, green, blue. Normalized per channel to
//! `(p/255 − mean) / (2.2 · deviation)` with the training set's mean and deviation: centered, and within ±1.

use std::path::Path;

use hemet_spaces::Shape;

use super::{
    Coding, Dataset, PixelScale, Published, Source, TrainTest, assemble, files, idx::Idx, packed,
};
use crate::Error;

/// 50,000 training and 10,000 test images of `[3][32][32]`.
pub(super) struct Cifar100;

const NAME: &str = "cifar100";
const FOLDER: &str = "cifar-100-binary";
/// The files with their images of each fine class.
const TRAIN: (&str, usize) = ("train.bin", 500);
const TEST: (&str, usize) = ("test.bin", 100);
const PIXELS: usize = 3 * 32 * 32;
/// Coarse label, fine label, pixels.
const RECORD: usize = 2 + PIXELS;
const MEAN: [f32; 3] = [0.5071, 0.4865, 0.4409];
const DEVIATION: [f32; 3] = [0.2673, 0.2564, 0.2762];
/// Deviations that become 1: no pixel lies further than 2.03 deviations from the mean.
const SPREAD: f32 = 2.2;

impl Source for Cifar100 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "32x32 photographs, 50,000 + 10,000 images in 100 classes, per channel (p/255 - mean)/(2.2 deviation) with means \
         0.5071 0.4865 0.4409 and deviations 0.2673 0.2564 0.2762 (Krizhevsky 2009); read from a folder"
    }

    fn needs_folder(&self) -> bool {
        true
    }

    fn published(&self) -> Option<Published> {
        Some(Published {
            address: "https://www.cs.toronto.edu/~kriz/",
            files: &["cifar-100-binary.tar.gz"],
            sha256: &["58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"],
            query: "",
            folder: FOLDER,
            unpack: &[TRAIN.0, TEST.0],
        })
    }

    fn class_names(&self) -> &'static [&'static str] {
        &CLASSES
    }

    fn pixels(&self) -> Option<PixelScale> {
        let deviation = DEVIATION.map(|deviation| SPREAD * deviation);
        Some(PixelScale::of_deviations(&MEAN, &deviation))
    }

    fn shape_and_classes(&self) -> Option<(Shape, usize)> {
        Some((Shape::new(3, 32, 32), CLASSES.len()))
    }

    fn load(&self, folder: Option<&Path>) -> Result<TrainTest, Error> {
        let folder = folder.ok_or_else(|| Error::NoFolder {
            dataset: NAME,
            files: format!("{} and {}, each plain, as .xz or as .gz", TRAIN.0, TEST.0),
        })?;
        let part = |(name, of_each): (&str, usize)| {
            let images = of_each * CLASSES.len();
            let (file, records) = packed::read(folder, FOLDER, name, images * RECORD)?;
            check(&file, &records, of_each)?;
            dataset(&file, &records)
        };
        Ok(TrainTest {
            train: part(TRAIN)?,
            test: part(TEST)?,
        }
        .named(&CLASSES))
    }
}

/// Refuses records that are not the published ones as far as their labels tell: of each fine class `of_each`, all with
/// one coarse class, which five fine ones share.
fn check(file: &str, records: &[u8], of_each: usize) -> Result<(), Error> {
    let mut counts = [0usize; CLASSES.len()];
    let mut coarse_of = [None; CLASSES.len()];
    for (index, record) in records.chunks_exact(RECORD).enumerate() {
        let (coarse, fine) = (record[0], usize::from(record[1]));
        if fine >= CLASSES.len() || coarse >= 20 {
            let why = format!(
                "record {index} has labels {coarse} and {fine}, the greatest are 19 and 99"
            );
            return files::refuse(file, why);
        }
        counts[fine] += 1;
        let known = *coarse_of[fine].get_or_insert(coarse);
        if known != coarse {
            let why = format!(
                "fine class {fine} has coarse classes {known} and {coarse}; fetch it again"
            );
            return files::refuse(file, why);
        }
    }
    if let Some(class) = counts.iter().position(|count| *count != of_each) {
        let why = format!(
            "{} images of class {class}, {of_each} expected; fetch it again",
            counts[class]
        );
        return files::refuse(file, why);
    }
    for coarse in 0..20 {
        let fine = coarse_of.iter().filter(|of| **of == Some(coarse)).count();
        if fine != 5 {
            let why =
                format!("{fine} fine classes in coarse class {coarse}, 5 expected; fetch it again");
            return files::refuse(file, why);
        }
    }
    Ok(())
}

fn dataset(file: &str, records: &[u8]) -> Result<Dataset, Error> {
    let records = records.chunks_exact(RECORD);
    let count = records.len();
    let labels = records.clone().map(|record| record[1]).collect();
    let pixels = records.flat_map(|record| &record[2..]).copied().collect();
    let mut set = assemble(
        NAME,
        [file, file],
        Idx::new(vec![count, 3, 32, 32], pixels),
        Idx::new(vec![count], labels),
        Coding {
            classes: CLASSES.len(),
            white: u8::MAX,
        },
    )?;
    if let Some(scale) = Cifar100.pixels() {
        set.scale(&scale);
    }
    Ok(set)
}

/// In the order of the set's own `fine_label_names.txt`.
const CLASSES: [&str; 100] = [
    "apple",
    "aquarium_fish",
    "baby",
    "bear",
    "beaver",
    "bed",
    "bee",
    "beetle",
    "bicycle",
    "bottle",
    "bowl",
    "boy",
    "bridge",
    "bus",
    "butterfly",
    "camel",
    "can",
    "castle",
    "caterpillar",
    "cattle",
    "chair",
    "chimpanzee",
    "clock",
    "cloud",
    "cockroach",
    "couch",
    "crab",
    "crocodile",
    "cup",
    "dinosaur",
    "dolphin",
    "elephant",
    "flatfish",
    "forest",
    "fox",
    "girl",
    "hamster",
    "house",
    "kangaroo",
    "keyboard",
    "lamp",
    "lawn_mower",
    "leopard",
    "lion",
    "lizard",
    "lobster",
    "man",
    "maple_tree",
    "motorcycle",
    "mountain",
    "mouse",
    "mushroom",
    "oak_tree",
    "orange",
    "orchid",
    "otter",
    "palm_tree",
    "pear",
    "pickup_truck",
    "pine_tree",
    "plain",
    "plate",
    "poppy",
    "porcupine",
    "possum",
    "rabbit",
    "raccoon",
    "ray",
    "road",
    "rocket",
    "rose",
    "sea",
    "seal",
    "shark",
    "shrew",
    "skunk",
    "skyscraper",
    "snail",
    "snake",
    "spider",
    "squirrel",
    "streetcar",
    "sunflower",
    "sweet_pepper",
    "table",
    "tank",
    "telephone",
    "television",
    "tiger",
    "tractor",
    "train",
    "trout",
    "tulip",
    "turtle",
    "wardrobe",
    "whale",
    "willow_tree",
    "wolf",
    "woman",
    "worm",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Records of the published form, as few as the checks allow: `of_each` images of each fine class.
    fn records(of_each: usize) -> Vec<u8> {
        let one = |index: usize| {
            let fine = index % 100;
            let mut record = vec![(fine % 20) as u8, fine as u8];
            record.extend((0..PIXELS).map(|place| (place / 1024 * 100 + fine) as u8));
            record
        };
        (0..100 * of_each).flat_map(one).collect()
    }

    #[test]
    fn fine_labels_and_planes_are_taken_and_scaled_within_one() {
        let set = dataset("train.bin", &records(1)).expect("sound");
        assert_eq!((set.len(), set.classes), (100, 100));
        assert_eq!(usize::from(set.labels[37]), 37);
        let green = set.image(5)[1024 + 17];
        let expected = (105.0 / 255.0 - MEAN[1]) / (SPREAD * DEVIATION[1]);
        assert!((green - expected).abs() < 1e-6, "{green} {expected}");
        let extreme = |p: f32| {
            let all = (0..3).map(|c| ((p - MEAN[c]) / (SPREAD * DEVIATION[c])).abs());
            all.fold(0.0, f32::max)
        };
        assert!(extreme(0.0) <= 1.0 && extreme(1.0) <= 1.0);
    }

    #[test]
    fn records_whose_labels_are_not_the_published_ones_are_refused() {
        check("train.bin", &records(2), 2).expect("sound");
        let mut wrong: Vec<(Vec<u8>, &str)> = vec![(records(3), "3 images of class 0, 2 expected")];
        for (place, label, words) in [
            (1, 100, "labels 0 and 100"),
            (0, 20, "labels 20 and 0"),
            (0, 1, "fine class 0 has coarse classes 1 and 0"),
            (1, 40, "1 images of class 0"),
        ] {
            let mut changed = records(2);
            changed[place] = label;
            wrong.push((changed, words));
        }
        let mut moved = records(1);
        moved[0] = 1;
        let error = check("train.bin", &moved, 1)
            .expect_err("refused")
            .to_string();
        assert!(
            error.contains("4 fine classes in coarse class 0"),
            "{error}"
        );
        for (records, words) in wrong {
            let error = check("train.bin", &records, 2).expect_err("refused");
            assert!(error.to_string().contains(words), "{words}: {error}");
        }
    }
}
