//! The curves of a training: loss and accuracy over epochs, as plots and as a table.

use std::path::PathBuf;

use hemet_reports::{Cell, Column, Curve, LinePlot, Table};
use hemet_search::train::EpochReport;

use crate::error::Error;
use crate::run::accuracy::Quality;
use crate::run::folder::RunFolder;

/// Size of the PNGs in pixels.
const PNG_SIZE: (u32, u32) = (1280, 960);

/// Writes `accuracy` and `loss` as PNG and SVG and all numbers as CSV; `file` gives the path for an extension.
///
/// # Errors
/// Files that cannot be written.
pub fn write(
    run: &RunFolder,
    title: &str,
    quality: Quality,
    epochs: &[EpochReport],
    file: &dyn Fn(&str) -> PathBuf,
) -> Result<(), Error> {
    let table = table(epochs, quality)?;
    run.write(&file("csv"), table.csv().as_bytes())?;
    for (name, plot) in plots(title, quality, epochs) {
        let svg = plot.svg()?;
        run.write(&file(&format!("{name}.svg")), svg.as_bytes())?;
        let png = plot.png(PNG_SIZE.0, PNG_SIZE.1)?;
        run.write(&file(&format!("{name}.png")), &png)?;
    }
    Ok(())
}

/// Accuracy and loss over epochs, with the names of their files.
pub fn plots(
    title: &str,
    quality: Quality,
    epochs: &[EpochReport],
) -> [(&'static str, LinePlot); 2] {
    let places = |value: &dyn Fn(&EpochReport) -> Option<f64>| -> Vec<(f64, f64)> {
        let place = |r: &EpochReport| Some((r.epoch as f64, value(r)?));
        epochs.iter().filter_map(place).collect()
    };
    let mut accuracy = LinePlot::new(title, "epoch", format!("{} (%)", quality.name()));
    let mut loss = LinePlot::new(title, "epoch", "loss");
    let add = |plot: &mut LinePlot, name: &str, places: Vec<(f64, f64)>| {
        if !places.is_empty() {
            let name = name.to_owned();
            plot.curves.push(Curve { name, places });
        }
    };
    add(
        &mut accuracy,
        &of_training(quality),
        places(&|r| Some(100.0 * r.training_accuracy)),
    );
    let validation = places(&|r| r.validation_accuracy.map(|share| 100.0 * share));
    add(&mut accuracy, "validation", validation);
    add(&mut loss, "training", places(&|r| Some(r.loss)));
    [("accuracy", accuracy), ("loss", loss)]
}

/// The name of what the training images measure, where that is not what the validation images do.
fn of_training(quality: Quality) -> String {
    match quality.measures_training() {
        true => "training".to_owned(),
        false => "training accuracy".to_owned(),
    }
}

/// All numbers.
///
/// # Errors
/// Numbers that are not finite.
pub fn table(epochs: &[EpochReport], quality: Quality) -> hemet_reports::Result<Table> {
    let name = quality.name();
    let training = match quality.measures_training() {
        true => format!("training {name}"),
        false => of_training(quality),
    };
    let mut table = Table::new([
        Column::numbers("epoch", "epoch", ""),
        Column::numbers("loss", "loss", ""),
        Column::numbers("training_accuracy", training, "%"),
        Column::numbers("validation_accuracy", format!("validation {name}"), "%"),
    ]);
    for report in epochs {
        table.push([
            Cell::Whole(report.epoch as i64),
            Cell::Number(report.loss, 4),
            Cell::Fraction(report.training_accuracy),
            report
                .validation_accuracy
                .map_or(Cell::Missing, Cell::Fraction),
        ])?;
    }
    Ok(table)
}
