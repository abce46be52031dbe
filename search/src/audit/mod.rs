//! Audit: what features that a device hands over in the clear reveal of its pictures, measured by attacks.
//!
//! Z. He, T. Zhang, R. Lee, Model inversion attacks against collaborative inference, ACSAC 2019, and Attacking and
//! protecting data privacy in edge-cloud collaborative inference systems, IEEE IoT Journal 2020. An attack that fails
//! proves nothing: stronger ones are known (with generative priors, for one), so every figure is a lower bound.
//!
//! | file | what it is |
//! |---|---|
//! | [`place`] | where a network can hand something over, and the network that does |
//! | [`attack`] | the list of attacks |
//! | [`white_box`] | a picture is looked for that gives what was seen |
//! | [`decode`] | an attacker's own network learns the way back |
//! | [`shadow`] | who does not know the layers trains a stand-in for them |
//! | [`defense`] | what a device may do to features |
//! | [`leak`] | what cheap attacks reach, for searches |
//! | [`ssim`] | how near reconstructions come |
//! | [`pictures`] | mean pictures and random fields |

pub mod attack;
pub mod decode;
pub mod defense;
mod leak;
pub mod pictures;
pub mod place;
pub mod shadow;
pub mod ssim;
pub mod white_box;

pub use attack::Attack;
pub use defense::Defense;
pub use leak::leak;
pub use place::{Place, Victim};

use hemet_spaces::{LayerGraph, Shape, Weights};

use crate::data::Dataset;
use crate::train::{HalvesOptions, HalvesTraining};
use crate::{Error, Seed};

/// How much is spent on an attack.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Steps of a descent from each start, at least 1.
    pub steps: usize,
    /// Passes of an inverse network over the attacker's pictures, at least 1.
    pub epochs: usize,
}

/// A network, its pictures, and what an attacker has.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The network.
    pub graph: &'a LayerGraph,
    /// Its trained weights.
    pub weights: &'a Weights,
    /// The pictures that are to be reconstructed; no attacker has them.
    pub targets: &'a Dataset,
    /// The attacker's own pictures of the same kind, with classes.
    pub own: &'a Dataset,
    /// Pictures of another kind, as many, where the attacker has only those.
    pub similar: Option<&'a Dataset>,
    /// What the network was trained on, for defenses that train it on.
    pub training: &'a Dataset,
    /// Pictures that its accuracy is measured on.
    pub test: &'a Dataset,
    /// How much is spent.
    pub effort: Effort,
    /// The seed of every random choice.
    pub seed: Seed,
}

/// How near reconstructions come to the pictures, in the mean over them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearness {
    /// Structural similarity, at most 1.
    pub ssim: f64,
    /// Peak signal-to-noise ratio in decibels.
    pub psnr: f64,
}

/// What an attack reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// The attack.
    pub attack: Attack,
    /// The reconstructions, `[n][channels][height][width]`.
    pub pictures: Vec<f32>,
    /// How near they come.
    pub nearness: Nearness,
    /// The share of them that the network takes for the class of the picture, 0 to 1.
    pub same_class: f64,
}

/// What was found at a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    /// The layer behind which something is handed over.
    pub place: String,
    /// Whether layers of the network are left behind it.
    pub is_inner: bool,
    /// Numbers that are handed over of a picture.
    pub numbers: usize,
    /// What is done to them.
    pub defense: Defense,
    /// Accuracy of the network with that, 0 to 1.
    pub accuracy: f64,
    /// What each attack reached.
    pub reached: Vec<Reached>,
    /// Attacks that came to nothing, and why.
    pub notes: Vec<String>,
}

impl Findings {
    /// What this attack reached, where it was tried.
    pub fn by(&self, attack: Attack) -> Option<&Reached> {
        self.reached.iter().find(|reached| reached.attack == attack)
    }

    /// What reached most.
    pub fn strongest(&self) -> Option<&Reached> {
        let by_ssim = |a: &&Reached, b: &&Reached| a.nearness.ssim.total_cmp(&b.nearness.ssim);
        self.reached.iter().max_by(by_ssim)
    }
}

/// How a network is trained on for a defense.
const TUNING: HalvesOptions = HalvesOptions {
    epochs: 3,
    batch: 64,
    rate: 0.02,
    dropout: 0.0,
    smoothing: 0.05,
};

impl Setting<'_> {
    /// Refuses what cannot be audited.
    ///
    /// # Errors
    /// Data that are no pictures of classes, pixels beyond 0 to 1, pictures of another shape than the network takes.
    pub fn check(&self) -> Result<(), Error> {
        let wanted = self.graph.node(self.graph.input()).shape;
        let sets = [self.targets, self.own, self.training, self.test];
        for set in sets.into_iter().chain(self.similar) {
            check_set(set, wanted)?;
        }
        Ok(())
    }

    /// The mean picture of the attacker's, once for each picture, and how near that comes: the floor.
    pub fn floor(&self) -> (Vec<f32>, Nearness) {
        let mean = pictures::mean(self.own);
        let all = mean.repeat(self.targets.len());
        let nearness = self.nearness(&all);
        (all, nearness)
    }

    /// How near the mean picture of each picture's own class comes: what no defense can hide that leaves answers right.
    pub fn class_floor(&self) -> Nearness {
        let means = pictures::class_means(self.own);
        let own = self.targets.labels.iter();
        let all: Vec<f32> = own
            .flat_map(|label| means[usize::from(*label)].clone())
            .collect();
        self.nearness(&all)
    }

    /// How near these reconstructions come.
    pub fn nearness(&self, reconstructions: &[f32]) -> Nearness {
        let shape = self.targets.shape;
        let pairs = reconstructions.chunks_exact(shape.len());
        let pairs = pairs.zip(self.targets.images.chunks_exact(shape.len()));
        let (mut ssim, mut psnr) = (0.0, 0.0);
        for (a, b) in pairs {
            ssim += self::ssim::ssim(a, b, shape);
            psnr += self::ssim::psnr(a, b);
        }
        let count = self.targets.len().max(1) as f64;
        Nearness {
            ssim: ssim / count,
            psnr: psnr / count,
        }
    }

    /// What some reconstructions come to.
    pub fn reached(&self, attack: Attack, pictures: Vec<f32>) -> Result<Reached, Error> {
        let whole = crate::train::Part::new(self.graph, self.weights)?;
        let outputs = whole.run(&pictures);
        let classes: Vec<usize> = outputs
            .chunks_exact(whole.output().len())
            .map(crate::train::class)
            .collect();
        Ok(Reached {
            attack,
            nearness: self.nearness(&pictures),
            same_class: place::share_of(&classes, &self.targets.labels),
            pictures,
        })
    }

    /// The network under a defense at a place; none where the training for it diverges.
    ///
    /// # Errors
    /// As [`Victim::new`]; a defense that trains the network on, of its outputs.
    pub fn victim(&self, place: &Place, defense: Defense) -> Result<Option<Victim>, Error> {
        let victim = |weights: &Weights| Victim::new(self.graph, place, weights, defense, self.own);
        if !defense.is_trained() {
            return victim(self.weights).map(Some);
        }
        let Some(halves) = &place.halves else {
            return Err(Error::Option {
                option: "defense",
                found: format!("{defense} behind {}, the network's output", place.name),
                allowed: "behind an inner layer: of outputs only noise can be asked for".into(),
            });
        };
        let (dropout, smoothing) = match defense {
            Defense::Dropout(share) => (share, TUNING.smoothing),
            Defense::Smoothing(share) => (0.0, share),
            Defense::None | Defense::Noise(_) => (0.0, TUNING.smoothing),
        };
        let training = HalvesTraining {
            halves,
            weights: self.weights,
            data: self.training,
            options: HalvesOptions {
                dropout,
                smoothing,
                ..TUNING
            },
            seed: self.seed.derive(&format!("{}/{defense}", place.name)),
        };
        let Some((mut weights, back)) = training.tune()? else {
            return Ok(None);
        };
        weights.tensors.extend(back.tensors);
        victim(&weights).map(Some)
    }

    /// Attacks what is handed over at a place under a defense.
    ///
    /// # Errors
    /// As [`Self::victim`]; too few pictures of the attacker's.
    pub fn run(
        &self,
        place: &Place,
        defense: Defense,
        attacks: &[Attack],
    ) -> Result<Findings, Error> {
        let Some(victim) = self.victim(place, defense)? else {
            return Err(Error::Untrainable {
                layer: place.name.clone(),
                why: format!("with {defense} behind it the network did not learn any more"),
            });
        };
        let seed = self.seed.derive(&format!("{}/{defense}", place.name));
        let mut rng = seed.derive("in use").rng();
        let accuracy = victim.accuracy(self.test, &mut rng);
        let seen = victim.hand_over(&self.targets.images, &mut rng);
        let scene = attack::Scene {
            setting: self,
            place,
            victim: &victim,
            seen: &seen,
            seed,
        };
        let (mut reached, mut notes) = (Vec::new(), Vec::new());
        for attack in attacks {
            match scene.run(*attack)? {
                Some(pictures) => reached.push(self.reached(*attack, pictures)?),
                None => notes.push(format!(
                    "{}: {attack} came to nothing, its stand-in did not learn",
                    place.name
                )),
            }
        }
        Ok(Findings {
            place: place.name.clone(),
            is_inner: place.halves.is_some(),
            numbers: victim.front.output().len(),
            defense,
            accuracy,
            reached,
            notes,
        })
    }
}

/// Refuses data that are no pictures for a network that takes this shape.
fn check_set(set: &Dataset, wanted: Shape) -> Result<(), Error> {
    let refuse = |found: String, allowed: String| {
        Err(Error::Option {
            option: "data of an audit",
            found,
            allowed,
        })
    };
    let (name, shape) = (&set.name, set.shape);
    if set.columns.is_some() || set.is_regression() {
        return refuse(format!("{name}, a table"), "pictures of classes".into());
    }
    if shape != wanted {
        let found = format!("{name}, pictures of {shape}");
        return refuse(found, format!("of {wanted}, which the network takes"));
    }
    let side = shape.height.min(shape.width);
    if side < ssim::LEAST_SIDE {
        let least = ssim::LEAST_SIDE;
        let found = format!("{name}, pictures of {shape}");
        return refuse(found, format!("of {least}x{least} pixels at least"));
    }
    if let Some(pixel) = set.images.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return refuse(
            format!("{name} with a pixel of {pixel}"),
            "pixels from 0 to 1".into(),
        );
    }
    match set.is_empty() {
        true => refuse(format!("{name} without a picture"), "a set of some".into()),
        false => Ok(()),
    }
}
