//! How a layer runs in training, and where its numbers lie in a [`Model`](super::model::Model).

use hemet_spaces::{Shape, layer};

/// The indices in an operation count into `Model::parameters` or `Model::running`.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Input,
    Conv {
        conv: layer::Conv,
        groups: Vec<usize>,
        bias: Option<usize>,
    },
    Depthwise {
        conv: layer::Conv,
        weight: usize,
        bias: Option<usize>,
    },
    Dense {
        weight: usize,
        bias: Option<usize>,
    },
    Norm {
        scale: usize,
        shift: usize,
        running: usize,
        /// Blocks of channels that share the numbers of one.
        blocks: usize,
    },
    Pool(layer::AveragePool),
    Poly {
        poly: layer::Poly,
        coefficients: usize,
        /// As of a norm.
        blocks: usize,
    },
    Herpn(Herpn),
    Relu,
    Add,
    Concat,
}

/// Where the numbers of a HerPN (see `herpn.rs`) lie: indices into the model's parameters and running statistics.
#[derive(Clone, Debug)]
pub(super) struct Herpn {
    /// γ.
    pub scale: usize,
    /// β.
    pub shift: usize,
    /// Statistics of x.
    pub linear: usize,
    /// Statistics of x².
    pub square: usize,
    /// Name of the exported tensor.
    pub coefficients: String,
    /// Blocks of channels that share the numbers of one.
    pub blocks: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub op: Op,
    pub inputs: Vec<usize>,
    /// Shape of the first input (of the output, for the input layer).
    pub from: Shape,
}

/// Running statistics of a batch norm.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
}
