//! Polynomials of an encrypted vector, slot by slot, in one call and with exact scales.
//!
//! Every constant is encoded at the scale that makes the sum that it goes into exact, and every factor is computed
//! at the scale that its product needs (as in Bossuat et al., "Efficient Bootstrapping for Approximate Homomorphic
//! Encryption with Non-Sparse Keys", EUROCRYPT 2021, section 4): scales follow the primes downwards from the one that
//! is asked for, so no sum needs approximately equal scales. Products that are added up are relinearized together.
//!
//! Levels: ⌈log2(degree + 1)⌉, and one more for an interval whose half width is not 1. Products: see
//! [`Polynomial::cost`], 5 for degree 7, 13 for degree 31, 27 for degree 127.

mod estimate;
mod plan;

use std::collections::BTreeMap;

use crate::context::Context;
use crate::context::check_degree;
use crate::error::Error;
use crate::keys::EvaluationKeys;
use crate::message::Ciphertext;

pub use estimate::Estimate;
pub use plan::PolynomialCost;
use plan::{Family, Plan, Sum};

/// Most coefficients of a polynomial: twelve levels.
const MAX_COEFFICIENTS: usize = 1 << 12;

/// What the coefficients of a polynomial belong to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Basis {
    /// Coefficient `n` belongs to `x^n`. Precise for arguments in [-1, 1] or low degrees.
    Powers,
    /// Coefficient `n` belongs to `T_n((2x - a - b)/(b - a))`, the Chebyshev polynomial of the first kind on [a, b].
    Chebyshev {
        /// a, the smallest argument.
        from: f64,
        /// b, the largest argument.
        to: f64,
    },
}

/// A polynomial with real coefficients, planned for evaluation.
#[derive(Clone, Debug)]
pub struct Polynomial {
    basis: Basis,
    plan: Plan,
    degree: usize,
}

impl Polynomial {
    /// Plans the polynomial with these coefficients, that of the constant first.
    ///
    /// The plan depends on the number of coefficients and on which of them are 0, not on their other values.
    ///
    /// # Errors
    /// `Polynomial` for no coefficient or more than 4096, `NotEncodable` for one that is not finite and for an interval
    /// without width.
    pub fn new(basis: Basis, coefficients: &[f64]) -> Result<Self, Error> {
        let given = coefficients.len();
        if given == 0 || given > MAX_COEFFICIENTS {
            let max = MAX_COEFFICIENTS;
            return Err(Error::Polynomial { given, max });
        }
        if let Some(n) = coefficients.iter().position(|c| !c.is_finite()) {
            return Err(Error::NotEncodable {
                what: format!("coefficient {n}"),
                value: coefficients[n],
            });
        }
        if let Basis::Chebyshev { from, to } = basis {
            let width = to - from;
            if !(width.is_finite() && width > 0.0) {
                return Err(Error::NotEncodable {
                    what: format!("the width of the interval from {from} to {to}"),
                    value: width,
                });
            }
        }
        let last = coefficients.iter().rposition(|c| *c != 0.0).unwrap_or(0);
        Ok(Self {
            basis,
            plan: Plan::new(&coefficients[..=last], basis.family()),
            degree: last,
        })
    }

    /// Its degree.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// Levels from the argument to the result.
    pub fn depth(&self) -> usize {
        self.plan.depth + usize::from(self.basis.to_unit().1 != 1.0)
    }

    /// What an evaluation does.
    ///
    /// ```
    /// use hemet_ckks::{Basis, Polynomial};
    /// let polynomial = Polynomial::new(Basis::Powers, &[0.5; 16])?;
    /// let cost = polynomial.cost();
    /// assert_eq!((polynomial.depth(), cost.products, cost.relinearizations), (4, 8, 7));
    /// # Ok::<(), hemet_ckks::Error>(())
    /// ```
    pub fn cost(&self) -> PolynomialCost {
        let mut cost = self.plan.cost(self.basis.family());
        let scaled = usize::from(self.basis.to_unit().1 != 1.0);
        cost.constant_products += scaled;
        cost.rescales += scaled;
        cost
    }
}

impl Basis {
    fn family(self) -> Family {
        match self {
            Self::Powers => Family::Powers,
            Self::Chebyshev { .. } => Family::Chebyshev,
        }
    }

    /// The argument of the family is `(x - first)·second`.
    fn to_unit(self) -> (f64, f64) {
        match self {
            Self::Powers => (0.0, 1.0),
            Self::Chebyshev { from, to } => (from / 2.0 + to / 2.0, 2.0 / (to - from)),
        }
    }
}

impl Context {
    /// The polynomial of every slot of `x`; the result is [`Polynomial::depth`] levels below `x` and at `scale`.
    ///
    /// Noise: [`Polynomial::estimate`].
    ///
    /// # Errors
    /// `Level` when the levels do not suffice, `MissingKey` and `KeyLevel` for the relinearization key (which must
    /// serve the level of `x`), `EncodingOverflow` for coefficients too large for the scale, `Degree`, `NotEncodable`,
    /// `Foreign`.
    pub fn evaluate(
        &self,
        x: &Ciphertext,
        polynomial: &Polynomial,
        scale: f64,
        keys: &EvaluationKeys,
    ) -> Result<Ciphertext, Error> {
        self.check_own("ciphertext", x.tag)?;
        self.check_own("evaluation keys", keys.tag)?;
        check_degree("evaluate", x)?;
        if x.level < polynomial.depth() {
            return Err(Error::Level {
                operation: "evaluate",
                given: x.level,
                min: polynomial.depth(),
                max: self.parameters.max_level(),
                advice: "evaluate at a higher level, or take a polynomial of lower degree",
            });
        }
        let plan = &polynomial.plan;
        let argument = self.to_unit(x, polynomial.basis)?;
        if plan.depth == 0 {
            let mut zero = self.sub(&argument, &argument)?;
            zero.set_scale(scale);
            let constant = self.encode_constant(plan.root.constant, scale, zero.level)?;
            return self.add_plain(&zero, &constant);
        }
        let level = argument.level + 1 - plan.depth;
        let family = polynomial.basis.family();
        let powers = self.powers(argument, family, &plan.powers, keys)?;
        let work = Work { powers, keys };
        self.sum(&plan.root, level, scale, &work)
    }

    /// The argument in [-1, 1] of the family.
    fn to_unit(&self, x: &Ciphertext, basis: Basis) -> Result<Ciphertext, Error> {
        let (middle, factor) = basis.to_unit();
        let mut argument = x.clone();
        if middle != 0.0 {
            let shift = self.encode_constant(-middle, x.scale, x.level)?;
            argument = self.add_plain(&argument, &shift)?;
        }
        if factor != 1.0 {
            let q = self.moduli[x.level].q as f64;
            let factor = self.encode_constant(factor, q, x.level)?;
            argument = self.rescale(&self.mul_plain(&argument, &factor)?)?;
            argument.set_scale(x.scale);
        }
        Ok(argument)
    }

    /// The members of the family, each ⌈log2 n⌉ levels below the argument.
    fn powers(
        &self,
        argument: Ciphertext,
        family: Family,
        wanted: &[usize],
        keys: &EvaluationKeys,
    ) -> Result<BTreeMap<usize, Ciphertext>, Error> {
        let mut powers = BTreeMap::from([(1, argument)]);
        for &n in wanted {
            let power = self.power(&powers, family, n, keys)?;
            powers.insert(n, power);
        }
        Ok(powers)
    }

    /// Member `n` from its halves: T_(a+b) = 2·T_a·T_b - T_(a-b).
    fn power(
        &self,
        powers: &BTreeMap<usize, Ciphertext>,
        family: Family,
        n: usize,
        keys: &EvaluationKeys,
    ) -> Result<Ciphertext, Error> {
        let upper = member(powers, n.div_ceil(2))?;
        let lower = self.level_drop(member(powers, n / 2)?, upper.level)?;
        let mut product = self.multiply(upper, &lower)?;
        if family == Family::Powers {
            return self.relinearize_rescale(&product, keys);
        }
        let half = product.clone();
        self.add_assign(&mut product, &half)?;
        if n % 2 == 1 {
            let first = self.level_drop(member(powers, 1)?, product.level)?;
            let one = self.encode_constant(1.0, product.scale / first.scale, product.level)?;
            product = self.sub(&product, &self.mul_plain(&first, &one)?)?;
            return self.relinearize_rescale(&product, keys);
        }
        let power = self.relinearize_rescale(&product, keys)?;
        let minus_one = self.encode_constant(-1.0, power.scale, power.level)?;
        self.add_plain(&power, &minus_one)
    }

    /// A sum of the plan: its products are at `level`, its result is one level below and at `scale`.
    fn sum(
        &self,
        sum: &Sum,
        level: usize,
        scale: f64,
        work: &Work<'_>,
    ) -> Result<Ciphertext, Error> {
        let whole = scale * self.moduli[level].q as f64;
        let mut total: Option<Ciphertext> = None;
        let mut add = |mut term: Ciphertext| {
            term.set_scale(whole);
            match &mut total {
                Some(total) => self.add_assign(total, &term),
                None => {
                    total = Some(term);
                    Ok(())
                }
            }
        };
        for &(n, coefficient) in &sum.direct {
            let power = self.level_drop(member(&work.powers, n)?, level)?;
            let factor = self.encode_constant(coefficient, whole / power.scale, level)?;
            add(self.mul_plain(&power, &factor)?)?;
        }
        for (factor, n) in &sum.products {
            let power = self.level_drop(member(&work.powers, *n)?, level)?;
            let factor = self.sum(factor, level + 1, whole / power.scale, work)?;
            add(self.multiply(&factor, &power)?)?;
        }
        let total = total.ok_or(MISSING)?;
        let mut result = match total.degree() {
            1 => self.rescale(&total)?,
            _ => self.relinearize_rescale(&total, work.keys)?,
        };
        result.set_scale(scale);
        if sum.constant == 0.0 {
            return Ok(result);
        }
        let constant = self.encode_constant(sum.constant, scale, result.level)?;
        self.add_plain(&result, &constant)
    }
}

/// What all sums of an evaluation use.
struct Work<'a> {
    powers: BTreeMap<usize, Ciphertext>,
    keys: &'a EvaluationKeys,
}

/// A plan lists every power that it uses, and a sum other than a constant has a term.
const MISSING: Error = Error::Plan {
    what: "a power of a polynomial",
    given: 0,
    count: 0,
};

fn member(powers: &BTreeMap<usize, Ciphertext>, n: usize) -> Result<&Ciphertext, Error> {
    powers.get(&n).ok_or(MISSING)
}
