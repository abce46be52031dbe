//! `csv`: a user's own table, a line a row, of which one column holds the class and all others hold numbers.
//!
//! The path names a file, or a folder with `train.csv` and `test.csv`, or with one other CSV file. Of a single file a
//! fifth of the rows, chosen by chance with a fixed seed, are test rows. The first line holds the columns' names. The
//! class stands in the column `label`, `class`, `target` or `y`, in the last one where there is none of these.
//!
//! A row becomes a map of one place with a channel for each number, `(x − mean) / (3 · deviation)` with mean and
//! standard deviation of the training rows, and no further than ±1: what lies more than three deviations away is cut
//! there.

mod table;

use std::path::{Path, PathBuf};

use hemet_spaces::Shape;

use self::table::Table;
use super::{Dataset, Source, TrainTest, files};
use crate::{Error, Seed};

/// A table with a class in each row.
pub(super) struct Csv;

/// Share of the rows of a single file that are test rows.
const TEST_SHARE: f64 = 0.2;
/// Deviations that become 1.
const SPREAD: f64 = 3.0;
/// Names of the column with the class, whatever their case.
const LABELS: [&str; 4] = ["label", "class", "target", "y"];

impl Source for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn about(&self) -> &'static str {
        "a table of your own, a CSV file or a folder with train.csv and test.csv: numbers, and a column with the class; \
         each column standardized by its mean and deviation on the training rows"
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
            files: "a CSV file, or train.csv and test.csv".to_owned(),
        })?;
        let mut sets = match the_files(folder)? {
            Files::One(path) => {
                let all = Labeled::read(&path)?;
                let classes = all.classes();
                let seed = Seed::new(0).derive("csv/test");
                let (train, test) = all.dataset(&classes)?.split(TEST_SHARE, seed)?;
                TrainTest { train, test }
            }
            Files::Two(train, test) => {
                let (train, test) = (Labeled::read(&train)?, Labeled::read(&test)?);
                if train.features != test.features {
                    let why = format!(
                        "its columns are {}, those of `{}` {}",
                        test.features.join(", "),
                        train.file,
                        train.features.join(", ")
                    );
                    return files::refuse(&test.file, why);
                }
                let classes = train.classes();
                TrainTest {
                    train: train.dataset(&classes)?,
                    test: test.dataset(&classes)?,
                }
            }
        };
        let scales = scales(&sets.train);
        for set in [&mut sets.train, &mut sets.test] {
            standardize(set, &scales);
        }
        Ok(sets)
    }
}

/// The files of a table.
enum Files {
    One(PathBuf),
    /// Training and test rows.
    Two(PathBuf, PathBuf),
}

fn the_files(path: &Path) -> Result<Files, Error> {
    if !path.is_dir() {
        return Ok(Files::One(path.to_owned()));
    }
    let (train, test) = (path.join("train.csv"), path.join("test.csv"));
    if train.is_file() && test.is_file() {
        return Ok(Files::Two(train, test));
    }
    let is_csv = |path: &PathBuf| {
        path.extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("csv"))
    };
    let mut found: Vec<PathBuf> = files::list(path)?.into_iter().filter(is_csv).collect();
    match (found.pop(), found.len()) {
        (Some(one), 0) => Ok(Files::One(one)),
        (found, others) => files::refuse(
            &path.display().to_string(),
            format!(
                "it holds {} CSV files; name one of them, or have train.csv and test.csv there",
                others + usize::from(found.is_some())
            ),
        ),
    }
}

/// A table with its column of classes apart.
struct Labeled {
    file: String,
    features: Vec<String>,
    /// Row after row.
    values: Vec<f32>,
    labels: Vec<String>,
}

impl Labeled {
    fn read(path: &Path) -> Result<Self, Error> {
        let file = path.display().to_string();
        let table = Table::read(&file, &files::read(path)?)?;
        let is_label = |name: &String| LABELS.iter().any(|l| name.eq_ignore_ascii_case(l));
        let named: Vec<usize> = (0..table.names.len())
            .filter(|i| is_label(&table.names[*i]))
            .collect();
        let label = match named[..] {
            [] => table.names.len() - 1,
            [one] => one,
            [first, second, ..] => {
                let (first, second) = (&table.names[first], &table.names[second]);
                let why = format!("both `{first}` and `{second}` may be the class; rename one");
                return files::refuse(&file, why);
            }
        };
        let mut labeled = Self {
            features: table.names.clone(),
            values: Vec::with_capacity(table.rows.len() * (table.names.len() - 1)),
            labels: Vec::with_capacity(table.rows.len()),
            file,
        };
        labeled.features.remove(label);
        for row in &table.rows {
            for (column, text) in row.fields.iter().enumerate() {
                if column == label {
                    labeled.labels.push(text.clone());
                    continue;
                }
                match text.parse::<f32>() {
                    Ok(value) if value.is_finite() => labeled.values.push(value),
                    Ok(_) | Err(_) => {
                        let (line, name) = (row.line, &table.names[column]);
                        let why = format!("line {line}, column `{name}`: `{text}` is no number");
                        return files::refuse(&labeled.file, why);
                    }
                }
            }
        }
        Ok(labeled)
    }

    /// The different classes, numbers by size, others by their letters.
    fn classes(&self) -> Vec<String> {
        let mut classes = self.labels.clone();
        let number = |text: &String| text.parse::<f64>().unwrap_or(f64::NAN);
        match classes.iter().all(|text| number(text).is_finite()) {
            true => classes.sort_by(|a, b| number(a).total_cmp(&number(b)).then(a.cmp(b))),
            false => classes.sort(),
        }
        classes.dedup();
        classes
    }

    /// The rows as they are, labels by their place among `classes`.
    fn dataset(&self, classes: &[String]) -> Result<Dataset, Error> {
        let most = usize::from(u8::MAX) + 1;
        if !(2..=most).contains(&classes.len()) {
            let why = format!(
                "its column of classes holds {} different values, 2 to {most} are possible; the class stands in the column `label`, or in the last one",
                classes.len()
            );
            return files::refuse(&self.file, why);
        }
        let mut labels = Vec::with_capacity(self.labels.len());
        for text in &self.labels {
            match classes.iter().position(|class| class == text) {
                Some(class) => labels.push(class as u8),
                None => {
                    let known = classes.join(", ");
                    let why = format!("class `{text}`, the training rows have {known}");
                    return files::refuse(&self.file, why);
                }
            }
        }
        Ok(Dataset {
            name: "csv".to_owned(),
            shape: Shape::new(self.features.len(), 1, 1),
            classes: classes.len(),
            class_names: classes.to_vec(),
            images: self.values.clone(),
            labels,
            held_out: 0,
        })
    }
}

/// How a column is standardized.
struct Scale {
    mean: f64,
    /// What a deviation of one counts, 0 for a column of equal numbers.
    factor: f64,
}

/// Of each column, by the rows of `data`.
fn scales(data: &Dataset) -> Vec<Scale> {
    let (columns, rows) = (data.shape.len(), data.len() as f64);
    let column = |index| {
        data.images
            .iter()
            .skip(index)
            .step_by(columns)
            .map(|x| f64::from(*x))
    };
    (0..columns)
        .map(|index| {
            let mean = column(index).sum::<f64>() / rows;
            let square = column(index).map(|x| (x - mean).powi(2)).sum::<f64>() / rows;
            let deviation = square.sqrt();
            let factor = match deviation > 0.0 {
                true => 1.0 / (SPREAD * deviation),
                false => 0.0,
            };
            Scale { mean, factor }
        })
        .collect()
}

fn standardize(data: &mut Dataset, scales: &[Scale]) {
    for row in data.images.chunks_exact_mut(scales.len()) {
        for (x, scale) in row.iter_mut().zip(scales) {
            *x = (scale.factor * (f64::from(*x) - scale.mean)).clamp(-1.0, 1.0) as f32;
        }
    }
}
