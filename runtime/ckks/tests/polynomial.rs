//! Polynomials of encrypted vectors against float64.

mod common;

use std::sync::Arc;

use common::{Setup, setup_on};
use hemet_ckks::params::ntt_primes;
use hemet_ckks::{
    Basis, Context, Error, Estimate, EvaluationKeys, KeyRequest, Parameters, Polynomial, noise,
};
use proptest::prelude::*;

/// Seven levels; primes of several sizes, so that only exact scales give exact sums.
fn context() -> Arc<Context> {
    let sizes = [50, 40, 39, 41, 40, 38, 40, 41, 50, 50];
    let mut primes = ntt_primes(11, &sizes).unwrap();
    let special = primes.split_off(8);
    // The degree does not matter here: a small one, so that many cases are quick.
    Context::new(Parameters::new_insecure(11, primes, special).unwrap())
}

fn set() -> Setup {
    setup_on(context(), 40f64.exp2())
}

fn member(basis: Basis, n: usize, x: f64) -> f64 {
    match basis {
        Basis::Powers => x.powi(n as i32),
        Basis::Chebyshev { from, to } => {
            let t = ((2.0 * x - from - to) / (to - from)).clamp(-1.0, 1.0);
            (n as f64 * t.acos()).cos()
        }
    }
}

/// Evaluates on `x`, asks for `scale` and compares with float64 and the predicted bound.
fn check(s: &mut Setup, basis: Basis, coefficients: &[f64], x: &[f64], scale: f64) {
    let polynomial = Polynomial::new(basis, coefficients).unwrap();
    let a = s.encrypt(x);
    let parameters = s.context.parameters().clone();
    let result = s.context.evaluate(&a, &polynomial, scale, &s.keys).unwrap();
    assert_eq!(result.scale(), scale);
    assert_eq!(result.level(), s.level - polynomial.depth());
    assert_eq!(result.degree(), 1);
    let argument = Estimate {
        level: s.level,
        scale: s.scale,
        noise: noise::fresh_secret(&parameters),
        magnitude: x.iter().fold(0.0, |m, x| x.abs().max(m)),
    };
    let estimate = polynomial.estimate(&parameters, argument, scale);
    let expected: Vec<f64> = x
        .iter()
        .map(|&x| {
            let terms = coefficients.iter().enumerate();
            terms.map(|(n, c)| c * member(basis, n, x)).sum()
        })
        .collect();
    let error = s.error(&result, &expected);
    let bound = estimate.noise.bound(scale);
    assert!(
        error <= bound,
        "error {error:e}, bound {bound:e}, {basis:?} {coefficients:?}"
    );
    assert!(bound < 1e-3, "the bound {bound:e} says nothing");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn polynomials_of_degree_1_to_31_in_both_bases(
        seed in any::<u64>(),
        zeros in any::<u32>(),
        all in prop::collection::vec(-1.0..1.0f64, 32),
        scale_bits in 36.0..42.0f64,
    ) {
        let mut s = set();
        use rand::SeedableRng;
        s.rng = rand_chacha::ChaCha20Rng::seed_from_u64(seed);
        let x = s.values();
        let chebyshev = Basis::Chebyshev { from: -1.0, to: 1.0 };
        for degree in 1..=31usize {
            let mut coefficients = all[..=degree].to_vec();
            if degree % 3 == 0 {
                let places = coefficients.iter_mut().enumerate();
                places.filter(|(n, _)| zeros >> n & 1 == 1).for_each(|(_, c)| *c = 0.0);
            }
            coefficients[degree] = 0.5;
            for basis in [Basis::Powers, chebyshev] {
                check(&mut s, basis, &coefficients, &x, scale_bits.exp2());
            }
        }
    }
}

#[test]
fn an_interval_costs_a_level_where_its_half_width_is_not_1() {
    let mut s = set();
    let unit = s.values();
    for (from, to, depth) in [
        (-1.0, 1.0, 3),
        (0.5, 2.5, 3),
        (-6.0, 2.0, 4),
        (0.0, 0.25, 4),
    ] {
        let basis = Basis::Chebyshev { from, to };
        let coefficients = [0.1, -0.7, 0.3, 0.2, 0.4];
        assert_eq!(
            Polynomial::new(basis, &coefficients).unwrap().depth(),
            depth
        );
        let x: Vec<f64> = unit
            .iter()
            .map(|u| (from + to + u * (to - from)) / 2.0)
            .collect();
        check(&mut s, basis, &coefficients, &x, 40f64.exp2());
    }
}

#[test]
fn constants_lines_and_trailing_zeros_take_the_levels_of_their_degree() {
    let mut s = set();
    let x = s.values();
    for (coefficients, degree, depth) in [
        (vec![0.75], 0, 0),
        (vec![0.0, 0.0], 0, 0),
        (vec![0.25, -2.0], 1, 1),
        (vec![0.0, 1.0, 0.0, 0.0], 1, 1),
        (vec![0.0, 0.0, 1.0], 2, 2),
        (vec![0.0; 7].into_iter().chain([1.0]).collect(), 7, 3),
        (vec![0.0; 8].into_iter().chain([1.0]).collect(), 8, 4),
    ] {
        let polynomial = Polynomial::new(Basis::Powers, &coefficients).unwrap();
        assert_eq!((polynomial.degree(), polynomial.depth()), (degree, depth));
        check(&mut s, Basis::Powers, &coefficients, &x, 40f64.exp2());
    }
}

#[test]
fn what_cannot_be_evaluated_is_refused_with_both_numbers() {
    let mut s = set();
    let x = s.values();
    let a = s.encrypt(&x);
    let polynomial = Polynomial::new(Basis::Powers, &[1.0; 16]).unwrap();
    let low = s.context.level_drop(&a, 3).unwrap();
    let refused = s.context.evaluate(&low, &polynomial, s.scale, &s.keys);
    let text = refused.map(drop).unwrap_err().to_string();
    assert!(
        text.contains("evaluate needs a level from 4 to 7, it was given level 3"),
        "{text}"
    );
    let request = KeyRequest::default();
    let none = EvaluationKeys::generate(&s.context, &s.secret, &request, &mut s.rng).unwrap();
    let refused = s.context.evaluate(&a, &polynomial, s.scale, &none);
    assert!(matches!(refused.map(drop), Err(Error::MissingKey { .. })));
    let square = s.context.square(&a).unwrap();
    let refused = s.context.evaluate(&square, &polynomial, s.scale, &s.keys);
    assert!(matches!(
        refused.map(drop),
        Err(Error::Degree {
            given: 2,
            expected: 1,
            ..
        })
    ));
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let refused = s.context.evaluate(&a, &polynomial, scale, &s.keys);
        assert!(
            matches!(refused.map(drop), Err(Error::NotEncodable { .. })),
            "{scale}"
        );
    }
    let new = |basis, coefficients: &[f64]| Polynomial::new(basis, coefficients).map(drop);
    let many = Err(Error::Polynomial {
        given: 4097,
        max: 4096,
    });
    assert_eq!(new(Basis::Powers, &vec![1.0; 4097]), many);
    assert_eq!(
        new(Basis::Powers, &[]),
        Err(Error::Polynomial {
            given: 0,
            max: 4096
        })
    );
    let text = new(Basis::Powers, &[1.0, f64::NAN])
        .unwrap_err()
        .to_string();
    assert!(text.contains("coefficient 1 is NaN"), "{text}");
    for (from, to) in [
        (1.0, 1.0),
        (2.0, 1.0),
        (f64::NEG_INFINITY, 0.0),
        (f64::NAN, 1.0),
    ] {
        assert!(new(Basis::Chebyshev { from, to }, &[1.0]).is_err());
    }
}
