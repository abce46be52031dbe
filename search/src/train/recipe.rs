//! What a network is trained to be, and what its weights then compute.

use hemet_spaces::quantized::Quantization;
use hemet_spaces::{Layer, LayerGraph, Weights};

use super::device::Device;
use super::options::TrainOptions;
use super::phase::Layers;
use super::{infer, quantized};
use crate::Error;
use crate::data::Dataset;

/// What a network is trained to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Recipe<'a> {
    /// A network of polynomials, in floats.
    Polynomials,
    /// The network with ReLU in the place of its polynomials: a teacher.
    Relu,
    /// An integer network with tables for activations. Of the options it takes `epochs`, `batch`, `quantized_rate`,
    /// `label_smoothing`, `balance`, `shift`, `flip`, `jitter`, `norm_rate`, `patience` and `phases`; it inherits no
    /// weights and has no teacher.
    Quantized(&'a Quantization),
}

impl Recipe<'_> {
    /// Refuses options that this recipe cannot follow, and a recipe that is out of range itself.
    ///
    /// # Errors
    /// The first such option, with what is allowed.
    pub fn check(&self, options: &TrainOptions) -> Result<(), Error> {
        options.check()?;
        let Self::Quantized(quantization) = self else {
            return Ok(());
        };
        let refuse = |option, found: &str, allowed: &str| {
            Err(Error::Option {
                option,
                found: found.into(),
                allowed: allowed.into(),
            })
        };
        if options.device == Device::Gpu {
            let allowed = "cpu for networks of integers, which are trained there alone";
            return refuse("device", "gpu", allowed);
        }
        if options.phases.iter().any(|p| p.layers() == Layers::Head) {
            let allowed =
                "all for networks of integers, whose tables follow the statistics of every batch";
            return refuse("phases: layers", "head", allowed);
        }
        Ok(quantization.check()?)
    }

    /// Whether these are weights that a training by this recipe leaves: every tensor there with its shape, none
    /// besides, all numbers finite.
    ///
    /// # Errors
    /// What is missing, superfluous, misshapen or not finite.
    pub fn check_weights(&self, graph: &LayerGraph, weights: &Weights) -> Result<(), Error> {
        match self {
            Self::Polynomials => Ok(weights.check(graph)?),
            // What stands in the place of polynomials has no weights.
            Self::Relu | Self::Quantized(_) => {
                let mut whole = Weights::ones(graph);
                let is_polynomial = |name: &str| {
                    let layer = name.rsplit_once('.').map_or("", |(layer, _)| layer);
                    let mut nodes = graph.nodes();
                    nodes.any(|(_, n)| n.name == layer && matches!(n.layer, Layer::Poly(_)))
                };
                whole.tensors.retain(|name, _| is_polynomial(name));
                whole.tensors.extend(weights.tensors.clone());
                Ok(whole.check(graph)?)
            }
        }
    }

    /// The logits of every image with trained weights, `[image][class]`, in 32-bit floats. Those of integer networks
    /// are what `QuantizedNetwork::evaluate` gives.
    ///
    /// # Errors
    /// A network that does not fit the data or has no integer form; weights that do not fit the network.
    pub fn logits(
        &self,
        graph: &LayerGraph,
        weights: &Weights,
        data: &Dataset,
    ) -> Result<Vec<Vec<f32>>, Error> {
        match self {
            Self::Polynomials => infer::logits(graph, weights, false, data),
            Self::Relu => infer::logits(graph, weights, true, data),
            Self::Quantized(quantization) => quantized::logits(graph, weights, quantization, data),
        }
    }

    /// The share of images, 0 to 1, whose greatest logit is that of their class; of values R², at least 0.
    ///
    /// # Errors
    /// As [`Self::logits`].
    pub fn accuracy(
        &self,
        graph: &LayerGraph,
        weights: &Weights,
        data: &Dataset,
    ) -> Result<f64, Error> {
        let logits = self.logits(graph, weights, data)?;
        Ok(infer::quality(&logits, data))
    }
}
