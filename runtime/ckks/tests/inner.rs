//! Sums over strided slots, replication, hoisted rotations, conjugation and level drop against float64.

mod common;

use common::{PRESETS, Setup, rotated, setup, zip};
use hemet_ckks::noise::{self, Noise};
use hemet_ckks::{Error, EvaluationKeys, KeyRequest, Strided};

fn keys(s: &mut Setup, steps: &[i64]) -> EvaluationKeys {
    let rotations: Vec<(i64, usize)> = steps.iter().map(|&step| (step, s.level)).collect();
    let request = KeyRequest {
        rotations: &rotations,
        conjugate: Some(s.level),
        relinearize: None,
    };
    EvaluationKeys::generate(&s.context, &s.secret, &request, &mut s.rng).unwrap()
}

/// The noise of a sum over `count` rotations: that of all terms, and that of a switch for each at most.
fn bound(s: &Setup, count: usize) -> f64 {
    let parameters = s.context.parameters();
    let one = noise::fresh_secret(parameters).key_switch(parameters, s.level);
    Noise(one.0 * count as f64).bound(s.scale)
}

#[test]
fn inner_sums_and_replication_need_exactly_the_steps_that_they_name() {
    let mut s = setup(&PRESETS[0]);
    let slots = s.slots();
    let x = s.values();
    let a = s.encrypt(&x);
    for (stride, count) in [
        (1, 1),
        (1, 2),
        (1, 8),
        (3, 16),
        (-5, 4),
        (64, 32),
        (1, slots),
        (slots as i64, 8),
        (slots as i64 / 2, 8),
    ] {
        let run = Strided::new(stride, count).unwrap();
        let sum_of = |x: &[f64], stride: i64| {
            let terms = (0..count as i64).map(|k| rotated(x, k * stride));
            terms
                .reduce(|sum, term| zip(&sum, &term, |a, b| a + b))
                .unwrap()
        };
        let only = keys(&mut s, &run.inner_sum_steps());
        let sum = s.context.inner_sum(&a, run, &only).unwrap();
        let error = s.error(&sum, &sum_of(&x, stride));
        assert!(error <= bound(&s, count), "{stride} {count}: {error:e}");
        let only = keys(&mut s, &run.replicate_steps());
        let copies = s.context.replicate(&a, run, &only).unwrap();
        let error = s.error(&copies, &sum_of(&x, -stride));
        assert!(error <= bound(&s, count), "{stride} {count}: {error:e}");
    }
}

#[test]
fn a_value_is_replicated_to_the_slots_after_it() {
    let mut s = setup(&PRESETS[0]);
    let run = Strided::new(1, 8).unwrap();
    let x: Vec<f64> = (0..s.slots())
        .map(|i| if i % 8 == 0 { i as f64 / 1e4 } else { 0.0 })
        .collect();
    let a = s.encrypt(&x);
    let only = keys(&mut s, &run.replicate_steps());
    let copies = s.context.replicate(&a, run, &only).unwrap();
    let expected: Vec<f64> = (0..s.slots()).map(|i| x[i / 8 * 8]).collect();
    assert!(s.error(&copies, &expected) <= bound(&s, 8));
}

#[test]
fn runs_that_cannot_be_summed_are_refused_with_stride_and_count() {
    for (stride, count) in [(0, 4), (1, 0), (1, 3), (1, 12)] {
        assert_eq!(
            Strided::new(stride, count),
            Err(Error::Stride { stride, count })
        );
    }
    let mut s = setup(&PRESETS[0]);
    let x = s.values();
    let a = s.encrypt(&x);
    let count = 2 * s.slots();
    let run = Strided::new(1, count).unwrap();
    let refused = s.context.inner_sum(&a, run, &s.keys).map(drop);
    assert_eq!(refused, Err(Error::Stride { stride: 1, count }));
    let run = Strided::new(i64::MAX, 1 << 9).unwrap();
    let refused = s.context.inner_sum(&a, run, &s.keys).map(drop);
    assert!(matches!(refused, Err(Error::MissingKey { .. })));
}

#[test]
fn a_batch_of_rotations_equals_each_alone_and_operations_work_after_a_level_drop() {
    let mut s = setup(&PRESETS[0]);
    let x = s.values();
    let a = s.encrypt(&x);
    let steps = [1, 0, -5, 100, 1, 2, 3, 4, 8];
    let low = s.context.level_drop(&a, s.level - 1).unwrap();
    for a in [&a, &low] {
        let all = s.context.rotate_many(a, &steps, &s.keys).unwrap();
        for (step, together) in steps.into_iter().zip(&all) {
            assert_eq!(together.level(), a.level());
            let error = s.error(together, &rotated(&x, step));
            assert!(error <= bound(&s, 1), "{step}: {error:e}");
        }
    }
    let conjugate = s.context.conjugate(&low, &s.keys).unwrap();
    assert!(s.error(&conjugate, &x) <= bound(&s, 1));
}
