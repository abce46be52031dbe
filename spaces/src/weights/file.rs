//! Weights as a safetensors file: 32-bit floats only, finite only.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::{Tensor, Weights};
use crate::Error;

impl Weights {
    /// Reads the bytes of a safetensors file. Which tensors a network needs is told by [`Weights::check`].
    ///
    /// # Errors
    /// Bytes that are not a whole, consistent safetensors file; a tensor that is not F32; a number that is not finite.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, Error> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| {
            Error::Weights(format!(
                "{} bytes are not a whole safetensors file: {error}",
                bytes.len()
            ))
        })?;
        let mut weights = Weights::default();
        for (name, view) in file.tensors() {
            let tensor = read_tensor(&name, &view)?;
            weights.tensors.insert(name, tensor);
        }
        weights.check_finite()?;
        Ok(weights)
    }

    /// The bytes of a safetensors file. Equal weights give equal bytes.
    ///
    /// # Errors
    /// A tensor whose shape and number of elements disagree; a number that is not finite.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, Error> {
        self.check_finite()?;
        let bytes: Vec<Vec<u8>> = self.tensors.values().map(little_endian).collect();
        let mut views = Vec::with_capacity(bytes.len());
        for ((name, tensor), bytes) in self.tensors.iter().zip(&bytes) {
            let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)
                .map_err(|error| Error::Weights(format!("tensor `{name}`: {error}")))?;
            views.push((name, view));
        }
        safetensors::serialize(views, None).map_err(|error| Error::Weights(error.to_string()))
    }
}

fn read_tensor(name: &str, view: &TensorView<'_>) -> Result<Tensor, Error> {
    if view.dtype() != Dtype::F32 {
        return Err(Error::Weights(format!(
            "tensor `{name}` has type {}, needed is F32; convert it",
            view.dtype()
        )));
    }
    let tensor = Tensor {
        shape: view.shape().to_vec(),
        data: view
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect(),
    };
    if !tensor.is_consistent() {
        return Err(Error::Weights(format!(
            "tensor `{name}` of shape {:?} holds {} values",
            tensor.shape,
            tensor.data.len()
        )));
    }
    Ok(tensor)
}

fn little_endian(tensor: &Tensor) -> Vec<u8> {
    tensor.data.iter().flat_map(|x| x.to_le_bytes()).collect()
}
