//! Numbers into burn's tensors and out of them.

use burn::tensor::{Device, Tensor, TensorData};

/// A matrix of 32-bit floats on `device`.
pub(super) fn matrix(data: Vec<f32>, rows: usize, columns: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(data, [rows, columns]), device)
}

/// The elements of a tensor.
pub(super) fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor
        .into_data()
        .as_slice::<f32>()
        .expect("all training tensors are f32")
        .to_vec()
}
