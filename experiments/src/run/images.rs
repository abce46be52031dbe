//! The images of an experiment: loaded, checked against its space.

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

/// What the classes of an experiment's images are called: as the images say where they can be read, else as their
/// source says, else by numbers.
///
/// # Errors
/// An experiment without a space or with an unknown data set.
pub fn class_names(
    experiment: &Experiment,
    images: Option<&Dataset>,
) -> Result<Vec<String>, Error> {
    if let Some(images) = images {
        return Ok(images.class_names.clone());
    }
    let names = data::source(&experiment.data.set)?.class_names();
    let name = |class: usize| {
        names
            .get(class)
            .map_or(class.to_string(), |name| (*name).to_owned())
    };
    Ok((0..experiment.space()?.classes()).map(name).collect())
}

/// How many of these images validate, where this share of each class does, rounded: as [`Dataset::split`] cuts.
pub fn validation_images(images: &Dataset, share: f64) -> usize {
    if images.held_out > 0 {
        return images.held_out;
    }
    let mut of_class = vec![0_usize; images.classes];
    for label in &images.labels {
        of_class[usize::from(*label)] += 1;
    }
    let held_out = |count: usize| (count as f64 * share).round() as usize;
    of_class.into_iter().map(held_out).sum()
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

#[cfg(test)]
mod tests {
    use hemet_search::Seed;

    use super::*;

    #[test]
    fn as_many_images_validate_as_the_split_holds_out() {
        let sets = data::load("optdigits", None).expect("embedded");
        for share in [0.01, 0.1, 0.25, 0.333] {
            let (_, validation) = sets.train.split(share, Seed::new(1)).expect("sound");
            assert_eq!(validation_images(&sets.train, share), validation.len());
        }
    }
}
