//! Trainable matrices, and how they lie in the exported tensors.

use hemet_spaces::{Shape, Tensor, Weights};
use rand::{Rng, RngExt};

use crate::Error;

/// What a parameter does, which decides how it is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Of a convolution or dense layer: clipped, decayed.
    Weight,
    /// Constant of a layer: clipped, not decayed.
    Bias,
    /// Coefficients of a polynomial: clipped, not decayed.
    Activation,
    /// Scale of a batch norm: neither clipped nor decayed.
    NormScale,
    /// Shift of a batch norm: neither clipped nor decayed.
    NormShift,
}

impl Role {
    /// Whether it belongs to a batch norm.
    pub fn is_norm(self) -> bool {
        match self {
            Self::NormScale | Self::NormShift => true,
            Self::Weight | Self::Bias | Self::Activation => false,
        }
    }
}

/// An exported tensor.
#[derive(Clone, Debug)]
pub(super) struct TensorSpec {
    /// `layer.parameter`.
    pub name: String,
    pub shape: Vec<usize>,
}

/// A trainable matrix, whole or a part of one exported tensor.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    /// Name of the exported tensor.
    pub tensor: String,
    /// Shape of the exported tensor.
    pub tensor_shape: Vec<usize>,
    pub role: Role,
    pub rows: usize,
    pub columns: usize,
    /// Row-major.
    pub value: Vec<f32>,
    /// Whether the whole training leaves it as it begins.
    pub fixed: bool,
    /// Whether it is fixed, or the phase that runs leaves it as it is.
    pub frozen: bool,
    /// For each element of the matrix, its position in the exported tensor; empty where it is not exported.
    places: Vec<u32>,
}

impl Parameter {
    /// A matrix of zeros, `[rows, columns]`; `place(row, column)` is the position of an element in the exported tensor.
    pub fn new(
        tensor: &TensorSpec,
        role: Role,
        [rows, columns]: [usize; 2],
        place: impl Fn(usize, usize) -> usize,
    ) -> Self {
        let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        Self {
            tensor: tensor.name.clone(),
            tensor_shape: tensor.shape.clone(),
            role,
            rows,
            columns,
            value: vec![0.0; rows * columns],
            fixed: false,
            frozen: false,
            places: cells.map(|(r, c)| place(r, c) as u32).collect(),
        }
    }

    /// Scale or shift of a norm that is no tensor of its own in the exported weights.
    pub fn inner(name: String, role: Role, channels: usize) -> Self {
        Self {
            tensor: name,
            tensor_shape: Vec::new(),
            role,
            rows: 1,
            columns: channels,
            value: vec![0.0; channels],
            fixed: false,
            frozen: false,
            places: Vec::new(),
        }
    }

    /// The name of its layer.
    pub fn layer(&self) -> &str {
        self.tensor.rsplit_once('.').map_or("", |(layer, _)| layer)
    }

    /// Random values of variance 1/`rows` (the fan-in): batch norm or the head sets the scale that follows.
    pub fn randomize(&mut self, fan_in: usize, rng: &mut impl Rng) {
        let bound = (3.0 / fan_in as f32).sqrt();
        self.value
            .iter_mut()
            .for_each(|v| *v = rng.random_range(-bound..bound));
    }

    /// Writes the values to their places in `weights`.
    pub fn export(&self, weights: &mut Weights) {
        if self.places.is_empty() {
            return;
        }
        let len = self.tensor_shape.iter().product();
        let tensor = weights
            .tensors
            .entry(self.tensor.clone())
            .or_insert_with(|| Tensor {
                shape: self.tensor_shape.clone(),
                data: vec![0.0; len],
            });
        for (place, value) in self.places.iter().zip(&self.value) {
            tensor.data[*place as usize] = *value;
        }
    }

    /// Reads the values from their places in `weights`.
    pub fn import(&mut self, weights: &Weights) -> Result<(), Error> {
        let layer = self.layer();
        let Some(tensor) = weights.tensors.get(&self.tensor) else {
            return Err(Error::Spaces(hemet_spaces::Error::MissingTensor {
                layer: layer.to_owned(),
                name: self.tensor.clone(),
                expected: self.tensor_shape.clone(),
            }));
        };
        let len: usize = self.tensor_shape.iter().product();
        if tensor.shape != self.tensor_shape || tensor.data.len() != len {
            return Err(Error::Spaces(hemet_spaces::Error::TensorShape {
                layer: layer.to_owned(),
                name: self.tensor.clone(),
                found: tensor.shape.clone(),
                expected: self.tensor_shape.clone(),
            }));
        }
        for (place, value) in self.places.iter().zip(&mut self.value) {
            *value = tensor.data[*place as usize];
        }
        Ok(())
    }
}

/// Place of element `(row, column)` of a dense layer's matrix, whose rows go over pixels and then channels, in
/// `[out][channels·height·width]`.
pub(super) fn dense_place(input: Shape, row: usize, column: usize) -> usize {
    let (pixel, channel) = (row / input.channels, row % input.channels);
    column * input.len() + channel * input.height * input.width + pixel
}

/// Place of element `(row, column)` of group `group` of a convolution's matrix, whose rows go over the kernel and then
/// the group's channels, in `[out][in per group][kernel row][kernel column]`.
pub(super) fn conv_place(
    [in_group, out_group, taps]: [usize; 3],
    group: usize,
    row: usize,
    column: usize,
) -> usize {
    let (tap, channel) = (row / in_group, row % in_group);
    ((group * out_group + column) * in_group + channel) * taps + tap
}
