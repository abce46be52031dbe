//! Few labels: so many images of each class, as a seed says, for whoever can label no more.

use rand::seq::SliceRandom;

use super::Dataset;
use crate::{Error, Seed};

impl Dataset {
    /// `labels` images of each class, chosen by `seed`, in the original order; and all others.
    ///
    /// # Errors
    /// A class with fewer images than that, with both numbers; none at all asked for.
    pub fn few(&self, labels: usize, seed: Seed) -> Result<(Self, Self), Error> {
        let mut rng = seed.rng();
        let mut is_taken = vec![false; self.len()];
        for class in 0..self.classes {
            let mut members: Vec<usize> = (0..self.len())
                .filter(|index| usize::from(self.labels[*index]) == class)
                .collect();
            if labels == 0 || members.len() < labels {
                let name = self.class_names.get(class).map_or("", String::as_str);
                return Err(Error::Option {
                    option: "labels",
                    found: labels.to_string(),
                    allowed: format!(
                        "1 to {}, the images of class {class} ({name}) in {}",
                        members.len(),
                        self.name
                    ),
                });
            }
            members.shuffle(&mut rng);
            for index in &members[..labels] {
                is_taken[*index] = true;
            }
        }
        let part = |side: bool| {
            let indices: Vec<usize> = (0..self.len()).filter(|i| is_taken[*i] == side).collect();
            self.select(&indices)
        };
        Ok((part(true), part(false)))
    }

    /// The images of another set of the same shape and classes behind those of this one.
    ///
    /// # Errors
    /// Another shape or other classes, with both.
    pub fn followed_by(mut self, other: &Self) -> Result<Self, Error> {
        self.check_alike(other)?;
        self.append(other.clone());
        self.held_out = 0;
        Ok(self)
    }

    /// Refuses a set of another shape or of other classes.
    ///
    /// # Errors
    /// Both shapes, or the first class that differs.
    pub fn check_alike(&self, other: &Self) -> Result<(), Error> {
        let refuse = |ours: String, theirs: String| {
            Err(Error::Alike {
                ours: format!("{} of {}", ours, self.name),
                theirs: format!("{} of {}", theirs, other.name),
            })
        };
        if self.shape != other.shape {
            return refuse(
                format!("images of {}", self.shape),
                format!("those of {}", other.shape),
            );
        }
        if self.is_regression() || other.is_regression() {
            return refuse("values".into(), "those".into());
        }
        if self.class_names == other.class_names {
            return Ok(());
        }
        let pairs = (0..self.classes.max(other.classes)).map(|class| {
            let name = |names: &[String]| {
                let name = names.get(class).map_or("nothing", String::as_str);
                format!("class {class} (`{name}`)")
            };
            [name(&self.class_names), name(&other.class_names)]
        });
        match pairs.into_iter().find(|[ours, theirs]| ours != theirs) {
            Some([ours, theirs]) => refuse(ours, theirs),
            None => Ok(()),
        }
    }
}
