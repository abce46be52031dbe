//! Headroom: how large the outputs may become, and what size they have.

use hemet_schedule::Basis;

use super::tail;
use crate::net::Sizes;
use crate::{Error, Options};

/// Outputs may be this much larger than the bound on those of samples, and on those of made-up inputs.
const MARGIN_OF_SAMPLES: f64 = 4.0;
const MARGIN_OF_ASSUMED: f64 = 8.0;
/// Bits that the modulus of the output has above its scale at least, as the verifier wants it.
const LEAST_BITS: i32 = 2;
/// log2 of the smallest and the largest magnitude that is considered.
const BITS: std::ops::RangeInclusive<i32> = -40..=40;

/// What outputs are.
#[derive(Clone, Copy, Debug)]
pub struct Headroom {
    /// Root mean square of the outputs of an input, in the median over inputs: of few very large outputs it tells
    /// nothing.
    pub size: f64,
    /// Largest magnitude seen.
    pub seen: f64,
    /// Magnitude that is provided for.
    pub wanted: f64,
}

/// Outputs and inner tensors may be this much larger than the bound on those of the inputs at hand.
fn margin(basis: Basis) -> f64 {
    match basis {
        Basis::Samples => MARGIN_OF_SAMPLES,
        Basis::Assumed => MARGIN_OF_ASSUMED,
    }
}

/// Bits by which the base prime must grow so that no inner tensor wraps round: `rooms` are those of
/// [`crate::parameters::room`], `groups` are sizes of the same net.
pub fn lacking(rooms: &[f64], groups: &[Sizes], basis: Basis) -> i32 {
    let of = |largest: &[f64], room: f64| {
        let wanted = (margin(basis) * tail::bound(largest)).log2();
        // Zeros want nothing; what overflowed is refused for its errors.
        if wanted.is_finite() {
            (wanted - room).ceil().max(0.0) as i32
        } else {
            0
        }
    };
    let of_group = |group: &Sizes| {
        let pairs = group.largest.iter().zip(rooms);
        pairs.map(|(largest, room)| of(largest, *room)).max()
    };
    groups.iter().filter_map(of_group).max().unwrap_or(0)
}

impl Headroom {
    /// That of outputs on inputs of a kind, `groups` by group; the size is that of the group with the smallest outputs.
    ///
    /// # Errors
    /// [`Error::OutputRange`] for outputs above the range that the user chose.
    pub fn of(groups: &[Sizes], basis: Basis, options: &Options) -> Result<Self, Error> {
        let margin = margin(basis);
        let largest = |output: &Vec<f64>| output.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let (mut size, mut seen, mut wanted) = (f64::INFINITY, 0.0f64, 0.0f64);
        for group in groups {
            let outputs: Vec<f64> = group.outputs.iter().map(largest).collect();
            size = size.min(group.output_size());
            seen = outputs.iter().copied().fold(seen, f64::max);
            wanted = wanted.max(margin * tail::bound(&outputs));
        }
        if let Some(range) = options.output_range {
            if seen > range {
                return Err(Error::OutputRange { range, seen });
            }
            wanted = range;
        }
        Ok(Self { size, seen, wanted })
    }

    /// The options with this headroom. The base prime keeps its size where the outputs are large enough to lose the
    /// bits that the headroom takes.
    pub fn options(&self, options: &Options) -> Options {
        let bits = |x: f64, round: fn(f64) -> f64| {
            let bits = round(x.max(f64::MIN_POSITIVE).log2());
            bits.clamp(f64::from(*BITS.start()), f64::from(*BITS.end())) as i32
        };
        let usual = Options::default().output_bits;
        let wanted = bits(self.wanted, f64::ceil);
        let (output_bits, least) = match options.relative_precision {
            true => (wanted.max(LEAST_BITS), *BITS.start()),
            false => (wanted.max(usual), 0),
        };
        let output_size_bits = bits(self.size, f64::floor)
            .min(output_bits - usual)
            .max(least);
        Options {
            output_bits,
            output_size_bits,
            ..options.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_prime_grows_by_what_the_tensor_with_the_least_room_lacks() {
        let sizes = |largest: f64| Sizes {
            power: Vec::new(),
            largest: vec![vec![1.0; 40], vec![largest; 40]],
            outputs: Vec::new(),
        };
        let bits = |largest: f64| lacking(&[9.0, 6.0], &[sizes(largest)], Basis::Samples);
        // Room for 64 is enough for 16 and a margin of 4.
        assert_eq!(bits(1.0), 0);
        assert_eq!(bits(15.9), 0);
        assert_eq!(bits(17.0), 1);
        assert_eq!(bits(250.0), 4);
        assert_eq!(bits(0.0), 0);
        let both = [sizes(1.0), sizes(60.0)];
        assert_eq!(lacking(&[9.0, 6.0], &both, Basis::Samples), 2);
    }
}
