//! `image_folder`: a user's own PNG or JPEG images, one folder a class.
//!
//! Either `<class>/*` alone, or `train/<class>/*` with `test/<class>/*`, `val/<class>/*` or both, with pictures only.
//! Images of
//! `val` measure accuracy during a search. Without `test` a fifth of each class of the training images becomes test
//! images: those whose names have the smallest BLAKE3 sums, so that the choice depends on names alone. Classes are
//! numbered in the order of their folders' names. What systems leave in folders (`.DS_Store`, `Thumbs.db`, `__MACOSX`)
//! is passed over.

mod layout;

use std::path::{Path, PathBuf};

use hemet_spaces::Shape;

use super::idx::Idx;
use super::picture::{self, Picture};
use super::{PixelScale, Preparation, Source, TrainTest, files, own};
use crate::Error;
use layout::{Class, Layout, file_name};

/// Gray or RGB images of one size, 8 bits a channel; pixels 0..255, divided by 255.
pub(super) struct ImageFolder;

/// One in this many images of a class is a test image.
const TEST_SHARE: usize = 5;

/// Files that cannot be used, shown at once.
const MAX_SHOWN: usize = 20;

impl Source for ImageFolder {
    fn name(&self) -> &'static str {
        "image_folder"
    }

    fn about(&self) -> &'static str {
        "PNG or JPEG images of your own, gray or RGB, one folder a class, or train/, val/ and test/ with such folders; pixels divided by 255"
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
        self.load_prepared(folder, &Preparation::default())
    }

    fn load_prepared(
        &self,
        folder: Option<&Path>,
        preparation: &Preparation,
    ) -> Result<TrainTest, Error> {
        preparation.check().map_err(|allowed| Error::Option {
            option: "data",
            found: format!("{preparation:?}"),
            allowed,
        })?;
        let folder = folder.ok_or_else(|| Error::NoFolder {
            dataset: self.name(),
            files: "one folder of PNG or JPEG images a class".to_owned(),
        })?;
        let shown = folder.display().to_string();
        let Layout {
            train,
            validation,
            test,
        } = Layout::of(folder)?;
        let names: Vec<String> = train.iter().map(|class| class.name.clone()).collect();
        let (train, test) = match test {
            Some(test) => (train, test),
            None => train.into_iter().map(divide).unzip(),
        };
        let parts = [&train, &test, validation.as_deref().unwrap_or_default()];
        let pictures = read_all(&shown, &parts, preparation)?;
        let [train, test, validation] = pictures;
        let (Some(train), Some(test)) = (train, test) else {
            return files::refuse(&shown, "no image lies in its classes' folders");
        };
        let mut set = own::join(self.name(), train.clone().part(&shown), test.part(&shown))?;
        if let Some(validation) = validation {
            let both = own::join(self.name(), train.part(&shown), validation.part(&shown))?;
            set.train.held_out = both.test.len();
            set.train.append(both.test);
        }
        Ok(set.named(&names))
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

/// The pictures of some classes, all of one size.
#[derive(Clone)]
struct Pictures {
    axes: [usize; 3],
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Pictures {
    /// As a part of a data set; `folder` names it in errors.
    fn part(self, folder: &str) -> own::Part {
        let count = self.labels.len();
        let [channels, height, width] = self.axes;
        let images = Idx::new(vec![count, channels, height, width], self.pixels);
        let labels = Idx::new(vec![count], self.labels);
        ((folder.to_owned(), images), (folder.to_owned(), labels))
    }
}

/// The pictures of each part; none for a part without any.
///
/// # Errors
/// All files that cannot be used, together: those that are no pictures or damaged, and those of another size than most.
fn read_all(
    folder: &str,
    parts: &[&[Class]; 3],
    preparation: &Preparation,
) -> Result<[Option<Pictures>; 3], Error> {
    let mut wrong: Vec<(PathBuf, String)> = Vec::new();
    let mut sound: Vec<(usize, u8, &Path, Picture)> = Vec::new();
    for (part, classes) in parts.iter().enumerate() {
        for (label, class) in classes.iter().enumerate() {
            for path in &class.images {
                match files::read(path).map(|content| picture::decode(&content)) {
                    Ok(Ok(picture)) => {
                        let label = u8::try_from(label).unwrap_or(u8::MAX);
                        sound.push((part, label, path, preparation.apply(picture)));
                    }
                    Ok(Err(why)) => wrong.push((path.clone(), why)),
                    Err(error) => wrong.push((path.clone(), error.to_string())),
                }
            }
        }
    }
    let axes: Vec<[usize; 3]> = sound.iter().map(|(.., picture)| picture.axes).collect();
    let usual = commonest(&axes);
    for (_, _, path, Picture { axes, .. }) in sound.iter().filter(|(.., p)| Some(p.axes) != usual) {
        let usual = usual.unwrap_or_default();
        let why = format!(
            "it has channels, height and width {axes:?}, most have {usual:?}; bring all to one size, by hand or with `data: {{resize: [HEIGHT, WIDTH], gray: true}}`"
        );
        wrong.push((path.to_path_buf(), why));
    }
    if !wrong.is_empty() {
        return files::refuse(folder, listed(&wrong, axes.len().max(wrong.len())));
    }
    let mut all = [None, None, None];
    for (part, label, _, picture) in sound {
        let pictures = all[part].get_or_insert_with(|| Pictures {
            axes: picture.axes,
            pixels: vec![],
            labels: vec![],
        });
        pictures.pixels.extend(picture.planar);
        pictures.labels.push(label);
    }
    Ok(all)
}

/// The files that cannot be used, a line each.
fn listed(wrong: &[(PathBuf, String)], all: usize) -> String {
    let mut text = format!("{} of {all} files cannot be used", wrong.len());
    for (path, why) in wrong.iter().take(MAX_SHOWN) {
        text += &format!("\n  {}: {why}", path.display());
    }
    if wrong.len() > MAX_SHOWN {
        text += &format!("\n  and {} more", wrong.len() - MAX_SHOWN);
    }
    text
}

/// The axes that most pictures have; the first of equals.
fn commonest(axes: &[[usize; 3]]) -> Option<[usize; 3]> {
    let mut counts: Vec<([usize; 3], usize)> = Vec::new();
    for axes in axes {
        match counts.iter_mut().find(|(known, _)| known == axes) {
            Some((_, count)) => *count += 1,
            None => counts.push((*axes, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max()?;
    let first = counts.into_iter().find(|(_, count)| *count == most);
    first.map(|(axes, _)| axes)
}
