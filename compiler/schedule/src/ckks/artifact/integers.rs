//! Values as integers times one power of two, in planes of bytes: the lowest byte of every integer, then the next of
//! every one.
//!
//! Weights that the compiler has rounded to few bits take those bits: bytes of one kind lie together, so the
//! compression behind finds how often each occurs. The power of two is the smallest that the planes hold: so the
//! highest plane has values of every size, of which frequent ones take fewer bits, and bits that are always 0 lie in
//! the lowest one, where they take none.

/// Most bytes of an integer: with four the values fit 32-bit floats or need 64.
const MAX_PLANES: usize = 3;

/// Integers on their way into a file.
pub(super) struct Integers {
    /// What each is multiplied by; a power of two.
    pub(super) step: f64,
    /// Bytes of each.
    pub(super) planes: usize,
}

impl Integers {
    /// How `values` are stored as integers, exactly; `None` where they are not integers of at most [`MAX_PLANES`] bytes
    /// times a power of two within the range of floats, or none is different from 0.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let mut least = i32::MAX;
        let mut most = 0f64;
        for value in values {
            if *value == 0.0 && value.is_sign_positive() {
                continue;
            }
            if !value.is_normal() {
                return None;
            }
            least = least.min(exponent_of_last_bit(*value));
            most = most.max(value.abs());
        }
        let step = 2f64.powi(least);
        if most == 0.0 || !step.is_normal() {
            return None;
        }
        let beyond = |planes: usize| 2f64.powi(8 * planes as i32 - 1);
        let planes = (1..=MAX_PLANES).find(|planes| most / step < beyond(*planes))?;
        let fits = |step: &f64| step.is_normal() && most / step < beyond(planes);
        let smaller = std::iter::successors(Some(step), |step| Some(step / 2.0));
        let step = smaller.take_while(fits).last()?;
        Some(Self { step, planes })
    }

    /// The planes of `values`, one after another.
    pub(super) fn bytes(&self, values: &[f64]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.planes * values.len());
        for plane in 0..self.planes {
            let byte = |v: &f64| ((v / self.step) as i32).to_le_bytes()[plane];
            bytes.extend(values.iter().map(byte));
        }
        bytes
    }
}

/// The values of `planes` planes.
///
/// # Errors
/// Another number of planes than 1 to [`MAX_PLANES`], a step that is no positive normal float.
pub(super) fn values(bytes: &[u8], planes: usize, step: f64) -> Result<Vec<f64>, String> {
    if !(1..=MAX_PLANES).contains(&planes) {
        return Err(format!(
            "has {planes} planes of bytes, 1 to {MAX_PLANES} are needed"
        ));
    }
    if !step.is_normal() || step < 0.0 {
        return Err(format!("its step is {step}, a positive number is needed"));
    }
    let count = bytes.len() / planes;
    let integer = |index: usize| {
        // The highest byte carries the sign.
        let highest = bytes[(planes - 1) * count + index] as i8;
        let lower = (0..planes - 1).rev();
        lower.fold(i32::from(highest), |sum, plane| {
            sum << 8 | i32::from(bytes[plane * count + index])
        })
    };
    collected((0..count).map(|i| f64::from(integer(i)) * step))
}

/// The numbers, where there is memory for them.
pub(super) fn collected(numbers: impl ExactSizeIterator<Item = f64>) -> Result<Vec<f64>, String> {
    let mut values = Vec::new();
    let count = numbers.len();
    values
        .try_reserve_exact(count)
        .map_err(|_| format!("there is no memory for its {count} values"))?;
    values.extend(numbers);
    Ok(values)
}

/// Exponent of the lowest bit of a normal float that is 1.
fn exponent_of_last_bit(value: f64) -> i32 {
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7FF) as i32 - 1075;
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    exponent + mantissa.trailing_zeros() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(wanted: &[f64]) -> Option<(usize, Vec<f64>)> {
        let integers = Integers::of(wanted)?;
        let bytes = integers.bytes(wanted);
        let found = values(&bytes, integers.planes, integers.step).unwrap();
        Some((integers.planes, found))
    }

    #[test]
    fn integers_come_back_in_as_few_bytes_as_hold_them() {
        let step = 2f64.powi(-20);
        for (most, planes) in [
            (1, 1),
            (127, 1),
            (128, 2),
            (32_767, 2),
            (32_769, 3),
            (8_388_607, 3),
        ] {
            let wanted: Vec<f64> = [most, -most, 0, 1, -1, most / 3]
                .map(|i| f64::from(i) * step)
                .to_vec();
            let (found, values) = back(&wanted).unwrap();
            assert_eq!(found, planes, "{most}");
            assert_eq!(values, wanted, "{most}");
        }
    }

    #[test]
    fn what_is_not_few_bits_is_left_to_floats() {
        for values in [
            &[0.1, 1.0][..],
            &[1.0, 8_388_609.0],
            &[-0.0, 1.0],
            &[f64::NAN],
            &[f64::INFINITY],
            &[5e-324],
            &[0.0, 0.0],
            &[],
        ] {
            assert!(Integers::of(values).is_none(), "{values:?}");
        }
    }

    #[test]
    fn planes_and_steps_outside_their_ranges_are_refused() {
        assert!(values(&[0; 8], 4, 1.0).unwrap_err().contains("4 planes"));
        assert!(values(&[0; 8], 0, 1.0).unwrap_err().contains("0 planes"));
        for step in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let message = values(&[0; 8], 2, step).unwrap_err();
            assert!(message.contains("its step is"), "{message}");
        }
    }
}
