//! The attacks. To add one: a variant of [`Attack`], its name, and what it does in [`Scene::run`].

use std::fmt;

use super::decode::{Ends, Inverse};
use super::place::{HandedOver, Place, Victim};
use super::white_box::{Descent, invert};
use super::{Setting, pictures, shadow};
use crate::data::Dataset;
use crate::train::{Intercepted, Pairs, Part, class};
use crate::{Error, Seed};

/// A way to reconstruct pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attack {
    /// By descent, knowing the layers.
    WhiteBox,
    /// By an inverse network, trained on pictures of the same kind, whose features the attacker may ask for.
    InverseSame,
    /// As [`Self::InverseSame`], on pictures of another kind.
    InverseSimilar,
    /// As [`Self::InverseSame`], on random fields.
    InverseRandom,
    /// By descent on a stand-in for layers that the attacker neither knows nor can ask.
    QueryFree,
    /// By an inverse network for that stand-in.
    QueryFreeInverse,
    /// By the mean picture of the class, where the class alone is known.
    ClassMean,
    /// By an inverse network trained on ciphertexts, a control.
    Encrypted,
}

impl Attack {
    /// All that can be done to what is handed over in the clear.
    pub const IN_THE_CLEAR: [Self; 7] = [
        Self::WhiteBox,
        Self::InverseSame,
        Self::InverseSimilar,
        Self::InverseRandom,
        Self::QueryFree,
        Self::QueryFreeInverse,
        Self::ClassMean,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::WhiteBox => "white_box",
            Self::InverseSame => "inverse_same",
            Self::InverseSimilar => "inverse_similar",
            Self::InverseRandom => "inverse_random",
            Self::QueryFree => "query_free",
            Self::QueryFreeInverse => "query_free_inverse",
            Self::ClassMean => "class_mean",
            Self::Encrypted => "encrypted",
        }
    }

    /// Its name in words.
    pub fn words(self) -> String {
        self.name().replace('_', " ")
    }

    /// What the attacker knows, in words.
    pub fn knows(self) -> &'static str {
        match self {
            Self::WhiteBox => "the weights in front of the cut",
            Self::InverseSame => "features of own pictures of the same kind",
            Self::InverseSimilar => "features of own pictures of another kind",
            Self::InverseRandom => "features of random fields",
            Self::QueryFree => {
                "the weights behind the cut and own labeled pictures; descent on a stand-in"
            }
            Self::QueryFreeInverse => {
                "the weights behind the cut and own labeled pictures; inverse of a stand-in"
            }
            Self::ClassMean => "the class alone",
            Self::Encrypted => "ciphertexts of own pictures of the same kind",
        }
    }

    /// Whether it can be tried at a place by somebody who has these pictures.
    pub fn is_possible(self, place: &Place, has_similar: bool) -> bool {
        match self {
            Self::WhiteBox | Self::InverseSame | Self::InverseRandom => true,
            Self::InverseSimilar => has_similar,
            Self::QueryFree | Self::QueryFreeInverse => place.halves.is_some(),
            Self::ClassMean => place.halves.is_none(),
            // Needs keys, which others make.
            Self::Encrypted => false,
        }
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Smoothnesses of which a descent takes the one that does best on pictures of the attacker's own.
const SMOOTHNESSES: [f32; 3] = [0.001, 0.02, 0.2];
/// The smoothness where nothing can be tried out before: of a stand-in.
const STAND_IN_SMOOTHNESS: f32 = 0.2;
/// Pictures of the attacker's own that smoothnesses are tried out on.
const TRIED: usize = 8;

/// An attack's surroundings.
pub(super) struct Scene<'a> {
    pub setting: &'a Setting<'a>,
    pub place: &'a Place,
    pub victim: &'a Victim,
    /// What was handed over of the pictures that are to be reconstructed.
    pub seen: &'a HandedOver,
    pub seed: Seed,
}

impl Scene<'_> {
    /// The reconstructions; none where a stand-in did not learn.
    pub fn run(&self, attack: Attack) -> Result<Option<Vec<f32>>, Error> {
        let setting = self.setting;
        let own = setting.own;
        let found = match attack {
            Attack::WhiteBox => self.white_box(),
            Attack::InverseSame => self.inverse(&own.images, attack)?,
            Attack::InverseSimilar => match setting.similar {
                Some(similar) => self.inverse(&similar.images, attack)?,
                None => return Ok(None),
            },
            Attack::InverseRandom => {
                let mut rng = self.seed.derive("fields").rng();
                let fields = pictures::random_fields(own.len(), own.shape, &mut rng);
                self.inverse(&fields, attack)?
            }
            Attack::QueryFree | Attack::QueryFreeInverse => return self.query_free(attack),
            Attack::ClassMean => self.class_mean(),
            Attack::Encrypted => return Ok(None),
        };
        Ok(Some(found))
    }

    fn ends(&self) -> Ends {
        Ends {
            features: self.victim.front.output(),
            picture: self.setting.own.shape,
        }
    }

    /// An inverse network trained on these pictures of the attacker's, applied to what was seen.
    fn inverse(&self, pictures: &[f32], attack: Attack) -> Result<Vec<f32>, Error> {
        let seed = self.seed.derive(attack.name());
        let asked = self
            .victim
            .hand_over(pictures, &mut seed.derive("asked").rng());
        let pairs = Pairs {
            inputs: &asked.numbers,
            pictures,
        };
        let epochs = self.setting.effort.epochs;
        let inverse = Inverse::train(self.ends(), pairs, epochs, seed)?;
        Ok(inverse.run(&self.seen.numbers))
    }

    /// A descent with the smoothness that does best on pictures of the attacker's own.
    fn white_box(&self) -> Vec<f32> {
        let setting = self.setting;
        let own = first(setting.own, TRIED);
        let mut rng = self.seed.derive("tried").rng();
        let tried = self.victim.hand_over(&own.images, &mut rng);
        let judged = Setting {
            targets: &own,
            ..*setting
        };
        let reached = |smoothness: f32| {
            let found = self.descend(&self.victim.front, &tried, smoothness);
            judged.nearness(&found).ssim
        };
        let best = SMOOTHNESSES.map(|s| (s, reached(s)));
        let best = best
            .into_iter()
            .reduce(|a, b| if b.1 > a.1 { b } else { a });
        let smoothness = best.map_or(STAND_IN_SMOOTHNESS, |(smoothness, _)| smoothness);
        self.descend(&self.victim.front, self.seen, smoothness)
    }

    /// Pictures of which `part` gives what was seen.
    fn descend(&self, part: &Part, seen: &HandedOver, smoothness: f32) -> Vec<f32> {
        let spread = spread(part, self.setting.own);
        let outputs = part.output().len();
        let undo = self.victim.defense().undo();
        let numbers: Vec<f32> = seen.numbers.iter().map(|x| x * undo).collect();
        let seen_of = |(index, seen): (usize, &bool)| match seen {
            true => 1.0 / (outputs as f32 * spread[index % outputs]),
            false => 0.0,
        };
        let weights: Vec<f32> = seen.seen.iter().enumerate().map(seen_of).collect();
        let seen = Intercepted {
            outputs: &numbers,
            weights: &weights,
        };
        let how = Descent {
            steps: self.setting.effort.steps,
            smoothness,
        };
        invert(part, seen, how, self.seed.derive("descent"))
    }

    /// By a stand-in, whose features are brought to the size of those that were seen.
    fn query_free(&self, attack: Attack) -> Result<Option<Vec<f32>>, Error> {
        let setting = self.setting;
        let Some(stand_in) = shadow::stand_in(setting, self.place, self.seed)? else {
            return Ok(None);
        };
        let own = stand_in.run(&setting.own.images);
        let seen = HandedOver {
            numbers: shadow::fitted(&self.seen.numbers, &own, stand_in.output()),
            seen: self.seen.seen.clone(),
        };
        if attack == Attack::QueryFree {
            return Ok(Some(self.descend(&stand_in, &seen, STAND_IN_SMOOTHNESS)));
        }
        let pairs = Pairs {
            inputs: &own,
            pictures: &setting.own.images,
        };
        let seed = self.seed.derive(attack.name());
        let inverse = Inverse::train(self.ends(), pairs, setting.effort.epochs, seed)?;
        Ok(Some(inverse.run(&seen.numbers)))
    }

    /// The mean picture of the class that the outputs name.
    fn class_mean(&self) -> Vec<f32> {
        let means = pictures::class_means(self.setting.own);
        let outputs = self
            .seen
            .numbers
            .chunks_exact(self.victim.front.output().len());
        outputs
            .flat_map(|outputs| means[class(outputs)].clone())
            .collect()
    }
}

/// The first so many pictures.
fn first(data: &Dataset, count: usize) -> Dataset {
    data.select(&(0..count.min(data.len())).collect::<Vec<_>>())
}

/// The variance of each output over some pictures, channel by channel, and a hundredth of the mean of all, so that no
/// channel counts without end.
fn spread(part: &Part, data: &Dataset) -> Vec<f32> {
    let outputs = part.run(&first(data, 256).images);
    let shape = part.output();
    let moments = shadow::moments(&outputs, shape);
    let variances: Vec<f64> = moments
        .iter()
        .map(|(_, deviation)| deviation * deviation)
        .collect();
    let mean = variances.iter().sum::<f64>() / variances.len().max(1) as f64;
    let places = shape.height * shape.width;
    let of = |channel: usize| {
        (variances[channel] + mean / 100.0).max(f64::from(f32::MIN_POSITIVE)) as f32
    };
    (0..shape.len()).map(|i| of(i / places)).collect()
}

/// Reconstructions of pictures from ciphertexts of them, by a decoder that was trained on pairs: `numbers` are so many
/// of each ciphertext, of the attacker's own pictures and then of those to be reconstructed.
///
/// # Errors
/// Fewer pairs than one can be held out of.
pub fn from_ciphertexts(
    setting: &Setting<'_>,
    own: &Dataset,
    numbers: &[f32],
    each: usize,
) -> Result<Vec<f32>, Error> {
    let ends = Ends {
        features: hemet_spaces::Shape::new(each, 1, 1),
        picture: own.shape,
    };
    let (known, seen) = numbers.split_at(own.len() * each);
    let pairs = Pairs {
        inputs: known,
        pictures: &own.images,
    };
    let seed = setting.seed.derive("ciphertexts");
    let inverse = Inverse::train(ends, pairs, setting.effort.epochs, seed)?;
    Ok(inverse.run(seen))
}
