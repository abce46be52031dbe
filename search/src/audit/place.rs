//! Places at which a network can hand something over, and the victim that does.

use hemet_spaces::{Halves, Layer, LayerGraph, Weights};
use rand::Rng;

use super::defense::Defense;
use crate::Error;
use crate::data::Dataset;
use crate::train::{Part, class};

/// What is handed over: the features behind a layer, or the network's outputs.
#[derive(Clone, Debug)]
pub struct Place {
    /// The layer.
    pub name: String,
    /// The layers in front of it and behind it; none behind the last.
    pub halves: Option<Halves>,
}

impl Place {
    /// The places of a network, from the input on, and its outputs. Those in front of a norm are left in, those behind
    /// it left out: a norm changes scale and shift of each channel, so that both reveal the same.
    ///
    /// # Errors
    /// None for a network.
    pub fn all(graph: &LayerGraph) -> Result<Vec<Self>, Error> {
        let is_norm = |layer: &Layer| matches!(layer, Layer::Affine(_));
        let cuts = graph.cuts().into_iter();
        let cuts = cuts.filter(|cut| !is_norm(&graph.node(cut.after()).layer));
        let places = cuts.map(|cut| {
            Ok(Self {
                name: graph.node(cut.after()).name.clone(),
                halves: Some(graph.halves(cut)?),
            })
        });
        places.chain([Ok(Self::outputs(graph))]).collect()
    }

    /// The place behind the layer `name`.
    ///
    /// # Errors
    /// A layer behind which the network cannot be cut, with those behind which it can.
    pub fn behind(graph: &LayerGraph, name: &str) -> Result<Self, Error> {
        if graph.node(graph.output()).name == name {
            return Ok(Self::outputs(graph));
        }
        Ok(Self {
            name: name.to_owned(),
            halves: Some(graph.halves(graph.cut_behind(name)?)?),
        })
    }

    fn outputs(graph: &LayerGraph) -> Self {
        Self {
            name: graph.node(graph.output()).name.clone(),
            halves: None,
        }
    }
}

/// A network that hands something over.
#[derive(Clone, Debug)]
pub struct Victim {
    /// From the pictures to what is handed over.
    pub front: Part,
    /// From there to the outputs; none where the outputs are handed over.
    back: Option<Part>,
    defense: Defense,
    /// Of the undisturbed features.
    deviation: f32,
}

/// What was handed over of some pictures.
#[derive(Clone, Debug)]
pub struct HandedOver {
    /// The numbers, as they come.
    pub numbers: Vec<f32>,
    /// Which of them tell something.
    pub seen: Vec<bool>,
}

impl Victim {
    /// The network of these weights, cut at `place`; features of some pictures of `sample` tell how large they are.
    ///
    /// # Errors
    /// Layers that are not trained; weights of another network.
    pub fn new(
        graph: &LayerGraph,
        place: &Place,
        weights: &Weights,
        defense: Defense,
        sample: &Dataset,
    ) -> Result<Self, Error> {
        let (front, back) = match &place.halves {
            None => (Part::new(graph, weights)?, None),
            Some(halves) => {
                let front = Part::new(&halves.prefix, weights)?;
                (front, Some(Part::new(&halves.tail, weights)?))
            }
        };
        let sample = sample.select(&(0..sample.len().min(256)).collect::<Vec<_>>());
        let deviation = deviation(&front.run(&sample.images));
        Ok(Self {
            front,
            back,
            defense,
            deviation,
        })
    }

    /// What it hands over of these pictures.
    pub fn hand_over(&self, pictures: &[f32], rng: &mut impl Rng) -> HandedOver {
        let mut numbers = self.front.run(pictures);
        let seen = self.defense.disturb(&mut numbers, self.deviation, rng);
        HandedOver { numbers, seen }
    }

    /// The class of each of these pictures, of which features are handed over as in use.
    pub fn classes(&self, pictures: &[f32], rng: &mut impl Rng) -> Vec<usize> {
        let numbers = self.hand_over(pictures, rng).numbers;
        let (outputs, len) = match &self.back {
            Some(back) => (back.run(&numbers), back.output().len()),
            None => (numbers, self.front.output().len()),
        };
        outputs.chunks_exact(len).map(class).collect()
    }

    /// The share of pictures whose class it finds, 0 to 1.
    pub fn accuracy(&self, data: &Dataset, rng: &mut impl Rng) -> f64 {
        share_of(&self.classes(&data.images, rng), &data.labels)
    }

    /// What is done to the features.
    pub fn defense(&self) -> Defense {
        self.defense
    }
}

/// The share of classes that are those of `labels`, 0 to 1.
pub(super) fn share_of(classes: &[usize], labels: &[u8]) -> f64 {
    let pairs = classes.iter().zip(labels);
    let right = pairs.filter(|(class, label)| **class == usize::from(**label));
    right.count() as f64 / labels.len().max(1) as f64
}

/// The standard deviation of some numbers.
fn deviation(numbers: &[f32]) -> f32 {
    let count = numbers.len().max(1) as f64;
    let mean = numbers.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
    let squares = numbers.iter().map(|x| (f64::from(*x) - mean).powi(2));
    (squares.sum::<f64>() / count).sqrt() as f32
}
