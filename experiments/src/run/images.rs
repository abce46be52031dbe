//! The images of an experiment: loaded, checked against its space, and cut into training and validation.

use hemet_search::data::{self, Dataset, TrainTest};
use hemet_spaces::Shape;

use crate::error::Error;
use crate::experiment::Experiment;

/// Loads the images and checks that the space takes them.
///
/// # Errors
/// Files that are missing or damaged; images that the space does not take.
pub fn load(experiment: &Experiment) -> Result<TrainTest, Error> {
    let sets = data::load(&experiment.data.set, experiment.data.path.as_deref())?;
    let space = experiment.space()?;
    if space.input() != sets.train.shape || space.classes() != sets.train.classes {
        return Err(Error::user(format!(
            "images of {} are {} in {} classes, the space takes {} in {} classes; a space for them begins with {}",
            experiment.data.set,
            sets.train.shape,
            sets.train.classes,
            space.input(),
            space.classes(),
            in_a_space(&sets.train)
        )));
    }
    Ok(sets)
}

/// What a space for these images says of them.
pub fn in_a_space(images: &Dataset) -> String {
    let Shape {
        channels,
        height,
        width,
    } = images.shape;
    format!(
        "`input: [{channels}, {height}, {width}]` and `classes: {}`",
        images.classes
    )
}
