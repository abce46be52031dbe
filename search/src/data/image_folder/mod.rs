//! `image_folder`: a user's own PNG or JPEG images, one folder a class.
//!
//! Either `train/<class>/*` and `test/<class>/*`, or `<class>/*` alone, with pictures only. In the latter case a
//! fifth of each class becomes test images: those whose names have the smallest BLAKE3 sums, so that the choice
//! depends on names alone. Classes are numbered in the order of their folders' names.

use std::path::{Path, PathBuf};

use hemet_spaces::Shape;

use super::idx::Idx;
use super::picture::{self, Picture};
use super::{Source, TrainTest, files, own};
use crate::Error;

/// Gray or RGB images of one size, 8 bits a channel; pixels 0..255, divided by 255.
pub(super) struct ImageFolder;

/// One in this many images of a class is a test image.
const TEST_SHARE: usize = 5;

impl Source for ImageFolder {
    fn name(&self) -> &'static str {
        "image_folder"
    }

    fn about(&self) -> &'static str {
        "PNG or JPEG images of your own, gray or RGB, one folder a class, or train/ and test/ with such folders; pixels divided by 255"
    }

    fn needs_folder(&self) -> bool {
        true
    }

    fn shape_and_classes(&self) -> Option<(Shape, usize)> {
        None
    }

    fn load(&self, folder: Option<&Path>) -> Result<TrainTest, Error> {
        let folder = folder.ok_or_else(|| Error::NoFolder {
            dataset: self.name(),
            files: "one folder of PNG or JPEG images a class".to_owned(),
        })?;
        let (train, test) = (folder.join("train"), folder.join("test"));
        let (train, test) = match train.is_dir() && test.is_dir() {
            true => {
                let (train_classes, test_classes) = (classes(&train)?, classes(&test)?);
                let names = |c: &[Class]| c.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
                if names(&train_classes) != names(&test_classes) {
                    let why = format!(
                        "its classes are {}, those of `train` {}",
                        names(&test_classes).join(", "),
                        names(&train_classes).join(", ")
                    );
                    return files::refuse(&test.display().to_string(), why);
                }
                (train_classes, test_classes)
            }
            false => classes(folder)?.into_iter().map(divide).unzip(),
        };
        let shown = folder.display().to_string();
        let sets = own::join(self.name(), part(&shown, &train)?, part(&shown, &test)?)?;
        let names: Vec<&str> = train.iter().map(|class| class.name.as_str()).collect();
        Ok(sets.named(&names))
    }
}

/// A class and its images.
struct Class {
    name: String,
    images: Vec<PathBuf>,
}

/// The folders in `folder` with their files.
fn classes(folder: &Path) -> Result<Vec<Class>, Error> {
    let mut classes = Vec::new();
    for path in files::list(folder)?.into_iter().filter(|p| p.is_dir()) {
        classes.push(Class {
            name: file_name(&path),
            images: files::list(&path)?,
        });
    }
    match classes.len() {
        2..=256 => Ok(classes),
        count => files::refuse(
            &folder.display().to_string(),
            format!("{count} folders of classes found, 2 to 256 are needed"),
        ),
    }
}

/// `(training, test)` images of a class.
fn divide(class: Class) -> (Class, Class) {
    let count = match class.images.len() {
        0 | 1 => 0,
        len => (len / TEST_SHARE).max(1),
    };
    let mut images = class.images;
    images.sort_by_key(|path| *blake3::hash(file_name(path).as_bytes()).as_bytes());
    let train = images.split_off(count);
    let part = |images| Class {
        name: class.name.clone(),
        images,
    };
    (part(train), part(images))
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The images and labels of these classes, named by `folder` in errors.
fn part(folder: &str, classes: &[Class]) -> Result<own::Part, Error> {
    let mut first: Option<(PathBuf, [usize; 3])> = None;
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for (label, class) in classes.iter().enumerate() {
        for path in &class.images {
            let Picture { axes, planar } = read(path)?;
            let (first_path, first_axes) = first.get_or_insert_with(|| (path.clone(), axes));
            if axes != *first_axes {
                let why = format!(
                    "it has channels, height and width {axes:?}, `{}` has {first_axes:?}; bring all to one size",
                    first_path.display()
                );
                return files::refuse(&path.display().to_string(), why);
            }
            pixels.extend(planar);
            labels.push(u8::try_from(label).unwrap_or(u8::MAX));
        }
    }
    let Some((_, [channels, height, width])) = first else {
        return files::refuse(folder, "no image lies in its classes' folders");
    };
    let count = labels.len();
    let images = Idx::new(vec![count, channels, height, width], pixels);
    let labels = Idx::new(vec![count], labels);
    Ok(((folder.to_owned(), images), (folder.to_owned(), labels)))
}

/// The picture in a file.
fn read(path: &Path) -> Result<Picture, Error> {
    let content = files::read(path)?;
    match picture::decode(&content) {
        Ok(picture) => Ok(picture),
        Err(why) => files::refuse(&path.display().to_string(), why),
    }
}
