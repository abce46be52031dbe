//! The inverse network: an attacker's decoder, trained on pairs of features and pictures of the attacker's own (He,
//! Zhang and Lee 2019, section 5).
//!
//! Where the sides of the features divide those of the picture, it is convolutional and each place of the features
//! gives its tile of pixels (sub-pixel convolution: Shi et al., CVPR 2016); elsewhere it ends in a dense layer.

use hemet_spaces::layer::{Affine, Conv, Dense, Poly};
use hemet_spaces::{Layer, LayerGraph, NodeId, Shape};

use crate::train::{Decoder, DecoderOptions, Pairs};
use crate::{Error, Seed};

/// Channels of the inner layers where a place gives so many pixels a side at most, and else.
const CHANNELS: [(usize, usize); 2] = [(2, 32), (usize::MAX, 64)];
/// Width of the inner dense layers.
const WIDTH: usize = 512;
/// Channels that a map is brought to before a dense layer reads the whole of it.
const NARROW: usize = 4;
const BATCH: usize = 32;
const RATE: f32 = 3e-3;

/// How features lie under the pixels of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrangement {
    /// Each place of the features gives a tile of so many pixels a side.
    Tiles(usize),
    /// All features give all pixels.
    Whole,
}

/// An attacker's trained decoder.
pub struct Inverse {
    decoder: Decoder,
    arrangement: Arrangement,
    picture: Shape,
}

/// Between what a decoder is to translate.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// Shape of the features.
    pub features: Shape,
    /// Shape of a picture.
    pub picture: Shape,
}

impl Inverse {
    /// Trains a decoder on pairs of features and pictures, for so many epochs.
    ///
    /// # Errors
    /// Fewer pairs than one can be held out of.
    pub fn train(ends: Ends, pairs: Pairs<'_>, epochs: usize, seed: Seed) -> Result<Self, Error> {
        let arrangement = Arrangement::of(ends);
        let graph = arrangement.graph(ends)?;
        let pictures = pairs.pictures.chunks_exact(ends.picture.len());
        let tiled = pictures.flat_map(|picture| arrangement.arranged(picture, ends.picture));
        let tiled: Vec<f32> = tiled.collect();
        let options = DecoderOptions {
            epochs,
            batch: BATCH,
            rate: RATE,
        };
        let pairs = Pairs {
            pictures: &tiled,
            ..pairs
        };
        Ok(Self {
            decoder: Decoder::train(&graph, pairs, options, seed)?,
            arrangement,
            picture: ends.picture,
        })
    }

    /// The pictures that it makes of features.
    pub fn run(&self, features: &[f32]) -> Vec<f32> {
        let outputs = self.decoder.run(features);
        let outputs = outputs.chunks_exact(self.picture.len());
        let restored = outputs.map(|output| self.arrangement.restored(output, self.picture));
        restored.collect::<Vec<_>>().concat()
    }
}

impl Arrangement {
    fn of(ends: Ends) -> Self {
        let Ends { features, picture } = ends;
        let whole = |a: usize, b: usize| (b > 0 && a.is_multiple_of(b)).then(|| a / b);
        let sides =
            whole(picture.height, features.height).zip(whole(picture.width, features.width));
        match sides {
            Some((down, across)) if down == across && features.height > 1 => Self::Tiles(down),
            Some(_) | None => Self::Whole,
        }
    }

    /// A picture as the decoder's output: `[tile rows · tile columns of each channel][height][width]`.
    fn arranged(self, picture: &[f32], shape: Shape) -> Vec<f32> {
        self.places(shape).map(|place| picture[place]).collect()
    }

    /// The inverse of [`Self::arranged`].
    fn restored(self, output: &[f32], shape: Shape) -> Vec<f32> {
        let mut picture = vec![0.0; output.len()];
        let cells = self.places(shape).zip(output);
        cells.for_each(|(place, value)| picture[place] = *value);
        picture
    }

    /// Where in the picture each number of the decoder's output lies.
    fn places(self, shape: Shape) -> Box<dyn Iterator<Item = usize>> {
        let Self::Tiles(side) = self else {
            return Box::new(0..shape.len());
        };
        let (rows, columns) = (shape.height / side, shape.width / side);
        let place = move |index: usize| {
            let (plane, at) = (index / (rows * columns), index % (rows * columns));
            let (channel, tap) = (plane / (side * side), plane % (side * side));
            let row = at / columns * side + tap / side;
            shape.index(channel, row, at % columns * side + tap % side)
        };
        Box::new((0..shape.len()).map(place))
    }

    /// The decoder; polynomials stand for ReLU.
    fn graph(self, ends: Ends) -> Result<LayerGraph, Error> {
        let Ends { features, picture } = ends;
        let mut chain = Chain::new(features)?;
        chain.add("scale", Layer::Affine(Affine))?;
        match self {
            Self::Tiles(side) => {
                let channels = CHANNELS.iter().find(|(most, _)| side <= *most);
                let channels = channels.map_or(WIDTH, |(_, channels)| *channels);
                chain.activated("first", Layer::Conv(Conv::same(channels, 3)))?;
                chain.activated("second", Layer::Conv(Conv::same(channels, 3)))?;
                let last = Conv {
                    bias: true,
                    ..Conv::same(side * side * picture.channels, 3)
                };
                chain.add("pixels", Layer::Conv(last))?;
            }
            Self::Whole => {
                if features.height * features.width > 1 {
                    chain.activated("narrow", Layer::Conv(Conv::same(NARROW, 3)))?;
                }
                chain.activated("first", dense(WIDTH, false))?;
                chain.activated("second", dense(WIDTH, false))?;
                chain.add("pixels", dense(picture.len(), true))?;
            }
        }
        Ok(chain.graph)
    }
}

fn dense(out_features: usize, bias: bool) -> Layer {
    Layer::Dense(Dense {
        out_features,
        bias,
        circulant: 1,
    })
}

/// A graph of layers one behind the other.
struct Chain {
    graph: LayerGraph,
    last: NodeId,
}

impl Chain {
    fn new(input: Shape) -> Result<Self, Error> {
        let graph = LayerGraph::new(input)?;
        let last = graph.input();
        Ok(Self { graph, last })
    }

    fn add(&mut self, name: &str, layer: Layer) -> Result<(), Error> {
        self.last = self.graph.add(name, layer, &[self.last])?;
        Ok(())
    }

    /// A layer, a norm and an activation.
    fn activated(&mut self, name: &str, layer: Layer) -> Result<(), Error> {
        self.add(name, layer)?;
        self.add(&format!("{name}.norm"), Layer::Affine(Affine))?;
        let poly = Poly {
            degree: 2,
            per_channel: true,
        };
        self.add(&format!("{name}.act"), Layer::Poly(poly))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(features: [usize; 3], picture: [usize; 3]) -> Ends {
        let shape = |[c, h, w]: [usize; 3]| Shape::new(c, h, w);
        Ends {
            features: shape(features),
            picture: shape(picture),
        }
    }

    #[test]
    fn pictures_are_restored_from_their_arrangement_and_a_tile_lies_at_its_place() {
        for (features, picture, expected) in [
            ([5, 4, 4], [2, 8, 8], Arrangement::Tiles(2)),
            ([3, 28, 28], [1, 28, 28], Arrangement::Tiles(1)),
            ([3, 24, 24], [1, 28, 28], Arrangement::Whole),
            ([3, 4, 2], [1, 8, 8], Arrangement::Whole),
            ([10, 1, 1], [1, 8, 8], Arrangement::Whole),
        ] {
            let ends = ends(features, picture);
            let arrangement = Arrangement::of(ends);
            assert_eq!(arrangement, expected);
            let graph = arrangement.graph(ends).unwrap();
            assert_eq!(graph.node(graph.output()).shape.len(), ends.picture.len());
            let pixels: Vec<f32> = (0..ends.picture.len()).map(|i| i as f32).collect();
            let arranged = arrangement.arranged(&pixels, ends.picture);
            assert_eq!(arrangement.restored(&arranged, ends.picture), pixels);
        }
        let picture: Vec<f32> = (0..16).map(|i| i as f32).collect();
        let arranged = Arrangement::Tiles(2).arranged(&picture, Shape::new(1, 4, 4));
        let planes: Vec<&[f32]> = arranged.chunks(4).collect();
        assert_eq!(planes[0], [0.0, 2.0, 8.0, 10.0]);
        assert_eq!(planes[3], [5.0, 7.0, 13.0, 15.0]);
    }
}
