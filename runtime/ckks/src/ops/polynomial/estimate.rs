//! The predicted noise of a polynomial: the steps of an evaluation on deviations instead of ciphertexts.
//!
//! All powers carry the error of the same argument, so deviations are added as they are and not as squares: the result
//! bounds the deviation whatever the signs of the coefficients.

use std::collections::BTreeMap;

use hemet_ckks_params::Parameters;

use super::Polynomial;
use super::plan::{Family, Sum};
use crate::noise::{Noise, key_switch, rounding};

/// A ciphertext as far as its noise is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// The level.
    pub level: usize,
    /// The scale.
    pub scale: f64,
    /// The error of its slots.
    pub noise: Noise,
    /// The largest absolute value of a slot.
    pub magnitude: f64,
}

impl Estimate {
    /// The largest absolute value times the scale.
    fn message(self) -> f64 {
        self.magnitude * self.scale
    }

    fn multiply(self, other: Self) -> Self {
        let error =
            self.noise.0 * (other.message() + other.noise.0) + other.noise.0 * self.message();
        Self {
            level: self.level.min(other.level),
            scale: self.scale * other.scale,
            noise: Noise(error),
            magnitude: self.magnitude * other.magnitude,
        }
    }

    /// Times a constant that is rounded at `scale`.
    fn times(self, constant: f64, scale: f64) -> Self {
        let error = self.noise.0 * constant.abs() * scale + 0.5 * self.message();
        Self {
            level: self.level,
            scale: self.scale * scale,
            noise: Noise(error),
            magnitude: self.magnitude * constant.abs(),
        }
    }

    /// A sum of terms at the scale of the first.
    fn plus(self, other: Self) -> Self {
        Self {
            noise: Noise(self.noise.0 + other.noise.0),
            magnitude: self.magnitude + other.magnitude,
            ..self
        }
    }

    /// With a constant rounded at its own scale.
    fn plus_constant(self, constant: f64) -> Self {
        Self {
            noise: Noise(self.noise.0 + 0.5),
            magnitude: self.magnitude + constant.abs(),
            ..self
        }
    }

    /// After a rescale, with a relinearization before it or not.
    fn rescale(self, parameters: &Parameters, relinearize: bool) -> Self {
        let q = parameters
            .moduli()
            .get(self.level)
            .map_or(1.0, |&q| q as f64);
        let switch = if relinearize {
            key_switch(parameters, self.level).0
        } else {
            0.0
        };
        Self {
            level: self.level.saturating_sub(1),
            scale: self.scale / q,
            noise: Noise((self.noise.0 + switch) / q + rounding(parameters).0),
            magnitude: self.magnitude,
        }
    }
}

impl Polynomial {
    /// What [`Context::evaluate`](crate::Context::evaluate) makes of an argument, at `scale`: a bound on the deviation
    /// of its error, and on its values (loose where terms cancel).
    ///
    /// For an argument of a level below [`Polynomial::depth`] the result means nothing.
    pub fn estimate(&self, parameters: &Parameters, x: Estimate, scale: f64) -> Estimate {
        let (middle, factor) = self.basis.to_unit();
        let mut argument = x;
        if middle != 0.0 {
            argument = argument.plus_constant(middle);
        }
        if factor != 1.0 {
            let q = parameters.moduli().get(x.level).map_or(1.0, |&q| q as f64);
            argument = argument.times(factor, q).rescale(parameters, false);
        }
        let family = self.basis.family();
        if family == Family::Chebyshev {
            argument.magnitude = argument.magnitude.min(1.0);
        }
        let mut powers = BTreeMap::from([(1, argument)]);
        for &n in &self.plan.powers {
            let power = power(parameters, &powers, family, n);
            powers.insert(n, power);
        }
        let level = (argument.level + 1).saturating_sub(self.plan.depth);
        sum(parameters, &self.plan.root, level, scale, &powers)
    }
}

fn member(powers: &BTreeMap<usize, Estimate>, n: usize) -> Estimate {
    powers.get(&n).copied().unwrap_or(Estimate {
        level: 0,
        scale: 1.0,
        noise: Noise::ZERO,
        magnitude: 0.0,
    })
}

fn power(
    parameters: &Parameters,
    powers: &BTreeMap<usize, Estimate>,
    family: Family,
    n: usize,
) -> Estimate {
    let mut product = member(powers, n.div_ceil(2)).multiply(member(powers, n / 2));
    if family == Family::Powers {
        return product.rescale(parameters, true);
    }
    product = product.plus(product);
    let first = member(powers, 1);
    let mut power = if n % 2 == 1 {
        let first = first.times(1.0, product.scale / first.scale);
        product.plus(first).rescale(parameters, true)
    } else {
        product.rescale(parameters, true).plus_constant(1.0)
    };
    power.magnitude = 1.0;
    power
}

fn sum(
    parameters: &Parameters,
    plan: &Sum,
    level: usize,
    scale: f64,
    powers: &BTreeMap<usize, Estimate>,
) -> Estimate {
    let q = parameters.moduli().get(level).map_or(1.0, |&q| q as f64);
    let whole = scale * q;
    let mut total = Estimate {
        level,
        scale: whole,
        noise: Noise::ZERO,
        magnitude: 0.0,
    };
    for &(n, coefficient) in &plan.direct {
        let power = member(powers, n);
        total = total.plus(power.times(coefficient, whole / power.scale));
    }
    for (factor, n) in &plan.products {
        let power = member(powers, *n);
        let factor = sum(parameters, factor, level + 1, whole / power.scale, powers);
        total = total.plus(factor.multiply(power));
    }
    let mut result = total.rescale(parameters, !plan.products.is_empty());
    result.scale = scale;
    if plan.constant == 0.0 {
        return result;
    }
    result.plus_constant(plan.constant)
}
