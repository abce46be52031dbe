//! Vectors that repeat themselves are encoded as if they were written out.

mod common;

use common::{PRESETS, setup, zip};
use hemet_ckks::noise::{self, Noise};
use hemet_ckks::{Error, LinearPlan, LinearTerm};

/// Bytes after the residues of a diagonal.
const PADDING: usize = 64;

fn written_out(values: &[f64], slots: usize) -> Vec<f64> {
    values.iter().copied().cycle().take(slots).collect()
}

#[test]
fn every_period_decodes_and_multiplies_as_the_vector_that_is_written_out() {
    for preset in PRESETS {
        let mut s = setup(&preset);
        let (slots, top) = (s.slots(), s.level);
        let x = s.values();
        let a = s.encrypt(&x);
        let parameters = s.context.parameters().clone();
        let term = LinearTerm {
            output: 0,
            giant: 0,
            input: 0,
            baby: 0,
            diagonal: 0,
        };
        let plan = LinearPlan::new(1, 1, &[term]).unwrap();
        let powers = (0..)
            .map(|k| 1usize << k)
            .take_while(|period| *period <= slots);
        for period in powers.chain([3, 100, slots - 1]) {
            let at = format!("{}, period {period}", preset.name);
            let values = &x[..period];
            let whole = written_out(values, slots);
            let plain = s.context.encode_repeated(values, s.scale, top).unwrap();
            assert_eq!((plain.level(), plain.scale()), (top, s.scale));
            let decoded = s.context.decode(&plain).unwrap();
            let error = zip(&decoded, &whole, |a, b| (a - b).abs());
            let error = error.into_iter().fold(0.0, f64::max);
            assert!(
                error <= noise::encode(&parameters).bound(s.scale),
                "{at}: {error:e}"
            );
            let diagonal = s
                .context
                .encode_repeated_diagonal(values, s.scale, top)
                .unwrap();
            let one = s.context.encode_diagonal(&whole, s.scale, top).unwrap();
            let bytes = s.context.repeated_diagonal_bytes(period, top).unwrap();
            assert_eq!(diagonal.size_bytes(), bytes);
            let part = match period.is_power_of_two() {
                true => slots / period.max(64),
                false => 1,
            };
            let residues = (one.size_bytes() - PADDING) / part;
            assert!(bytes <= residues + PADDING, "{at}");
            let product = s
                .context
                .linear(&[&a], &plan, &[&diagonal], &s.keys)
                .unwrap();
            let same = s.context.mul_plain(&a, &plain).unwrap();
            assert!(
                product[0].to_bytes(&s.context) == same.to_bytes(&s.context),
                "{at}"
            );
            let one = noise::fresh_secret(&parameters).mul_plain(&parameters, s.scale, s.scale);
            let error = s.error(&product[0], &zip(&x, &whole, |a, b| a * b));
            assert!(
                error <= Noise(one.0).bound(s.scale * s.scale),
                "{at}: {error:e}"
            );
        }
    }
}

/// Constants and vectors in one sum, more of both than are summed at a time.
#[test]
fn a_map_may_mix_constants_with_vectors() {
    let mut s = setup(&PRESETS[0]);
    let (slots, top) = (s.slots(), s.level);
    let x = s.values();
    let inputs = [s.encrypt(&x)];
    let value = |t: usize| ((t * 37 + 11) % 64) as f64 / 640.0;
    let values: Vec<Vec<f64>> = (0..60)
        .map(|t| match t % 3 {
            0 => vec![value(t), -value(t)],
            _ => vec![value(t) - 0.05],
        })
        .collect();
    let encode = |v: &Vec<f64>| s.context.encode_repeated_diagonal(v, s.scale, top);
    let diagonals: Vec<_> = values.iter().map(|v| encode(v).unwrap()).collect();
    let term = |diagonal| LinearTerm {
        output: diagonal / 50,
        giant: 0,
        input: 0,
        baby: 0,
        diagonal,
    };
    let terms: Vec<LinearTerm> = (0..60).map(term).collect();
    let plan = LinearPlan::new(1, 2, &terms).unwrap();
    let found = s.context.linear(&inputs, &plan, &diagonals, &s.keys);
    let parameters = s.context.parameters().clone();
    for (output, found) in found.unwrap().iter().enumerate() {
        let own = values.iter().enumerate().filter(|(t, _)| t / 50 == output);
        let factors = own.fold(vec![0.0; slots], |sum, (_, v)| {
            zip(&sum, &written_out(v, slots), |a, b| a + b)
        });
        let one = noise::fresh_secret(&parameters).mul_plain(&parameters, s.scale, s.scale);
        let error = s.error(found, &zip(&x, &factors, |a, b| a * b));
        assert!(
            error <= 50.0 * Noise(one.0).bound(s.scale * s.scale),
            "{error:e}"
        );
    }
}

#[test]
fn no_values_and_too_many_are_refused() {
    let s = setup(&PRESETS[0]);
    let none = s.context.encode_repeated(&[], s.scale, 0).map(drop);
    assert!(matches!(none, Err(Error::NotEncodable { .. })));
    let given = s.slots() + 1;
    let many = s
        .context
        .encode_repeated_diagonal(&vec![0.0; given], s.scale, 0)
        .map(drop);
    let slots = s.slots();
    assert_eq!(many, Err(Error::TooManyValues { given, slots }));
    for level in [s.level + 1, usize::MAX] {
        let refused = s
            .context
            .encode_repeated_diagonal(&[1.0, 2.0], s.scale, level)
            .map(drop);
        assert!(matches!(refused, Err(Error::Level { .. })));
    }
    let refused = s
        .context
        .encode_repeated(&[1.0, f64::NAN], s.scale, 0)
        .map(drop);
    assert!(matches!(refused, Err(Error::NotEncodable { .. })));
}
