//! How a folder of images is laid out: which folders are classes, which are parts of the set, and what is neither.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::data::files;

/// A class and its images.
pub(super) struct Class {
    pub name: String,
    pub images: Vec<PathBuf>,
}

/// The classes of each part of a set.
pub(super) struct Layout {
    pub train: Vec<Class>,
    /// None where the validation images are to be cut from the training images.
    pub validation: Option<Vec<Class>>,
    /// None where the test images are to be cut from the training images.
    pub test: Option<Vec<Class>>,
}

/// What is expected, for messages.
const EXPECTED: &str = "expected are FOLDER/CLASS/IMAGE, or FOLDER/train/CLASS/IMAGE with FOLDER/test/CLASS/IMAGE, FOLDER/val/CLASS/IMAGE or both";

/// Names of folders that hold the parts of a set, in small letters.
const TRAIN: &[&str] = &["train", "training"];
const VALIDATION: &[&str] = &["val", "valid", "validation"];
const TEST: &[&str] = &["test", "testing"];

impl Layout {
    /// Of the folder of a set.
    ///
    /// # Errors
    /// A folder that cannot be listed; a layout that is not understood, with what was found and what is expected.
    pub(super) fn of(folder: &Path) -> Result<Self, Error> {
        let (folders, loose) = entries(folder)?;
        // A class may be called `train`, too: a part holds folders.
        let mut parts = Vec::new();
        for path in &folders {
            let name = file_name(path).to_lowercase();
            let named = [TRAIN, VALIDATION, TEST]
                .iter()
                .any(|part| part.contains(&name.as_str()));
            if named && !entries(path)?.0.is_empty() {
                parts.push((name, path));
            }
        }
        let part = |names: &[&str]| {
            let found = parts
                .iter()
                .find(|(name, _)| names.contains(&name.as_str()));
            found.map(|(_, path)| *path)
        };
        let (train, validation, test) = (part(TRAIN), part(VALIDATION), part(TEST));
        match train {
            Some(train) => {
                let others = [Some(train), validation, test];
                let stray = folders.iter().find(|path| !others.contains(&Some(path)));
                if let Some(stray) = stray {
                    let why = format!(
                        "beside `{}` lies `{}`, which is no part of a set; {EXPECTED}",
                        file_name(train),
                        file_name(stray)
                    );
                    return files::refuse(&folder.display().to_string(), why);
                }
                let train = classes(train, &entries(train)?)?;
                Ok(Self {
                    validation: validation.map(|part| of_part(part, &train)).transpose()?,
                    test: test.map(|part| of_part(part, &train)).transpose()?,
                    train,
                })
            }
            None => match test.or(validation) {
                Some(part) => {
                    let why = format!("it holds `{}` and no `train`; {EXPECTED}", file_name(part));
                    files::refuse(&folder.display().to_string(), why)
                }
                None => Ok(Self {
                    train: classes(folder, &(folders, loose))?,
                    validation: None,
                    test: None,
                }),
            },
        }
    }
}

/// The classes of a part, which must be those of the training images.
fn of_part(part: &Path, train: &[Class]) -> Result<Vec<Class>, Error> {
    let classes = classes(part, &entries(part)?)?;
    let names = |classes: &[Class]| {
        let names = classes.iter().map(|class| class.name.clone());
        names.collect::<Vec<String>>().join(", ")
    };
    match names(&classes) == names(train) {
        true => Ok(classes),
        false => files::refuse(
            &part.display().to_string(),
            format!(
                "its classes are {}, those of the training images {}",
                names(&classes),
                names(train)
            ),
        ),
    }
}

/// The folders and the files in a folder, without what systems leave there.
fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Error> {
    let debris = |path: &PathBuf| {
        let name = file_name(path).to_lowercase();
        ["__macosx", "thumbs.db", "desktop.ini"].contains(&name.as_str())
    };
    let all = files::list(folder)?;
    let all = all.into_iter().filter(|path| !debris(path));
    Ok(all.partition(|path| path.is_dir()))
}

/// Each folder in `folder` as a class with its files.
fn classes(
    folder: &Path,
    (folders, loose): &(Vec<PathBuf>, Vec<PathBuf>),
) -> Result<Vec<Class>, Error> {
    let refuse = |why: String| files::refuse(&folder.display().to_string(), why);
    let mut classes = Vec::new();
    for path in folders {
        let (below, images) = entries(path)?;
        if let Some(first) = below.first() {
            let within = file_name(path);
            let names = named(&below);
            if folders.len() == 1 {
                return refuse(format!(
                    "its only folder is `{within}`, which holds the folders {names}; if those are classes or parts, name {} instead",
                    path.display()
                ));
            }
            return refuse(format!(
                "the class `{within}` holds the folders {names}; move the images of {} up into `{within}`, or make each a class; {EXPECTED}",
                first.display()
            ));
        }
        classes.push(Class {
            name: file_name(path),
            images,
        });
    }
    match classes.len() {
        2..=256 => Ok(classes),
        count => {
            let found = match (count, loose.len()) {
                (0, 0) => "it is empty".to_owned(),
                (_, 0) => format!("it holds {}", named(folders)),
                (0, files) => format!("it holds {files} files"),
                (_, files) => format!("it holds {files} files and {}", named(folders)),
            };
            refuse(format!(
                "{count} folders of classes found, 2 to 256 are needed: {found}; {EXPECTED}"
            ))
        }
    }
}

/// The first names of some files, in a row.
fn named(paths: &[PathBuf]) -> String {
    const MOST: usize = 8;
    let names = paths
        .iter()
        .take(MOST)
        .map(|path| format!("`{}`", file_name(path)));
    let rest = match paths.len() {
        0..=MOST => None,
        more => Some(format!("{} more", more - MOST)),
    };
    names.chain(rest).collect::<Vec<String>>().join(", ")
}

/// The last part of a path.
pub(super) fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
