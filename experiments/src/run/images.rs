//! The images of an experiment: loaded, checked against its space.

use hemet_search::data::{self, Dataset, TrainTest};
use hemet_spaces::Shape;

use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::prefix::Prefix;

/// Reads the images, prepared as the experiment says.
///
/// # Errors
/// Files that are missing or damaged.
pub fn read(experiment: &Experiment) -> Result<TrainTest, Error> {
    let data = &experiment.data;
    let sets = data::load_prepared(&data.set, data.path.as_deref(), &data.preparation());
    Ok(sets?)
}

/// Loads the images and checks that the space takes them.
///
/// # Errors
/// Files that are missing or damaged; images that the space does not take.
pub fn load(experiment: &Experiment) -> Result<TrainTest, Error> {
    let seen = seen(experiment)?;
    Ok(seen.features.unwrap_or(seen.images))
}

/// The images of an experiment, and what its networks see of them.
pub struct Seen {
    /// The images, which clients encrypt, or hand to the experiment's prefix.
    pub images: TrainTest,
    /// What the prefix gives for them, where there is one.
    pub features: Option<TrainTest>,
}

impl Seen {
    /// What the space's networks take.
    pub fn sets(&self) -> &TrainTest {
        self.features.as_ref().unwrap_or(&self.images)
    }
}

/// Loads the images and what networks see of them.
///
/// # Errors
/// As [`load`]; images that the prefix does not take.
pub fn seen(experiment: &Experiment) -> Result<Seen, Error> {
    let images = read(experiment)?;
    let prefix = Prefix::of(experiment)?;
    let features = prefix.map(|prefix| prefix.features(&images)).transpose()?;
    let seen = Seen { images, features };
    let sets = seen.sets();
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
    Ok(seen)
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

/// BLAKE3 over shape, labels, images and how many of them are for validation: machines that search together must have
/// the same images and split them alike.
pub fn sum(images: &Dataset) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(format!("{} {}", images.shape, images.classes).as_bytes());
    hash.update(&images.labels);
    for chunk in images.images.chunks(1 << 16) {
        let bytes: Vec<u8> = chunk.iter().flat_map(|v| v.to_le_bytes()).collect();
        hash.update(&bytes);
    }
    if images.held_out > 0 {
        hash.update(&(images.held_out as u64).to_le_bytes());
    }
    for value in &images.targets {
        hash.update(&value.to_le_bytes());
    }
    hash.finalize().to_hex().to_string()
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

    #[test]
    fn machines_that_differ_in_images_labels_or_split_have_different_sums() {
        let images = Dataset {
            name: "two".into(),
            shape: Shape::new(1, 1, 1),
            classes: 2,
            class_names: vec!["a".into(), "b".into()],
            images: vec![0.0, 1.0],
            labels: vec![0, 1],
            held_out: 0,
            measure: hemet_search::data::Measure::default(),
            targets: Vec::new(),
            columns: None,
        };
        let held_out = Dataset {
            held_out: 1,
            ..images.clone()
        };
        let labels = Dataset {
            labels: vec![1, 0],
            ..images.clone()
        };
        let targets = Dataset {
            targets: vec![0.5, -0.5],
            ..images.clone()
        };
        let pixels = Dataset {
            images: vec![1.0, 0.0],
            ..images.clone()
        };
        for other in [held_out, labels, targets, pixels] {
            assert_ne!(sum(&images), sum(&other));
        }
    }
}
