//! Datasets of the user's own in the formats of published ones: `idx` (the four files of MNIST) and `npz`.

use std::path::{Path, PathBuf};

use hemet_spaces::Shape;

use super::idx::{self, Idx};
use super::npz::Npz;
use super::{Coding, Dataset, PixelScale, Source, TrainTest, assemble, files};
use crate::Error;

/// Images of `[n][height][width]` (`…-idx3-ubyte`) or `[n][channels][height][width]` (`…-idx4-ubyte`), and labels, in
/// IDX files named as MNIST's.
pub(super) struct OwnIdx;

/// Arrays `train_images`, `train_labels`, `test_images`, `test_labels` (and `val_…`, which validate in the place of a
/// share of the training images), or `x_train`, `y_train`, `x_test`, `y_test`, in one NPZ file.
pub(super) struct OwnNpz;

impl Source for OwnIdx {
    fn name(&self) -> &'static str {
        "idx"
    }

    fn about(&self) -> &'static str {
        "images of your own in a folder with IDX files named as MNIST's (idx3 gray, idx4 with channels), pixels divided by 255"
    }

    fn needs_folder(&self) -> bool {
        true
    }

    fn pixels(&self) -> Option<PixelScale> {
        Some(PixelScale::default())
    }

    fn shape_and_classes(&self) -> Option<(Shape, usize)> {
        None
    }

    fn load(&self, folder: Option<&Path>) -> Result<TrainTest, Error> {
        let folder = folder.ok_or_else(|| Error::NoFolder {
            dataset: self.name(),
            files: "train-images-idx3-ubyte, train-labels-idx1-ubyte and the same with t10k, or idx4 for images with \
                    channels, each with or without .gz"
                .to_owned(),
        })?;
        let part = |part: &str| -> Result<Part, Error> {
            Ok((images(folder, part)?, labels(folder, part)?))
        };
        join(self.name(), part("train")?, part("t10k")?)
    }
}

fn images(folder: &Path, part: &str) -> Result<(String, Idx), Error> {
    let names = ["idx3-ubyte.gz", "idx3-ubyte", "idx4-ubyte.gz", "idx4-ubyte"];
    let path = files::find(
        folder,
        "",
        &names.map(|name| format!("{part}-images-{name}")),
    );
    let rank = match path.to_string_lossy().contains("-idx4-") {
        true => 4,
        false => 3,
    };
    read_idx(path, rank)
}

fn labels(folder: &Path, part: &str) -> Result<(String, Idx), Error> {
    let names = ["idx1-ubyte.gz", "idx1-ubyte"];
    let names = names.map(|name| format!("{part}-labels-{name}"));
    read_idx(files::find(folder, "", &names), 1)
}

fn read_idx(path: PathBuf, rank: usize) -> Result<(String, Idx), Error> {
    let file = path.display().to_string();
    let idx = idx::read(&file, &files::read(&path)?, rank)?;
    Ok((file, idx))
}

impl Source for OwnNpz {
    fn name(&self) -> &'static str {
        "npz"
    }

    fn about(&self) -> &'static str {
        "images of your own in one NPZ file (or a folder with one): byte arrays train_images, test_images [n, h, w] or \
         [n, h, w, channels] and integer arrays train_labels, test_labels, or x_train, y_train and so on; val_images and \
         val_labels, or x_val and y_val, validate where they are there; pixels divided by 255"
    }

    fn needs_folder(&self) -> bool {
        true
    }

    fn pixels(&self) -> Option<PixelScale> {
        Some(PixelScale::default())
    }

    fn shape_and_classes(&self) -> Option<(Shape, usize)> {
        None
    }

    fn load(&self, folder: Option<&Path>) -> Result<TrainTest, Error> {
        let folder = folder.ok_or_else(|| Error::NoFolder {
            dataset: self.name(),
            files: "one .npz file".to_owned(),
        })?;
        let path = the_npz(folder)?;
        let file = path.display().to_string();
        let content = files::read(&path)?;
        let npz = Npz::new(&file, &content)?;
        let pair = |images: &str, labels: &str| -> Result<Part, Error> {
            let (images, labels) = (npz.images(images)?, npz.labels(labels)?);
            Ok(((file.clone(), images), (file.clone(), labels)))
        };
        let names = |part: &str| match npz.has("x_train") {
            true => [format!("x_{part}"), format!("y_{part}")],
            false => [format!("{part}_images"), format!("{part}_labels")],
        };
        let of = |part: &str| {
            let [images, labels] = names(part);
            pair(&images, &labels)
        };
        let (train, test) = (of("train")?, of("test")?);
        if !npz.has(&names("val")[0]) {
            return join(self.name(), train, test);
        }
        let mut all = join(self.name(), train.clone(), test)?;
        let more = join(self.name(), train, of("val")?)?.test;
        if more.shape != all.train.shape {
            let why = format!(
                "validation images are {}, training images {}",
                more.shape, all.train.shape
            );
            return files::refuse(&file, why);
        }
        all.train.held_out = more.len();
        all.train.append(more);
        Ok(all)
    }
}

/// The NPZ file at `path`: itself, or the only one in a folder.
fn the_npz(path: &Path) -> Result<PathBuf, Error> {
    if path.is_file() {
        return Ok(path.to_owned());
    }
    let mut found = files::list(path)?;
    found.retain(|p| p.extension().is_some_and(|e| e == "npz"));
    match found.len() {
        1 => Ok(found.remove(0)),
        count => files::refuse(
            &path.display().to_string(),
            format!("{count} .npz files lie in this folder, 1 is needed; name the file itself"),
        ),
    }
}

/// Images and labels, each with the name of its file.
pub(super) type Part = ((String, Idx), (String, Idx));

/// Training and test part, with as many classes as the greatest training label says.
pub(super) fn join(name: &str, train: Part, test: Part) -> Result<TrainTest, Error> {
    let labels = &train.1;
    let classes = labels
        .1
        .bytes
        .iter()
        .max()
        .map_or(0, |l| usize::from(*l) + 1);
    if classes < 2 {
        let why = format!("its labels name {classes} classes, at least 2 are needed");
        return files::refuse(&labels.0, why);
    }
    let test_file = test.0.0.clone();
    let part = |((images_file, images), (labels_file, labels)): Part| -> Result<Dataset, Error> {
        let files = [images_file.as_str(), labels_file.as_str()];
        assemble(
            name,
            files,
            images,
            labels,
            Coding {
                classes,
                white: u8::MAX,
            },
        )
    };
    let (train, test) = (part(train)?, part(test)?);
    match train.shape == test.shape {
        true => Ok(TrainTest { train, test }),
        false => files::refuse(
            &test_file,
            format!(
                "its images are {}, the training images {}",
                test.shape, train.shape
            ),
        ),
    }
}
