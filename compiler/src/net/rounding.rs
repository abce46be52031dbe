//! What a weight is rounded to before it is stored.

/// What the weights of a node are rounded to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Rounding {
    /// Nothing is rounded.
    #[default]
    Exact,
    /// 32-bit floats.
    Narrow,
    /// Multiples of a power of two.
    Step(f64),
}

impl Rounding {
    /// The value that is stored for a weight.
    pub fn of(self, weight: f64) -> f64 {
        // Added to it, a number below 2^51 loses its fraction; ties go to even integers, and there is no negative zero.
        const INTEGERS: f64 = (3u64 << 51) as f64;
        match self {
            Rounding::Exact => weight,
            Rounding::Narrow => f64::from(weight as f32),
            Rounding::Step(step) => (weight / step + INTEGERS - INTEGERS) * step,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rounded_weight_is_the_nearest_multiple_and_never_a_negative_zero() {
        let step = Rounding::Step(0.25);
        for (weight, wanted) in [
            (0.3, 0.25),
            (-0.3, -0.25),
            (0.375, 0.5),
            (1e6 + 0.2, 1e6 + 0.25),
        ] {
            assert_eq!(step.of(weight), wanted, "{weight}");
        }
        assert_eq!(step.of(-0.1).to_bits(), 0);
        assert_eq!(Rounding::Exact.of(-0.1), -0.1);
        assert_eq!(Rounding::Narrow.of(0.1), f64::from(0.1f32));
    }
}
