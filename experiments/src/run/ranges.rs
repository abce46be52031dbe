//! Whether images stay where a network's polynomials were trained: beyond that they follow no activation, and squares
//! grow without end.

use hemet_search::data::Dataset;
use hemet_spaces::evaluate::Evaluator;
use hemet_spaces::{Layer, LayerGraph, Weights};

use crate::error::Error;

/// Images that are looked at.
const IMAGES: usize = 256;
/// Inputs of polynomials may be so many times as large as training allows without a penalty: it is a soft one.
const BEYOND: f64 = 4.0;
/// Most images that may leave it.
const MOST_SHARE: f64 = 0.05;

/// What images do to the inputs of polynomials.
#[derive(Clone, Debug)]
pub struct Ranges {
    /// Images that were looked at.
    pub images: usize,
    /// Those with an input of a polynomial beyond the range.
    pub outside: usize,
    /// The largest magnitude, and the polynomial that it was an input of.
    pub largest: f64,
    /// Its name.
    pub layer: String,
    /// The range: inputs within plus and minus this are inside.
    pub range: f64,
}

impl Ranges {
    /// Of the first images of a set, where training penalizes inputs beyond `trained`.
    ///
    /// # Errors
    /// Weights of another network.
    pub fn of(
        graph: &LayerGraph,
        weights: &Weights,
        images: &Dataset,
        trained: f32,
    ) -> Result<Self, Error> {
        let evaluator = Evaluator::new(graph, weights).map_err(Error::user)?;
        let mut ranges = Self {
            images: images.len().min(IMAGES),
            outside: 0,
            largest: 0.0,
            layer: String::new(),
            range: BEYOND * f64::from(trained),
        };
        for index in 0..ranges.images {
            let image: Vec<f64> = images.image(index).iter().map(|v| f64::from(*v)).collect();
            let values = evaluator.run_all(&image).map_err(Error::user)?;
            let mut own = 0.0f64;
            for (id, node) in graph.nodes() {
                let Layer::Poly(_) = node.layer else {
                    continue;
                };
                let inputs = graph.inputs(id).into_iter();
                let inputs = inputs.flat_map(|input| &values[input.index()]);
                let largest = inputs.fold(0.0f64, |most, x| most.max(x.abs()));
                if largest > ranges.largest {
                    (ranges.largest, ranges.layer) = (largest, node.name.clone());
                }
                own = own.max(largest);
            }
            ranges.outside += usize::from(own > ranges.range);
        }
        Ok(ranges)
    }

    /// Refuses images of which too many leave the range.
    ///
    /// # Errors
    /// How many, how far, and what to do.
    pub fn check(&self, set: &str) -> Result<(), Error> {
        let share = self.outside as f64 / self.images.max(1) as f64;
        if share <= MOST_SHARE {
            return Ok(());
        }
        Err(Error::Check(format!(
            "{} of {} images of {set} drive a polynomial beyond ±{}, where it was never trained ({} sees {:.1}); the network \
             is not compiled for them. Give more labels or epochs, or a larger range_penalty (--options '{{range_penalty: 1}}')",
            self.outside, self.images, self.range, self.layer, self.largest
        )))
    }
}
