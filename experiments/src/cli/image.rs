//! Images from the command line: a picture, a file of numbers, or a test image of a data set.

use std::path::{Path, PathBuf};
use std::sync::Once;

use hemet_runtime::Facts;
use hemet_schedule::InputColumn;
use hemet_search::data;

use crate::cli::stream;
use crate::error::Error;

/// Which image.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
pub struct Source {
    /// A PNG or JPEG picture, or a text file of numbers; `-` for standard input, or a folder of them
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "set",
        required_unless_present_any = ["set", "table"]
    )]
    pub image: Option<PathBuf>,
    /// Bring pictures to the size and the colors that the network takes, whatever the artifact says of that: `stretch`
    /// them, or `crop` the middle first
    #[arg(long, value_enum, value_name = "HOW", requires = "image")]
    pub fit: Option<Fit>,
    /// A CSV file with the columns that the network was trained on, in their own units; the client standardizes them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["image", "set"])]
    pub table: Option<PathBuf>,
    /// A data set; its test images are used
    #[arg(long, value_name = "SET")]
    pub set: Option<String>,
    /// Position of the test image, or of the row of a table, from 0
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub index: usize,
    /// Folder of the data set's files, if it is not embedded
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// How a picture of another size is brought to the network's.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// As a whole, whatever its proportions
    Stretch,
    /// Its middle, in the network's proportions
    Crop,
}

impl From<Fit> for hemet_schedule::Fit {
    fn from(fit: Fit) -> Self {
        match fit {
            Fit::Stretch => Self::Stretch,
            Fit::Crop => Self::Crop,
        }
    }
}

/// An image, normalized, in channel-major order.
#[derive(Clone, Debug)]
pub struct Image {
    /// The numbers.
    pub values: Vec<f64>,
    /// Its true class, if known.
    pub label: Option<u8>,
}

impl Source {
    /// Reads images, one after the other, and checks that they fit the network: `count` of them (at least 1) or, where
    /// that is not given, all rows of a table and otherwise one.
    pub fn read(&self, facts: &Facts, count: Option<usize>) -> Result<Vec<Image>, Error> {
        if let Some(path) = &self.table {
            return self.rows(path, facts, count);
        }
        let (shape, count) = (facts.shape, count.unwrap_or(1));
        let (images, from) = match (&self.image, &self.set) {
            (Some(path), _) => (
                self.read_file(path, facts, count)?,
                path.display().to_string(),
            ),
            (None, Some(set)) => (self.test_images(set, count)?, format!("set {set}")),
            (None, None) => return Err(Error::user("give --image, --set or --table")),
        };
        for image in &images {
            check_length(image, shape, &from, count)?;
        }
        Ok(images)
    }

    /// The image that a picture makes, or the `count` in a file of numbers.
    fn read_file(&self, path: &Path, facts: &Facts, count: usize) -> Result<Vec<Image>, Error> {
        let content = stream::read(path)?;
        let Some(picture) = data::picture(&content) else {
            let text = String::from_utf8(content).map_err(|_| {
                let what = "it is no PNG or JPEG picture, and no text of numbers either";
                Error::file(path, what)
            })?;
            return Ok(in_parts(read_numbers(path, &text)?, count));
        };
        let picture = picture.map_err(|why| Error::file(path, why))?;
        let fit = self.fit.map(hemet_schedule::Fit::from);
        let input = facts.input_of_picture(picture, fit);
        let values = input.map_err(|why| match fit {
            Some(_) => Error::file(path, why),
            None => Error::file(
                path,
                format!("{why}; --fit crop or --fit stretch brings it to that"),
            ),
        })?;
        if count != 1 {
            return Err(Error::file(
                path,
                format!(
                    "it is one picture, {count} images are to be encrypted; give --set, or a file of numbers"
                ),
            ));
        }
        if facts.pictures.is_none() {
            SCALE_IS_TOLD.call_once(|| tell_scale(path));
        }
        Ok(vec![Image {
            values,
            label: None,
        }])
    }

    /// Rows of a table, standardized.
    fn rows(&self, path: &Path, facts: &Facts, count: Option<usize>) -> Result<Vec<Image>, Error> {
        if facts.columns.is_empty() {
            return Err(Error::user(
                "--table: this artifact does not say which columns it takes; only networks that were searched for on a table do. \
                 Give its numbers with --image",
            ));
        }
        let names: Vec<String> = facts.columns.iter().map(|c| c.name.clone()).collect();
        let rows = data::columns::read_rows(path, &names).map_err(Error::user)?;
        let left = rows.len().saturating_sub(self.index);
        let wanted = count.unwrap_or(left);
        if wanted == 0 || wanted > left {
            return Err(Error::file(
                path,
                format!(
                    "it has {} rows, numbered from 0; {wanted} from row {} on are asked for",
                    rows.len(),
                    self.index
                ),
            ));
        }
        let rows = &rows[self.index..self.index + wanted];
        warn_of_cut(rows, facts);
        let image = |row: &Vec<f64>| Image {
            values: InputColumn::standardize(&facts.columns, row),
            label: None,
        };
        Ok(rows.iter().map(image).collect())
    }

    fn test_images(&self, set: &str, count: usize) -> Result<Vec<Image>, Error> {
        let test = data::load(set, self.data.as_deref())?.test;
        let last = self.index.saturating_add(count - 1);
        if last >= test.len() {
            return Err(Error::user(format!(
                "set {set} has {} test images, numbered from 0; there is no image {last}",
                test.len(),
            )));
        }
        let image = |index| Image {
            values: test.image(index).iter().map(|v| f64::from(*v)).collect(),
            label: Some(test.labels[index]),
        };
        Ok((self.index..=last).map(image).collect())
    }
}

/// Refuses an image of another length than the network's input.
fn check_length(image: &Image, shape: [u32; 3], from: &str, count: usize) -> Result<(), Error> {
    let expected: usize = shape.iter().map(|n| *n as usize).product();
    let [c, h, w] = shape;
    let share = match count {
        0 | 1 => String::new(),
        count => format!(" (a {count}th of them)"),
    };
    match image.values.len() == expected {
        true => Ok(()),
        false => Err(Error::user(format!(
            "{from}: an image has {} numbers{share}, the network takes {expected} ({c} channels of {h}x{w})",
            image.values.len()
        ))),
    }
}

/// Once for all pictures of a command.
static SCALE_IS_TOLD: Once = Once::new();

/// Nothing says how the network's training images became numbers.
fn tell_scale(path: &Path) {
    eprintln!(
        "note: {}: its pixels are divided by 255, since the artifact does not say what they become; if training took off means or \
         divided by deviations, compile the model with --mean and --deviation, or give a file of numbers",
        path.display()
    );
}

/// Tells of columns with numbers that are far from those that the network was trained on.
fn warn_of_cut(rows: &[Vec<f64>], facts: &Facts) {
    for (place, column) in facts.columns.iter().enumerate() {
        let far = |row: &&Vec<f64>| ((row[place] - column.mean) * column.scale).abs() > 1.0;
        let count = rows.iter().filter(far).count();
        if let Some(row) = rows.iter().find(far) {
            eprintln!(
                "note: {count} of {} rows have a number in column `{}`, such as {}, that is more than three deviations from the \
                 mean of the training rows, {}; it is cut there, as in training",
                rows.len(),
                column.name,
                row[place],
                column.mean
            );
        }
    }
}

/// Numbers as `count` images of equal length; a rest makes the last one longer.
fn in_parts(numbers: Vec<f64>, count: usize) -> Vec<Image> {
    let length = numbers.len() / count;
    let end = |part: usize| match part + 1 == count {
        true => numbers.len(),
        false => (part + 1) * length,
    };
    let image = |part: usize| Image {
        values: numbers[part * length..end(part)].to_vec(),
        label: None,
    };
    (0..count).map(image).collect()
}

fn read_numbers(path: &Path, text: &str) -> Result<Vec<f64>, Error> {
    let words = text
        .split(|c: char| c.is_whitespace() || c == ',' || c == ';')
        .filter(|word| !word.is_empty());
    words
        .map(|word| match word.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            Ok(_) | Err(_) => Err(Error::file(
                path,
                format!("`{word}` is not a finite number"),
            )),
        })
        .collect()
}
