//! `hemet init`: an experiment for a folder of images or a table, written after looking at it.

use std::path::{Path, PathBuf};

use hemet_search::data::{self, Preparation, TrainTest};
use hemet_spaces::Shape;

use crate::cli::pictures::sides;
use crate::error::Error;
use crate::experiment::{Experiment, Text, parse};

/// Write an experiment for a folder of images or a table, after looking at it
///
/// A folder of images holds one folder a class, or train/, val/ and test/ with such folders; a table is a CSV file, or
/// a folder with train.csv and test.csv. The experiment has a space that takes them; change it as you like.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet init photos\n  hemet init photos --resize 32                 # photos of many sizes\n  hemet search photos.yaml --check\n  hemet search photos.yaml\n  hemet init table.csv"
)]
pub struct Args {
    /// The folder of images, or the table
    pub source: PathBuf,
    /// Bring all pictures to this height and width, such as 32 or 32x48, and cut out their middle first
    #[arg(long, value_name = "SIDE|HxW", value_parser = sides)]
    pub resize: Option<[usize; 2]>,
    /// Make pictures in color gray
    #[arg(long)]
    pub gray: bool,
    /// The experiment to write; without it, the source's name with .yaml, in the current folder
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let preparation = Preparation {
        resize: args.resize,
        crop: args.resize.is_some(),
        gray: args.gray,
    };
    let (set, sets) = load(&args.source, &preparation)?;
    let name = name_of(&args.source);
    let output = args.output.clone().unwrap_or(format!("{name}.yaml").into());
    if output.exists() {
        let what = "it exists already; name another file with --output";
        return Err(Error::file(&output, what));
    }
    let path = serde_json::json!(args.source.display().to_string());
    let data = format!("{{set: {set}, path: {path}{}}}", written(&preparation));
    let yaml = experiment(&name, &data, &sets);
    let space = parse::<Experiment>(&Text::of(&output, &yaml)?)?;
    hemet_files::write_atomically(&output, yaml.as_bytes())?;
    println!(
        "{}: {} networks for inputs of {} {} ({} for training, {} for the test)",
        output.display(),
        space.space()?.size(),
        sets.train.shape,
        told(&sets),
        sets.train.len(),
        sets.test.len()
    );
    println!("next: hemet search {} --check", output.display());
    Ok(())
}

/// The set and its images; of a table whose last column holds many different numbers, values to be predicted.
fn load(source: &Path, preparation: &Preparation) -> Result<(&'static str, TrainTest), Error> {
    const VALUES: &str = "csv_regression";
    let set = set_of(source)?;
    let sets = data::load_prepared(set, Some(source), preparation);
    if set != "csv" {
        return Ok((set, sets?));
    }
    let are_values = |sets: &TrainTest| {
        let number = |name: &String| name.parse::<f64>().ok();
        let numbers: Option<Vec<f64>> = sets.train.class_names.iter().map(number).collect();
        numbers.is_some_and(|n| n.len() > MOST_CLASSES || n.iter().any(|x| x.fract() != 0.0))
    };
    match sets {
        Ok(sets) if !are_values(&sets) => Ok((set, sets)),
        // A table that is neither is told of as one of classes.
        Ok(sets) => Ok(data::load(VALUES, Some(source)).map_or((set, sets), |sets| (VALUES, sets))),
        Err(error) => match data::load(VALUES, Some(source)) {
            Ok(sets) => Ok((VALUES, sets)),
            Err(_) => Err(error.into()),
        },
    }
}

/// What an experiment says of a preparation, behind other keys.
fn written(preparation: &Preparation) -> String {
    let mut text = String::new();
    if let Some([height, width]) = preparation.resize {
        text += &format!(", resize: [{height}, {width}], crop: true");
    }
    if preparation.gray {
        text += ", gray: true";
    }
    text
}

/// Numbers in a column that are classes; more are values.
const MOST_CLASSES: usize = 32;

/// What is learned, in words.
fn told(sets: &TrainTest) -> String {
    match sets.train.is_regression() {
        true => format!("to predict {}", sets.train.class_names.join(", ")),
        false => format!("in {} classes", sets.train.classes),
    }
}

/// The data set that a path is one of.
fn set_of(path: &Path) -> Result<&'static str, Error> {
    let table = |path: &Path| {
        path.extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("csv") || e.eq_ignore_ascii_case("parquet"))
    };
    if path.is_file() {
        let what = "it is no CSV file and no folder; name a table, or a folder of PNG or JPEG images, one folder a class";
        return match table(path) {
            true => Ok("csv"),
            false => Err(Error::file(path, what)),
        };
    }
    let entries = std::fs::read_dir(path).map_err(|e| Error::file(path, e))?;
    let mut files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(match files.any(|path| table(&path)) {
        true => "csv",
        false => "image_folder",
    })
}

/// The source's name, as that of an experiment.
fn name_of(source: &Path) -> String {
    let source = source.canonicalize().unwrap_or(source.to_owned());
    let name = match source.is_dir() {
        true => source.file_name(),
        false => source.file_stem(),
    };
    let name = name.unwrap_or_default().to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    match name.is_empty() {
        true => "images".into(),
        false => name,
    }
}

/// The experiment's text.
fn experiment(name: &str, data: &str, sets: &TrainTest) -> String {
    let Shape {
        channels,
        height,
        width,
    } = sets.train.shape;
    let classes = sets.train.classes;
    let epochs = epochs(sets.train.len());
    // A table has a number a channel.
    let (space, shift) = match height * width {
        1 => (TABLE.to_owned(), ""),
        _ => (space(height.min(width)), ", shift: 1"),
    };
    format!(
        "\
# {all} inputs of {channels}x{height}x{width} {told}: {named}.
# `hemet search FILE --check` says how large the space is and how long the search may take; docs/spaces-and-strategies.md
# and docs/reference/ say what else can stand here.
name: {name}
data: {data}
space:
  input: [{channels}, {height}, {width}]
  classes: {classes}
{space}\
search: {{strategy: nsga2, trials: 16}}
train: {{epochs: {epochs}{shift}}}
choose: {{within_points: 0.5}}
encrypted_images: {encrypted}
",
        told = told(sets),
        all = sets.train.len() + sets.test.len(),
        named = sets.train.class_names.join(", ").replace(['\n', '\r'], " "),
        encrypted = sets.test.len().min(100),
    )
}

/// What a space for a table has behind its input.
const TABLE: &str = "  blocks:
    - {name: b1, options: [{dense: {width: [8, 16, 32]}}]}
    - {name: b2, options: [skip, {dense: {width: [8, 16]}}]}
";

/// What a space for images of this side has behind its input.
fn space(side: usize) -> String {
    let (stem, strided) = strides(side);
    let positions: String = (1..=strided).map(position).collect();
    format!(
        "  stem: {{conv: {{width: [4, 8], kernel: 3, stride: {stem}}}}}\n  blocks:\n{positions}"
    )
}

/// The stride of the stem and the number of positions behind it, each of which may halve the image: about 8 pixels are
/// left of a side.
fn strides(side: usize) -> (usize, usize) {
    let halvings = side.max(8).ilog2() as usize - 3;
    match halvings {
        0 => (1, 1),
        1 => (2, 1),
        2 => (2, 2),
        more => (4, more.min(5) - 1),
    }
}

/// A position where a network may halve the image, go on at its size, or do nothing.
fn position(number: usize) -> String {
    let width = 8 << number;
    format!(
        "    - name: b{number}
      options:
        - skip
        - conv: {{width: [{width}, {}], kernel: 3, stride: 2}}
        - fire: {{squeeze: {}, expand: {}}}
",
        2 * width,
        width / 2,
        width / 2
    )
}

/// Passes over the images: more for few.
fn epochs(images: usize) -> usize {
    (60_000 / images.max(1)).clamp(10, 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_eight_pixels_of_a_side_are_left() {
        for (side, expected) in [
            (3, (1, 1)),
            (8, (1, 1)),
            (16, (2, 1)),
            (28, (2, 1)),
            (32, (2, 2)),
            (64, (4, 2)),
            (224, (4, 3)),
            (5000, (4, 4)),
        ] {
            assert_eq!(strides(side), expected, "{side}");
        }
    }

    #[test]
    fn few_images_are_passed_over_more_often() {
        assert_eq!([1, 3000, 1_000_000].map(epochs), [40, 20, 10]);
    }
}
