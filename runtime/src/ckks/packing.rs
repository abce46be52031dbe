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

/// [`pack`] for as many images as a batched layout takes: slot `b` holds image `b`, the slots behind the last one 0.
/// For other layouts one image.
///
/// # Errors
/// As [`pack`] for each image; none, or more than there is room for.
pub fn pack_batch(layout: &Layout, images: &[&[f64]], slots: usize) -> Result<Vec<Vec<f64>>> {
    let room = if layout.is_batched(slots) { slots } else { 1 };
    let ([first, rest @ ..], true) = (images, images.len() <= room) else {
        let got = images.len();
        return Err(RuntimeError::Batch { room, got });
    };
    let mut vectors = pack(layout, first, slots)?;
    for (image, slot) in rest.iter().zip(1..) {
        // Each element lies in the first slot of its ciphertext.
        let packed = pack(layout, image, slots)?;
        for (vector, own) in vectors.iter_mut().zip(packed) {
            vector[slot] = own[0];
        }
    }
    Ok(vectors)
}

/// The first `count` images of a batch, each as [`unpack`] gives one.
///
/// # Errors
/// As [`unpack`]; more images than there is room for.
pub fn unpack_batch(
    layout: &Layout,
    vectors: &[Vec<f64>],
    slots: usize,
    count: usize,
) -> Result<Vec<Vec<f64>>> {
    if !layout.is_batched(slots) || count > slots {
        return match count {
            1 => Ok(vec![unpack(layout, vectors, slots)?]),
            got => Err(RuntimeError::Batch {
                room: if layout.is_batched(slots) { slots } else { 1 },
                got,
            }),
        };
    }
    let image = |slot: usize| -> Option<Vec<f64>> {
        let of_slot = |vector: &Vec<f64>| vector.get(slot).copied();
        vectors.iter().take(layout.len()).map(of_slot).collect()
    };
    let images: Option<Vec<Vec<f64>>> = (0..count).map(image).collect();
    let whole = images.filter(|_| vectors.len() >= layout.len());
    whole.ok_or_else(|| RuntimeError::Malformed {
        what: "the output",
        reason: format!(
            "{} ciphertexts, {} elements need one each",
            vectors.len(),
            layout.len()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_comes_back_image_by_image_and_has_room_for_as_many_as_slots() {
        let layout = Layout::batched([2, 2, 3], 8);
        let image = |b: usize| (0..12).map(|e| (100 * b + e) as f64).collect();
        let images: Vec<Vec<f64>> = (0..9).map(image).collect();
        let borrowed: Vec<&[f64]> = images.iter().map(Vec::as_slice).collect();
        for count in 1..=8 {
            let packed = pack_batch(&layout, &borrowed[..count], 8).unwrap();
            assert_eq!(packed.len(), 12);
            let found = unpack_batch(&layout, &packed, 8, count).unwrap();
            assert_eq!(found, images[..count]);
        }
        for count in [0, 9] {
            let refused = pack_batch(&layout, &borrowed[..count], 8).unwrap_err();
            let text = refused.to_string();
            assert!(
                text.contains(&format!("{count} images, room for 8")),
                "{text}"
            );
        }
        let single = Layout::raster([2, 2, 3]);
        let packed = pack_batch(&single, &borrowed[..1], 8).unwrap();
        assert_eq!(unpack_batch(&single, &packed, 8, 1).unwrap(), images[..1]);
        assert!(pack_batch(&single, &borrowed[..2], 8).is_err());
        assert!(unpack_batch(&single, &packed, 8, 2).is_err());
    }

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
