//! Evaluation keys that are cut to the level of their use: the same results, fewer bytes, refused above it.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "any other error fails the test"
)]

mod common;

use common::{PRESETS, Setup, setup};
use hemet_ckks::{
    BytesError, Context, Error, EvaluationKeys, KeyRequest, LinearPlan, LinearTerm, SecretKey,
};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

/// Keys of one request, always from the same randomness.
fn keys(context: &std::sync::Arc<Context>, s: &SecretKey, r: &KeyRequest<'_>) -> EvaluationKeys {
    EvaluationKeys::generate(context, s, r, &mut ChaCha20Rng::from_seed([7; 32])).unwrap()
}

fn rotation(step: &[(i64, usize)]) -> KeyRequest<'_> {
    KeyRequest {
        rotations: step,
        ..KeyRequest::default()
    }
}

/// One key at a time, so that a cut key has the randomness of the whole one: then results agree bit for bit.
#[test]
fn a_cut_key_gives_the_same_bytes_as_a_whole_one_at_every_level_that_it_serves() {
    for preset in PRESETS {
        let mut s = setup(&preset);
        let (context, top) = (s.context.clone(), s.level);
        let x = s.values();
        let a = s.encrypt(&x);
        let relinearize = |level| KeyRequest {
            relinearize: Some(level),
            ..KeyRequest::default()
        };
        let whole = [
            keys(&context, &s.secret, &rotation(&[(3, top)])),
            keys(&context, &s.secret, &relinearize(top)),
        ];
        for serves in 0..=top {
            let cut = [
                keys(&context, &s.secret, &rotation(&[(3, serves)])),
                keys(&context, &s.secret, &relinearize(serves)),
            ];
            let back = [&cut[0], &cut[1]].map(|keys| {
                EvaluationKeys::from_bytes(&context, &keys.to_bytes(&context)).unwrap()
            });
            for level in 0..=serves {
                let b = context.level_drop(&a, level).unwrap();
                let square = context.square(&b).unwrap();
                let results = |keys: &[EvaluationKeys; 2]| {
                    let rotated = context.rotate(&b, 3, &keys[0]).unwrap();
                    let product = context.relinearize(&square, &keys[1]).unwrap();
                    [rotated.to_bytes(&context), product.to_bytes(&context)]
                };
                let expected = results(&whole);
                let at = format!("{}, key {serves}, level {level}", preset.name);
                assert_eq!(results(&cut), expected, "{at}");
                assert_eq!(results(&back), expected, "{at}, from bytes");
            }
        }
    }
}

#[test]
fn a_key_is_refused_above_its_level_with_both_levels() {
    let mut s = setup(&PRESETS[1]);
    let context = s.context.clone();
    let request = KeyRequest {
        relinearize: Some(0),
        rotations: &[(1, 1), (2, s.level)],
        conjugate: Some(2),
    };
    let keys = keys(&context, &s.secret, &request);
    let x = s.values();
    let a = s.encrypt(&x);
    let diagonal = context.encode_diagonal(&x, s.scale, s.level).unwrap();
    let linear = |baby, giant| {
        let term = LinearTerm {
            output: 0,
            giant,
            input: 0,
            baby,
            diagonal: 0,
        };
        let plan = LinearPlan::new(1, 1, &[term]).unwrap();
        context.linear(&[&a], &plan, &[&diagonal], &keys).map(drop)
    };
    let square = context.square(&a).unwrap();
    let cases = [
        (context.rotate(&a, 1, &keys).map(drop), 1),
        (context.rotate_many(&a, &[2, 1], &keys).map(drop), 1),
        (linear(1, 0), 1),
        (linear(2, 1), 1),
        (context.relinearize(&square, &keys).map(drop), 0),
        (context.relinearize_rescale(&square, &keys).map(drop), 0),
        (context.conjugate(&a, &keys).map(drop), 2),
    ];
    for (result, level) in cases {
        match result.unwrap_err() {
            Error::KeyLevel { serves, needed, .. } => assert_eq!((serves, needed), (level, 3)),
            other => panic!("{other}"),
        }
    }
    let text = context.rotate(&a, 1, &keys).map(drop).unwrap_err();
    assert!(
        text.to_string()
            .contains("rotation by 1 serves levels up to 1, the ciphertext has level 3"),
        "{text}"
    );
    assert!(linear(2, 0).is_ok());
    let low = context.level_drop(&a, 1).unwrap();
    assert!(context.rotate(&low, 1, &keys).is_ok());
}

/// What half a key takes: its digits times the packed residues of its limbs.
fn half(s: &Setup, level: usize) -> usize {
    let parameters = s.context.parameters();
    let limbs = parameters.special().iter();
    let limbs = limbs.chain(&parameters.moduli()[..=level]);
    let bits: u32 = limbs.map(|q| 64 - q.leading_zeros()).sum();
    let digits = parameters.digit_ranges().filter(|d| d.start <= level);
    digits.count() * bits as usize * parameters.degree() / 8
}

#[test]
fn bytes_are_those_of_the_limbs_and_digits_that_the_levels_need() {
    for preset in PRESETS {
        let s = setup(&preset);
        let top = s.level;
        // Of a step that occurs twice the higher level counts; step 0 needs no key.
        let slots = s.slots() as i64;
        let rotations = [(1, 0), (5, top), (-1, 1), (1, 1), (0, top), (slots + 5, 0)];
        let request = KeyRequest {
            relinearize: Some(top - 1),
            rotations: &rotations,
            conjugate: Some(0),
        };
        let keys = keys(&s.context, &s.secret, &request);
        assert_eq!(keys.rotations(), [(1, 1), (5, top), (slots - 1, 1)]);
        assert_eq!(keys.relinearization_level(), Some(top - 1));
        assert_eq!(keys.conjugation_level(), Some(0));
        let halves: usize = [1, top, 1, top - 1, 0].map(|l| half(&s, l)).iter().sum();
        let bytes = keys.to_bytes(&s.context);
        assert_eq!(bytes.len(), 116 + 4 * 8 + 4 + halves + 5 * 32);
        let stated = s.context.evaluation_key_bytes(&request).unwrap();
        assert_eq!(bytes.len(), stated);
        let padding = keys.size_bytes() - 2 * halves;
        assert!(padding < 5 * 200, "{padding}");
        let back = EvaluationKeys::from_bytes(&s.context, &bytes).unwrap();
        assert_eq!(back.rotations(), keys.rotations());
        assert_eq!(back.conjugation_level(), Some(0));
        assert_eq!(back.to_bytes(&s.context), bytes);
        for cut in [bytes.len() - 1, bytes.len() - half(&s, 0), 120] {
            let error = EvaluationKeys::from_bytes(&s.context, &bytes[..cut]);
            let error = error.map(drop).unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::Bytes(BytesError::Length { .. } | BytesError::Field { .. })
                ),
                "{error}"
            );
        }
    }
}

#[test]
fn a_key_for_a_level_outside_the_chain_is_refused_with_both_numbers() {
    let s = setup(&PRESETS[1]);
    let over = s.level + 1;
    for request in [
        rotation(&[(1, over)]),
        KeyRequest {
            relinearize: Some(over),
            ..KeyRequest::default()
        },
        KeyRequest {
            conjugate: Some(over),
            ..KeyRequest::default()
        },
    ] {
        let mut rng = ChaCha20Rng::from_seed([7; 32]);
        let refused = EvaluationKeys::generate(&s.context, &s.secret, &request, &mut rng);
        let expected = (over, s.level);
        for error in [
            refused.map(drop).unwrap_err(),
            s.context.evaluation_key_bytes(&request).unwrap_err(),
        ] {
            match error {
                Error::Level { given, max, .. } => assert_eq!((given, max), expected),
                other => panic!("{other}"),
            }
        }
    }
}
