//! Numbers into burn's tensors and out of them.

use burn::tensor::{Device, Tensor, TensorData};
use hemet_spaces::Shape;

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

/// Pictures `[n][channels][height][width]` as the model takes them, `[n·height·width][channels]`.
pub(super) fn to_rows(pictures: &[f32], shape: Shape) -> Vec<f32> {
    let pixels = shape.height * shape.width;
    let mut rows = Vec::with_capacity(pictures.len());
    for picture in pictures.chunks_exact(shape.len()) {
        for pixel in 0..pixels {
            rows.extend(picture.iter().skip(pixel).step_by(pixels));
        }
    }
    rows
}

/// The inverse of [`to_rows`].
pub(super) fn to_pictures(rows: &[f32], shape: Shape) -> Vec<f32> {
    let mut pictures = Vec::with_capacity(rows.len());
    for picture in rows.chunks_exact(shape.len()) {
        for channel in 0..shape.channels {
            pictures.extend(picture.iter().skip(channel).step_by(shape.channels));
        }
    }
    pictures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_hold_the_channels_of_a_pixel_and_become_the_pictures_again() {
        let shape = Shape::new(2, 1, 3);
        let pictures = [
            1.0, 2.0, 3.0, 10.0, 20.0, 30.0, 4.0, 5.0, 6.0, 40.0, 50.0, 60.0,
        ];
        let rows = to_rows(&pictures, shape);
        assert_eq!(rows[..6], [1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
        assert_eq!(to_pictures(&rows, shape), pictures);
    }
}
