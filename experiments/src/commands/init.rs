//! `hemet init`: an experiment for a folder of images, written after looking at it.

use std::path::{Path, PathBuf};

use hemet_search::data::{self, TrainTest};
use hemet_spaces::Shape;

use crate::error::Error;
use crate::experiment::{Experiment, Text, parse};

/// Write an experiment for a folder of images, after looking at it
///
/// The folder holds one folder a class, or train/, val/ and test/ with such folders. The experiment has a space that takes
/// images of that size and number of classes; change it as you like.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet init photos\n  hemet search photos.yaml --check\n  hemet search photos.yaml"
)]
pub struct Args {
    /// The folder of images
    pub folder: PathBuf,
    /// The experiment to write; without it, the folder's name with .yaml, in the current folder
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    if args.folder.is_file() {
        let what = "it is a file; name a folder of PNG or JPEG images, one folder a class";
        return Err(Error::file(&args.folder, what));
    }
    let sets = data::load("image_folder", Some(&args.folder))?;
    let name = name_of(&args.folder);
    let output = args.output.clone().unwrap_or(format!("{name}.yaml").into());
    if output.exists() {
        let what = "it exists already; name another file with --output";
        return Err(Error::file(&output, what));
    }
    let yaml = experiment(&name, &args.folder, &sets);
    let space = parse::<Experiment>(&Text::of(&output, &yaml)?)?;
    hemet_files::write_atomically(&output, yaml.as_bytes())?;
    println!(
        "{}: {} networks for images of {} in {} classes ({} for training, {} for the test)",
        output.display(),
        space.space()?.size(),
        sets.train.shape,
        sets.train.classes,
        sets.train.len(),
        sets.test.len()
    );
    println!("next: hemet search {} --check", output.display());
    Ok(())
}

/// The folder's name, as that of an experiment.
fn name_of(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or(folder.to_owned());
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
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
fn experiment(name: &str, folder: &Path, sets: &TrainTest) -> String {
    let Shape {
        channels,
        height,
        width,
    } = sets.train.shape;
    let classes = sets.train.classes;
    let path = serde_json::json!(folder.display().to_string());
    let (stem, strided) = strides(height.min(width));
    let epochs = epochs(sets.train.len());
    let positions: String = (1..=strided).map(position).collect();
    format!(
        "\
# {images} images of {channels}x{height}x{width} in {classes} classes: {named}.
# `hemet search FILE --check` says how large the space is and how long the search may take; docs/spaces-and-strategies.md
# and docs/reference/ say what else can stand here.
name: {name}
data: {{set: image_folder, path: {path}}}
space:
  input: [{channels}, {height}, {width}]
  classes: {classes}
  stem: {{conv: {{width: [4, 8], kernel: 3, stride: {stem}}}}}
  blocks:
{positions}\
search: {{strategy: nsga2, trials: 16}}
train: {{epochs: {epochs}, shift: 1}}
choose: {{within_points: 0.5}}
encrypted_images: {encrypted}
",
        images = sets.train.len() + sets.test.len(),
        named = sets.train.class_names.join(", ").replace(['\n', '\r'], " "),
        encrypted = sets.test.len().min(100),
    )
}

/// The stride of the stem and the number of positions behind it, each of which may halve the image: about 8 pixels are left
/// of a side.
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
