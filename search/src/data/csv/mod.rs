//! `csv`: a user's own table, a line a row, of which one column holds the class and all others hold numbers.
//!
//! The path names a file, or a folder with `train.csv` and `test.csv`, or with one other CSV file. Of a single file a
//! fifth of the rows, chosen by chance with a fixed seed, are test rows. The first line holds the columns' names. The
//! class stands in the column `label`, `class`, `target` or `y`, in the last one where there is none of these.
//!
//! `csv_regression`: the same with a number in the place of the class, which the network learns standardized by mean
//! and deviation of the training rows.
//!
//! A row becomes a map of one place with a channel for each number, `(x − mean) / (3 · deviation)` with mean and
//! standard deviation of the training rows, and no further than ±1: what lies more than three deviations away is cut
//! there.

pub(super) mod table;

use std::path::{Path, PathBuf};

use hemet_spaces::Shape;

use self::table::Table;
use super::columns::{Column, Columns, Target};
use super::{Dataset, PixelScale, Source, TrainTest, files};
use crate::{Error, Seed};

/// A table with a class, or a value to be predicted, in each row.
pub(super) struct Csv {
    kind: Kind,
}

/// What is to be predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Class,
    Value,
}

/// A table with a class in each row.
pub(super) const CLASSES: Csv = Csv { kind: Kind::Class };
/// A table with a value in each row.
pub(super) const VALUES: Csv = Csv { kind: Kind::Value };

/// Share of the rows of a single file that are test rows.
const TEST_SHARE: f64 = 0.2;
/// Deviations that become 1.
const SPREAD: f64 = 3.0;
/// Names of the column with the class or the value, whatever their case.
const LABELS: [&str; 4] = ["label", "class", "target", "y"];

impl Source for Csv {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Class => "csv",
            Kind::Value => "csv_regression",
        }
    }

    fn about(&self) -> &'static str {
        match self.kind {
            Kind::Class => {
                "a table of your own, a CSV file or a folder with train.csv and test.csv: numbers, and a column with the class; \
                 each column standardized by its mean and deviation on the training rows"
            }
            Kind::Value => {
                "a table of your own, a CSV file or a folder with train.csv and test.csv: numbers, and a column with the value to \
                 be predicted (`target`, `y`, or the last; `price [EUR]` has a unit); all standardized by mean and deviation on \
                 the training rows"
            }
        }
    }

    fn needs_folder(&self) -> bool {
        true
    }

    fn is_regression(&self) -> bool {
        self.kind == Kind::Value
    }

    fn pixels(&self) -> Option<PixelScale> {
        None
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
                let seed = Seed::new(0).derive("csv/test");
                let (train, test) = self.dataset(&all, &all)?.split(TEST_SHARE, seed)?;
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
                TrainTest {
                    train: self.dataset(&train, &train)?,
                    test: self.dataset(&test, &train)?,
                }
            }
        };
        let columns = columns(&sets.train)?;
        for set in [&mut sets.train, &mut sets.test] {
            standardize(set, &columns);
        }
        Ok(sets)
    }
}

impl Csv {
    /// The rows as they are; classes are those of the rows `train`.
    fn dataset(&self, rows: &Labeled, train: &Labeled) -> Result<Dataset, Error> {
        match self.kind {
            Kind::Class => rows.classified(&train.classes()),
            Kind::Value => rows.valued(),
        }
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
    let all = files::list(path)?;
    let is_parquet = |path: &&PathBuf| path.extension().is_some_and(|e| e == "parquet");
    if let (false, Some(other)) = (all.iter().any(is_csv), all.iter().find(is_parquet)) {
        return Ok(Files::One(other.clone()));
    }
    let mut found: Vec<PathBuf> = all.into_iter().filter(is_csv).collect();
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
    /// The name of their column.
    label: String,
    /// The line of each row.
    lines: Vec<usize>,
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
            label: table.names[label].clone(),
            lines: table.rows.iter().map(|row| row.line).collect(),
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
    fn classified(&self, classes: &[String]) -> Result<Dataset, Error> {
        let most = usize::from(u8::MAX) + 1;
        if !(2..=most).contains(&classes.len()) {
            let why = format!(
                "its column of classes, `{}`, holds {} different values, 2 to {most} are possible; the class stands in the column \
                 `label`, or in the last one. To predict a value, take the set csv_regression",
                self.label,
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
        let mut data = self.numbers("csv", labels);
        (data.classes, data.class_names) = (classes.len(), classes.to_vec());
        Ok(data)
    }

    /// The rows as they are, with their values.
    fn valued(&self) -> Result<Dataset, Error> {
        let mut targets = Vec::with_capacity(self.labels.len());
        for (text, line) in self.labels.iter().zip(&self.lines) {
            match text.parse::<f32>() {
                Ok(value) if value.is_finite() => targets.push(value),
                Ok(_) | Err(_) => {
                    let why = format!(
                        "line {line}, column `{}`: `{text}` is no number; to predict a class, take the set csv",
                        self.label
                    );
                    return files::refuse(&self.file, why);
                }
            }
        }
        let mut data = self.numbers("csv_regression", vec![0; targets.len()]);
        let (name, unit) = Target::named(&self.label);
        if let Some(columns) = &mut data.columns {
            columns.target = Some(Target {
                name: name.clone(),
                unit,
                mean: 0.0,
                deviation: 1.0,
            });
        }
        (data.classes, data.class_names, data.targets) = (1, vec![name], targets);
        Ok(data)
    }

    fn numbers(&self, name: &str, labels: Vec<u8>) -> Dataset {
        let column = |name: &String| Column {
            name: name.clone(),
            mean: 0.0,
            scale: 1.0,
        };
        Dataset {
            name: name.to_owned(),
            shape: Shape::new(self.features.len(), 1, 1),
            classes: 0,
            class_names: Vec::new(),
            images: self.values.clone(),
            labels,
            held_out: 0,
            measure: crate::data::Measure::default(),
            targets: Vec::new(),
            columns: Some(Columns {
                features: self.features.iter().map(column).collect(),
                target: None,
            }),
        }
    }
}

/// Mean and standard deviation.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().sum::<f64>() / count;
    let square = values.map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    (mean, square.sqrt())
}

/// How columns are standardized, by the rows of `data`.
fn columns(data: &Dataset) -> Result<Columns, Error> {
    let mut columns = data.columns.clone().unwrap_or_default();
    let count = columns.features.len();
    for (index, column) in columns.features.iter_mut().enumerate() {
        let values = data.images.iter().skip(index).step_by(count);
        let (mean, deviation) = moments(values.map(|x| f64::from(*x)));
        column.mean = mean;
        column.scale = match deviation > 0.0 {
            true => 1.0 / (SPREAD * deviation),
            false => 0.0,
        };
    }
    if let Some(target) = &mut columns.target {
        (target.mean, target.deviation) = moments(data.targets.iter().map(|x| f64::from(*x)));
        if target.deviation <= 0.0 {
            let why = format!(
                "all values of column `{}` are {}; there is nothing to predict",
                target.name, target.mean
            );
            return files::refuse(&data.name, why);
        }
    }
    Ok(columns)
}

fn standardize(data: &mut Dataset, columns: &Columns) {
    for row in data.images.chunks_exact_mut(columns.features.len()) {
        let numbers: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
        for (x, standardized) in row.iter_mut().zip(columns.standardized(&numbers)) {
            *x = standardized as f32;
        }
    }
    if let Some(target) = &columns.target {
        for value in &mut data.targets {
            *value = ((f64::from(*value) - target.mean) / target.deviation) as f32;
        }
    }
    data.columns = Some(columns.clone());
}
