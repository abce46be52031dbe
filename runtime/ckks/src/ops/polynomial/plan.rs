//! How a polynomial is cut into products: which powers are computed and which sums are made of them.
//!
//! Paterson and Stockmeyer, "On the Number of Nonscalar Multiplications Necessary to Evaluate Polynomials", SIAM J.
//! Comput. 2 (1973), with giant steps that are powers of two, so that the depth is that of a binary tree. A sum on the
//! deepest path is cut further than the others: what is multiplied with a coefficient must leave a level for that.

use std::collections::BTreeSet;

/// What a sum of the plan is: `constant + Σ coefficient·power + Σ sum·power`, with one division by a prime at its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum {
    pub(super) constant: f64,
    /// (power, coefficient), neither 0.
    pub(super) direct: Vec<(usize, f64)>,
    /// (sum, power).
    pub(super) products: Vec<(Sum, usize)>,
}

/// The powers to compute and the sum that is the polynomial.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// From 2 up; `p` is computed from its halves, rounded up and down.
    pub(super) powers: Vec<usize>,
    pub(super) root: Sum,
    /// Levels from the argument to the result.
    pub(super) depth: usize,
}

/// What an evaluation does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolynomialCost {
    /// Products of two ciphertexts.
    pub products: usize,
    /// Relinearizations: products that are added up share one.
    pub relinearizations: usize,
    /// Products of a ciphertext and a constant.
    pub constant_products: usize,
    /// Rescales, those inside relinearizations included.
    pub rescales: usize,
}

impl PolynomialCost {
    /// In units of a product, roughly: only the ratios matter, to choose among plans.
    fn weight(&self) -> usize {
        8 * self.relinearizations + self.products + self.constant_products + 2 * self.rescales
    }
}

/// What the coefficients belong to: `x^n` or `T_n(x)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Powers,
    Chebyshev,
}

impl Family {
    /// `p = q·B_giant + r` for the giant's member of the family, where deg p < 2·giant: (q, r).
    fn split(self, p: &[f64], giant: usize) -> (Vec<f64>, Vec<f64>) {
        let (mut q, mut r) = (p[giant..].to_vec(), p[..giant].to_vec());
        match self {
            Self::Powers => {}
            // T_n = 2·T_(n-g)·T_g - T_(2g-n) for g < n < 2g.
            Self::Chebyshev => {
                for (k, coefficient) in q.iter_mut().enumerate().skip(1) {
                    r[giant - k] -= *coefficient;
                    *coefficient *= 2.0;
                }
            }
        }
        (q, r)
    }
}

impl Plan {
    /// The cheapest plan of least depth; the last coefficient is not 0 unless it is the only one.
    pub(super) fn new(coefficients: &[f64], family: Family) -> Self {
        let depth = coefficients.len().next_power_of_two().ilog2() as usize;
        let mut best = Self::with_babies(coefficients, family, depth, 1);
        for baby in 2..=depth {
            let plan = Self::with_babies(coefficients, family, depth, baby);
            if plan.cost(family).weight() < best.cost(family).weight() {
                best = plan;
            }
        }
        best
    }

    /// The plan in which sums of degree below 2^`baby` are made of powers, where the depth allows it.
    fn with_babies(coefficients: &[f64], family: Family, depth: usize, baby: usize) -> Self {
        let root = Sum::new(coefficients.to_vec(), family, depth, baby);
        let mut powers = BTreeSet::new();
        root.collect(&mut powers);
        let mut open: Vec<usize> = powers.iter().copied().collect();
        while let Some(power) = open.pop() {
            for half in [power / 2, power.div_ceil(2)] {
                if half > 0 && powers.insert(half) {
                    open.push(half);
                }
            }
        }
        powers.remove(&1);
        Self {
            powers: powers.into_iter().collect(),
            root,
            depth,
        }
    }

    pub(super) fn cost(&self, family: Family) -> PolynomialCost {
        let mut cost = PolynomialCost {
            products: self.powers.len(),
            relinearizations: self.powers.len(),
            rescales: self.powers.len(),
            constant_products: 0,
        };
        if family == Family::Chebyshev {
            // T_1 is brought to the scale of the product that it is subtracted from.
            cost.constant_products = self.powers.iter().filter(|power| *power % 2 == 1).count();
        }
        self.root.count(&mut cost);
        cost
    }
}

impl Sum {
    /// The plan of `p`, of degree below 2^`depth`, which may take `depth` levels.
    fn new(mut p: Vec<f64>, family: Family, depth: usize, baby: usize) -> Self {
        // Members up to 2^(depth - 1) are there one level before the last.
        let made_of_powers = match depth {
            0 => 1,
            depth if depth > baby => 1 << baby,
            depth => (1 << (depth - 1)) + 1,
        };
        let mut sum = Self::default();
        trim(&mut p);
        while p.len() > made_of_powers {
            let giant = 1 << (p.len() - 1).ilog2();
            let (q, r) = family.split(&p, giant);
            match q.as_slice() {
                [coefficient] => sum.direct.push((giant, *coefficient)),
                _ => {
                    let q = Self::new(q, family, depth - 1, baby);
                    sum.products.push((q, giant));
                }
            }
            p = r;
            trim(&mut p);
        }
        let direct = p.iter().copied().enumerate().skip(1);
        sum.direct.extend(direct.filter(|(_, c)| *c != 0.0));
        sum.constant = p.first().copied().unwrap_or(0.0);
        sum
    }

    fn collect(&self, powers: &mut BTreeSet<usize>) {
        powers.extend(self.direct.iter().map(|(power, _)| *power));
        for (sum, power) in &self.products {
            powers.insert(*power);
            sum.collect(powers);
        }
    }

    fn count(&self, cost: &mut PolynomialCost) {
        cost.products += self.products.len();
        cost.constant_products += self.direct.len();
        cost.relinearizations += usize::from(!self.products.is_empty());
        cost.rescales += usize::from(!self.products.is_empty() || !self.direct.is_empty());
        self.products.iter().for_each(|(sum, _)| sum.count(cost));
    }
}

/// Drops zeros of highest degree, not the last coefficient.
fn trim(p: &mut Vec<f64>) {
    while p.len() > 1 && p.last() == Some(&0.0) {
        p.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of a plan at `x`, from the definition of its parts, and the levels that it takes.
    fn value(sum: &Sum, family: Family, x: f64) -> (f64, usize) {
        let member = |n: usize| match family {
            Family::Powers => x.powi(n as i32),
            Family::Chebyshev => (n as f64 * x.acos()).cos(),
        };
        let depth = |n: usize| n.next_power_of_two().ilog2() as usize;
        let (mut total, mut levels) = (sum.constant, 0);
        for &(power, coefficient) in &sum.direct {
            total += coefficient * member(power);
            levels = levels.max(depth(power) + 1);
        }
        for (factor, power) in &sum.products {
            let (factor, below) = value(factor, family, x);
            total += factor * member(*power);
            levels = levels.max(below.max(depth(*power)) + 1);
        }
        (total, levels)
    }

    #[test]
    fn every_plan_has_the_value_of_its_polynomial_and_the_least_depth() {
        for family in [Family::Powers, Family::Chebyshev] {
            for degree in 0..=70usize {
                let coefficients: Vec<f64> = (0..=degree)
                    .map(|i| ((i * 37 + 11) % 19) as f64 / 9.5 - 0.97)
                    .collect();
                let depth = (degree + 1).next_power_of_two().ilog2() as usize;
                for baby in 1..=depth.max(1) {
                    let plan = Plan::with_babies(&coefficients, family, depth, baby);
                    for x in [-0.9, -0.3, 0.5, 0.99f64] {
                        let member = |n: usize| match family {
                            Family::Powers => x.powi(n as i32),
                            Family::Chebyshev => (n as f64 * x.acos()).cos(),
                        };
                        let terms = coefficients.iter().enumerate();
                        let expected: f64 = terms.map(|(n, c)| c * member(n)).sum();
                        let (found, levels) = value(&plan.root, family, x);
                        assert!(
                            (found - expected).abs() < 1e-10,
                            "{family:?} {degree} {baby}"
                        );
                        assert!(levels <= depth, "{family:?} {degree} {baby}: {levels}");
                    }
                }
            }
        }
    }

    /// (degree, products, relinearizations, products with constants) of polynomials without zero coefficients.
    const COSTS: [(usize, [usize; 3]); 16] = [
        (1, [0, 0, 1]),
        (2, [1, 1, 2]),
        (3, [2, 2, 2]),
        (4, [3, 3, 3]),
        (5, [4, 3, 3]),
        (6, [4, 3, 4]),
        (7, [5, 4, 4]),
        (8, [5, 5, 7]),
        (11, [6, 5, 9]),
        (15, [8, 7, 11]),
        (16, [8, 7, 13]),
        (20, [9, 7, 16]),
        (24, [10, 8, 19]),
        (31, [13, 10, 23]),
        (63, [18, 15, 54]),
        (127, [27, 20, 110]),
    ];

    #[test]
    fn costs_are_as_stated() {
        for (degree, stated) in COSTS {
            let coefficients = vec![1.0; degree + 1];
            let cost = Plan::new(&coefficients, Family::Powers).cost(Family::Powers);
            let found = [cost.products, cost.relinearizations, cost.constant_products];
            assert_eq!(found, stated, "degree {degree}");
        }
    }
}
