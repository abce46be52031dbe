//! CIFAR-10: 32x32 photographs of ten kinds of things, read from the user's folder, plain, as `.xz` or as `.gz`.
//!
//! A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009. A record is a label and 3,072 bytes,
//! the planes red, green, blue. Normalized per channel to `(p/255 − mean) / (2.2 · deviation)` with the training set's
//! mean and deviation: centered, and within ±1, which is what the compiler's budgets assume of inputs.

use std::path::Path;

use hemet_spaces::Shape;

use super::{
    Coding, Dataset, PixelScale, Published, Source, TrainTest, assemble, files, idx::Idx, packed,
};
use crate::Error;

/// 50,000 training and 10,000 test images of `[3][32][32]`.
pub(super) struct Cifar10;

const FOLDER: &str = "cifar-10-batches-bin";
const ADDRESS: &str = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";
/// The batches, five for training and one for the test, with the BLAKE3 sums of their plain files.
const BATCHES: [(&str, &str); 6] = [
    (
        "data_batch_1.bin",
        "1b3fcad40d258858f510c4bcd1afcfe8c314b9ce56dd1e5497433a7084a97293",
    ),
    (
        "data_batch_2.bin",
        "d6e4b10488a9921e026b4d5ee9f7e3dd326e866f8b48d623538c7cef1a8ffc79",
    ),
    (
        "data_batch_3.bin",
        "a736d929656ecfb2eab80ea59e8573caeea112d8d60a45f4a0a4504214bdd281",
    ),
    (
        "data_batch_4.bin",
        "afd36c14a4d2a00e0c9eab2d984d5c1ebe5a5d7f35ce865c8d6ce74275afb0eb",
    ),
    (
        "data_batch_5.bin",
        "fc1cbe676c343edd20366fde0b046aa5251665fe07c5bc068044656a5e5d45eb",
    ),
    (
        "test_batch.bin",
        "69a7d1df5b1d17f8c98089666dffee384a8f3da4421e368f08a80f067ae79ffc",
    ),
];
const IMAGES: usize = 10_000;
const PIXELS: usize = 3 * 32 * 32;
const RECORD: usize = 1 + PIXELS;
/// Height and width of a photograph.
pub(super) const SIDE: usize = 32;
/// In the order of the set's own `batches.meta.txt`.
const CLASSES: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];
const MEAN: [f32; 3] = [0.4914, 0.4822, 0.4465];
const DEVIATION: [f32; 3] = [0.2470, 0.2435, 0.2616];
/// Deviations that become 1: no pixel lies further than 2.13 deviations from the mean.
const SPREAD: f32 = 2.2;

impl Source for Cifar10 {
    fn name(&self) -> &'static str {
        "cifar10"
    }

    fn about(&self) -> &'static str {
        "32x32 photographs, 50,000 + 10,000 images in 10 classes, per channel (p/255 - mean)/(2.2 deviation) with means \
         0.4914 0.4822 0.4465 and deviations 0.2470 0.2435 0.2616 (Krizhevsky 2009); read from a folder"
    }

    fn needs_folder(&self) -> bool {
        true
    }

    fn published(&self) -> Option<Published> {
        const UNPACK: [&str; 6] = [
            BATCHES[0].0,
            BATCHES[1].0,
            BATCHES[2].0,
            BATCHES[3].0,
            BATCHES[4].0,
            BATCHES[5].0,
        ];
        Some(Published {
            address: "https://www.cs.toronto.edu/~kriz/",
            files: &["cifar-10-binary.tar.gz"],
            sha256: &[],
            query: "",
            folder: FOLDER,
            unpack: &UNPACK,
        })
    }

    fn class_names(&self) -> &'static [&'static str] {
        &CLASSES
    }

    fn pixels(&self) -> Option<PixelScale> {
        Some(scale())
    }

    fn shape_and_classes(&self) -> Option<(Shape, usize)> {
        Some((Shape::new(3, 32, 32), CLASSES.len()))
    }

    fn load(&self, folder: Option<&Path>) -> Result<TrainTest, Error> {
        let folder = folder.ok_or_else(|| Error::NoFolder {
            dataset: self.name(),
            files: format!(
                "{} each plain, as .xz or as .gz",
                BATCHES.map(|b| b.0).join(", ")
            ),
        })?;
        Ok(TrainTest {
            train: part(folder, &BATCHES[..5])?,
            test: part(folder, &BATCHES[5..])?,
        }
        .named(&CLASSES))
    }
}

fn part(folder: &Path, batches: &[(&'static str, &'static str)]) -> Result<Dataset, Error> {
    let mut pixels = Vec::with_capacity(batches.len() * IMAGES * PIXELS);
    let mut labels = Vec::with_capacity(batches.len() * IMAGES);
    // Unpacking takes seconds a batch, so each has a thread.
    let read: Vec<_> = std::thread::scope(|scope| {
        let threads = batches
            .iter()
            .map(|batch| scope.spawn(|| records(folder, batch)));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    for records in read {
        let records = records.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        for record in records.chunks_exact(RECORD) {
            labels.push(record[0]);
            pixels.extend_from_slice(&record[1..]);
        }
    }
    let count = labels.len();
    let mut set = assemble(
        "cifar10",
        [FOLDER, FOLDER],
        Idx::new(vec![count, 3, 32, 32], pixels),
        Idx::new(vec![count], labels),
        Coding {
            classes: CLASSES.len(),
            white: u8::MAX,
        },
    )?;
    set.scale(&scale());
    Ok(set)
}

/// What numbers pixels become.
fn scale() -> PixelScale {
    PixelScale::of_deviations(&MEAN, &DEVIATION.map(|deviation| SPREAD * deviation))
}

/// The pixels of the first training batch, or of the test batch, as they are published: photograph after photograph,
/// the planes red, green, blue.
pub(super) fn photographs(folder: &Path, test: bool) -> Result<Vec<u8>, Error> {
    let batch = if test { &BATCHES[5] } else { &BATCHES[0] };
    let records = records(folder, batch)?;
    let photographs = records.chunks_exact(RECORD);
    Ok(photographs
        .flat_map(|record| &record[1..])
        .copied()
        .collect())
}

/// The records of a batch, whose sum is the published one.
fn records(folder: &Path, (name, sum): &(&'static str, &'static str)) -> Result<Vec<u8>, Error> {
    let (file, records) = packed::read(folder, FOLDER, name, IMAGES * RECORD)?;
    let found = blake3::hash(&records).to_hex().to_string();
    files::check_sum(&file, found, sum, ADDRESS)?;
    Ok(records)
}
