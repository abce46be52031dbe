//! Tensors to slots and back, as a [`Layout`] says.

use hemet_schedule::Layout;

use crate::error::{Result, RuntimeError};

/// The slots of each ciphertext for a tensor in channel-major order; a vector shorter than `slots` repeats.
///
/// # Errors
/// A tensor of another length, or a number that is not finite.
pub fn pack(layout: &Layout, tensor: &[f64], slots: usize) -> Result<Vec<Vec<f64>>> {
    if tensor.len() != layout.len() {
        let [channels, height, width] = layout.shape;
        return Err(RuntimeError::ImageLength {
            expected: layout.len(),
            shape: format!("{channels} × {height} × {width}"),
            got: tensor.len(),
        });
    }
    if let Some(index) = tensor.iter().position(|x| !x.is_finite()) {
        return Err(RuntimeError::NotFinite {
            index,
            value: tensor[index],
        });
    }
    let per_ciphertext = (layout.period as usize).min(slots);
    let mut vectors = vec![vec![0.0; per_ciphertext]; layout.ciphertexts(slots)];
    for (position, x) in layout.positions().into_iter().zip(tensor) {
        let position = position as usize;
        if let Some(place) = vectors
            .get_mut(position / slots)
            .and_then(|v| v.get_mut(position % slots))
        {
            *place = *x;
        }
    }
    Ok(vectors)
}

/// The tensor in channel-major order from the slots of each ciphertext.
///
/// # Errors
/// Fewer ciphertexts or slots than the layout needs.
pub fn unpack(layout: &Layout, vectors: &[Vec<f64>], slots: usize) -> Result<Vec<f64>> {
    let element = |position: u32| {
        let position = position as usize;
        let vector = vectors.get(position / slots)?;
        vector.get(position % slots).copied()
    };
    layout
        .positions()
        .into_iter()
        .map(|position| {
            element(position).ok_or_else(|| RuntimeError::Malformed {
                what: "the output",
                reason: format!(
                    "position {position} lies in none of {} ciphertexts",
                    vectors.len()
                ),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpack_undoes_pack_for_replicated_and_for_split_tensors() {
        let tensor: Vec<f64> = (0..60).map(f64::from).collect();
        let layout = Layout::raster([3, 4, 5]);
        for slots in [16, 32, 64, 256] {
            let packed = pack(&layout, &tensor, slots).unwrap();
            assert_eq!(packed.len(), layout.ciphertexts(slots));
            assert_eq!(unpack(&layout, &packed, slots).unwrap(), tensor);
        }
    }

    #[test]
    fn an_image_of_the_wrong_size_or_with_nan_is_refused_with_the_numbers() {
        let layout = Layout::raster([1, 2, 2]);
        let text = pack(&layout, &[0.0; 5], 8).unwrap_err().to_string();
        assert!(
            text.contains("5 elements") && text.contains("takes 4 (1 × 2 × 2)"),
            "{text}"
        );
        let text = pack(&layout, &[0.0, f64::NAN, 0.0, 0.0], 8)
            .unwrap_err()
            .to_string();
        assert!(text.contains("element 1") && text.contains("NaN"), "{text}");
    }
}
